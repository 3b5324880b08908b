"""``lpbench compare``: which of two results is faster, and how sure that is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from lpbench.comparison import Compared
    from lpbench.render._table import Paint
    from lpbench.result import Result
    from lpbench.verdicts import Comparison

NAMES = {"total": "total", "preprocessing": "  pre", "inference": "  infer", "postprocessing": "  post"}
STYLES = {"SLOWER": "bad", "FASTER": "good", "UNCLEAR": "warn", "SAME": "bold"}
MOST = 0.5
"""A stage that makes up this share of the difference is most of it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Say of each result whether it is SAME, FASTER or SLOWER than the first, or that it is UNCLEAR, with the "
        "interval of the ratio. The run is the unit: a verdict takes 8 runs."
    )
    parser.epilog = (
        "examples:\n  lpbench compare before.json after.json --fail-slower 5%\n"
        "  lpbench compare before.json last --margin 2% --json"
    )
    parser.add_argument("first", metavar="A", help="the reference: a file, a saved result's name, or last")
    parser.add_argument("others", nargs="+", metavar="B", help="what is compared to it")
    parser.add_argument(
        "--margin", type=_options.share, default=0.01, metavar="M", help="what counts as no difference (1%%)"
    )
    parser.add_argument(
        "--fail-slower", type=_options.share, metavar="S", help="exit 1 where B is slower by more, for certain"
    )
    parser.add_argument("--fail-unclear", action="store_true", help="exit 1 where a verdict is UNCLEAR")
    parser.add_argument("--force", action="store_true", help="compare results of different machines too")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether a gate failed."""
    from lpbench.cli.show import load
    from lpbench.comparison import compare

    if options.margin <= 0:
        what = "a margin is above 0"
        raise LpbenchError(what, where="--margin")
    first = load(options.first)
    every: list[tuple[str, Result, Compared]] = []
    for word in options.others:
        other = load(word)
        found = compare(first, other, margin=options.margin, force=options.force)
        every += [(word, other, each) for each in found]
    failed = [reason for _, _, each in every for reason in gates(each, options)]
    if options.json:
        _console.answer_json([{"first": options.first, "second": word, **as_json(each)} for word, _, each in every])
    else:
        paint = _console.painter(sys.stdout)
        for word, other, each in every:
            print("\n".join(_screen(options.first, word, each, paint)))
            print("\n".join(paint(line, "dim") for line in _notes(first, other, each)))
    for reason in failed:
        _console.say(reason)
    return _console.FAILED if failed else _console.DONE


def gates(each: Compared, options: argparse.Namespace) -> list[str]:
    """Return the gates that a comparison fails, each with its reason."""
    from lpbench.monitor import Unavailable
    from lpbench.render import percent

    total = each.total
    interval = total.ratio.interval
    failed = []
    limit = options.fail_slower
    if limit is not None and total.slower_than(limit) and not isinstance(interval, Unavailable):
        end = percent(interval.lower - 1)
        failed.append(f"{each.second}: slower than allowed ({percent(limit)}): lower end {end}")
    if options.fail_unclear and total.verdict.value == "UNCLEAR":
        failed.append(f"{each.second}: unclear: {total.reason}")
    return failed


def as_json(each: Compared) -> dict[str, Any]:
    """Return one comparison for other programs; times in nanoseconds."""
    return {
        "engines": [each.first, each.second],
        "unit": "time" if each.raw_reason else "yardstick",
        "unit_reason": each.raw_reason or None,
        "stages": {stage: _as_json(found, *each.medians[stage]) for stage, found in each.stages.items()},
        "raw": {stage: _as_json(found, *each.medians[stage]) for stage, found in each.raw.items()},
    }


def _as_json(found: Comparison, before: float, after: float) -> dict[str, Any]:
    from lpbench.monitor import Unavailable

    interval = None if isinstance(found.ratio.interval, Unavailable) else found.ratio.interval
    return {
        "verdict": found.verdict.value,
        "reason": found.reason,
        "ratio": found.ratio.estimate,
        "interval": [interval.lower, interval.upper] if interval else None,
        "method": interval.method if interval else None,
        "runs": found.ratio.runs,
        "margin": found.margin,
        "median_ns": [before, after],
    }


def _screen(first: str, second: str, each: Compared, paint: Paint) -> list[str]:
    """Return a row for each stage: verdict, ratio with its interval, and the two times."""
    from lpbench.render import Column, clean, fit, table

    engines = each.first if each.first == each.second else f"{each.first} → {each.second}"
    head = f"{clean(first)} → {clean(second)} · {clean(engines)}"
    columns = [Column(title, left=True) for title in ("stage", "", "ratio", "", "", "")]
    rows = _rows(each)
    lines = (fit(columns, rows, _console.width(sys.stdout)) or table(columns, rows, gap=1))[1:]
    painted = [_paint(line, row[1], paint) for line, row in zip(lines, rows, strict=True)]
    unclear = [f"unclear: {each.total.reason}"] if each.total.verdict.value == "UNCLEAR" else []
    return [paint(head, "dim"), *painted, *unclear]


def _rows(each: Compared) -> list[list[str]]:
    from lpbench.monitor import Unavailable
    from lpbench.render import digits

    unit, ns = ("µs", 1e3) if each.medians["total"][0] < 1e5 else ("ms", 1e6)  # noqa: PLR2004 - 0.1 ms
    rows = []
    for stage, found in each.stages.items():
        interval = found.ratio.interval
        span = "" if isinstance(interval, Unavailable) else f"({_ratio(interval.lower)} to {_ratio(interval.upper)})"
        before, after = (digits(value / ns) for value in each.medians[stage])
        times = f"{before} → {after} {unit}"
        rows.append([NAMES[stage], found.verdict.value, _ratio(found.ratio.estimate), span, times, _share(each, stage)])
    return rows


def _share(each: Compared, stage: str) -> str:
    """Return a mark at the stage that makes up most of a clear difference."""
    if stage == "total" or each.total.verdict.value not in {"FASTER", "SLOWER"}:
        return ""
    before, after = each.medians["total"]
    start, end = each.medians[stage]
    return "← most of it" if (end - start) / (after - before) > MOST else ""


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _notes(first: Result, second: Result, each: Compared) -> Iterable[str]:
    """Return what weakens or explains a verdict."""
    from lpbench.comparison import subject_changes
    from lpbench.render import clean

    for name, (before, after) in subject_changes(first, second).items():
        if name == "app":
            yield "the apps differ"
        else:
            yield f"{clean(name)}: {clean(before)} → {clean(after)}"
    if each.raw_reason:
        yield f"raw times, which a drifting machine changes too; no yardstick units: {clean(each.raw_reason)}"
    else:
        raw = each.raw["total"]
        yield f"ratios of yardstick units, which cancel a drifting machine; raw total {_ratio(raw.ratio.estimate)}"


def _paint(line: str, verdict: str, paint: Paint) -> str:
    return line.replace(verdict, paint(verdict, STYLES[verdict]), 1)
