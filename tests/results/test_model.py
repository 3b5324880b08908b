"""Results as documents: round trips, hostile and damaged files; tested on hand-built and on measured results."""

from __future__ import annotations

import dataclasses
import json
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench import render as lpbench_render
from lpbench.errors import ResultError
from lpbench.jobs.measuring.recording import Recorder
from lpbench.jobs.measuring.records import record
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results import recorded, store
from lpbench.results.json_document import decode, from_dict, parse
from lpbench.results.json_encode import encode
from lpbench.results.metrics import derive
from lpbench.results.model import Configuration, Result
from lpbench.results.run import Lockstep, Run, Stage
from lpbench.results.settings import RunSettings
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import summarize
from lpbench.util.outcome import RunOutcome
from lpbench.worker.requests import Slice

if TYPE_CHECKING:
    from collections.abc import Callable


INT64 = st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1)


def make_run(index: int = 0, count: int = 20, scale: int = 1000) -> Run:
    """Return a run whose stages take 1, 10 and 2 units and a bit."""
    raw = {
        name: array("q", [scale * unit + at for at in range(count)])
        for name, unit in zip(STAGES, (1, 10, 2), strict=True)
    }
    raw[TOTAL] = array("q", map(sum, zip(*raw.values(), strict=True)))
    summaries = {name: summarize(values) for name, values in raw.items()}
    counters = {"wall_ns": 13_000 * count, "cpu_ns": 12_000 * count, "rss_bytes": 5e7, "peak_bytes": 6e7}
    return Run(index, samples=count, raw=raw, statistics=summaries, cpu=summaries, counters=counters)


def make_result(runs: int = 3) -> Result:
    """Return a result of one configuration."""
    measured = tuple(make_run(index, scale=1000 + index) for index in range(runs))
    pooled = {name: array("q", [v for run in measured for v in run.raw[name]]) for name in (*STAGES, TOTAL)}
    configuration = Configuration(
        EngineConfiguration("fake", threads=1),
        asked="phony",
        plugin="lpbench-fakes 1.0",
        label="fake",
        isolated=True,
        stages=tuple(Stage(name, name, "x") for name in (*STAGES, TOTAL)),
        runs=measured,
        statistics={name: summarize(values) for name, values in pooled.items()},
        metrics=derive(measured, pooled, {}, cores=2),
    )
    app = {"name": "numbers", "class": "signal_processing", "digest": None}
    return Result(
        app, RunSettings(percentile=99.0), {}, (configuration,), created="2026-01-02T03:04:05+00:00", lpbench="0"
    )


def plain_document() -> dict[str, Any]:
    """Return a result's document as JSON gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(make_result().to_dict()))
    return plain


@given(st.lists(INT64))
def test_a_block_gives_back_every_integer(values: list[int]) -> None:
    assert list(decode(encode(array("q", values)))) == values


def test_a_result_survives_its_document() -> None:
    made = make_result()
    assert from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False))) == made


def test_a_measured_result_survives_its_file(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    from lpbench.jobs.measuring.session import benchmark

    made = benchmark(fake_app(), number=30, runs=2)
    assert store.load(made.save(tmp_path / "r.json")) == made


def test_the_document_keeps_to_the_published_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema")
    from lpbench.util.schema import published

    jsonschema.Draft202012Validator.check_schema(published("lpbench.results", "result"))
    jsonschema.validate(plain_document(), published("lpbench.results", "result"))


def test_raw_samples_have_a_cap_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "RAW_LIMIT", 10)
    recorder = Recorder(0, EngineConfiguration("fake"))
    measured = Slice(1, 1, 0, 0, 1, array("q", range(4 * 8)).tobytes())
    for _ in range(3):
        recorder.add(measured)
    run = record(recorder, None).run()
    assert (run.samples, len(run.raw[TOTAL]), len(run.slices)) == (24, 10, 3)
    assert run.statistics[TOTAL].n == 24
    assert [each.samples for each in run.slices] == [8, 8, 8]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=99), "version 99 is not read.*reads versions 1 to 2"),
        (lambda d: d.update(format="other"), "not a result of lpbench"),
        (lambda d: d.pop("app"), "app"),
        (lambda d: d["configurations"][0]["runs"][0].update(samples=-1), r"configurations\[0\].runs\[0\].samples"),
        (lambda d: d["configurations"][0]["metrics"]["LATENCY"].update(value="fast"), "LATENCY.value"),
    ],
    ids=["other version", "other format", "missing key", "negative count", "text for a number"],
)
def test_a_document_that_is_no_result_is_refused_by_name(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    changed = plain_document()
    change(changed)
    with pytest.raises(ResultError, match=f"(?s)r.json.*{message}"):
        from_dict(changed, where="r.json")


WIDE = {"lower": 1.0, "upper": 2.0, "confidence": 0.95, "method": ""}


def _run_of(document: dict[str, Any]) -> Any:
    return document["configurations"][0]["runs"][0]


def _pairs(*ends: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"first": first, "second": second, "ratios": {TOTAL: [1.0]}} for first, second in ends]


def _twice(document: dict[str, Any], *ends: tuple[int, int]) -> None:
    document["configurations"] *= 3
    document["lockstep"] = _pairs(*ends)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=True), "version true is not read"),
        (lambda d: d.update(format={"x": [[]] * 1000}), "format is an object\n"),
        (lambda d: d.update(created="yesterday"), 'created: found "yesterday"'),
        (lambda d: d.update(environment={"machine": {"cpu": 4}}), "environment.machine.cpu: found 4"),
        (lambda d: d.update(yardstick={"ns": "fast"}), "yardstick.ns"),
        (lambda d: d.update(yardstick={"ns": 1e-300}), "yardstick.ns: found 1e-300"),
        (lambda d: d["configurations"][0].update(agreement={"with": 0}), 'agreement: missing key "samples"'),
        (lambda d: d["configurations"][0].update(agreement={"with": 1, "samples": 1, "same": 1}), "agreement.with"),
        (lambda d: d["configurations"][0].update(quality={"value": 1}), 'quality: missing key "metric"'),
        (lambda d: d["configurations"][0].update(quality={"metric": "m", "gate": {"passes": True}}), "gate"),
        (lambda d: d["configurations"][0].update(predictions=[{"sample": ["x"]}]), r"predictions\[0\].sample"),
        (lambda d: d["configurations"][0].update(runs=[]), "runs: found none that was timed"),
        (lambda d: d["configurations"][0]["statistics"].pop(TOTAL), "statistics: found no total"),
        (lambda d: d["configurations"][0]["statistics"][TOTAL].update(median=1e300), "statistics.total.median"),
        (lambda d: _run_of(d)["statistics"][TOTAL].update(std=None), "total.std: found null"),
        (lambda d: _run_of(d)["statistics"][TOTAL].update(interval={**WIDE, "lower": 3.0}), "lower end first"),
        (
            lambda d: _run_of(d)["raw"].update(inference=encode(array("q", [1]))),
            "raw: found stages of 1 and 20 samples",
        ),
        (lambda d: _run_of(d)["raw"].pop(TOTAL), "raw: found no total"),
        (lambda d: d.update(lockstep=_pairs((0, 1))), r"lockstep\[0\].second: found 1"),
        (lambda d: _twice(d, (0, 1), (1, 2)), r"lockstep\[1\].first: found 1"),
        (lambda d: _twice(d, (0, 1), (0, 1)), r"lockstep\[1\].second: found 1"),
        (lambda d: _twice(d, (0, 0)), r"lockstep\[0\].second: found 0"),
    ],
)
def test_what_a_table_or_a_comparison_could_not_use_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    changed = json.loads(json.dumps(plain_document()))
    change(changed)
    with pytest.raises(ResultError, match=f"(?s)^r.json: .*{message}"):
        from_dict(changed, where="r.json")


def test_reasons_of_what_has_a_value_are_ignored_and_whole_numbers_may_be_written_with_a_point() -> None:
    changed = plain_document()
    run = _run_of(changed)
    run["statistics"][TOTAL]["reasons"].update({name: {"reason": "x", "code": "y"} for name in ("median", "later")})
    run["samples"], run["raw"][TOTAL]["count"] = 20.0, 20.0
    assert from_dict(changed) == make_result()
    assert from_dict(changed).rows() == make_result().rows()


def test_samples_take_no_memory_out_of_proportion_to_the_file() -> None:
    """Equal samples are deflated a thousand times over: a few kilobytes would become gigabytes."""
    changed = plain_document()
    block = encode(array("q", [0] * 1_000_000))
    _run_of(changed)["raw"] = {f"stage {at}": block for at in range(150)} | {TOTAL: block}
    assert len(json.dumps(changed)) < 2_000_000
    with pytest.raises(ResultError, match=r"found 151000160 stored samples\n  expected at most \d{7}"):
        from_dict(changed)


def test_a_result_without_configurations_is_shown_and_has_no_latency() -> None:
    empty = dataclasses.replace(make_result(), configurations=())
    assert "numbers" in lpbench_render.text(empty, verbose=True)
    assert "numbers" in lpbench_render.to_html(empty)
    with pytest.raises(ResultError, match="the result has no configuration"):
        _ = empty.latency


def test_keys_that_later_versions_add_are_ignored_at_every_level() -> None:
    """But in objects whose keys are names of stages, metrics and the like: there they are one more of these."""
    made = make_result()
    document = plain_document()
    named_freely = {
        *("statistics", "cpu", "metrics", "raw", "reasons", "counters", "units", "first_ns", "breakdown", "facts"),
        *("options", "shapes", "ranges", "app", "environment", "warm_up", "disturbance", "agreement", "quality"),
        *("yardstick", "flags", "stages", "device_bytes", "monitors", "software"),
    }

    def add(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            inner = {name: add(each, name) for name, each in value.items()}
            return inner if key in named_freely else {**inner, "from_the_future": {"x": [1]}}
        return [add(each, key) for each in value] if isinstance(value, list) else value

    changed = add(document)
    assert "from_the_future" in changed["configurations"][0]["runs"][0]["outcome"]
    assert from_dict(changed) == made


OLD = sorted((Path(__file__).parents[1] / "data" / "results-v1").glob("*.json"))


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_results_of_version_1_are_read(path: Path) -> None:
    """One of each kind, written by lpbench before version 2; what it could not say has a default."""
    old = json.loads(path.read_text(encoding="utf-8"))
    read = store.load(path)
    assert [each.engine for each in read.configurations] == [each["engine"] for each in old["configurations"]]
    assert [dict(each.options) for each in read.configurations] == [each["options"] for each in old["configurations"]]
    for configuration, before in zip(read.configurations, old["configurations"], strict=True):
        assert configuration.state.removeprefix("unavailable: ") in before["state"]
        assert [run.state for run in configuration.runs] == [run["state"] for run in before["runs"]]
        assert [dict(run.breakdown) for run in configuration.runs] == [run["parts"] for run in before["runs"]]
        assert {name: metric.value for name, metric in configuration.metrics.items()} == {
            name: metric["value"] for name, metric in before["metrics"].items()
        }
    assert read.resolved.runs == old["settings"]["runs"]
    assert read.settings.number == old["settings"]["number"]
    assert from_dict(json.loads(json.dumps(read.to_dict()))) == read
    assert lpbench_render.text(read, verbose=True)


def test_a_kind_of_outcome_is_read_from_the_words_of_version_1() -> None:
    found = {path.stem: store.load(path).configurations[0] for path in OLD}
    assert len(OLD) >= 11
    assert found["crashed"].outcome == RunOutcome("crashed", "warming up", "SIGSEGV")
    assert found["hung"].runs[0].outcome == RunOutcome("hung", "loading", detail="no answer in 0.5 s")
    assert found["refused"].outcome.kind == "failed"
    assert found["not-ready"].outcome.kind == "unavailable"
    assert found["interrupted"].outcome == RunOutcome("interrupted")
    assert found["one-engine"].outcome.ok


@pytest.mark.parametrize("name", ["settings", "configurations", "created"])
def test_what_is_no_result_of_version_1_either_is_refused(name: str) -> None:
    document = json.loads(OLD[0].read_text(encoding="utf-8"))
    del document[name]
    with pytest.raises(ResultError, match=name):
        from_dict(document)


def test_what_was_not_measured_says_why_it_has_no_latency() -> None:
    gone = Configuration(
        EngineConfiguration("fake"), "fake", "", isolated=True, outcome=RunOutcome("unavailable", detail="no device")
    )
    with pytest.raises(ResultError, match="fake was not measured: unavailable: no device"):
        _ = gone.latency


def _block(values: list[int], **changes: Any) -> dict[str, Any]:
    return {**encode(array("q", values)), **changes}


@pytest.mark.parametrize(
    "block",
    [
        _block([1], count=2),
        _block([1, 2], count=1),
        _block([1], count=1 << 40),
        _block([1], data="!!"),
        _block([1], data="AAAA"),
        _block([0] * 100_000, count=1),
    ],
    ids=["too short", "too long", "absurd count", "no base64", "no zlib", "bomb"],
)
def test_a_damaged_block_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ResultError, match=r"r\.json"):
        decode(block, where="r.json")


def test_stages_that_do_not_add_up_are_refused() -> None:
    changed = plain_document()
    changed["configurations"][0]["runs"][0]["raw"]["inference"] = encode(array("q", [5] * 20))
    with pytest.raises(ResultError, match="do not add up"):
        from_dict(changed)


def test_negative_times_are_refused() -> None:
    changed = plain_document()
    raw = changed["configurations"][0]["runs"][0]["raw"]
    for name, value in zip((*STAGES, TOTAL), (-5, 3, 2, 0), strict=True):
        raw[name] = encode(array("q", [value]))
    with pytest.raises(ResultError, match="negative"):
        from_dict(changed)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": NaN}'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ResultError, match=r"r\.json"):
        parse(text, where="r.json")


def test_a_file_cut_anywhere_is_refused() -> None:
    text = json.dumps(make_result(1).to_dict()).encode()
    for end in range(0, len(text) - 1, 97):
        with pytest.raises(ResultError):
            parse(text[:end])


def test_run_medians_are_the_units_of_comparison() -> None:
    configuration = make_result(3).configurations[0]
    assert configuration.run_medians() == [run.statistics[TOTAL].median for run in configuration.runs]
    without = dataclasses.replace(
        configuration, runs=(*configuration.runs, Run(3, RunOutcome("crashed", signal="SIGSEGV")))
    )
    assert len(without.run_medians()) == 3


def test_a_summary_has_one_record_for_each_configuration_with_all_metrics() -> None:
    made = make_result(3)
    (record,) = made.summary()
    assert (record["configuration"], record["runs"], record["samples"]) == ("fake", 3, 60)
    assert record["LATENCY"] == made.latency.value
    assert made.latency.interval
    assert (record["LATENCY_LOWER"], record["LATENCY_UPPER"]) == (
        made.latency.interval.lower,
        made.latency.interval.upper,
    )
    assert record["GPU_MEM"] is None, "what is not known is not 0"
    assert set(made.configurations[0].metrics) <= set(record)


def test_a_summary_of_engines_that_took_turns_has_their_times_in_turns() -> None:
    """Alone both take 13 ms here; in turns the second took 1.5 times as long."""
    made = make_result(3)
    (one,) = made.configurations
    two = dataclasses.replace(one, configuration=EngineConfiguration("other"))
    pair = Lockstep(0, 1, {TOTAL: (1.5,) * 4}, {TOTAL: (4e6,) * 4})
    first, second = dataclasses.replace(made, configurations=(one, two), lockstep=(pair,)).summary()
    assert first["LATENCY"] == second["LATENCY"]
    assert (first["LATENCY_IN_TURNS"], second["LATENCY_IN_TURNS"]) == pytest.approx((4.0, 6.0))
    assert "LATENCY_IN_TURNS" not in made.summary()[0]


def test_frames_hold_the_rows_or_the_summary() -> None:
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    made = make_result(2)
    assert made.to_pandas().equals(pandas.DataFrame(made.rows()))
    assert made.to_pandas(summary=True).equals(pandas.DataFrame(made.summary()))


def test_rows_hold_every_stored_sample_and_add_up() -> None:
    rows = make_result(2).rows()
    assert len(rows) == 40
    assert all(row[TOTAL] == sum(row[name] for name in STAGES) for row in rows)
