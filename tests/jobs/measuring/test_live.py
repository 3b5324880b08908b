"""Engines measured and compared on the spot: a fake engine that spins, and hand-built results."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import LpbenchError
from lpbench.jobs.measuring.live import compare_measured
from lpbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.model import Result

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]

pytestmark = pytest.mark.long

QUICK = ("--runs", "8", "--max-time", "3")
SLOWED = ("--engine", "fake", "--engine", "fake:extra_us=2000")


def live(app: Path, *words: str) -> list[str]:
    return ["compare", "--live", str(app), *QUICK, *words]


@pytest.fixture(scope="module")
def taken() -> list[Result]:
    """Hold one result for the tests that only look at it: eight runs take some seconds."""
    return []


@pytest.fixture
def measured(fake_app: Make, taken: list[Result]) -> Result:
    """Return a live comparison in which the second engine takes three times as long."""
    if not taken:
        engines = ["fake", "fake:extra_us=2000"]
        result, _ = lpbench.compare_live(fake_app("measured", work_us=1000), engines, runs=8, max_time=3)
        taken.append(result)
    return taken[0]


def test_what_cannot_be_compared_is_refused_before_anything_is_measured(fake_app: Make) -> None:
    app, reports = fake_app(), list[object]()
    with pytest.raises(LpbenchError, match=r"margin -0\.01 is not above 0"):
        lpbench.compare_live(app, ["fake", "fake"], margin=-0.01, progress=reports.append)
    with pytest.raises(LpbenchError, match=r"a comparison takes two engines; found fake\n"):
        lpbench.compare_live(app, "fake", progress=reports.append)
    assert reports == []


def test_a_slower_engine_is_called_slower_with_the_interval_of_the_ratio(measured: Result) -> None:
    (found,) = compare_measured(measured)
    assert (found.first, found.second, found.basis) == ("fake", "fake:extra_us=2000", "lockstep")
    assert found.total.verdict.value == "SLOWER"
    assert found.total.ratio.estimate > 1.5  # of 3 ms and 1 ms, of which a busy machine stretches the longer one more
    assert found.total.ratio.runs == 8
    for stage, (before, after) in found.medians.items():
        if stage in found.stages:
            assert after / before == pytest.approx(found.stages[stage].ratio.estimate)
    assert min(measured.lockstep[0].first_ns["total"]) > 1e6  # it spins for a millisecond
    assert found.answers == (3, 3)
    assert set(found.metrics) == {"CPU_MEM_PEAK"}


def test_the_margin_says_what_is_no_difference(measured: Result) -> None:
    assert compare_measured(measured, margin=9.0)[0].total.verdict.value != "SLOWER"


def test_runs_that_followed_one_another_are_compared_run_by_run(measured: Result) -> None:
    """As where memory forbids two workers: no ratios of turns, the run medians stand in for them."""
    apart = dataclasses.replace(measured, lockstep=(), lockstep_reason="no memory for two")
    (found,) = compare_measured(apart)
    assert found.basis == "interleaved"
    assert found.raw_reason == "not asked for"
    assert found.total.verdict.value == "SLOWER"
    assert found.total.ratio.runs == 8


def test_units_of_the_yardstick_are_taken_where_every_run_has_them(measured: Result) -> None:
    """A machine that became twice as slow for every second run: the times scatter, the units do not."""
    configurations = []
    for each, cost in zip(measured.configurations, (10.0, 15.0), strict=True):
        runs = [dataclasses.replace(run, units={"total": cost * (1 + run.index / 1000)}) for run in each.runs]
        configurations.append(dataclasses.replace(each, runs=tuple(runs)))
    apart = dataclasses.replace(measured, lockstep=(), configurations=tuple(configurations))
    (found,) = compare_measured(apart)
    assert found.total.ratio.estimate == pytest.approx(1.5)
    assert found.raw["total"].ratio.estimate > 1.5
    assert found.raw_reason == ""


@pytest.mark.parametrize("engines", [[], ["fake"]])
def test_a_comparison_takes_two_engines(fake_app: Make, engines: list[str]) -> None:
    with pytest.raises(LpbenchError, match="takes two engines"):
        lpbench.compare_live(fake_app(), engines)


@pytest.mark.long
def test_the_screen_names_verdicts_times_memory_and_what_they_rest_on(
    measured: Result, fake_app: Make, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result, measured before, is saved like any other; the interval's lower end is far above 5 %."""
    monkeypatch.setattr("lpbench.jobs.measuring.live.measure", lambda *_, **__: measured)
    assert main(live(fake_app(work_us=1000), *SLOWED, "--fail-slower", "5%")) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert "fake → fake:extra_us=2000" in lines
    assert re.search(r"^total +SLOWER +\d\.\d{3} +\(.* to .*\) +[\d.]+ → [\d.]+ ms", shown.out, re.MULTILINE)
    assert re.search(r"^  infer +SLOWER .* ← most of it$", shown.out, re.MULTILINE)
    assert re.search(r"^memory .* → .* MB$", shown.out, re.MULTILINE)
    assert "answers" in shown.out
    assert "3 of 3 alike" in shown.out
    assert "ratios of slices measured in turns on the same cores, 8 runs" in shown.out
    assert lines[-1].startswith("next: lpbench show")
    assert "slower than allowed (5.0 %)" in shown.err
    assert len(store.load(store.LAST).lockstep[0].ratios["total"]) == 8


def test_for_programs_there_is_json_alone_and_the_result_is_written(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    place = tmp_path / "r.json"
    words = live(
        fake_app(work_us=1000), "--engine", "fake,phony:extra_us=2000", "--json", "-o", str(place), "--runs", "2"
    )
    assert main(words) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["first"], found["second"], found["basis"]) == ("fake", "fake:extra_us=2000", "lockstep")
    assert found["stages"]["total"]["ratio"] > 1.5
    assert store.load(place) == store.load(store.LAST)


def test_a_device_for_one_gives_a_verdict_from_interleaved_runs_and_the_reason(fake_app: Make, capsys: Capture) -> None:
    app = fake_app(at="load", do="exclusive", work_us=1000)
    assert main(live(app, *SLOWED, "--runs", "2")) == 0
    text = capsys.readouterr().out.replace("\n  ", " ")
    assert re.search(r"^total +UNCLEAR +\d", text, re.MULTILINE)
    assert "2 alternating runs instead of turns: fake:extra_us=2000: with other workers running: failed to open" in text


def test_two_settings_of_a_real_engine_are_compared(tmp_path: Path, capsys: Capture) -> None:
    """ONNX Runtime on a model of one layer, with and without its graph optimisations."""
    for needed in ("numpy", "onnxruntime", "lpbench_ort"):
        pytest.importorskip(needed, reason=f"needs {needed}")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [64, 64]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 13)]
    model = tmp_path / "product.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), model)
    engines = ["--engine", "onnxruntime", "--engine", "onnxruntime:graph_optimization=disabled"]
    words = ["--live", str(model), *engines, "--threads", "1", "--range", "x=0,1", "--runs", "2", "--max-time", "1"]
    assert main(["compare", *words, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["second"] == "onnxruntime:graph_optimization=disabled"
    assert found["basis"] == "lockstep"
    assert found["answers"] is None
    assert store.load(store.LAST).configurations[0].configuration.affinity


def test_an_engine_beside_itself_is_told_apart_by_its_number(fake_app: Make, capsys: Capture) -> None:
    words = ["--engine", "fake", "--engine", "fake", "--runs", "2", "--max-time", "1", "--fail-unclear"]
    assert main(live(fake_app(work_us=1000), *words)) == 1
    shown = capsys.readouterr()
    assert "fake → fake#2" in shown.out
    assert "unclear: 2 runs: a verdict needs 4" in shown.out
    assert "fake#2: unclear" in shown.err


def test_where_one_cannot_be_measured_there_is_nothing_to_compare(fake_app: Make, capsys: Capture) -> None:
    words = ["--engine", "fake", "--engine", "absent", "--runs", "1"]
    assert main(live(fake_app(work_us=1000), *words)) == 3
    shown = capsys.readouterr()
    assert "not installed: no_such_library" in shown.out
    assert "nothing to compare" in shown.err
    assert store.load(store.LAST).configurations[0].measured


def test_an_engine_that_was_named_and_not_measured_fails_a_gate(fake_app: Make, capsys: Capture) -> None:
    """The others have verdicts, and none is slower: that must not hide the third; of ``all`` it is no loss."""
    app = fake_app(work_us=1000)
    named = ["--engine", "fake", "--engine", "fake:extra_us=1", "--engine", "absent", "--runs", "1"]
    assert main(live(app, *named, "--fail-slower", "900%")) == 1
    assert "absent: not measured" in capsys.readouterr().err
    assert main(live(app, *named)) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--live", "APP", "--engine", "fake"], ["takes two engines; found fake"]),
        (["--live", "APP"], ["takes two engines; found none"]),
        (["--live", "APP", "before.json"], ['unexpected "before.json"', "--live measures now"]),
        (["--live", "APP", "--engine", "fak", "--engine", "fake"], ['unknown engine "fak"', 'did you mean "fake"?']),
        (["--live", "APP", "--engine", "fake", "--engine", "fake:thread=2"], ['"thread"', 'did you mean "threads"?']),
        (["--live", "nowhere", "--engine", "a", "--engine", "b"], ["nowhere"]),
        (["one.json"], ["takes two results; found 1", "--live APP"]),
        ([], ["takes two results; found 0"]),
    ],
)
def test_wrong_words_are_answered_with_the_remedy(
    fake_app: Make, capsys: Capture, words: list[str], said: list[str]
) -> None:
    app = str(fake_app())
    status = main(["compare", *(app if word == "APP" else word for word in words)])
    shown = capsys.readouterr()
    assert status in {2, 3}
    assert all(part in shown.err + shown.out for part in said), shown
