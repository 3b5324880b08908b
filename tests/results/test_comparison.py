"""Saved results beside each other: verdicts, refusals and exit statuses; tested on hand-built results."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.cli.compare import unmeasured_gates
from lpbench.errors import ResultError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.comparison import compare, subject_changes
from lpbench.results.model import Configuration, Result
from lpbench.results.run import Metric, Run, Stage
from lpbench.results.settings import Resolved, RunSettings
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import summarize
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

STEADY = (1.000, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997, 1.000)
"""What differs between eight runs of a calm machine."""


def make_run(index: int, pre: float, infer: float) -> Run:
    """Return a run of 20 samples; times in milliseconds."""
    times = zip(STAGES, (pre, infer, 0.01), strict=True)
    raw = {name: array("q", [int(1e6 * value)] * 20) for name, value in times}
    raw[TOTAL] = array("q", map(sum, zip(*raw.values(), strict=True)))
    statistics = {name: summarize(each) for name, each in raw.items()}
    return Run(index, samples=20, raw=raw, statistics=statistics, counters={"wall_ns": sum(raw[TOTAL])})


def make_configuration(engine: str, pre: float, infer: float, drift: Sequence[float] = STEADY) -> Configuration:
    runs = tuple(make_run(index, pre * factor, infer * factor) for index, factor in enumerate(drift))
    stages = tuple(Stage(name, name, "x") for name in (*STAGES, TOTAL))
    statistics = runs[0].statistics
    return Configuration(
        EngineConfiguration(engine), engine, "x", isolated=True, stages=stages, runs=runs, statistics=statistics
    )


def make_result(*configurations: Configuration, machine: str = "here", version: str = "1.0") -> Result:
    environment: dict[str, Any] = {
        "machine": {},
        "subject": {"library acme": {"value": version, "source": "metadata"}},
        "state": {},
        "hashes": {"machine": machine, "subject": version},
    }
    app = {"name": "app", "class": "model", "digest": "00"}
    return Result(app, RunSettings(), environment, configurations, created="2026-01-02T03:04:05+00:00", lpbench="0")


def test_csv_has_a_row_for_what_has_no_counterpart(tmp_path: Path, capsys: Capture) -> None:
    gone = Configuration(
        EngineConfiguration("other"), "other", "", isolated=True, outcome=RunOutcome("failed", detail="no memory\nleft")
    )
    measured = make_configuration("fake", 1.0, 7.0)
    make_result(measured, make_configuration("other", 1.0, 7.0)).save(tmp_path / "before.json")
    make_result(measured, gone).save(tmp_path / "after.json")
    assert main(["compare", str(tmp_path / "before.json"), str(tmp_path / "after.json"), "--csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["code"] for row in rows[:-1]] == ["", "", "", ""]
    assert {name: cell for name, cell in rows[-1].items() if cell} == {
        "first": "other",
        "second": "other",
        "stage": "total",
        "reason": "measured → not measured (no memory)",
        "code": "unpaired",
    }


def test_a_run_that_took_no_time_has_no_ratio() -> None:
    none = make_result(make_configuration("fake", 0.0, 0.0, [0.0] * 8))
    none = dataclasses.replace(none, configurations=(_without_post(none.configurations[0]),))
    with pytest.raises(ResultError, match="fake → fake: a run took no time"):
        compare(make_result(make_configuration("fake", 1.0, 7.0)), none)


def _without_post(each: Configuration) -> Configuration:
    """Return a configuration whose samples took no time at all."""
    zero = summarize([0] * 20)
    runs = tuple(dataclasses.replace(run, statistics=dict.fromkeys((*STAGES, TOTAL), zero)) for run in each.runs)
    return dataclasses.replace(each, runs=runs)


BEFORE = make_result(make_configuration("fake", 1.0, 7.0))
SLOWER = make_result(make_configuration("fake", 1.6, 7.0), version="2.0")


def test_a_slower_stage_is_found_and_the_others_are_the_same() -> None:
    """Preprocessing takes 0.6 ms of 8 ms longer, inference as long as before."""
    (found,) = compare(BEFORE, SLOWER)
    verdicts = {stage: each.verdict.value for stage, each in found.stages.items()}
    assert verdicts == {
        TOTAL: "SLOWER",
        "preprocessing": "SLOWER",
        "inference": "SAME",
        "postprocessing": "SAME",
    }
    assert found.total.ratio.estimate == pytest.approx(8.61 / 8.01, rel=0.001)


def test_exchanging_the_two_exchanges_the_verdict() -> None:
    assert compare(SLOWER, BEFORE)[0].total.verdict.value == "FASTER"


@pytest.mark.parametrize(("runs", "verdict"), [(2, "UNCLEAR"), (3, "UNCLEAR"), (4, "SLOWER"), (7, "SLOWER")])
def test_a_clear_difference_takes_four_runs(runs: int, verdict: str) -> None:
    few = make_result(make_configuration("fake", 1.6, 7.0, STEADY[:runs]))
    (found,) = compare(BEFORE, few)
    assert found.total.verdict.value == verdict
    assert ("needs 4" in found.total.reason) == (verdict == "UNCLEAR")


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.4])
def test_the_times_beside_a_ratio_have_it_as_their_quotient(speed: float) -> None:
    """A machine that is 30 % faster in the second hour: raw times alone would contradict the verdict."""
    one, other = beside(BEFORE, 1.0), beside(SLOWER, speed)
    (found,) = compare(one, other)
    for stage, each in found.stages.items():
        before, after = found.medians[stage]
        assert after / before == pytest.approx(each.ratio.estimate)
        before, after = found.raw_medians[stage]
        assert after / before == pytest.approx(found.raw[stage].ratio.estimate)
    assert found.medians[TOTAL][0] == pytest.approx(8.01e6, rel=1e-3)
    assert found.raw_medians[TOTAL][1] == pytest.approx(8.61e6 * speed, rel=1e-3)


def test_stages_under_two_microseconds_have_times_and_no_verdict(tmp_path: Path, capsys: Capture) -> None:
    """Of a bare model preprocessing does nothing; half as much of nothing is not FASTER."""
    one, other = (make_result(make_configuration("fake", pre, 7.0)) for pre in (0.0016, 0.0008))
    (found,) = compare(one, other)
    assert {stage: why.code for stage, why in found.withheld.items()} == {"preprocessing": "too-short"}
    assert set(found.stages) == {TOTAL, "inference", "postprocessing"}
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate((one, other))]
    assert main(["compare", *names]) == 0
    text = capsys.readouterr().out
    (row,) = (line.split() for line in text.splitlines() if line.split()[:1] == ["pre"])
    assert row[1] == "-"
    assert "no verdict on pre: shorter than 2 µs" in text
    main(["compare", *names, "--json"])
    stage = json.loads(capsys.readouterr().out)[0]["stages"]["preprocessing"]
    assert (stage["verdict"], stage["code"]) == (None, "too-short")
    assert stage["median_ns"] == pytest.approx([1600, 800], rel=0.01)


def asked(result: Result, size: int = 1, **changes: Any) -> Result:
    """Return a result of which something else was asked: a batch takes as many times as long."""
    (each,) = result.configurations
    configuration = dataclasses.replace(each.configuration, batch=size, **changes)

    def scaled(run: Run) -> Run:
        statistics = {
            stage: dataclasses.replace(found, median=found.median * size) for stage, found in run.statistics.items()
        }
        units = {stage: unit * size for stage, unit in run.units.items()}
        counters = {name: count * size for name, count in run.counters.items()}
        return dataclasses.replace(run, statistics=statistics, units=units, counters=counters)

    each = dataclasses.replace(each, configuration=configuration, runs=tuple(map(scaled, each.runs)))
    return dataclasses.replace(result, configurations=(each,))


def test_unlike_work_is_listed_beside_the_verdict(tmp_path: Path, capsys: Capture) -> None:
    """Times are those of one sample, as streams go: of as much wall time for sixteen times as many samples."""
    changes = {"streams": 2, "shapes": {"x": (1, 3, 64, 64)}, "options": {"graph_optimization": "all"}}
    other = asked(BEFORE, 16, **changes)
    other = dataclasses.replace(other, settings=RunSettings(seed=3, ranges={"x": (0.0, 1.0)}))
    (found,) = compare(BEFORE, other)
    assert found.per_sample
    assert found.total.ratio.estimate == pytest.approx(1)
    assert set(found.stages) == {TOTAL}
    assert found.workload == {
        "batch": (1, 16),
        "streams": (1, 2),
        "option graph_optimization": (None, "all"),
        "seed": (0, 3),
        "range of x": (None, [0.0, 1.0]),
        "shape of x": (None, [1, 3, 64, 64]),
    }
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate((BEFORE, other))]
    assert main(["compare", *names]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "not the same work: batch 1 → 16; streams 1 → 2;" in text
    assert "times of one sample, wall time of slices divided by their samples" in text
    assert "shape of x unknown → [1, 3, 64, 64]" in text


def with_data(*names: str, digest: str = "") -> Result:
    return dataclasses.replace(BEFORE, resolved=Resolved(samples=names, data_digest=digest))


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        (with_data("a.png", "b.png"), with_data("a.png", "b.png"), None),
        (with_data("a.png", digest="12" * 32), with_data("a.png", digest="12" * 32), None),
        (with_data("a.png", digest="12" * 32), with_data("a.png"), None),  # a result of before has no digest
        (with_data("a.png", "b.png"), with_data("c.png"), ("a.png and 1 more", "c.png")),
        (BEFORE, with_data("c.png"), ("synthetic", "c.png")),
        (
            with_data("a.png", digest="12" * 32),
            with_data("a.png", digest="34" * 32),
            ("a.png (sha256 12121212)", "a.png (sha256 34343434)"),
        ),
    ],
)
def test_other_data_are_listed(first: Result, second: Result, change: tuple[str, str] | None) -> None:
    (found,) = compare(first, second)
    assert found.workload.get("data") == change


def test_a_stated_shape_that_is_the_models_own_is_no_change() -> None:
    (each,) = BEFORE.configurations
    each = dataclasses.replace(each, inputs=[{"name": "x", "shape": [1, 3, 64, 64]}])
    plain = dataclasses.replace(BEFORE, configurations=(each,))
    assert compare(plain, asked(plain, shapes={"x": (1, 3, 64, 64)}))[0].workload == {}
    assert set(compare(plain, asked(plain, shapes={"x": (1, 3, 96, 64)}))[0].workload) == {"shape of x"}
    assert compare(plain, asked(plain, tile=(64, 64)))[0].workload == {}


def test_another_tile_is_other_work() -> None:
    (each,) = BEFORE.configurations
    sizes = ((1, 3, 64, 96), (1, 3, 32, 48))
    small, large = (
        dataclasses.replace(
            BEFORE, configurations=(dataclasses.replace(each, inputs=[{"name": "x", "shape": list(shape)}]),)
        )
        for shape in sizes
    )
    (found,) = compare(small, asked(large, tile=(48, 32)))
    assert found.workload == {"shape of x": tuple(map(list, sizes))}


def test_results_of_different_machines_are_refused_unless_forced() -> None:
    other = make_result(make_configuration("fake", 1.0, 7.0), machine="there")
    with pytest.raises(ResultError, match="different machines"):
        compare(BEFORE, other)
    assert compare(BEFORE, other, force=True)


def on_machine(result: Result, **facts: Any) -> Result:
    """Return a result with facts of another machine, and the hash that follows."""
    machine = {key: {"value": value, "source": "here"} for key, value in facts.items()}
    hashes = {**result.environment["hashes"], "machine": str(facts)}
    return dataclasses.replace(result, environment={**result.environment, "machine": machine, "hashes": hashes})


def test_a_refusal_names_what_differs_between_the_machines(tmp_path: Path, capsys: Capture) -> None:
    """A governor that was changed, and a name that would clear the screen; with --force both are notes."""
    before, after = on_machine(BEFORE, governor="powersave", cores=4), on_machine(BEFORE, governor="x\x1b[2J", cores=4)
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate((before, after))]
    assert main(["compare", *names]) == 2
    error = capsys.readouterr().err
    assert r"governor powersave → x\x1b[2J" in error
    assert "cores" not in error
    assert main(["compare", *names, "--force"]) == 0
    assert r"another machine: governor: powersave → x\x1b[2J" in capsys.readouterr().out


def at_frequency(result: Result, before: float | None, after: float | None = None, **machine: Any) -> Result:
    """Return a result whose cores ran at so many MHz before and after."""

    def state(mhz: float | None) -> dict[str, Any]:
        known = {"value": {"0": mhz, "1": 2 * mhz}, "source": "scaling_cur_freq"} if mhz else {}
        return {"frequency_mhz": known or {"value": None, "reason": "no cpufreq"}}

    facts = {key: {"value": value, "source": "here"} for key, value in machine.items()}
    states = {"state": state(before), "state_after": state(after or before)}
    environment = {**result.environment, **states, "machine": facts}
    (each,) = result.configurations
    pinned = dataclasses.replace(each, configuration=dataclasses.replace(each.configuration, affinity=(0,)))
    return dataclasses.replace(result, environment=environment, configurations=(pinned,))


def test_a_slower_clock_makes_more_time_and_no_more_cycles() -> None:
    """1500 MHz, then 1200: everything takes 1.25 times as long and as many cycles as before."""
    slow = make_result(make_configuration("fake", 1.25, 8.75))
    (found,) = compare(at_frequency(BEFORE, 1500), at_frequency(slow, 1200))
    assert found.total.verdict.value == "SLOWER"
    assert found.cycles[TOTAL].verdict.value == "SAME"
    assert found.cycles["inference"].ratio.estimate == pytest.approx(1.0)


def on_gpu(result: Result) -> Result:
    (each,) = result.configurations
    return dataclasses.replace(result, configurations=(dataclasses.replace(each, facts={"processor": "GPU"}),))


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (at_frequency(BEFORE, None), "no cpufreq"),
        (at_frequency(BEFORE, 1500, 1800), "from 1500 to 1800 MHz"),
        (on_gpu(at_frequency(BEFORE, 1500)), "does not apply to a GPU"),
        (BEFORE, "the result does not contain it"),
    ],
    ids=["unknown", "changed", "GPU", "older result"],
)
def test_where_cycles_are_not_known_the_reason_is(result: Result, reason: str) -> None:
    (found,) = compare(at_frequency(BEFORE, 1500), result, force=True)
    assert found.cycles == {}
    assert reason in found.cycles_reason


def test_the_nominal_frequency_of_a_virtual_machine_makes_no_cycles() -> None:
    fact = {"value": {"0": 2600.0}, "source": "/proc/cpuinfo cpu MHz"}
    states = {name: {"frequency_mhz": fact} for name in ("state", "state_after")}
    here = dataclasses.replace(BEFORE, environment={**BEFORE.environment, **states})
    guest = {**here.environment, "machine": {"virtualisation": {"value": "kvm", "source": "flags"}}}
    assert "nominal" in compare(dataclasses.replace(here, environment=guest), here)[0].cycles_reason
    assert compare(here, here)[0].cycles[TOTAL].verdict.value == "SAME"


@pytest.mark.parametrize("value", [{"0": "fast"}, {"0": -1}, {}, [1500], "1500", {"0": None}])
def test_a_frequency_that_makes_no_sense_makes_no_cycles(value: object) -> None:
    """Results are files, and hold what others wrote."""
    states = {name: {"frequency_mhz": {"value": value}} for name in ("state", "state_after")}
    odd = dataclasses.replace(BEFORE, environment={**BEFORE.environment, **states})
    assert compare(odd, odd)[0].cycles_reason


def with_costs(result: Result, memory: float | None, label: str) -> Result:
    """Return a result with a memory peak in MB and an answer to two samples."""
    (each,) = result.configurations
    peak = Metric(memory, "MB", reason="" if memory else "/proc could not be read")
    answers = [{"sample": "a", "label": label}, {"sample": "b", "label": "dog"}]
    each = dataclasses.replace(each, metrics={"CPU_MEM_PEAK": peak}, predictions=answers)
    return dataclasses.replace(result, configurations=(each,))


def test_memory_and_answers_stand_beside_the_verdicts(tmp_path: Path, capsys: Capture) -> None:
    results = with_costs(BEFORE, 100.0, "cat"), with_costs(SLOWER, 150.0, "fox")
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate(results)]
    assert main(["compare", *names]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "1.50" in lines["memory"]
    assert "100 → 150 MB" in lines["memory"]
    assert "1 of 2 alike" in lines["answers"]
    main(["compare", *names, "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["metrics"]["CPU_MEM_PEAK"] == [{"value": 100.0, "unit": "MB"}, {"value": 150.0, "unit": "MB"}]
    assert found["answers"] == {"alike": 1, "of": 2}
    assert found["changes"]["subject"] == {"library acme": ["1.0", "2.0"]}


def test_a_cost_that_one_lacks_is_a_dash(tmp_path: Path, capsys: Capture) -> None:
    results = with_costs(BEFORE, None, "cat"), with_costs(SLOWER, 150.0, "cat")
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate(results)]
    assert main(["compare", *names]) == 0
    assert "- → 150 MB" in capsys.readouterr().out


def test_two_dogs_in_different_places_are_not_one_answer() -> None:
    """Counted by where the boxes are, and not by the words that both are rendered as."""
    boxes = [[[0, 0, 10, 10], [20, 20, 30, 30]], [[0, 0, 10, 10], [60, 60, 70, 70]]]
    found = [[{"label": "dog", "box": box, "score": 0.9} for box in sample] for sample in boxes]
    first, second = (
        dataclasses.replace(
            BEFORE,
            configurations=(
                dataclasses.replace(BEFORE.configurations[0], predictions=[{"sample": "a", "items": items}]),
            ),
        )
        for items in found
    )
    assert compare(first, first)[0].answers == (1, 1)
    assert compare(first, second)[0].answers == (0, 1)


def test_numbers_as_they_are_are_no_answers() -> None:
    """The outputs of a bare model differ in their last digits from engine to engine."""
    (each,) = BEFORE.configurations
    raw = dataclasses.replace(each, predictions=[{"sample": "a", "outputs": {"y": {"mean": 0.5}}}])
    bare = dataclasses.replace(BEFORE, configurations=(raw,))
    assert compare(bare, bare)[0].answers is None


def test_one_configuration_is_compared_with_one_and_of_several_the_same_engine() -> None:
    one, other = make_configuration("one", 1.0, 7.0), make_configuration("other", 1.0, 9.0)
    assert [(each.first, each.second) for each in compare(make_result(one), make_result(other))] == [("one", "other")]
    both = make_result(one, other)
    assert [(each.first, each.second) for each in compare(both, make_result(other, one))] == [
        ("one", "one"),
        ("other", "other"),
    ]
    with pytest.raises(ResultError, match="no engine was measured in both"):
        compare(both, make_result(make_configuration("third", 1.0, 7.0)))


def failed(engine: str) -> Configuration:
    outcome = RunOutcome("failed", detail="it is not liked\n  like it")
    return Configuration(EngineConfiguration(engine), engine, "x", isolated=True, outcome=outcome)


@pytest.mark.parametrize(
    ("second", "status", "said"),
    [
        ([failed("other")], 1, "no verdict on other: measured → not measured (it is not liked)"),
        ([], 0, "no verdict on other: measured → not asked for"),
        ([make_configuration("other", 1.0, 9.0)], 0, ""),
    ],
    ids=["failed", "not asked for", "measured"],
)
def test_an_engine_that_failed_since_is_named_and_fails_a_gate(
    second: list[Configuration], status: int, said: str, tmp_path: Path, capsys: Capture
) -> None:
    """Of two engines one runs no more: the verdict on the other must not hide that, whichever the gate."""
    one, other = make_configuration("one", 1.0, 7.0), make_configuration("other", 1.0, 9.0)
    names = [str(tmp_path / name) for name in ("before.json", "after.json")]
    for name, result in zip(names, (make_result(one, other), make_result(one, *second)), strict=True):
        result.save(name)
    for form in ([], ["--markdown"], ["--html"]):
        assert main(["compare", *names, *form]) == 0
        printed = capsys.readouterr().out.replace("\n  ", " ")
        assert said in printed
        assert said or "no verdict on other" not in printed
    for gate in (["--fail-slower", "5%"], ["--fail-unclear"]):
        assert main(["compare", *names, *gate, "--json"]) == status
        told = capsys.readouterr()
        assert bool(json.loads(told.out)[0]["changes"]["unpaired"]) == bool(said)
        assert ("after.json: not measured (it is not liked)" in told.err) == bool(status)


@pytest.mark.parametrize("side", ["first", "second", "both"])
@pytest.mark.parametrize("gate", [["--fail-slower", "90%"], ["--fail-unclear"], []])
def test_an_unchecked_model_proves_nothing_on_either_side(
    tmp_path: Path, capsys: Capture, side: str, gate: list[str]
) -> None:
    """It is ten times as fast, and yet neither FASTER nor good enough for a gate."""
    slow, fast = make_configuration("fake", 10.0, 70.0), make_configuration("fake", 1.0, 7.0)
    marks = {"first": ("no device", ""), "second": ("", "no device"), "both": ("no device", "no device")}[side]
    for name, each, mark in zip(("before", "after"), (slow, fast), marks, strict=True):
        make_result(dataclasses.replace(each, unchecked=mark)).save(tmp_path / f"{name}.json")
    files = [str(tmp_path / "before.json"), str(tmp_path / "after.json")]
    assert main(["compare", *files, *gate]) == (1 if gate else 0)
    shown = capsys.readouterr()
    assert "FASTER" not in shown.out
    assert "unchecked: fake: its converted model was not compared with its source (no device)" in shown.out
    assert shown.err.startswith("unchecked: fake: ") == bool(gate)
    assert main(["compare", *files, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert {(each["verdict"], each["code"]) for each in found["stages"].values()} == {("UNCHECKED", "unchecked")}
    assert found["stages"]["total"]["ratio"] == pytest.approx(0.1, rel=1e-2)
    for form in ("--csv", "--markdown", "--html"):
        assert main(["compare", *files, form]) == 0
        told = capsys.readouterr().out
        assert "UNCHECKED" in told
        assert "no device" in told
        assert "FASTER" not in told


def test_of_all_engines_those_that_cannot_run_the_app_fail_no_gate() -> None:
    options = argparse.Namespace(fail_slower=0.05, fail_unclear=False)
    result = make_result(make_configuration("one", 1.0, 7.0), failed("other"))
    for engine, count in ((("one", "other"), 1), (("all",), 0)):
        asked = dataclasses.replace(result, settings=RunSettings(engine=engine))
        assert len(unmeasured_gates(asked, options)) == count


def test_a_setting_keeps_its_name_where_its_sibling_failed() -> None:
    """Beside a sibling it is called by its threads, also where that was not measured."""
    one, two = (
        dataclasses.replace(make_configuration("one", 1.0, 7.0), configuration=EngineConfiguration("one", threads=many))
        for many in (1, 2)
    )
    gone = dataclasses.replace(failed("one"), configuration=EngineConfiguration("one", threads=2))
    found = compare(make_result(one, two), make_result(one, gone))
    assert [each.first for each in found] == ["one:threads=1"]


def beside(result: Result, speed: float, **kind: str) -> Result:
    """Return a result as it would be on a machine of another speed, with units of a yardstick beside."""
    ns = 400_000 * speed
    stick = {"version": "1", **kind, "ns": ns, "run_ns": [ns] * len(STEADY), "cov": 0.0}

    def slowed(run: Run) -> Run:
        units = {stage: found.median / 400_000 for stage, found in run.statistics.items()}
        statistics = {
            stage: dataclasses.replace(found, median=found.median * speed) for stage, found in run.statistics.items()
        }
        return dataclasses.replace(run, units=units, statistics=statistics)

    (found,) = result.configurations
    found = dataclasses.replace(found, runs=tuple(map(slowed, found.runs)))
    return dataclasses.replace(result, configurations=(found,), yardstick=stick)


@pytest.mark.parametrize("plain", [BEFORE, beside(BEFORE, 1.0)], ids=["times", "units"])
def test_where_only_the_batch_differs_times_are_those_of_one_sample(
    plain: Result, tmp_path: Path, capsys: Capture
) -> None:
    many = asked(plain, 16)
    (found,) = compare(plain, many)
    assert found.total.verdict.value == "SAME"
    assert found.per_sample
    assert found.workload == {"batch": (1, 16)}
    assert found.medians[TOTAL] == pytest.approx((8.01e6, 8.01e6), rel=1e-3)
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate((plain, many))]
    assert main(["compare", *names]) == 0
    assert "divided by its samples: batch 1 → 16" in capsys.readouterr().out
    main(["compare", *names, "--json"])
    (document,) = json.loads(capsys.readouterr().out)
    assert document["per_sample"] is True
    assert document["changes"]["workload"] == {"batch": [1, 16]}


@pytest.mark.parametrize(("speed", "verdict"), [(1.005, "SAME"), (1.3, "UNCLEAR")])
def test_a_machine_that_drifts_does_not_make_an_app_slower(speed: float, verdict: str) -> None:
    """The same app in an hour in which everything takes longer: a large correction is no proof of SAME either."""
    (found,) = compare(beside(BEFORE, 1.0), beside(BEFORE, speed))
    assert found.total.verdict.value == verdict
    assert found.total.ratio.estimate == pytest.approx(1.0)
    assert found.raw[TOTAL].ratio.estimate == pytest.approx(speed)
    assert found.raw_reason == ""


def test_a_difference_no_larger_than_what_the_yardstick_corrects_is_unclear() -> None:
    """The pair that is 7.5 % apart, in hours that differ by 2 and by 15 %."""
    verdicts = [
        found.total.verdict.value
        for speed in (1.0, 1.02, 0.98, 1.15, 0.85)
        for found in compare(beside(BEFORE, 1.0), beside(SLOWER, speed))
    ]
    assert verdicts == ["SLOWER", "SLOWER", "SLOWER", "UNCLEAR", "UNCLEAR"]


@pytest.mark.parametrize("ns", [None, 0, -1.0, float("inf"), "fast"])
def test_a_yardstick_without_a_speed_is_no_yardstick(ns: object) -> None:
    one, other = (beside(each, 1.0) for each in (BEFORE, SLOWER))
    (found,) = compare(one, dataclasses.replace(other, yardstick={**other.yardstick, "ns": ns}))
    assert found.basis == "time"
    assert found.raw_reason == "the yardstick's speed is not known"


def test_a_difference_by_which_the_yardstick_itself_strays_is_unclear() -> None:
    """The pair that is 7.5 % apart: SLOWER beside a steady kernel, and beside one that strays by 3 %, not by 10 %."""
    verdicts = []
    for drift in (0.0, 0.03, 0.10):
        one, other = (beside(each, 1.0) for each in (BEFORE, SLOWER))
        stuck = dataclasses.replace(other, yardstick={**other.yardstick, "cov": drift})
        (found,) = compare(one, stuck)
        verdicts.append(found.total.verdict.value)
    assert verdicts == ["SLOWER", "SLOWER", "UNCLEAR"]


def test_units_of_different_yardsticks_are_not_compared() -> None:
    (found,) = compare(beside(BEFORE, 1.0, blas="one"), beside(BEFORE, 1.3, blas="other"))
    assert found.total.verdict.value == "SLOWER"
    assert found.raw_reason == "their yardsticks differ in blas"


def test_what_differs_in_versions_is_known() -> None:
    assert subject_changes(BEFORE, SLOWER) == {"library acme": ("1.0", "2.0")}
    assert subject_changes(BEFORE, BEFORE) == {}


def test_another_variant_is_known() -> None:
    other = asked(BEFORE, variant="s8")
    (name,) = other.by_name()
    assert subject_changes(BEFORE, other) == {f"variant {name}": ("the app's own", "s8")}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Save both results."""
    places = [tmp_path / "before.json", tmp_path / "after.json"]
    return [str(result.save(place)) for result, place in zip((BEFORE, SLOWER), places, strict=True)]


def test_the_screen_names_verdict_interval_times_and_the_stage_that_makes_most_of_it(
    files: list[str], capsys: Capture
) -> None:
    assert main(["compare", *files]) == 0
    text = capsys.readouterr().out
    total, pre = (
        next(line for line in text.splitlines() if line.strip().startswith(each)) for each in ("total", "pre")
    )
    assert total.split()[1:3] == ["SLOWER", "1.075"]
    assert "8.01 → 8.61 ms" in total
    assert pre.endswith("← most of it")
    assert "library acme: 1.0 → 2.0" in text


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--fail-slower", "5%"], 1, "slower than allowed (5.0 %)"),
        (["--fail-slower", "0.05"], 1, "slower than allowed"),
        (["--fail-slower", "10%"], 0, ""),
        (["--fail-unclear"], 0, ""),
        (["--fail-slower", "-1"], 2, "5% or 0.05"),
        (["--margin", "0"], 2, "--margin"),
        (["--threads", "2"], 2, "--threads applies only to measuring"),
        (["--retry-disturbed"], 2, "--retry-disturbed applies only to measuring"),
    ],
)
def test_the_status_says_whether_a_gate_failed(
    files: list[str], capsys: Capture, words: list[str], status: int, said: str
) -> None:
    assert main(["compare", *files, *words]) == status
    error = capsys.readouterr().err
    assert said in error
    assert bool(error) == bool(said)


def test_an_unclear_verdict_fails_only_where_that_was_asked_for(tmp_path: Path, capsys: Capture) -> None:
    wild = make_configuration("fake", 1.0, 7.3, (1, 1.4, 0.8, 1.2, 0.9, 1.1, 1.3, 0.7))
    names = [
        str(result.save(tmp_path / f"{name}.json"))
        for name, result in (("before", BEFORE), ("wild", make_result(wild)))
    ]
    assert main(["compare", *names, "--fail-slower", "1%"]) == 0
    assert "unclear: " in capsys.readouterr().out
    assert main(["compare", *names, "--fail-unclear"]) == 1


@pytest.mark.parametrize(("runs", "status"), [(3, 0), (4, 1), (8, 1)])
def test_a_gate_fails_only_on_what_the_verdict_calls_slower(runs: int, status: int, tmp_path: Path) -> None:
    """A third slower, surely: of three runs that is UNCLEAR, and only --fail-unclear fails."""
    slow = make_result(make_configuration("fake", 1.0, 9.7, STEADY[:runs]))
    names = [str(each.save(tmp_path / f"{at}.json")) for at, each in enumerate((BEFORE, slow))]
    assert main(["compare", *names, "--fail-slower", "5%"]) == status
    assert main(["compare", *names, "--fail-slower", "5%", "--fail-unclear"]) == 1


def test_several_results_are_each_compared_with_the_first(files: list[str], capsys: Capture) -> None:
    assert main(["compare", files[0], files[1], files[0], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["stages"][TOTAL]["verdict"] for each in found] == ["SLOWER", "SAME"]
    assert found[0]["stages"][TOTAL]["median_ns"] == pytest.approx([8.01e6, 8.61e6], rel=0.001)


def test_the_function_is_not_hidden_by_a_module_of_its_name() -> None:
    """``import lpbench.x`` puts x into lpbench: a module called compare would take the function's place."""
    import lpbench
    import lpbench.cli.compare

    assert callable(lpbench.compare)
    assert callable(lpbench.probe)
