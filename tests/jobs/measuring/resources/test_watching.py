"""Whole resource passes over a fake engine and fake monitors, of which one fails in every way."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import render
from lpbench.render import exports
from lpbench.render._resources import resource_notes, resource_table
from lpbench.results.resource_metrics import resource_metrics
from lpbench.results.resources import Resource, ResourcePass, WatchedSlice
from lpbench.results.run import Metric, Run
from lpbench.testing.setups import installed
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.plugin.registry import Registry
    from lpbench.results.model import Result

FAKES = Path(__file__).parents[3] / "fakes"


@pytest.fixture
def watching(
    fakes: Registry, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Registry]:
    """Install the fake monitors beside the fake engine, and no others."""
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "monitors")
    with installed("watching", FAKES, tmp_path_factory.mktemp("monitors"), monkeypatch) as found:
        yield found


def measured(app: Path, **settings: Any) -> Result:
    return lpbench.benchmark(app, yardstick=False, runs=1, max_time=1, resources=True, **settings)


ORDINARY: dict[str, Result] = {}
"""One result without faults, for the tests that only look at it: a pass takes seconds."""


def ordinary(fake_app: Callable[..., Path]) -> Result:
    """Return a result in which every monitor was well."""
    if "result" not in ORDINARY:
        ORDINARY["result"] = measured(fake_app(work_us=500))
    return ORDINARY["result"]


def the_pass(result: Result) -> ResourcePass:
    watched = result.configurations[0].runs[0].resources
    assert watched is not None
    return watched


def test_monitors_are_asked_while_samples_run_and_the_best_one_counts(
    watching: Registry, fake_app: Callable[..., Path]
) -> None:
    watched = the_pass(ordinary(fake_app))
    load = watched.by_name()["GPU_LOAD"]
    assert (load.mean, load.minimum, load.maximum, load.idle, load.monitor) == (50.0, 50.0, 50.0, 50.0, "steady")
    assert load.n >= 10, "ten times a second for two seconds"
    assert len(load.series.seconds) == load.n
    assert all(0 <= at <= watched.seconds for at in load.series.seconds)
    (second,) = [each for each in watched.resources if each.name == "GPU_LOAD" and each.second]
    assert (second.mean, second.monitor) == (99.0, "worse")
    assert watched.by_name()["GPU_LOAD/surveyed"].mean == 1.0
    assert watched.losses == ()
    assert watched.samples > 0
    assert watched.seconds >= 2
    assert watched.slow_down is not None
    assert 0.5 < watched.slow_down < 2
    sampled = [each.sampled for each in watched.slices[:8]]
    assert sampled == [True, False, False, True, True, False, False, True], "turns there and back"


@pytest.mark.long
@pytest.mark.parametrize(
    "at", ["sample", *(pytest.param(each, marks=pytest.mark.long) for each in ("enter", "survey", "leave"))]
)
@pytest.mark.parametrize(
    ("do", "told"),
    [
        pytest.param("raise", "the sensor is on fire", marks=pytest.mark.long),
        pytest.param("hang", "gave no answer in 0.5 s", marks=pytest.mark.long),
        pytest.param("exit", "exit status 7", marks=pytest.mark.long),
        ("crash", "SIGSEGV"),
    ],
)
def test_a_monitor_that_fails_loses_its_own_metrics_and_nothing_else(
    watching: Registry, fake_app: Callable[..., Path], do: str, told: str, at: str
) -> None:
    result = measured(fake_app(work_us=500), monitors={"faulty": {"do": do, "at": at}})
    watched = the_pass(result)
    load = watched.by_name()["GPU_LOAD"]
    assert load.mean == 50.0
    assert load.n >= 5
    (loss,) = watched.losses
    assert loss.monitor == "faulty"
    assert told in loss.reason
    assert result.state == result.configurations[0].state == "OK"
    assert result.latency.value is not None
    if at == "enter":
        assert told in watched.by_name()["NPU_LOAD"].reason
    if at == "sample" and do in {"hang", "exit", "crash"}:
        assert 0 < loss.gap < 10, "how long no monitor sampled"


@pytest.mark.long
@pytest.mark.parametrize(
    "do", ["unavailable", *(pytest.param(each, marks=pytest.mark.long) for each in ("lie", "nan", "absurd"))]
)
def test_what_cannot_be_is_no_value(watching: Registry, fake_app: Callable[..., Path], do: str) -> None:
    watched = the_pass(measured(fake_app(work_us=500), monitors={"faulty": {"do": do, "after": 0}}))
    load = watched.by_name()["NPU_LOAD"]
    assert load.mean is None
    assert load.reason
    if do == "unavailable":
        assert (load.reason, load.code, load.hint) == ("the sensor was unplugged", "not-read", "plug it in")


@pytest.mark.long
def test_a_metric_that_cannot_be_fails_alone_and_the_result_can_be_read_again(
    watching: Registry, fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    """Values without end, times to come, and things that are no readings, beside one that is well."""
    result = measured(fake_app(work_us=500), monitors={"faulty": {"do": "mix", "after": 0}})
    watched = the_pass(result)
    assert watched.losses == ()
    assert watched.by_name()["NPU_LOAD"].mean == 25.0
    odd = [each for each in watched.resources if each.metric == "ODD"]
    assert len(odd) == 9
    assert all(each.mean is None and each.reason and not each.series.values for each in odd)
    assert not watched.by_name().keys() & {""}
    assert lpbench.load_result(result.save(tmp_path / "r.json")) == result


@pytest.mark.long
def test_the_time_without_samples_is_that_of_the_monitor_that_ended_the_sampler(
    watching: Registry, fake_app: Callable[..., Path]
) -> None:
    """One ends the sampler, and another one raises when it is started again."""
    orders = {"faulty": {"do": "exit", "at": "enter"}, "faulty-too": {"do": "raise", "at": "enter"}}
    ended, raised = the_pass(measured(fake_app(work_us=500), monitors=orders)).losses
    assert (ended.monitor, raised.monitor) == ("faulty", "faulty-too")
    assert 0 < ended.gap < 10
    assert raised.gap == 0


@pytest.mark.long
def test_the_idle_load_of_a_busy_process_is_nothing(watching: Registry, fake_app: Callable[..., Path]) -> None:
    """A reading that tells of the time since the one before is no idle one where work lies between."""
    watched = the_pass(measured(fake_app(work_us=500)))
    worked = watched.by_name()["WORKED"]
    assert worked.idle == 0.0
    assert worked.mean is not None
    assert worked.mean > 0.5


@pytest.mark.long
@pytest.mark.parametrize("do", ["flood", pytest.param("print", marks=pytest.mark.long)])
def test_a_monitor_that_says_too_much_is_bounded(watching: Registry, fake_app: Callable[..., Path], do: str) -> None:
    result = measured(fake_app(work_us=500), monitors={"faulty": {"do": do, "after": 0}})
    watched = the_pass(result)
    assert watched.by_name()["GPU_LOAD"].mean == 50.0
    assert len(watched.resources) < 1000
    assert all(len(each.source) <= 300 for each in watched.resources)


def slices_of(*medians: float) -> tuple[WatchedSlice, ...]:
    """Return slices that take turns (A B B A), and those of the busy window."""
    turns = [WatchedSlice(0.0, 1, median, number % 4 in {0, 3}) for number, median in enumerate(medians)]
    return (*turns, *[WatchedSlice(0.0, 1, 50.0, sampled=True)] * 4)


def slowed(ratio: float, *medians: float) -> tuple[Metric, str]:
    """Return the slow-down of one run, and the line that tells it."""
    watched = ResourcePass(1.0, samples=1, slow_down=ratio, slices=slices_of(*medians))
    metrics = resource_metrics([Run(0, resources=watched)])
    found: Any = SimpleNamespace(metrics=metrics)
    (note,) = resource_notes(found, [watched], verbose=False)
    return metrics["RESOURCE_PASS_SLOWDOWN"], note


def test_a_slow_down_that_cannot_be_told_from_none_is_said_to_be_so() -> None:
    """How far pairs of slices differ is told of one run too."""
    sure, line = slowed(1.02, 102, 100, 100, 102, 102, 100, 100, 102)
    assert sure.interval is not None
    assert sure.interval.lower == pytest.approx(sure.interval.upper) == pytest.approx(2.0)
    assert line.startswith("slow-down of samples by the monitors: 2.0 % ±")
    assert "not told" not in line
    unsure, line = slowed(0.99, 150, 100, 150, 100, 102, 100)
    assert unsure.interval is not None
    assert unsure.interval.lower < 0 < unsure.interval.upper
    assert line.endswith(", not told apart from none")
    assert slowed(0.99)[1] == "slow-down of samples by the monitors: -1.0 % ± not known (1 run)"


def test_of_a_run_that_ended_meanwhile_the_reason_is_not_that_nothing_was_asked_for() -> None:
    ended = Run(0, outcome=RunOutcome("crashed", phase="measuring resources"))
    assert resource_metrics([ended])["POWER_CONSUMPTION"].reason == "the run ended before its resources were known"
    assert "--resources" in resource_metrics([Run(0)])["POWER_CONSUMPTION"].reason


def test_a_document_of_very_many_resources_is_shown_at_once() -> None:
    many = ResourcePass(resources=tuple(Resource(f"X{at}", "1", "m", mean=1.0) for at in range(20_000)))
    begun = time.monotonic()
    _, rows = resource_table([many], verbose=True)
    assert len(rows) == 20_000
    assert time.monotonic() - begun < 10


def test_without_resources_no_monitor_is_asked(
    watching: Registry, fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a sampler was started")

    monkeypatch.setattr("lpbench.jobs.measuring.resources.sampler.Sampler.__init__", refuse)
    result = lpbench.benchmark(fake_app(), yardstick=False, number=20, runs=1)
    (found,) = result.configurations
    assert found.runs[0].resources is None
    assert found.metrics["POWER_CONSUMPTION"].reason == "resources were not watched (--resources)"


def test_without_resources_nothing_of_them_is_imported(watching: Registry, fake_app: Callable[..., Path]) -> None:
    code = f"""
import sys, lpbench
lpbench.benchmark({str(fake_app())!r}, yardstick=False, number=6, runs=1, isolate=False)
kept_out = ("lpbench.jobs.measuring.resources", "lpbench.worker.sampler", "lpbench.plugin.monitor")
print(*[name for name in sys.modules if name.startswith(kept_out)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_energy_of_an_inference_is_power_times_time_over_inferences(
    watching: Registry, fake_app: Callable[..., Path]
) -> None:
    """A module of 5 W, idle or not: all of the energy is the idle share."""
    result = ordinary(fake_app)
    watched, metrics = the_pass(result), result.configurations[0].metrics
    assert metrics["POWER_CONSUMPTION"].value == pytest.approx(5.0)
    assert "module" in metrics["POWER_CONSUMPTION"].source
    assert metrics["ENERGY_PER_INFERENCE"].value == pytest.approx(5.0 * watched.seconds / watched.samples)
    assert metrics["ENERGY_PER_INFERENCE_ABOVE_IDLE"].value == pytest.approx(0.0, abs=1e-9)
    assert metrics["ENERGY_EFFICIENCY"].value is None
    assert metrics["ENERGY_EFFICIENCY"].reason == "GFLOP not known"


def test_a_result_with_resources_is_the_same_after_it_was_saved(
    watching: Registry, fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    result = ordinary(fake_app)
    assert lpbench.load_result(result.save(tmp_path / "r.json")) == result


def test_every_face_shows_what_was_watched(watching: Registry, fake_app: Callable[..., Path]) -> None:
    result = ordinary(fake_app)
    words = ("POWER_CONSUMPTION", "NPU_LOAD", "energy of an inference", "memory of stages", "slow-down of samples")
    markdown = exports.of_result(result, "markdown").replace("\\", "")
    for text in (render.text(result), render.text(result, verbose=True), render.to_html(result), markdown):
        assert [word for word in words if word not in text] == []
    assert "GPU_LOAD (second)" in render.text(result, verbose=True)
    assert "GPU_LOAD (second)" not in render.text(result)


@pytest.mark.long
def test_an_engine_object_is_watched_in_this_process(watching: Registry, fake_app: Callable[..., Path]) -> None:
    result = lpbench.benchmark(fake_app(work_us=500), yardstick=False, isolate=False, resources=True, max_time=1)
    assert the_pass(result).by_name()["GPU_LOAD"].mean == 50.0


def test_an_unknown_monitor_is_named_with_the_nearest(watching: Registry, fake_app: Callable[..., Path]) -> None:
    with pytest.raises(lpbench.LpbenchError, match='there is no monitor "stedy"') as caught:
        lpbench.benchmark(fake_app(), monitors={"stedy": {}})
    assert 'did you mean "steady"?' in str(caught.value)


@pytest.mark.long
def test_the_sampler_ends_with_the_benchmark(watching: Registry, fake_app: Callable[..., Path]) -> None:
    measured(fake_app(work_us=500))
    mine = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"lpbench.worker.sampler" in _read(path)]
    parents = [int((path.parent / "stat").read_text().rpartition(")")[2].split()[1]) for path in mine if path.exists()]
    assert os.getpid() not in parents


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_memory_is_known_for_each_stage(watching: Registry, fake_app: Callable[..., Path]) -> None:
    stages = the_pass(ordinary(fake_app)).stages
    assert list(stages) == ["preprocessing", "inference", "postprocessing"]
    assert all(each.peak_bytes > 1_000_000 > each.increase_bytes >= 0 for each in stages.values())


@pytest.mark.long
def test_samples_that_take_long_are_not_taken_for_a_hang(watching: Registry, fake_app: Callable[..., Path]) -> None:
    result = measured(fake_app(work_us=800_000), timeout=3.0, number=6)
    assert result.configurations[0].state == "OK"
    assert the_pass(result).stages


def test_every_resource_has_a_value_or_a_reason(watching: Registry, fake_app: Callable[..., Path]) -> None:
    for each in the_pass(ordinary(fake_app)).resources:
        assert isinstance(each, Resource)
        assert (each.mean is None) == bool(each.reason)
        assert each.mean is None or math.isfinite(each.mean)
