"""What values look like at a prompt, printed and in a notebook."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.app.model import App
from lpbench.jobs.agreement import Agreed, EngineAgreement
from lpbench.jobs.conversion import Conversions
from lpbench.jobs.doctor import Diagnosis
from lpbench.jobs.listing import Engines, ListedEngine, ListedPlugin, Plugins
from lpbench.jobs.parity import F32
from lpbench.jobs.probing import Probed
from lpbench.machine import Finding
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import Model
from lpbench.plugin.specs import READY, Availability, State
from lpbench.results.comparison import Compared, Comparisons
from lpbench.results.model import Configuration, Result
from lpbench.results.run import Metric
from lpbench.results.settings import RunSettings
from lpbench.results.stats import Interval, Ratio
from lpbench.results.verdicts import Comparison, Verdict, verdict
from lpbench.util.problems import Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.util.shown import Shown

EVIL = "<script>alert('x')</script>&\x1b[31m"
"""What a file, a plugin or an engine may put into any text."""


def compared(first: str = "slow", second: str = "fast", ratio: float = 1.5) -> Compared:
    """Return a comparison of eight runs in turns."""
    stages = {"total": verdict([ratio + at / 1000 for at in range(8)])}
    return Compared(first, second, stages, {"total": (1e6, 1e6 * ratio)}, "lockstep")


def hostile(tmp_path: Path) -> list[Any]:
    """Return a value of every class that public functions return, with markup in every text."""
    gone = Availability(State.MISSING, EVIL, EVIL)
    failed = Configuration(EngineConfiguration(EVIL), EVIL, EVIL, isolated=True, label=EVIL)
    app = App(EVIL, EVIL, tmp_path, ())
    unlike = EngineAgreement(EVIL, EVIL, ran=True, not_compared=EVIL)
    return [
        Result({"name": EVIL, "class": EVIL}, RunSettings(), {"machine": {"os": {"value": EVIL}}}, (failed,)),
        failed,
        compared(EVIL, EVIL),
        Comparisons([compared(EVIL, EVIL)]),
        Agreed(
            EVIL,
            EVIL,
            {},
            {},
            F32,
            (EngineAgreement(EVIL, EVIL), unlike),
        ),
        Conversions([Model(EVIL, tmp_path / "x", provenance={"converter": EVIL})]),
        Engines({EVIL: ListedEngine(EVIL, gone, EVIL, (EVIL,), EVIL, EVIL, EVIL)}),
        Plugins({EVIL: ListedPlugin(EVIL, EVIL, {EVIL: [EVIL]}, (EVIL,))}),
        Probed(gone, EVIL, (EVIL,), {EVIL: EVIL}, {EVIL: EVIL}),
        Diagnosis({}, (Finding(EVIL, EVIL, EVIL, EVIL),)),
        Problems([Problem(EVIL, EVIL, EVIL, EVIL)]),
        app,
    ]


class Tags(HTMLParser):
    """Collects the names of tags and of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def html(value: Any) -> str:
    """Return a value as a notebook shows it."""
    assert lpbench.__version__, "using any public name attaches the display"
    found: str = value._repr_html_()
    return found


def test_no_text_of_a_value_reaches_the_browser_or_the_terminal_as_markup(tmp_path: Path) -> None:
    for value in hostile(tmp_path):
        parser = Tags()
        parser.feed(html(value))
        assert parser.tags <= {"div", "p", "strong", "br", "table", "tr", "th", "td"}, type(value)
        assert parser.attributes <= {"style", "colspan"}, type(value)
        assert "alert" in html(value), type(value)
        assert "\x1b" not in html(value) + str(value), type(value)


def test_every_value_is_one_short_line_at_a_prompt(tmp_path: Path) -> None:
    for value in hostile(tmp_path):
        assert "\n" not in repr(value), type(value)
        assert repr(value).startswith(f"<{type(value).__name__} "), type(value)


def test_a_measured_result_is_short_and_says_what_was_found(fake_app: Callable[..., Path]) -> None:
    """Its document is thousands of characters long; nobody reads that at a prompt."""
    result = lpbench.benchmark(fake_app(), engine=["fake:threads=1", "fake:threads=3"], number=30, yardstick=False)
    for value in (result, *result.configurations, *result.configurations[0].runs):
        assert len(repr(value)) < 160
        assert len(str(value)) < 2000
    for each in (*result.configurations[0].metrics.values(), *lpbench.doctor()[1], result.settings, lpbench.refresh()):
        assert len(repr(each)) < 200
    assert "fake:threads=3" in repr(result)
    assert "ms" in repr(result)
    assert repr(result) == repr(lpbench.Result(**{each.name: getattr(result, each.name) for each in fields(result)}))
    assert str(result).count("\n") > 3, "printed it is the console's table"


def fields(result: Result) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a result."""
    return dataclasses.fields(result)


def test_a_figure_is_read_at_a_glance() -> None:
    span = Interval(9.5, 10.5, 0.95, "Student's t over 8 runs")
    assert repr(Metric(10.0, "ms", 8, span)) == "<Metric 10 ms (9.5 to 10.5)>"
    assert repr(Metric(73499.8, "1/s")) == "<Metric 73500 1/s>"
    assert repr(Metric(None, "W", reason="no sensor")) == "<Metric not known: no sensor>"
    ratio = Ratio(1.25, Interval(1.2, 1.3, 0.99, ""), 8)
    assert str(ratio) == "1.250 (1.200 to 1.300)"
    assert repr(Comparison(Verdict.SLOWER, ratio, 0.01, "")) == "<Comparison SLOWER 1.250 (1.200 to 1.300)>"
    assert repr(lpbench.RunSettings(threads=1)) == "RunSettings(threads=1)"


def test_verdicts_have_a_colour_and_titles_one_line() -> None:
    found = html(Comparisons([compared(ratio=1.5), compared(ratio=0.5)]))
    slower, faster = (next(line for line in found.splitlines() if word in line) for word in ("SLOWER", "FASTER"))
    assert "color:#cf222e" in slower
    assert "color:#1a7f37" in faster
    assert all("white-space:nowrap" in title for title in found.split("<th")[1:])


def test_titles_of_groups_stand_above_their_columns(fake_app: Callable[..., Path]) -> None:
    """One title for six columns, instead of a title of three words in each."""
    found = html(lpbench.benchmark(fake_app(), number=12, yardstick=False))
    assert '<th colspan="6"' in found
    assert ">median<" in found


@pytest.mark.long
def test_what_was_returned_before_can_still_be_taken_apart(fake_app: Callable[..., Path]) -> None:
    live = lpbench.compare_live(fake_app(), ["fake", "phony"], runs=2, max_time=2)
    result, (found,) = live
    assert found.first == "fake"
    assert result is live.result
    assert "<table>" in html(live)
    environment, findings = lpbench.doctor()
    assert set(environment) >= {"machine", "subject"}
    assert "finding" in html(Diagnosis(environment, findings)) or not findings
    assert dict(lpbench.engines()) == lpbench.engines()


def test_a_listing_shows_what_is_ready_in_colour() -> None:
    ready = ListedEngine("acme", READY, "1.0", ("acme",), "an engine", "acme", "lpbench-acme 1.0")
    assert "color:#1a7f37" in html(Engines({"acme": ready}))
    assert repr(Engines({"acme": ready})) == "<Engines acme ready>"
    assert str(Engines({"acme": ready})).splitlines()[1].split() == ["acme", "ready", "1.0", "acme"]


@pytest.mark.parametrize("value", [Engines(), Plugins(), Comparisons(), Problems(), Diagnosis({}, ())])
def test_nothing_is_shown_as_nothing(value: Shown) -> None:
    assert html(value)
    assert str(value)
