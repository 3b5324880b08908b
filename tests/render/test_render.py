"""What a person reads of a result; tested on hand-built results."""

from __future__ import annotations

import dataclasses
import re
from array import array
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpbench
from lpbench import render
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.render._numbers import around, digits, spread
from lpbench.render._table import Column, blocks, narrow, table
from lpbench.render.predictions import PUBLISHED, answers, predictions, readings, state
from lpbench.results.metrics import derive, percentiles
from lpbench.results.model import INTERRUPTED, Configuration, Result
from lpbench.results.run import Lockstep, Metric, Run, Stage
from lpbench.results.settings import Resolved, RunSettings
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import Interval, summarize
from lpbench.util.outcome import RunOutcome
from lpbench.util.text import cells, clean, shorten

LABELS = ("image_preprocessor", "engines/fake", "image_postprocessor", "image_classification")
MS = 1_000_000


def make_run(index: int = 0, count: int = 20, ns: int = 10 * MS) -> Run:
    """Return a run whose stages take 1, 8 and 1 tenths of ``ns`` and a bit."""
    shares = zip(STAGES, (1, 8, 1), strict=True)
    raw = {name: array("q", [ns * share // 10 + 1000 * at for at in range(count)]) for name, share in shares}
    raw[TOTAL] = array("q", map(sum, zip(*raw.values(), strict=True)))
    found = {name: summarize(values) for name, values in raw.items()}
    counters = {"wall_ns": ns * count, "cpu_ns": ns * count, "rss_bytes": 5e7, "peak_bytes": 6e7}
    return Run(index, samples=count, raw=raw, statistics=found, cpu=found, counters=counters, stopped="number")


def make_configuration(name: str = "fake", ns: int = 10 * MS, runs: int = 3, count: int = 20) -> Configuration:
    """Return a measured configuration."""
    done = tuple(make_run(index, count, ns + index * ns // 1000) for index in range(runs))
    pooled = {stage: array("q", [v for run in done for v in run.raw[stage]]) for stage in (*STAGES, TOTAL)}
    found = {stage: summarize(values) for stage, values in pooled.items()}
    return Configuration(
        EngineConfiguration(name),
        asked=name,
        plugin=f"lpbench-{name} 1.0",
        isolated=True,
        facts={"version": "2.0", "device": "cpu", "processor": "CPU", "threads": 1, "precision": "F32"},
        inputs=[{"name": "x", "shape": [1, 3, 224, 320], "layout": "NCHW"}],
        stages=tuple(Stage(stage, label, "p 1", "F32") for stage, label in zip((*STAGES, TOTAL), LABELS, strict=True)),
        runs=done,
        statistics=found,
        cpu=found,
        metrics=derive(done, pooled, {}, cores=2),
    )


def failed(name: str, outcome: RunOutcome, detail: str = "") -> Configuration:
    """Return a configuration that was not measured."""
    runs = (Run(0, outcome, detail),) if detail else ()
    return Configuration(EngineConfiguration(name), name, "", isolated=True, outcome=outcome, runs=runs)


def make_result(*configurations: Configuration, state: str = "OK") -> Result:
    """Return a result of an app with six samples."""
    fact = {"value": "Acme 3000", "source": "/proc/cpuinfo"}
    environment = {"machine": {"cpu_model": fact, "governor": {"value": None, "reason": "no such file"}}}
    resolved = Resolved(samples=tuple(f"{each}.png" for each in range(6)), runs=3, max_time_s=60.0)
    app = {"name": "my-app", "class": "image_classification"}
    return Result(app, RunSettings(), environment, configurations or (make_configuration(),), resolved, state)


def rows_of(text: str, label: str) -> list[list[str]]:
    """Return the words of the lines that begin with ``label``."""
    return [line.split() for line in text.splitlines() if line.startswith(label)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (8.0249, "8.02"),
        (0.020449, "0.0204"),
        (9.996, "10.0"),
        (124.7, "125"),
        (1247, "1250"),
        (0, "0"),
        (0.0000412, "4.12e-5"),
        (123_456_789, "1.23e8"),
        (-3.14159, "-3.14"),
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "-"),
        (True, "-"),
    ],
)
def test_numbers_have_three_significant_digits(value: object, shown: str) -> None:
    assert digits(value) == shown


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_shown_number_is_within_half_a_percent_and_never_zero(value: float) -> None:
    assert float(digits(value)) == pytest.approx(value, rel=0.005001)


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (7.91, 0.3849, "±0.38"),  # the value's decimals
        (8.02, 0.0041, "±0.004"),  # which would say ±0.00
        (0.301, 0.000099, "±0.0001"),
        (0.301, 0.00000000099, "±1e-9"),
        (37.7, 286.8, "±287"),  # three digits are enough for a wild one
        (130.0, 0.0, "±0"),
        (0.00001, 0.000002, "±2.0e-6"),
    ],
)
def test_the_half_width_has_the_decimals_of_its_value(value: float, half: float, shown: str) -> None:
    assert spread(value, half) == shown


@given(st.text())
def test_text_from_outside_cannot_steer_a_terminal(text: str) -> None:
    assert all(letter.isprintable() or letter in "\u200c\u200d\xa0\u202f\u3000" for letter in clean(text))


@given(st.text(), st.integers(min_value=1, max_value=30))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    assert cells(shorten(clean(text), width)) <= width


def test_columns_of_a_table_line_up_also_with_wide_characters() -> None:
    """Japanese characters take two columns each: the number beside them still ends where the others end."""
    lines = table([Column("name", left=True), Column("ms")], [["猫", "1.02"], ["cat", "10.2"]])
    assert len({cells(line) for line in lines}) == 1


TEXTS = st.text(st.characters(categories=["L", "N"]), max_size=30)
GRIDS = st.integers(1, 6).flatmap(
    lambda count: st.tuples(
        st.lists(st.tuples(TEXTS, st.booleans()), min_size=count, max_size=count),
        st.lists(st.lists(TEXTS, min_size=count, max_size=count), min_size=1, max_size=4),
    )
)


@given(GRIDS, st.integers(40, 120))
def test_a_table_fits_any_terminal_and_what_is_cut_ends_in_an_ellipsis(
    grid: tuple[list[tuple[str, bool]], list[list[str]]], width: int
) -> None:
    columns = [Column(title, left) for title, left in grid[0]]
    for lines in (narrow(columns, grid[1], width), *blocks(columns, grid[1], width)):
        assert max(map(cells, lines)) <= width
        assert len(lines) == 1 + len(grid[1])
        whole = {*(title for title, _ in grid[0]), *(cell for row in grid[1] for cell in row)}
        assert all(word in whole or word.endswith("…") for line in lines for word in line.split())


def test_long_and_many_names_from_a_file_take_room_and_time_by_what_is_shown() -> None:
    """A cell of a megabyte is not padded in every row, and a paragraph is not wrapped to its end."""
    long = "x" * 1_000_000
    facts = {**{f"fact {at}": at for at in range(100)}, long: 1}
    configurations = [make_configuration(f"fake{at}") for at in range(100)]
    configurations[0] = dataclasses.replace(
        configurations[0], facts=facts, outcome=RunOutcome("failed", detail=f"{long} {'-a' * 500_000}")
    )
    text = lpbench.render.text(make_result(*configurations, failed(long, RunOutcome()), failed("b", RunOutcome())))
    assert "fake99" in text
    assert len(text) < 4_000_000


def test_words_are_cut_before_numbers_and_the_header_like_its_cells() -> None:
    columns = [Column("name", left=True), Column("a long title", left=True), Column("latency ms")]
    lines = narrow(columns, [["short", "a-long-word", "12.345678"]], 26)
    assert lines == ["name  a long t… latency ms", "short a-long-w…  12.345678"]


def test_numbers_that_do_not_fit_stand_in_a_block_of_their_own_beside_the_name() -> None:
    columns = [Column("name", left=True), *(Column(f"figure {at}") for at in range(4))]
    parts = blocks(columns, [["here", *("1234567890" for _ in range(4))]], 40)
    assert [len(rows[0].split("figure")) - 1 for rows in parts] == [3, 1]
    assert all(row.startswith("here") for _, row in parts)


@pytest.mark.parametrize("width", [60, 72])
def test_a_narrow_terminal_shows_every_figure_and_no_line_runs_over(width: int) -> None:
    """One engine and several, with all details."""
    several = make_result(make_configuration("fake"), make_configuration("another_engine", 20 * MS), failed_long())
    for result in (make_result(), several):
        for verbose in (False, True):
            lines = render.text(result, width=width, verbose=verbose).splitlines()
            assert [line for line in lines if cells(line) > width] == []
    assert "no such library" in " ".join(render.text(several, width=width).split())


@pytest.mark.parametrize("width", [60, 72])
def test_verdicts_and_names_stay_whole_on_a_narrow_terminal(width: int) -> None:
    """Two settings of one engine would be one if their names were cut; half a ratio would be another one."""
    first, second = (
        dataclasses.replace(make_configuration(ns=ns), configuration=EngineConfiguration("onnxruntime", threads=count))
        for ns, count in ((10 * MS, 1), (20 * MS, 2))
    )
    pair = Lockstep(0, 1, {TOTAL: (2.0, 2.01, 2.02) * 3})
    text = render.text(dataclasses.replace(make_result(first, second), lockstep=(pair,)), width=width)
    assert max(map(cells, text.splitlines())) <= width
    assert re.search(r"^onnxruntime:threads=2 .*SLOWER  2\.01 ±0\.0\d", text, re.MULTILINE)
    assert "…" not in text


def failed_long() -> Configuration:
    """Return a configuration that was not measured for a reason of several lines."""
    reason = "not installed: no_such_library. " + 5 * "It comes with its vendor's package, which is long to describe. "
    return failed("absent", RunOutcome("unavailable", detail=f"{reason}\nno such library"))


def test_a_model_with_many_inputs_shows_that_there_are_more() -> None:
    inputs = [{"name": f"x{at}", "shape": [1, at + 2]} for at in range(5)]
    text = render.text(make_result(dataclasses.replace(make_configuration(), inputs=inputs)))
    assert "1x2, 1x3, 1x4, …" in text


def test_a_column_without_title_and_content_is_left_out() -> None:
    assert table([Column("a", left=True), Column(""), Column("b")], [["x", "", "1"]]) == ["a  b", "x  1"]


def test_the_answer_comes_first_with_its_certainty_and_unit() -> None:
    first = render.text(make_result()).splitlines()[0]
    assert re.match(r"latency 10\.\d ±0\.\d+ ms ", first)


def test_one_row_for_each_stage_and_one_for_the_whole_app() -> None:
    """Where the terminal is wide, calls, wall and CPU time, type and plugin stand in one row of each stage."""
    text = render.text(make_result(), width=160)
    for label in LABELS:
        (row,) = rows_of(text, label)
        assert row[1] == row[7] == "60"
        assert row[-3:] == ["F32", "p", "1"]
    (header,) = (line for line in text.splitlines() if "median" in line)
    assert header.split().count("std") == 2


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrower_screen_shows_the_same_columns_in_two_blocks(width: int) -> None:
    text = render.text(make_result(), width=width)
    assert max(map(cells, text.splitlines())) <= width
    assert len(text.splitlines()) <= 24
    for label in LABELS:
        assert len(rows_of(text, label)) == 2
    assert "real ms" in text
    assert "CPU ms" in text
    assert text.count("var ms²") == 2


def test_stages_stand_in_the_order_of_the_anchors_and_add_up() -> None:
    text = render.text(make_result(), width=160)
    means = [float(rows_of(text, label)[0][2]) for label in LABELS]
    assert sum(means[:3]) == pytest.approx(means[3], rel=0.01)


@pytest.mark.parametrize(("asked", "name"), [(90.0, "p90"), (99.0, "p99"), (97.5, "p97.5"), (None, "p99")])
def test_the_percentile_that_was_asked_for_is_the_one_that_is_shown(asked: float | None, name: str) -> None:
    """First line, the table of several engines, HTML; and why it is not known."""
    wanted = percentiles([10 * MS] * 700, [asked]) if asked else {}
    found = dataclasses.replace(make_configuration(), metrics={**make_configuration().metrics, **wanted})
    one, two = (
        dataclasses.replace(result, settings=RunSettings(percentile=asked))
        for result in (make_result(found), make_result(found, found))
    )
    value = "n too small" if asked is None else "10.0 ms"
    assert f" · {name} {value} · " in render.text(one).splitlines()[0]
    assert f"{name} {value}" in render.to_html(one)
    (header,) = (line for line in render.text(two, width=200).splitlines() if line.startswith("engine"))
    assert [word for word in header.split() if word.startswith("p9")] == [name]
    few = dataclasses.replace(make_result(), settings=RunSettings(percentile=99.9))
    assert "no p99.9: n too small (need 6636)" in render.text(few)


def test_a_model_of_microseconds_is_shown_in_microseconds() -> None:
    text = render.text(make_result(make_configuration(ns=5_000)))
    assert re.match(r"latency \d+\.\d ±[\d.]+ µs ", text)
    assert "real µs" in text


def test_what_is_missing_is_explained_under_the_table() -> None:
    """One run has no interval across runs, sixty samples have no p99; both say what would help."""
    found = dataclasses.replace(
        make_configuration(runs=1), problems=[{"sample": "bad.png", "error": "bad.png: cannot be decoded\n  hint"}]
    )
    text = render.text(make_result(found))
    assert "no ±: one " in text
    assert re.search(r"no p99: n too small \(need \d+\)", text)
    assert "left out bad.png: bad.png: cannot be decoded" in text
    assert text.index("no p99") > text.index("image_classification  ")


def test_the_reason_why_a_precision_is_not_known_stands_under_the_table() -> None:
    known, quantised = make_configuration(), make_configuration("other")
    told = {name: value for name, value in quantised.facts.items() if name != "precision"}
    other = dataclasses.replace(quantised, facts={**told, "precision_reason": "the model\x1b is quantised"})
    text = render.text(make_result(known, other))
    assert r"precision of other is not known: the model\x1b is quantised" in text
    assert "precision is not known: the model" in render.text(make_result(other))
    assert "not known" not in render.text(make_result(known))


def test_configurations_of_several_shapes_show_each_input() -> None:
    usual = make_configuration()
    shape = (1, 3, 64, 96)
    asked = dataclasses.replace(usual.configuration, shapes={"x": shape})
    small = dataclasses.replace(
        usual, configuration=asked, inputs=[{"name": "x", "shape": list(shape), "layout": "NCHW"}]
    )
    assert "320x224 and 96x64" in render.text(make_result(usual, small))


def test_many_samples_that_were_left_out_are_counted_rather_than_listed() -> None:
    problems = [{"sample": f"{each}.png", "error": "is empty"} for each in range(50)]
    text = render.text(make_result(dataclasses.replace(make_configuration(), problems=problems)))
    assert text.count("is empty") == 3
    assert "47 more" in text


def test_a_crashed_run_is_named_beside_the_number_of_the_others() -> None:
    good = make_configuration()
    crashed = Run(1, RunOutcome("crashed", "measuring", "SIGSEGV"), "first line\nFatal Python error")
    found = dataclasses.replace(good, runs=(*good.runs, crashed), outcome=crashed.outcome)
    text = render.text(make_result(found))
    assert text.startswith("latency 10.")
    assert "run 2: crashed: SIGSEGV while measuring: Fatal Python error" in text


def test_fewer_runs_than_planned_say_why() -> None:
    assert "2 of 3 runs: the time ran out" in render.text(make_result(make_configuration(runs=2)))


def test_an_interrupted_result_says_so() -> None:
    assert "interrupted" in render.text(make_result(state=INTERRUPTED))


def test_several_engines_stand_the_fastest_first_and_the_others_with_their_reasons() -> None:
    slow, fast = make_configuration("slow", 20 * MS), make_configuration("fast", 5 * MS)
    missing = failed(
        "tensorrt", RunOutcome("unavailable", detail="not installed: tensorrt\n  pip install lpbench[trt]")
    )
    crashed = failed("ncnn", RunOutcome("crashed", "loading", "SIGSEGV"), "banner\nVulkan went away")
    lines = render.text(make_result(slow, missing, fast, crashed)).splitlines()
    order = [lines.index(next(line for line in lines if line.startswith(each))) for each in ("fast", "slow", "not m")]
    assert order == sorted(order)
    text = "\n".join(lines)
    assert "latency ms" in text
    assert "n too small" in text
    assert "pip install lpbench[trt]" in text
    assert "crashed: SIGSEGV while loading" in text
    assert "Vulkan went away" in text


def test_engines_that_took_turns_have_a_verdict_beside_their_latency() -> None:
    """Eight runs in which the second took 1.1 times as long: SLOWER, with the interval of the ratio."""
    pair = Lockstep(0, 1, {TOTAL: tuple(1.1 + 0.001 * (run % 3) for run in range(8))})
    both = make_result(make_configuration("one"), make_configuration("two", 11 * MS))
    text = render.text(dataclasses.replace(both, lockstep=(pair,)), width=200)
    assert "vs best" in text
    assert re.search(r"^one .* best ", text, re.MULTILINE)
    assert re.search(r"^two .* SLOWER +1\.10 ±0\.00\d ", text, re.MULTILINE)
    assert "no verdicts" not in text
    assert "SLOWER" in Page(render.to_html(dataclasses.replace(both, lockstep=(pair,)))).text


def in_turns(name: str, ratio: float, *, noise: float = 0.001) -> Lockstep:
    """Return turns in which the first took 4 ms and the second ``ratio`` times that, whatever its runs alone took."""
    every = tuple(ratio * (1 + noise * (run % 3 - 1)) for run in range(8))
    stages = dict.fromkeys((*STAGES, TOTAL), every)
    shares = {"preprocessing": 0.4e6, "inference": 3.2e6, "postprocessing": 0.4e6, TOTAL: 4e6}
    return Lockstep(0, int(name), stages, {stage: (ns,) * 8 for stage, ns in shares.items()})


def test_where_a_result_of_before_has_no_times_of_turns_the_table_says_so() -> None:
    """Times alone may contradict a verdict; nobody is to puzzle over that."""
    both = make_result(make_configuration("one", 25 * MS), make_configuration("two", 18 * MS))
    found = dataclasses.replace(both, lockstep=(in_turns("1", 1.79),))
    older = dataclasses.replace(both, lockstep=(dataclasses.replace(found.lockstep[0], first_ns={}),))
    told = "the times beside them are of each alone"
    for form in (lambda each: render.text(each, width=200), render.to_html):
        assert [told in form(each) for each in (older, found, both)] == [True, False, False]


def test_the_times_beside_a_verdict_are_those_of_the_turns() -> None:
    """Alone, minutes apart, the second took 18 ms and the first 25; in turns it took 1.79 times as long."""
    both = make_result(make_configuration("one", 25 * MS), make_configuration("two", 18 * MS))
    found = dataclasses.replace(both, lockstep=(in_turns("1", 1.79),))
    text = render.text(found, width=200)
    assert re.search(r"^one +4\.00 +±0\S* +0\.400 +3\.20 +0\.400 +best ", text, re.MULTILINE)
    assert re.search(r"^two +7\.16 +±0\.\d+ +0\.716 +5\.73 +0\.716 +SLOWER +1\.79 ±", text, re.MULTILINE)
    assert text.index("\none ") < text.index("\ntwo ")
    (groups,) = (line for line in text.splitlines() if "in turns" in line)
    assert "alone" in groups
    assert "latency 25.1 ±" in render.text(make_result(make_configuration("one", 25 * MS)))
    page = Page(render.to_html(found)).text
    assert "in turns" in page
    assert page.index("7.16") < page.index("each alone") < page.index("latency 25.1")


def test_without_a_verdict_against_every_other_there_is_no_best_one() -> None:
    every = [make_configuration(name) for name in ("one", "two", "three")]
    pairs = (in_turns("1", 1.004, noise=0.02), in_turns("2", 1.5))
    found = dataclasses.replace(make_result(*every), lockstep=pairs)
    text = render.text(found, width=200)
    assert "not told apart: one, two" in text
    assert "not told apart: one, two" in Page(render.to_html(found)).text
    assert "vs one" in text
    assert "best" not in text
    assert re.search(r"^three .* SLOWER +1\.50 ±", text, re.MULTILINE)
    clear = dataclasses.replace(found, lockstep=(in_turns("1", 1.2), pairs[1]))
    assert "not told apart" not in render.text(clear, width=200)


@pytest.mark.parametrize("runs", [1, 2])
def test_fewer_than_three_runs_have_no_plus_minus(runs: int) -> None:
    """Student's t of two runs once made this ±8367."""
    said = f"not known ({runs} run{'s' if runs > 1 else ''})"
    alone = render.text(make_result(make_configuration(runs=runs)), width=160)
    assert re.match(rf"latency 10\.\d ms ± {re.escape(said)} ", alone)
    assert "±0" not in alone
    assert "it takes 3 runs or more" in alone
    both = make_result(make_configuration("one", runs=runs), make_configuration("two", 11 * MS, runs))
    table_ = render.text(both, width=200)
    assert table_.count(said) == 2
    assert said in Page(render.to_html(both)).text


def test_where_too_few_runs_leave_engines_untold_apart_it_says_so() -> None:
    pair = Lockstep(0, 1, {TOTAL: (1.5, 1.5, 1.5)}, {TOTAL: (4e6,) * 3})
    both = make_result(make_configuration("one"), make_configuration("two"))
    text = render.text(dataclasses.replace(both, lockstep=(pair,)), width=200)
    assert "not told apart: one, two (3 runs: a verdict needs 4)" in text


def test_the_interval_of_two_runs_in_a_file_of_before_is_not_shown() -> None:
    made = make_configuration(runs=2)
    latency = dataclasses.replace(made.metrics["LATENCY"], interval=Interval(1.0, 90.0, 0.95, "t"))
    old = dataclasses.replace(made, metrics={**made.metrics, "LATENCY": latency})
    first = render.text(make_result(old)).splitlines()[0]
    assert "± not known (2 runs)" in first
    assert "90" not in first


def test_a_wide_interval_is_shown_by_its_ends() -> None:
    """Three runs of 4, 11 and 31 ms: the logarithmic interval is lopsided, and ± would reach far below 0."""
    done = tuple(make_run(index, ns=ns * MS) for index, ns in enumerate((4, 11, 31)))
    pooled = {stage: array("q", [v for run in done for v in run.raw[stage]]) for stage in (*STAGES, TOTAL)}
    wild = dataclasses.replace(make_configuration(), runs=done, metrics=derive(done, pooled, {}, cores=2))
    first = render.text(make_result(wild)).splitlines()[0]
    assert re.match(r"latency 11\.\d \(0\.\d+ to \d+\) ms ", first)
    both = dataclasses.replace(make_result(wild, make_configuration("two")), lockstep=(in_turns("1", 1.2, noise=0.9),))
    assert re.search(r" UNCLEAR \S+ \(0\.\d+ to \S+\) ", render.text(both, width=200), re.MULTILINE)


@given(st.floats(0.001, 1e6), st.floats(1.0, 50.0), st.floats(1.0, 50.0))
def test_no_half_width_is_over_half_the_value(value: float, below: float, above: float) -> None:
    """Beyond, the two ends stand there, within rounding."""
    shown = around(value, value / below, value * above)
    if shown.startswith("±"):
        assert float(shown[1:]) <= 0.51 * value
    else:
        low, high = map(float, shown.split(" to "))
        assert low == pytest.approx(value / below, rel=0.01)
        assert high == pytest.approx(value * above, rel=0.01)


def _three(**qualities: float) -> Result:
    """Return three engines in lockstep: ``two`` takes 0.8 times as long as ``one``, and ``three`` 0.88 times."""
    pairs = [
        Lockstep(0, at, {TOTAL: tuple(share + 0.0001 * run for run in range(8))}) for at, share in ((1, 0.8), (2, 0.88))
    ]
    every = [
        dataclasses.replace(
            make_configuration(name, ns),
            quality={"metric": "top1", "value": qualities[name], "unit": "", "gate": {"passes": qualities[name] >= 0.7}}
            if name in qualities
            else {},
        )
        for name, ns in (("one", 10 * MS), ("two", 8 * MS), ("three", 9 * MS))
    ]
    return dataclasses.replace(make_result(*every), lockstep=tuple(pairs))


def test_verdicts_are_against_the_best_whichever_was_the_reference() -> None:
    text = render.text(_three(), width=200)
    assert re.search(r"^two .* best ", text, re.MULTILINE)
    assert re.search(r"^three .* SLOWER +1\.10 ±", text, re.MULTILINE)
    assert re.search(r"^one .* SLOWER +1\.25 ±", text, re.MULTILINE)


def test_what_fails_the_quality_gate_cannot_win() -> None:
    text = render.text(_three(one=0.71, two=0.5, three=0.71), width=200)
    assert re.search(r"^three .* best .* 0\.71", text, re.MULTILINE)
    assert re.search(r"^two .* FASTER +0\.909 ±.* 0\.5\S* FAIL", text, re.MULTILINE)


def test_one_engine_says_its_quality_in_the_first_line() -> None:
    gate = {"passes": False, "limit": 0.95, "reference": 0.96}
    quality = {"metric": "top1", "value": 0.934, "unit": "", "n": 500, "interval": [0.909, 0.953], "gate": gate}
    judged = dataclasses.replace(make_configuration(), quality=quality)
    first = render.text(make_result(judged), width=120).splitlines()[0]
    assert first.endswith("top1 0.934 (0.909 to 0.953), below the app's gate of 0.950")
    unknown = dataclasses.replace(make_configuration(), quality={"metric": "map", "value": None, "reason": "no box"})
    assert render.text(make_result(unknown)).splitlines()[0].endswith("map: no box")


def test_batches_and_streams_stand_in_the_head() -> None:
    each = make_configuration()
    asked = dataclasses.replace(each.configuration, batch=8, streams=2, variant="s8")
    text = render.text(make_result(dataclasses.replace(each, configuration=asked)))
    assert "variant s8 · in batches of 8 · 2 streams" in text


def test_the_table_of_several_engines_is_set_in_two_where_the_screen_is_narrow() -> None:
    text = render.text(_three(), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert len(rows_of(text, "two")) == 2
    assert {"version", "threads", "1/s"} <= set(text.split())


def test_the_table_tells_builds_of_a_library_from_its_releases() -> None:
    two = make_configuration("two")
    two = dataclasses.replace(two, facts={**two.facts, "version": "2.0+fake"})
    assert "2.0+fake" in render.text(make_result(make_configuration("one"), two), width=200).split()


def test_how_many_answers_are_the_references_stands_beside_them() -> None:
    agreement = {"with": 0, "samples": 6, "same": 5, "worst_score": 0.1}
    two = dataclasses.replace(make_configuration("two"), agreement=agreement)
    text = render.text(make_result(make_configuration("one"), two), width=200)
    assert "as one" in text
    assert re.search(r"^two .* 5/6$", text, re.MULTILINE)


def test_an_engine_that_stands_there_twice_is_called_by_what_sets_it_apart() -> None:
    """As --engine takes it: fake:threads=1,fake:threads=2."""
    one, two = (
        dataclasses.replace(
            make_configuration(ns=ns), configuration=EngineConfiguration("fake", device="cpu", threads=threads)
        )
        for threads, ns in ((1, 9 * MS), (2, 5 * MS))
    )
    text = render.text(make_result(one, two))
    assert re.search(r"^fake:threads=2 .*\nfake:threads=1 ", text, re.MULTILINE)


def test_engines_that_did_not_take_turns_say_why_there_is_no_verdict() -> None:
    both = make_result(make_configuration("one"), make_configuration("two"))
    text = render.text(dataclasses.replace(both, lockstep_reason="the device has memory for one"))
    assert "no verdicts: the device has memory for one" in text


def test_an_engine_that_did_not_take_turns_with_the_others_is_named_with_the_reason() -> None:
    pair = Lockstep(0, 1, {TOTAL: (1.1,) * 8})
    three = make_result(*(make_configuration(name) for name in ("one", "two", "three")))
    text = render.text(dataclasses.replace(three, lockstep=(pair,), lockstep_reason="three: the device is taken"))
    assert "no verdict on three: three: the device is taken" in text


def explained(runs: int = 3, python: float = 0.5) -> Configuration:
    """Return a configuration of 10 ms whose latency was taken apart; caches cost differently from run to run."""
    good = make_configuration(runs=runs)

    def apart(run: Run) -> Run:
        caches = (run.index - 1) * 0.2 * MS
        steps = {
            "preprocessing: resize": 1.5 * MS,
            "postprocessing": 0.5 * MS,
            "Python between the samples": python * MS,
        }
        parts = {"engine alone": 8 * MS - caches, "caches taken by preprocessing": caches, **steps}
        return dataclasses.replace(run, breakdown=parts)

    return dataclasses.replace(good, runs=tuple(map(apart, good.runs)))


def test_the_parts_of_a_latency_add_up_to_the_whole() -> None:
    """Shares too; a part that is negative in some runs and positive in others holds 0 within its ±."""
    text = render.text(make_result(explained()))
    rows = text[text.index("where the time goes") :].splitlines()[1:7]
    found = [re.match(r"(\D+?) +(-?[\d.e-]+) +±([\d.]+) +(-?[\d.]+) %$", row) for row in rows]
    assert all(found), rows
    values = [float(each[2]) for each in found if each]
    shares = [float(each[4]) for each in found if each]
    assert sum(values[:-1]) == pytest.approx(10.5, abs=0.01)
    assert values[-1] == 10.5
    assert sum(shares[:-1]) == pytest.approx(100, abs=1)
    assert "largest part after the engine itself: preprocessing: resize, 1.50 ms (14 %)" in text
    assert "the latency differed" not in text


@pytest.mark.parametrize("name", ["Python between the samples", "preprocessing: a step with a name of many words"])
def test_the_notes_under_the_parts_fit_a_narrow_terminal(name: str) -> None:
    """Both notes: on the largest part, and on a whole that differs from the latency."""
    found = explained()
    runs = tuple(dataclasses.replace(run, breakdown={**run.breakdown, name: 31.234 * MS}) for run in found.runs)
    text = render.text(make_result(dataclasses.replace(found, runs=runs)), width=40)
    notes = text[text.index("largest part") :]
    assert f"engine itself: {name}, 31.2 ms" in " ".join(notes.split())
    assert all(len(line) <= 40 for line in notes.splitlines())


def test_one_run_is_taken_apart_without_an_interval() -> None:
    text = render.text(make_result(explained(runs=1)))
    (row,) = (line for line in text.splitlines() if line.startswith("preprocessing: resize"))
    assert "±" not in row


def test_parts_that_are_not_those_of_the_latency_say_so() -> None:
    """The machine became slower before the latency was taken apart: 13 ms in the loops, 10 above."""
    found = explained()
    runs = tuple(dataclasses.replace(run, breakdown={**run.breakdown, "engine alone": 11 * MS}) for run in found.runs)
    text = render.text(make_result(dataclasses.replace(found, runs=runs)))
    assert re.search(r"the latency differed while its parts were measured: 13\.0 ms here, 10\.0 ms above", text)


def test_an_engine_that_takes_nearly_all_the_time_is_named() -> None:
    found = explained()
    parts = {"engine alone": 10.0 * MS, "postprocessing": 0.01 * MS}
    runs = tuple(dataclasses.replace(run, breakdown=parts) for run in found.runs)
    assert "no part but the engine itself" in render.text(make_result(dataclasses.replace(found, runs=runs)))


def test_each_of_several_engines_is_taken_apart_by_name() -> None:
    text = render.text(
        make_result(explained(), dataclasses.replace(explained(), configuration=EngineConfiguration("other")))
    )
    assert text.count("where the time goes") == 2
    assert re.search(r"^other\nwhere the time goes", text, re.MULTILINE)


def test_a_notebook_shows_the_parts_too() -> None:
    page = Page(render.to_html(make_result(explained())))
    assert page.tags.count("table") == 2
    assert "preprocessing: resize" in page.text
    assert "largest part after the engine itself" in page.text


def test_what_makes_a_number_doubtful_stands_under_it() -> None:
    flag = {"name": "runs-differ", "reason": "the runs differ by more than their samples explain"}
    text = render.text(make_result(dataclasses.replace(make_configuration(), flags=(flag,))))
    assert "runs-differ: the runs differ by more than their samples explain" in text


def test_a_long_reason_is_set_in_lines_that_fit() -> None:
    flag = {"name": "unsteady", "reason": "a long story of many words " * 6}
    text = render.text(make_result(dataclasses.replace(make_configuration(), flags=(flag,))), width=80)
    assert max(map(cells, text.splitlines())) <= 80


def test_a_run_that_was_repeated_does_not_count() -> None:
    good = make_configuration()
    repeated = dataclasses.replace(good.runs[0], superseded=True)
    result = make_result(dataclasses.replace(good, runs=(repeated, *good.runs[1:])))
    assert "2 runs, 40 samples" in render.text(result)
    assert "repeated" in render.text(result, verbose=True)


def test_a_result_without_any_number_shows_the_reason() -> None:
    text = render.text(make_result(failed("acl", RunOutcome("failed", detail="no device")), state="failed"))
    assert "not measured" in text
    assert "no device" in text


def test_names_from_outside_are_shown_harmless() -> None:
    """An app called by terminal commands neither clears the screen nor adds a line."""
    nasty = "x\x1b[2J\r\nfake 1 ms"
    found = dataclasses.replace(
        make_configuration(),
        outcome=RunOutcome("failed", detail=f"odd {nasty}"),
        problems=[{"sample": nasty, "error": nasty}],
    )
    result = dataclasses.replace(make_result(found), app={"name": nasty, "class": nasty})
    for verbose in (False, True):
        assert "\x1b" not in render.text(result, verbose=verbose)
        assert "\r" not in render.text(result, verbose=verbose)


def test_verbose_shows_each_run_every_metric_and_the_environment_with_reasons() -> None:
    text = render.text(make_result(), verbose=True)
    assert len(rows_of(text, "    ")) >= 3
    assert "Acme 3000" in text
    assert "no such file" in text
    assert "GPU_MEM" in text
    assert "resources were not watched (--resources)" in text


def test_what_was_not_measured_stands_together_by_its_reason() -> None:
    """The reason once, whole, and then every name that it holds for; also on a narrow terminal."""
    for width in (60, 100):
        text = render.text(make_result(), verbose=True, width=width)
        together = " ".join(text.partition("not measured\n")[2].split())
        names = "DMIPS, GPU_MEM, GPU_MEM_PEAK, MEMORY_BANDWIDTH, MEMORY_BANDWIDTH_PEAK, GPU_LOAD"
        assert f"resources were not watched (--resources): {names}" in together
        assert text.count("resources were not watched") == 1
        assert "n too small (need 662): LATENCY_P99" in together
        assert "no such file: governor" in " ".join(text.partition("not known\n")[2].split())


def test_what_the_worker_printed_is_shown_when_asked() -> None:
    good = make_configuration()
    loud = dataclasses.replace(good.runs[0], detail="vendor banner\nand more")
    result = make_result(dataclasses.replace(good, runs=(loud, *good.runs[1:])))
    assert "vendor banner" not in render.text(result)
    assert "  vendor banner\n  and more" in render.text(result, verbose=True)


class Page(HTMLParser):
    """Counts elements and collects their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"style", "colspan"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_gets_tables_in_which_everything_from_outside_is_text() -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=y>\"'&"
    found = make_configuration()
    found = dataclasses.replace(
        found,
        configuration=EngineConfiguration(nasty),
        facts={"version": nasty, "precision": nasty, "device": nasty},
        stages=tuple(dataclasses.replace(stage, label=nasty, plugin=nasty, data_type=nasty) for stage in found.stages),
        problems=[{"sample": nasty, "error": nasty}],
    )
    result = make_result(found, make_configuration("other"), failed(nasty, RunOutcome("failed", detail=nasty)))
    result = dataclasses.replace(result, app={"name": nasty, "class": nasty})
    page = Page(render.to_html(result))
    assert set(page.tags) <= {"div", "p", "strong", "br", "table", "tr", "th", "td"}
    assert page.tags.count("table") == 3
    assert nasty in page.text


def test_a_result_shows_itself_in_a_notebook() -> None:
    page = Page(str(lpbench.Result(**vars(make_result()))._repr_html_()))
    for label in LABELS:
        assert label in page.text
    assert page.text.count("±") >= 2


def test_predictions_stand_in_blocks_as_the_published_tool_prints_them() -> None:
    """One block for each sample: its name, then class and confidence of each candidate."""
    top = [{"label": "cat", "index": 2, "score": 0.998}, {"label": "dog", "index": 1, "score": 0.002}]
    boxes = [{"class": 1, "score": 0.9, "box": [1, 2, 3, 4]}]
    lines = predictions(
        [
            {"sample": "a.png", "top": top},
            {"sample": "b.png", "objects": boxes},
            {"sample": "c", "outputs": {"y": {"shape": [1, 2], "mean": 0.5}}},
        ]
    )
    assert lines == [
        "a.png",
        "  class: cat ( 0.998 )",
        "  class: dog ( 0.002 )",
        "b.png: Number of objects found: 1",
        '  class: 1 ( 0.9 ) {"box": [1, 2, 3, 4]}',
        "c",
        '  y: {"shape": [1, 2], "mean": 0.5}',
    ]


def test_predictions_from_outside_are_shown_harmless() -> None:
    nasty = "x\x1b[2J\x9b31m"
    every = {"label": nasty, "index": nasty, "score": nasty, nasty: [nasty]}
    lines = predictions(
        [
            {"sample": nasty, "top": [every, nasty]},
            {"sample": nasty, "objects": [{**every, "label": [nasty], "score": {nasty: nasty}}]},
            {"sample": nasty, **every},
            {"sample": nasty, "outputs": {nasty: {nasty: nasty}}},
        ]
    )
    assert len(lines) == 9
    assert all(line.isprintable() for line in lines)


def test_engines_that_answer_otherwise_are_named() -> None:
    def one(label: str) -> list[dict[str, Any]]:
        return [{"sample": "a.png", "top": [{"label": label, "score": 0.5}]}]

    first = dataclasses.replace(make_configuration("one"), predictions=one("cat"))
    same = dataclasses.replace(make_configuration("two"), predictions=one("cat"))
    other = dataclasses.replace(make_configuration("three"), predictions=one("dog"))
    assert answers(make_result(first, same, other))[1:] == [
        "a.png   cat          0.500",
        "three answers differently: a.png  dog 0.500",
    ]
    assert answers(make_result()) == ["no predictions"]


def test_the_two_published_lists_say_null_rather_than_0_and_why() -> None:
    """A load of exactly 0 is 0; a metric that is not known is null with its reason under the lists."""
    metrics = {
        "CPU_LOAD": Metric(0.0, "%"),
        "CPU_MEM": Metric(10.3, "MB"),
        "GPU_LOAD": Metric(None, "%", reason="no GPU"),
    }
    (keys, values), reasons = readings(metrics)
    assert re.findall(r"'(\w+)'", keys) == list(PUBLISHED)
    shown = dict(zip(PUBLISHED, re.findall(r"'([^']*)'", values), strict=True))
    assert shown["CPU_LOAD"] == "0"
    assert float(shown["CPU_MEMORY"]) == 10.3
    assert {shown[key] for key in PUBLISHED if key not in {"CPU_LOAD", "CPU_MEMORY"}} == {"null"}
    assert "null: GPU_LOAD: no GPU" in reasons


def test_the_benchmark_state_is_ok_or_what_went_wrong() -> None:
    assert state(make_configuration()) == "[ 'BENCHMARK_STATE', 'OK' ]"
    assert "SIGSEGV" in state(failed("x", RunOutcome("crashed", "loading", "SIGSEGV")))
