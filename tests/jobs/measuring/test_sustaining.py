"""Heating curves over a fake engine that becomes slower, beside a monitor that tells what a file says."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError
from lpbench.jobs.measuring import sustaining
from lpbench.jobs.measuring.session import benchmark, measure
from lpbench.render import text as text_of
from lpbench.results import json_document, store
from lpbench.results.settings import RunSettings
from lpbench.results.sustained import BEGAN, NONE, NOT_KNOWN, SLOWER, Sustained
from lpbench.testing.setups import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result

    Make = Callable[..., Path]

FAKES = Path(__file__).parents[2] / "fakes"
COOL = {"CPU_FREQ": 2000.0, "CPU_TEMP": 50.0}
HOT = {"CPU_FREQ": 1200.0, "CPU_TEMP": 85.0}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take ten times as many slices and readings, so that two seconds are enough to tell a rise."""
    monkeypatch.setattr(sustaining, "SLICE_S", 0.02)
    monkeypatch.setattr(sustaining, "INTERVAL_S", 0.05)
    for place in ("stats.changes", "heat"):  # a busy machine takes long between slices that are so short
        monkeypatch.setattr(f"lpbench.results.{place}.FEWEST", 40)
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "monitors")


@pytest.fixture
def heat(fakes: object, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the monitor and return the file whose readings it tells."""
    assert fakes
    folder = tmp_path_factory.mktemp("heat")
    file = folder / "readings.json"
    tell(file, COOL)
    monkeypatch.setenv("FAKE_HEAT", str(file))
    with installed("heating", FAKES, folder, monkeypatch):
        yield file


def tell(file: Path, readings: dict[str, float]) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(readings), encoding="ascii")
    os.replace(new, file)  # noqa: PTH105 - whole or not at all


def measured(app: Path, **asked: Any) -> Result:
    return benchmark(app, **{"yardstick": False, "number": 12, "runs": 2, "sustain": 4.0, **asked})


def only(result: Result) -> Sustained:
    found = result.configurations[0].sustained
    assert found is not None
    return found


LONG_S = 10.0
"""Time enough for a busy machine to run many samples before and after the change."""


class Slowing:
    """An engine that takes four times as long from some time of the curve on, when the machine tells ``readings``.

    The time is the clock's: how many samples fit into it depends on the machine.

    :param seconds: Of the curve, until the change.
    """

    def __init__(self, file: Path, readings: dict[str, float], seconds: float) -> None:
        self._file, self._readings, self._seconds = file, readings, seconds
        self._slow = file.with_suffix(".slow")
        self._begun: float | None = None
        self.orders = {"work_us": 1000, "slow": {"when": str(self._slow), "us": 3000}}

    def __call__(self, progress: Progress) -> None:
        """Change what the engine and the machine do when it is time."""
        if progress.phase == "sustained" and not self._slow.exists():
            self._begun = self._begun or time.monotonic()
            if time.monotonic() - self._begun >= self._seconds:
                tell(self._file, self._readings)
                self._slow.touch()


@pytest.mark.long
def test_an_engine_that_slows_down_as_the_frequency_falls_is_throttled(fake_app: Make, heat: Path) -> None:
    slowing = Slowing(heat, HOT, 0.3 * LONG_S)
    result = measured(fake_app(**slowing.orders), sustain=LONG_S, progress=slowing)
    found = only(result)
    assert found.heat.throttling == BEGAN
    assert any("CPU_FREQ fell from 2000 to 1200 MHz" in each for each in found.heat.reasons)
    assert found.heat.began_s is not None
    assert 0.5 < found.heat.began_s < 0.9 * LONG_S
    assert found.heat.before_ms is not None
    assert found.heat.steady_ms is not None
    assert found.heat.steady_ms > 2 * found.heat.before_ms
    assert (found.start_temperature, found.first_temperature, found.rest_ended) == (50.0, 50.0, "cooled")
    assert found.ended == "time"
    assert found.lasted_s == pytest.approx(LONG_S, abs=0.5)
    assert found.by_name()["CPU_TEMP"].series.values[-1] == 85.0
    assert len(result.configurations[0].counted) == 2, "the runs follow"
    again = json_document.parse(json.dumps(result.to_dict(), allow_nan=False).encode())
    assert again.configurations[0].sustained == found
    assert again.to_dict() == result.to_dict()


@pytest.mark.long
def test_an_engine_that_slows_down_for_no_known_cause(fake_app: Make, heat: Path) -> None:
    slowing = Slowing(heat, COOL, 0.3 * LONG_S)
    result = measured(fake_app(**slowing.orders), sustain=LONG_S, progress=slowing)
    assert only(result).heat.throttling == SLOWER


@pytest.mark.long
def test_an_even_engine_does_not_throttle(fake_app: Make, heat: Path) -> None:
    assert heat.exists()
    found = only(measured(fake_app(work_us=1000))).heat
    assert found.throttling == (NONE if found.began_s is None else SLOWER), found.reasons


@pytest.mark.long
def test_without_a_monitor_nothing_is_known_and_the_rest_is_fixed(fake_app: Make) -> None:
    found = only(measured(fake_app(work_us=1000)))
    assert found.heat.throttling == NOT_KNOWN
    assert (found.start_temperature, found.rest_ended) == (None, "fixed")
    assert found.temperature_reason
    assert found.rest_s == pytest.approx(0.4, abs=0.3)
    assert found.heat.steady_ms == pytest.approx(1.0, rel=0.5)


def test_nothing_is_sustained_unless_it_is_asked_for(fake_app: Make) -> None:
    assert measured(fake_app(), sustain=None).configurations[0].sustained is None


@pytest.mark.long
def test_each_of_two_has_a_curve_alone_and_waits_until_it_is_as_cool_as_the_first(fake_app: Make, heat: Path) -> None:
    """The monitor tells that it is hot from the first curve on, until somebody cools it during the second rest."""
    rests: list[str] = []

    def change(progress: Progress) -> None:
        slowing(progress)
        if progress.phase == "resting" and progress.configuration.endswith("2"):
            rests.append(progress.configuration)
            if len(rests) == 4:
                tell(heat, COOL)

    slowing = Slowing(heat, HOT, 1.0)
    asked = {"engine": ["fake:threads=1", "fake:threads=2"], "number": None, "runs": 2, "progress": change}
    result = measured(fake_app(**slowing.orders), sustain=2.0, **asked)
    first, second = (each.sustained for each in result.configurations)
    assert first is not None
    assert second is not None
    assert (second.rest_ended, second.first_temperature, second.start_temperature) == ("cooled", 50.0, 50.0)
    assert second.rest_s > 0.3
    assert result.lockstep
    text = text_of(result, width=200)
    assert "in the first 0.200 s: fake" in text
    assert "in the steady state: fake" in text
    assert "those of the hot machine" in text


@pytest.mark.long
def test_a_machine_that_stays_hot_is_not_waited_for_for_ever(fake_app: Make, heat: Path) -> None:
    slowing, engines = Slowing(heat, HOT, 0.0), ["fake:threads=1", "fake:threads=2"]
    app = fake_app(**slowing.orders)
    result = measured(app, sustain=1.0, engine=engines, number=None, runs=2, progress=slowing)
    second = result.configurations[1].sustained
    assert second is not None
    assert (second.rest_ended, second.start_temperature) == ("limit", 85.0)
    assert second.rest_s == pytest.approx(1.0, abs=0.5)


def test_ctrl_c_in_a_curve_keeps_it_so_far(fake_app: Make, heat: Path) -> None:
    assert heat.exists()

    def interrupt(progress: Progress) -> None:
        if progress.phase == "sustained" and progress.done > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(lpbench.Interrupted) as stopped:
        measured(fake_app(work_us=500), progress=interrupt, save=True)
    result = stopped.value.result
    found = only(result)
    assert result.state == "interrupted"
    assert found.ended == "interrupted"
    assert 0.5 < found.lasted_s < 3.5
    assert found.slices
    assert found.by_name()["CPU_FREQ"].mean == 2000.0
    assert lpbench.last() == result, "it is saved though no run was measured"
    assert "the curve ended early: interrupted" in text_of(result)


def test_a_benchmark_that_was_killed_keeps_its_curves(fake_app: Make) -> None:
    def killed(progress: Progress) -> None:
        if progress.phase == "measuring":
            raise RuntimeError("killed")

    app, asked = fake_app(work_us=500), RunSettings.of({"number": 12, "runs": 2, "sustain": 1.0})
    with store.begin() as journal, pytest.raises(RuntimeError, match="killed"):
        measure(app, asked, progress=killed, journal=journal)
    found = lpbench.last()
    assert only(found).slices
    assert only(found).ended == "time"
    (note,) = (each for each in found.resolved.notes if each["name"] == "recovered")
    assert "1 heating curve" in note["reason"]


def test_a_crash_in_the_curve_keeps_it_and_is_said(fake_app: Make) -> None:
    found = only(measured(fake_app(work_us=500, at="run", do="crash", after=900), runs=1))
    assert found.ended == "failed"
    assert found.slices
    assert "SIGSEGV" in found.reason


def test_an_engine_that_cannot_run_is_refused_before_anything_is_heated(fake_app: Make) -> None:
    app = fake_app()
    (app / "model.fake").write_text("no JSON", encoding="ascii")
    with pytest.raises(LpbenchError, match="cannot load"):
        measured(app)


def test_it_is_said_how_long_it_takes_and_what_is_left(fake_app: Make) -> None:
    seen: list[Progress] = []
    measured(fake_app(work_us=500), sustain=1.0, max_time=3.0, progress=seen.append)
    assert any("1 heating curve of 1 s" in each.note for each in seen)
    left = [each.left_s for each in seen if each.phase == "sustained"]
    assert left == sorted(left, key=lambda each: -(each or 0.0))
    assert left[-1] == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("seconds", [0.5, 0, -1, 86_401, float("nan")])
def test_other_lengths_are_refused(seconds: float) -> None:
    with pytest.raises(LpbenchError):
        RunSettings.of({"sustain": seconds})
