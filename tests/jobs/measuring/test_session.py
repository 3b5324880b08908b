"""Whole benchmarks over a fake engine of pure Python: what is measured, and what becomes of what goes wrong."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import signal
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import render
from lpbench.errors import AppError, ConfigError, EngineError, LpbenchError, ResultError, UnknownNameError
from lpbench.jobs.measuring import rounds, session
from lpbench.jobs.measuring.live import compare_measured
from lpbench.plugin import registry
from lpbench.results import store
from lpbench.results.comparison import compare, subject_changes
from lpbench.results.names import name_of
from lpbench.results.stages import STAGES, TOTAL
from lpbench.util.portable import allowed_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result


def benchmark(*args: Any, **options: Any) -> Result:
    """Measure without the yardstick, which needs numpy and half a second, unless a test wants it."""
    return session.benchmark(*args, **{"yardstick": False, **options})


def test_an_app_is_measured_with_its_interval(fake_app: Callable[..., Path]) -> None:
    """An engine that spins 300 µs takes at least that, in its own stage, in every run."""
    result = benchmark(fake_app(work_us=300), runs=3, max_time=3)
    (found,) = result.configurations
    assert result.state == found.state == "OK"
    assert [run.state for run in found.runs] == ["OK"] * 3
    assert all(run.statistics["inference"].minimum >= 300_000 for run in found.runs)
    assert found.statistics["preprocessing"].median < found.statistics["inference"].median
    latency = result.latency
    assert latency.unit == "ms"
    assert latency.value is not None
    assert latency.interval is not None
    assert latency.interval.lower <= latency.value <= latency.interval.upper
    assert latency.n == sum(run.samples for run in found.runs)


def test_stages_of_every_stored_sample_add_up(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(work_us=20), number=200, runs=2)
    rows = result.rows()
    assert len(rows) == 200
    assert all(row[TOTAL] == sum(row[stage] for stage in STAGES) for row in rows)


@pytest.mark.long
@pytest.mark.parametrize(("number", "runs", "split"), [(10, None, [10]), (25, None, [7, 6, 6, 6]), (10, 3, [4, 3, 3])])
def test_number_counts_the_measured_inferences_of_all_runs(
    fake_app: Callable[..., Path], number: int, runs: int | None, split: list[int]
) -> None:
    found = benchmark(fake_app(), number=number, runs=runs).configurations[0]
    assert [run.samples for run in found.runs] == split
    assert {run.stopped for run in found.runs} == {"number"}


def test_one_run_has_no_interval_across_runs_and_says_so(fake_app: Callable[..., Path]) -> None:
    latency = benchmark(fake_app(), number=20, runs=1).latency
    assert latency.interval is None
    assert "one run" in latency.interval_reason


def test_a_narrow_interval_ends_a_run_and_a_time_cap_a_wide_one(fake_app: Callable[..., Path]) -> None:
    steady = benchmark(fake_app(work_us=500), runs=1, max_time=30).configurations[0].runs[0]
    assert steady.stopped in {"interval", "plateau", "time"}
    slow = benchmark(fake_app("slow", work_us=100_000), runs=1, max_time=0.8).configurations[0].runs[0]
    assert slow.stopped == "time"
    assert slow.samples >= 1


def test_first_inference_load_and_warm_up_stand_apart(fake_app: Callable[..., Path]) -> None:
    run = benchmark(fake_app(work_us=1000), number=5).configurations[0].runs[0]
    assert run.load_ns is not None
    assert run.load_ns > 0
    assert set(run.first_ns) == {*STAGES, TOTAL}
    assert run.warm_up["samples"] >= 1
    assert run.warm_up["ended"] in {"steady", "time"}
    assert run.samples == 5


@pytest.mark.parametrize("isolate", [True, False])
def test_what_an_engine_reports_while_it_loads_is_progress(fake_app: Callable[..., Path], *, isolate: bool) -> None:
    seen: list[Progress] = []
    app = fake_app(reports={"count": 2, "each_s": 0.25})
    benchmark(app, number=5, runs=1, isolate=isolate, yardstick=False, progress=seen.append)
    told = {each.phase: each.activity for each in seen}
    assert told["loading"] == "building the engine, 50 %"
    assert not told["measuring"], "it was done by then"


def test_cpu_time_comes_from_a_pass_of_its_own(fake_app: Callable[..., Path]) -> None:
    """A spinning engine uses as much CPU time as wall time; a sleeping one would not."""
    found = benchmark(fake_app(work_us=2000), number=20).configurations[0]
    assert found.cpu["inference"].median == pytest.approx(2_000_000, rel=0.5)
    assert 3 <= found.cpu[TOTAL].n <= 50


def test_predictions_are_those_of_the_measured_session(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(numbers=("4", "7")), number=5).configurations[0]
    assert [(each["sample"], each["top"][0]["index"]) for each in found.predictions] == [("0.txt", 8), ("1.txt", 14)]
    assert found.predictions[0]["top"][0]["score"] is None, "what is not finite is null in JSON"


def test_what_is_not_known_is_null_with_a_reason(fake_app: Callable[..., Path]) -> None:
    metrics = benchmark(fake_app(), number=8).configurations[0].metrics
    for name in ("GPU_LOAD", "POWER_CONSUMPTION", "MEMORY_BANDWIDTH", "LATENCY_P99.9"):
        assert metrics[name].value is None
        assert metrics[name].reason
    assert metrics["LATENCY_P99.9"].reason == "n too small (need 6636)"
    assert metrics["CPU_MEM_PEAK"].value
    assert metrics["CPU_MEM"].value
    assert metrics["CPU_MEM_PEAK"].value >= metrics["CPU_MEM"].value > 5
    load = metrics["CPU_LOAD"].value
    assert load is not None
    assert 0 < load <= 110


def test_an_alias_is_recorded_beside_the_engine_that_ran(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(), engine="phony", number=6).configurations[0]
    assert (found.engine, found.asked, found.plugin) == ("fake", "phony", "lpbench-fakes 1.0")
    assert found.facts["environment"]["FAKE_TELEMETRY"] == "0"


def test_every_engine_that_can_is_measured_and_the_others_are_listed_with_reasons(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lacks its library, one its plugin: both are known, so they are no mistake."""
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "openvino")
    registry.refresh()
    result = benchmark(fake_app(), engine=["fake", "absent", "openvino"], number=12)
    states = {each.asked: each.state for each in result.configurations}
    assert states["fake"] == "OK"
    assert "not installed: no_such_library" in states["absent"]
    assert 'engine "openvino" is disabled' in states["openvino"]
    assert [each.measured for each in result.configurations] == [True, False, False]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"engine": ["fake", "fak"]}, UnknownNameError, 'did you mean "fake"'),
        ({"engine": ["fake", "fake:thread=2"]}, ConfigError, 'did you mean "threads"'),
        ({"engine": ["fake", "fake:threads=0"]}, ConfigError, "threads must be 1 or more"),
        ({"engine": ["fake", "fake:two"]}, LpbenchError, "ENGINE:key=value"),
        ({"engine": ["fake:threads=2", "extra_us=1"]}, LpbenchError, "follows a colon: ENGINE:key=value:extra_us=1"),
        ({"engine": ["fake", "absent:threads=2"]}, ConfigError, "this engine has no options"),
        ({"engine": ["fake", "phony"], "options": {"thread": 2}}, ConfigError, 'did you mean "threads"'),
        ({"engine": "all", "options": {"nonsense_of_none": 2}}, ConfigError, "nonsense_of_none"),
        ({"engine": ["all", "fake"]}, LpbenchError, "named alone"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_mistake_among_several_engines_is_an_error_before_anything_is_measured(
    fake_app: Callable[..., Path], arguments: dict[str, Any], error: type[LpbenchError], words: str
) -> None:
    seen: list[Progress] = []
    with pytest.raises(error, match=words):
        benchmark(fake_app(), **arguments, convert=True, progress=seen.append)
    assert not seen


def test_an_option_that_some_engines_lack_leaves_the_others_of_all(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), engine="all", options={"extra_us": 1.0}, number=6)
    assert [each.asked for each in result.configurations if each.measured] == ["fake"]


def test_all_takes_every_engine_there_is(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), engine="all", number=6)
    assert [each.asked for each in result.configurations if each.measured] == ["fake"]
    assert {"fake", "absent"} <= {each.asked for each in result.configurations}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"engine": "fak"}, UnknownNameError, 'did you mean "fake"'),
        ({"engine": "absent"}, EngineError, "pip install no-such-library"),
        ({"options": {"thread": 2}}, ConfigError, 'did you mean "threads"'),
        ({"threads": 0}, ConfigError, "threads must be 1 or more"),
        ({"device": "cuda:0", "options": {"threads": "two"}}, ConfigError, "expected a whole number"),
        ({"data": "nowhere"}, AppError, "nowhere"),
        ({"number": 2, "runs": 3}, LpbenchError, "fewer than 3 runs"),
        ({"runs": 0}, LpbenchError, "runs takes 1 or more"),
        ({"engine": "fake:two"}, LpbenchError, "ENGINE:key=value"),
        ({"engine": "fake:thread=2"}, ConfigError, 'did you mean "threads"'),
        ({"affinity": [4000], "number": 6}, LpbenchError, "cores here"),
        ({"percentile": 101}, ConfigError, "percentile must be above 0 and below 100"),
        ({"percentile": -1}, ConfigError, "percentile must be above 0 and below 100"),
        ({"percentile": 99.9999999}, ConfigError, "six digits"),
        ({"percentile": 99.999999}, ConfigError, "takes 663835204 samples"),
        ({"affinity": range(10**30)}, LpbenchError, "at most 65536"),
        ({"affinity": [-1]}, LpbenchError, "0 or more"),
        ({"priority": -100}, LpbenchError, "-20 or more"),
        ({"runs": 10**30}, LpbenchError, "at most 10000"),
        ({"threads": 10**30, "isolate": False}, LpbenchError, "at most 8192"),
        ({"options": {"threads": 10**30}, "isolate": False}, ConfigError, "64 bits"),
        ({"shapes": {"number": range(10**12)}}, LpbenchError, "at most 64"),
        ({"shapes": {"number": [10**30]}}, LpbenchError, "memory"),
        ({"timeout": 1e300}, LpbenchError, "at most"),
        ({"max_time": math.inf}, LpbenchError, "at most"),
        ({"seed": 10**400}, LpbenchError, "about 400 digits"),
        ({"data": "a\0b"}, LpbenchError, "zero byte"),
        ({"data": "a" * 300}, LpbenchError, "name too long"),
        ({"draw": "a\0b"}, LpbenchError, "zero byte"),
        ({"draw": __file__}, ResultError, "is a file"),
        ({"draw": Path(__file__) / "pictures"}, ResultError, "cannot be made"),
        ({"affinity": [max(allowed_cores()), 1000], "number": 6}, LpbenchError, "cores here"),  # one of them is there
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
@pytest.mark.timeout(60)
def test_a_wrong_request_is_an_error_with_its_remedy(
    fake_app: Callable[..., Path], arguments: dict[str, Any], error: type[LpbenchError], words: str
) -> None:
    with pytest.raises(error, match=words):
        benchmark(fake_app(), **arguments)


def test_a_folder_without_samples_says_what_would_be_read(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AppError, match=r'preprocessor "text" reads \.txt'):
        benchmark(fake_app(), data=tmp_path / "empty")


def test_one_bad_sample_is_reported_and_the_rest_is_measured(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(numbers=("1", "nonsense", "3", "-4")), number=12, runs=1)
    (found,) = result.configurations
    assert found.runs[0].samples == 12
    assert {each["sample"] for each in found.problems} == {"1.txt", "3.txt"}
    assert [each["sample"] for each in found.predictions] == ["0.txt", "2.txt"]
    assert "holds no whole number" in found.problems[0]["error"]


def test_only_bad_samples_is_an_error(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(LpbenchError, match="none of 1 sample can be used"):
        benchmark(fake_app(numbers=("x",)))


def test_an_engine_that_refuses_the_model_is_an_error_that_says_why(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(EngineError, match="this model is not liked"):
        benchmark(fake_app(at="load", do="raise"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("orders", "outcome"),
    [
        ({"at": "load", "do": "crash"}, "crashed: SIGSEGV while loading"),
        ({"at": "run", "do": "crash", "after": 2}, "crashed: SIGSEGV while warming up"),
        ({"at": "run", "do": "kill"}, "killed: SIGKILL while running the first sample"),
        ({"at": "run", "do": "hang"}, "hung: no answer in 3 s while running the first sample"),
    ],
    ids=["load", "warm-up", "kill", "hang"],
)
def test_a_worker_that_ends_is_an_outcome_of_its_run(
    fake_app: Callable[..., Path], orders: dict[str, Any], outcome: str
) -> None:
    timeout = 3.0 if orders["do"] == "hang" else 20.0  # a busy machine needs more than a second to load
    result = benchmark(fake_app(**orders), runs=5, timeout=timeout)
    assert result.state == "failed"
    (found,) = result.configurations
    assert [run.state for run in found.runs] == [outcome] * 2, "what fails twice is not tried five times"
    assert found.state == f"2 of 2 runs {outcome}"
    assert store.load(store.keep(result)) == result


def test_a_crash_half_way_keeps_what_was_measured(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(work_us=1000, at="run", do="crash", after=700), runs=1, number=2000)
    (run,) = result.configurations[0].runs
    assert run.state == "crashed: SIGSEGV while measuring"
    assert 0 < run.samples < 700
    assert "Segmentation fault" in run.detail
    assert result.latency.value is not None
    assert result.state == "OK"


def test_killing_one_worker_of_several_is_an_outcome_and_the_rest_is_measured(fake_app: Callable[..., Path]) -> None:
    killed: list[int] = []

    def kill_second_run(progress: Progress) -> None:
        if progress.run == 1 and progress.phase == "measuring" and not killed:
            killed.append(_only_child())
            os.kill(killed[0], signal.SIGSEGV)

    result = benchmark(fake_app(work_us=500), runs=3, max_time=6, progress=kill_second_run)
    (found,) = result.configurations
    # the signal comes while the worker does what it was asked last, which is to measure or to say what that took
    ended = found.runs[1].state
    assert [run.state for run in found.runs] == ["OK", ended, "OK"]
    assert ended in {"crashed: SIGSEGV while measuring", "crashed: SIGSEGV while taking CPU time"}
    assert found.state == f"1 of 3 runs {ended}"
    assert found.measured


def _only_child() -> int:
    tasks = Path("/proc/self/task").glob("*/children")
    (child,) = [pid for each in tasks for pid in each.read_text(encoding="ascii").split()]
    return int(child)


def test_ctrl_c_keeps_what_was_measured(fake_app: Callable[..., Path]) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.run == 1 and progress.phase == "measuring":
            raise KeyboardInterrupt

    with pytest.raises(lpbench.Interrupted, match="result") as stopped:
        benchmark(fake_app(work_us=500), runs=4, max_time=8, progress=interrupt, save=True)
    result = stopped.value.result
    (found,) = result.configurations
    assert isinstance(stopped.value, KeyboardInterrupt), "what stops other code stops here too"
    assert result.state == "interrupted"
    assert [run.state for run in found.runs] == ["OK", "interrupted"]
    assert found.runs[1].samples > 0
    assert result.latency.n == sum(run.samples for run in found.runs)
    assert lpbench.last() == result, "it is saved where that was asked for"


def test_ctrl_c_while_the_result_is_put_together_loses_nothing(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of thousands of samples take seconds to summarise."""
    from lpbench.results.stats import summarize

    presses = iter([KeyboardInterrupt])

    def pressed(samples: Any) -> Any:
        for press in presses:
            raise press
        return summarize(samples)

    monkeypatch.setattr("lpbench.results.assembly.summarize", pressed)
    with pytest.raises(lpbench.Interrupted) as stopped:
        benchmark(fake_app(), number=12, save=True)
    assert stopped.value.result.latency.n == 12
    assert lpbench.last() == stopped.value.result


def test_what_was_interrupted_before_the_first_sample_is_not_saved(fake_app: Callable[..., Path]) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(lpbench.Interrupted) as stopped:
        benchmark(fake_app(), runs=2, progress=interrupt, save=True)
    assert not stopped.value.result.configurations[0].measured
    with pytest.raises(ResultError, match="no result has been saved"):
        lpbench.last()


@pytest.mark.long
def test_results_are_saved_where_that_is_asked_for_and_only_there(fake_app: Callable[..., Path]) -> None:
    app = fake_app()
    benchmark(app, number=6)
    with pytest.raises(ResultError, match="no result has been saved"):
        lpbench.last()
    one = benchmark(app, number=6, save=True)
    assert lpbench.last() == one
    live, _ = lpbench.compare_live(app, ["fake", "phony"], runs=2, max_time=2, save=True)
    assert lpbench.last() == live


def test_what_cannot_be_saved_is_returned_with_a_warning(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Path:
        raise ResultError("cannot be written: the disk is full")

    monkeypatch.setattr(store, "keep", full)
    with pytest.warns(UserWarning, match="the disk is full"):
        assert benchmark(fake_app(), number=6, save=True).latency.n == 6


def test_several_configurations_have_no_one_latency(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), engine=["fake:threads=1", "fake:threads=3"], number=6)
    with pytest.raises(ResultError, match="fake:threads=1, fake:threads=3") as error:
        _ = result.latency
    assert "by_name" in error.value.hint
    assert result.by_name()["fake:threads=3"].latency.n == 6


def test_progress_goes_from_nothing_to_the_end_and_tells_the_time_left(fake_app: Callable[..., Path]) -> None:
    seen: list[Progress] = []
    benchmark(fake_app(work_us=300), runs=2, max_time=3, progress=seen.append)
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert seen[0].done == 0 < seen[-1].done <= 1
    assert {each.phase for each in seen} >= {"starting", "loading", "warming up", "measuring"}
    assert any(each.left_s is not None and each.left_s > 0 for each in seen)
    assert any(each.interval is not None for each in seen)


def test_in_this_process_nothing_is_started(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), isolate=False, runs=4, number=12)
    (found,) = result.configurations
    assert not found.isolated
    assert len(found.runs) == 1, "one process is one run, whatever was asked"
    assert store.load(store.keep(result)) == result


def test_an_engine_instance_is_measured_here(fake_app: Callable[..., Path]) -> None:
    from lpbench_fakes.engine import FakeConfig, FakeEngine  # type: ignore[import-not-found] # from the fixture

    result = lpbench.benchmark(fake_app(), engine=FakeEngine(), options={"config": FakeConfig(threads=3)}, number=6)
    (found,) = result.configurations
    assert (found.engine, found.isolated, found.facts["threads"]) == ("FakeEngine", False, 3)
    with pytest.raises(LpbenchError, match="cannot be sent to a worker"):
        benchmark(fake_app("again"), engine=FakeEngine(), isolate=True)


def test_what_is_asked_beside_an_engine_object_is_refused_not_dropped(fake_app: Callable[..., Path]) -> None:
    """Options, device, threads and conversion; the config is kept in the result as it is read again."""
    from lpbench_fakes.engine import FakeConfig, FakeEngine

    folder, config = fake_app(), {"config": FakeConfig(threads=3)}
    refused: dict[str, dict[str, Any]] = {
        "threads": {"threads": 2},
        "device": {"device": "cpu"},
        "extra_us": {"options": {**config, "extra_us": 5}},
    }
    for name, more in refused.items():
        with pytest.raises(ConfigError, match=f"beside its config: found {name}"):
            benchmark(folder, engine=FakeEngine(), **{"options": config, **more})
    with pytest.raises(LpbenchError, match="nothing is converted for an engine object"):
        benchmark(folder, engine=FakeEngine(), options=config, convert=True)
    result = benchmark(folder, engine=FakeEngine(), options=config, number=6, yardstick=False)
    assert result.settings.options == {"config": {"device": "cpu", "threads": 3, "extra_us": 0.0}}
    assert store.load(store.keep(result)).settings == result.settings


@pytest.mark.parametrize("side", ["inputs", "outputs"])
@pytest.mark.parametrize(("shape", "fits"), [([1], True), (["n"], True), ([None], True), ([2], False), ([1, 1], False)])
def test_a_stated_shape_that_contradicts_the_model_is_an_error_that_names_both(
    fake_app: Callable[..., Path], side: str, shape: list[Any], *, fits: bool
) -> None:
    """By running, and by validating with the model loaded."""
    folder, name = fake_app(), {"inputs": "number", "outputs": "double"}[side]
    config = json.loads((folder / "ai_app_config.json").read_text())
    config["components"][0]["inference"]["models"]["fake"][side] = [{"name": name, "shape": shape}]
    (folder / "ai_app_config.json").write_text(json.dumps(config))
    (folder / "ai_app.yml").write_text("name: numbers\nversion: 1\nlicence: MIT\nsource: here\n")
    told = f'the app states "{name}" as {shape}; the model has [1]'
    problems = [problem.found for problem in lpbench.validate(folder, load=True) if not problem.note]
    assert any(told in found for found in problems) is not fits
    if fits:
        assert benchmark(folder, number=6, runs=1, yardstick=False).configurations[0].measured
        return
    with pytest.raises(LpbenchError) as caught:
        benchmark(folder, number=6, runs=1, yardstick=False)
    assert told in str(caught.value)


@pytest.mark.long
def test_engines_are_measured_in_turns_there_and_back(fake_app: Callable[..., Path]) -> None:
    order: list[tuple[int, str]] = []

    def note(progress: Progress) -> None:
        if progress.phase == "loading":
            order.append((progress.run, progress.configuration))

    engines = ["fake:threads=1", "phony:threads=1"]
    result = benchmark(fake_app(), engine=engines, runs=3, number=6, progress=note)
    assert [run for run, _ in order] == [0, 0, 1, 1, 2, 2]
    assert order[2][1] == order[1][1]
    assert len({json.dumps(each.facts) for each in result.configurations}) == 1


def test_two_settings_of_one_engine_are_two_everywhere(fake_app: Callable[..., Path]) -> None:
    """In progress, rows and environment each has the name under which the console prints it."""
    seen: list[str] = []
    asked = ["fake:threads=1", "fake:threads=3"]
    result = benchmark(fake_app(), engine=asked, number=6, progress=lambda each: seen.append(each.configuration))
    names = [name_of(each, result.configurations) for each in result.configurations]
    assert names == asked
    assert all(name in render.text(result) for name in names)
    assert set(seen) == {row["configuration"] for row in result.rows()} == set(result.by_name()) == set(asked)
    threads = {name: result.environment["subject"][f"threads {name}"]["value"] for name in asked}
    assert threads == {"fake:threads=1": 1, "fake:threads=3": 3}
    assert "threads fake" not in result.environment["subject"]


def test_a_setting_that_was_added_beside_another_is_no_change_of_it(fake_app: Callable[..., Path]) -> None:
    """Results that kept facts under the bare engine's name, the last setting's, compare like others."""
    result = benchmark(fake_app(), engine=["fake:threads=1", "fake:threads=3"], number=6)
    subject = {name: fact for name, fact in result.environment["subject"].items() if not name.startswith("threads ")}
    old = {**subject, "threads fake": {"value": 3, "source": "the benchmark"}}
    before = dataclasses.replace(result, environment={**result.environment, "subject": old})
    assert subject_changes(before, result) == {}


def test_samples_of_other_contents_are_other_data(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    """Under the names that the app's own have, too."""
    app = fake_app()
    shutil.copytree(app / "samples", tmp_path / "same")
    shutil.copytree(app / "samples", tmp_path / "other")
    (tmp_path / "other" / "1.txt").write_text("7", encoding="ascii")
    own, same, other = (benchmark(app, number=6, data=data) for data in (None, tmp_path / "same", tmp_path / "other"))
    assert compare(own, same, force=True)[0].workload == {}
    assert set(compare(own, other, force=True)[0].workload) == {"data"}


@pytest.mark.long
def test_engines_that_take_turns_are_compared_by_their_ratios(fake_app: Callable[..., Path]) -> None:
    """An engine that spins twice as long is about twice as slow in the very same runs."""
    engines = ["fake", "fake:extra_us=1000"]
    result = benchmark(fake_app(work_us=1000), engine=engines, runs=8, max_time=8)
    (pair,) = result.lockstep
    assert (pair.first, pair.second, len(pair.ratios[TOTAL])) == (0, 1, 8)
    (compared,) = compare_measured(result)
    assert compared.total.ratio.estimate > 1.2
    assert store.load(store.keep(result)) == result


def test_what_is_compared_runs_on_the_same_cores(fake_app: Callable[..., Path]) -> None:
    engines = ["fake:threads=1", "phony:threads=1"]
    result = benchmark(fake_app(), engine=engines, number=12)
    assert result.configurations[0].configuration.affinity == (max(os.sched_getaffinity(0)),)


@pytest.mark.long
def test_latency_is_also_given_in_units_of_the_yardstick(fake_app: Callable[..., Path]) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    result = benchmark(fake_app(work_us=3000), runs=3, max_time=6, yardstick=True)
    (found,) = result.configurations
    assert len(found.run_units()) == 3
    # Each run by its own time of the kernel, slice by slice; the fake spins by the clock, and so its units grow in
    # those slices in which the kernel is fast, twice and more on a machine that others use.
    kernel = result.yardstick["run_ns"]
    scaled = [unit * ns for unit, ns in zip(found.run_units(), kernel, strict=True)]
    assert all(1 / 4 < each / median < 4 for each, median in zip(scaled, found.run_medians(), strict=True))
    assert result.yardstick["ns"] == pytest.approx(sum(kernel) / 3)
    assert {"version", "threads", "numpy", "blas", "ns", "cov"} <= set(result.yardstick)


@pytest.mark.long
@pytest.mark.parametrize(("asked", "affinity"), [({"threads": 64}, ()), ({"threads": 64}, (0,)), ({}, ())])
def test_the_yardstick_has_as_many_threads_as_the_engine_but_no_more_than_cores(
    fake_app: Callable[..., Path], asked: dict[str, int], affinity: tuple[int, ...]
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    result = benchmark(fake_app(work_us=3000), runs=1, max_time=1, yardstick=True, affinity=affinity, **asked)
    most = len(affinity or os.sched_getaffinity(0))
    assert result.yardstick["threads"] == min(result.configurations[0].facts["threads"], most)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"yardstick": False}, "not asked for"), ({"isolate": False, "yardstick": True}, "no run was interleaved")],
)
def test_without_a_yardstick_the_result_says_why(
    fake_app: Callable[..., Path], options: dict[str, Any], reason: str
) -> None:
    result = benchmark(fake_app(), number=12, **options)
    assert reason in result.yardstick["reason"]
    assert result.configurations[0].run_units() == []


def test_a_pilot_decides_how_many_runs_there_are(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(work_us=500), max_time=4)
    assert result.resolved.runs == len(result.configurations[0].runs) >= 3


@pytest.mark.long
def test_a_disturbed_run_is_marked_and_repeated_when_asked(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disturbance is synthetic; that others are noticed is tested in test_machine."""
    from lpbench.jobs.measuring import recording

    real = recording.time_alone

    def disturbed(client: Any, limits: Any, recorder: recording.Recorder, tell: Any) -> None:
        real(client, limits, recorder, tell)
        reason = "other processes used 40% of the CPU time" if recorder.index == 1 else ""
        recorder.disturbance = {**recorder.disturbance, "disturbed": reason}

    monkeypatch.setattr(rounds, "time_alone", disturbed)
    marked = benchmark(fake_app("marked"), number=18, runs=3).configurations[0]
    assert [[flag["name"] for flag in run.flags].count("disturbed") for run in marked.runs] == [0, 1, 0]
    assert any(flag["name"] == "disturbed" for flag in marked.flags)
    again = benchmark(fake_app("again"), number=18, runs=3, retry_disturbed=True).configurations[0]
    assert [run.superseded for run in again.runs] == [False, True, False, False]
    assert again.latency.n == sum(run.samples for run in again.runs if not run.superseded) == 18
    assert len(again.run_medians()) == 3


def test_a_percentile_that_is_asked_for_is_measured_until_it_is_known(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(work_us=100), percentile=99, runs=3, max_time=20).configurations[0]
    assert found.metrics["LATENCY_P99"].value is not None
    assert found.statistics[TOTAL].n >= 662


def test_the_environment_names_what_was_measured_before_and_after(fake_app: Callable[..., Path]) -> None:
    environment = benchmark(fake_app(), number=12).environment
    assert environment["subject"]["version fake"]["value"] == "1.0"
    assert environment["subject"]["app"]["value"] == "numbers"
    assert environment["state_after"].keys() == environment["state"].keys()
    assert set(environment["hashes"]) == {"machine", "subject"}


def test_decoding_belongs_to_the_region_only_where_the_app_says_so(fake_app: Callable[..., Path]) -> None:
    outside = benchmark(fake_app("outside"), number=60, runs=1).configurations[0]
    folder = fake_app("inside")
    config = json.loads((folder / "ai_app_config.json").read_text(encoding="utf-8"))
    (folder / "ai_app_config.json").write_text(json.dumps({**config, "decode_in_region": True}), encoding="utf-8")
    inside = benchmark(folder, number=60, runs=1).configurations[0]
    assert inside.predictions == outside.predictions
    assert inside.statistics["preprocessing"].median > 2 * outside.statistics["preprocessing"].median


def test_the_medians_of_runs_are_those_of_their_raw_samples(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(work_us=50), number=60, runs=3).configurations[0]
    assert found.run_medians() == [statistics.median(run.raw[TOTAL]) for run in found.runs]


def test_a_benchmark_leaves_no_process_and_no_thread(fake_app: Callable[..., Path]) -> None:
    before = set(threading.enumerate())
    benchmark(fake_app(at="run", do="crash", after=2), runs=2)
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
