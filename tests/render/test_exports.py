"""Results and comparisons as CSV, Markdown and HTML pages; tested on hand-built results."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.render.test_render import MS, make_configuration, make_result

from lpbench.render import exports
from lpbench.results.comparison import compare
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.results.model import Result

NASTY = "=cmd|' /C calc'!A0"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def named(name: str) -> Result:
    """Return a result whose app and sample have a name that means something to spreadsheets, Markdown and browsers."""
    found = dataclasses.replace(make_configuration(), plugin=name, problems=[{"sample": name, "error": name}])
    return dataclasses.replace(make_result(found), app={"name": name, "class": name})


def test_csv_has_every_metric_of_every_configuration_in_full_precision() -> None:
    result = make_result(make_configuration(), make_configuration("other", 20 * MS))
    rows = table(exports.of_result(result, "csv"))
    metrics = {(each.engine, name): metric for each in result.configurations for name, metric in each.metrics.items()}
    assert len(rows) == len(metrics)
    for row in rows:
        metric = metrics[row["engine"], row["metric"]]
        assert row["value"] == ("" if metric.value is None else repr(metric.value))
        assert row["lower"] == ("" if metric.interval is None else repr(metric.interval.lower))
        assert bool(row["value"] or row["reason"])


def test_csv_of_a_comparison_has_the_verdict_and_the_ratio_of_each_stage() -> None:
    found = compare(make_result(), make_result(make_configuration(ns=20 * MS)))
    rows = table(exports.of_comparisons(found, "csv", []))
    assert [row["stage"] for row in rows] == list(found[0].stages)
    (total,) = (row for row in rows if row["stage"] == "total")
    assert float(total["ratio"]) == found[0].total.ratio.estimate
    assert total["verdict"] == found[0].total.verdict.value
    assert float(total["second_ns"]) == pytest.approx(2 * float(total["first_ns"]), rel=0.01)


def test_a_stage_whose_verdict_is_withheld_has_its_times_and_the_reason() -> None:
    (found,) = compare(make_result(), make_result())
    stages = {name: each for name, each in found.stages.items() if name != "preprocessing"}
    short = dataclasses.replace(found, stages=stages, withheld={"preprocessing": Unavailable("too short", "too-short")})
    rows = {row["stage"]: row for row in table(exports.of_comparisons([short], "csv", []))}
    assert rows["preprocessing"]["verdict"] == rows["preprocessing"]["ratio"] == ""
    assert rows["preprocessing"]["reason"] == "too short"
    assert rows["preprocessing"]["code"] == "too-short"
    assert float(rows["preprocessing"]["first_ns"]) > 0


@given(st.text())
def test_no_text_in_csv_is_a_formula_and_numbers_stay_numbers(text: str) -> None:
    """OWASP: a cell that begins with one of these is computed by spreadsheets; a negative number is no such cell."""
    written = exports.csv_text(("a", "b"), [(text, -1.5)])
    rows = list(csv.reader(io.StringIO(written)))
    assert len(rows) == 2
    assert not rows[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert rows[1][1] == "-1.5"


def test_a_formula_in_a_file_name_is_text_in_a_spreadsheet() -> None:
    metric = dataclasses.replace(make_configuration().metrics["LATENCY"], source=NASTY)
    odd = dataclasses.replace(make_configuration(), metrics={"LATENCY": metric})
    (row,) = table(exports.of_result(make_result(odd), "csv"))
    assert row["source"] == f"'{NASTY}"


def test_markdown_has_the_tables_of_the_screen_and_what_is_missing() -> None:
    text = exports.of_result(make_result(make_configuration(), make_configuration("other", 20 * MS)), "markdown")
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    assert text.index(tables[0]) < text.index("each alone") < text.index(tables[1])
    for block in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert re.search(r"^- .*no verdict", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["a|b", "<script>alert(1)</script>", "*bold* `code` [x](y) _u_", "a\nb", NASTY])
def test_names_mean_nothing_to_markdown_and_browsers(name: str) -> None:
    result = named(name)
    text = exports.of_result(result, "markdown")
    assert "<script" not in text.replace("\\<", "")
    assert not re.search(r"(?<!\\)[*`](bold|code)", text)
    page = exports.of_result(result, "html")
    assert "<script" not in page
    assert "\n".join(page.splitlines()).count("<title>") == 1


class Page(HTMLParser):
    """Collects what a page would load or run, and checks that its elements close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.foreign: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe"} or any(name in {"src", "href"} for name, _ in attrs):
            self.foreign.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_loads_nothing() -> None:
    """Of a result and of comparisons, with notes."""
    found = compare(make_result(), make_result(make_configuration(ns=20 * MS)))
    for text in (exports.of_result(make_result(), "html"), exports.of_comparisons(found, "html", [["a & b"]])):
        assert text.startswith("<!doctype html>")
        page = Page(text)
        assert page.foreign == []
        assert page.open == []
        assert re.search("<title>.+: lpbench</title>", text)
    assert "a &amp; b" in exports.of_comparisons(found, "html", [["a & b"]])


def test_notes_stand_below_their_comparison_in_markdown() -> None:
    found = compare(make_result(), make_result())
    assert exports.of_comparisons(found, "markdown", [["a.json → b.json"]]).endswith("- a.json → b.json")
