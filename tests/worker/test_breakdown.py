"""Taking a latency apart; stages that spin for a known time."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.jobs.measuring.session import benchmark
from lpbench.plugin.engine import Session
from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample
from lpbench.results import stages
from lpbench.worker import breakdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs


def _spin(us: int) -> None:
    end = time.perf_counter_ns() + 1000 * us
    while time.perf_counter_ns() < end:
        pass


class SpinningSession(Session):
    """Takes 300 µs, and 200 more for an input that is not the one of the run before."""

    inputs = outputs = ()
    last: object = None

    def run(self, feeds: Feeds, /) -> Outputs:
        _spin(300 if feeds["x"] is self.last else 500)
        self.last = feeds["x"]
        return feeds

    def close(self) -> None:
        return


class SpinningPre(Preprocessor[None]):
    """Takes 200 µs, three quarters of it for the first of two steps."""

    def load(self, path: Path) -> Sample:
        raise NotImplementedError

    def __call__(self, sample: Sample, /) -> Feeds:
        _spin(200)
        return {"x": [sample.data]}

    def steps(self, sample: Sample) -> Mapping[str, int]:
        return {"resize": 300, "layout": 100}


class SpinningPost(Postprocessor[None]):
    """Takes 100 µs."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Any:
        _spin(100)

    def describe(self, prediction: Any, /) -> Mapping[str, Any]:
        return {}


@pytest.fixture(scope="module")
def parts() -> dict[str, float]:
    """Take the latency apart three times; the median of each part is what a disturbed machine still gives."""
    samples = [Sample(str(index), index) for index in range(3)]
    stages = SpinningPre(None, ()), SpinningPost(None, (), ())
    found = [breakdown.explain(SpinningSession(), *stages, samples, 0.5) for _ in range(3)]
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def test_each_part_is_what_one_thing_more_costs(parts: dict[str, float]) -> None:
    """In microseconds, with room for a machine that others use too; each is a median over rounds."""
    assert parts[stages.ALONE] == pytest.approx(300e3, abs=60e3)
    assert parts[stages.FRESH] == pytest.approx(200e3, abs=60e3)
    assert abs(parts[stages.AFTER_PRE]) < 60e3
    assert abs(parts[stages.AFTER_POST]) < 60e3
    assert parts["postprocessing"] == pytest.approx(100e3, abs=40e3)
    assert parts[stages.PYTHON] >= 0


def test_preprocessing_is_split_as_its_own_steps_are(parts: dict[str, float]) -> None:
    resize, layout = parts["preprocessing: resize"], parts["preprocessing: layout"]
    assert resize == pytest.approx(3 * layout)
    assert resize + layout == pytest.approx(200e3, abs=60e3)


def test_the_parts_add_up_to_the_app(parts: dict[str, float]) -> None:
    assert sum(parts.values()) == pytest.approx(800e3, abs=100e3)


def test_an_app_is_explained_when_asked(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(work_us=500), number=12, explain=True, yardstick=False).configurations[0]
    for run in found.runs:
        assert run.breakdown[stages.ALONE] >= 500e3
        assert sum(run.breakdown.values()) >= 500e3
    to_jsonable = benchmark(fake_app("plain"), number=6, yardstick=False).configurations[0]
    assert to_jsonable.runs[0].breakdown == {}
