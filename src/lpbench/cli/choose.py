"""``lpbench choose``: the best of what was measured, under conditions."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lpbench.cli import _console, _formats, _options
from lpbench.cli._parser import UsageError
from lpbench.cli._steps import Beating
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lpbench.results.choosing import Selection

EPILOG = """examples:
  lpbench choose night --max LATENCY=20 --min QUALITY_VALUE=70 --best POWER_CONSUMPTION
  lpbench choose published --algorithm imagenet --equal ENGINE=ncnn --pareto LATENCY,QUALITY_VALUE"""
BOUNDS = {
    "max": ("COLUMN=NUMBER", "rows with at most this value, in the column's unit: LATENCY=20; may be repeated"),
    "min": ("COLUMN=NUMBER", "rows with at least this value"),
    "equal": ("COLUMN=VALUE", "rows with this value: ENGINE=ncnn"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Choose the best of the configurations that were measured, by looking at each: the choice, the next best, "
        "those that are not told apart from it, what excludes each platform, and the smallest relaxation where nothing "
        "fits. "
        "A value that was not measured satisfies no condition. Exit status 1 if nothing fits."
    )
    parser.epilog = EPILOG
    parser.add_argument(
        "source", metavar="DIR", help="the folder of a sweep, or of descriptors with their CSV files; or one descriptor"
    )
    for name, (metavar, text) in BOUNDS.items():
        parser.add_argument(f"--{name}", type=_options.pair, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--best",
        default="",
        metavar="METRIC",
        help="what is to be as good as possible, the lowest or the highest by the metric's definition; "
        "METRIC:min or METRIC:max for one that has none",
    )
    parser.add_argument(
        "--pareto",
        type=_options.names,
        metavar="METRIC,…",
        help="show the rows that no other one beats by all of these metrics; what is shown without --best",
    )
    parser.add_argument("--top", type=_options.from_zero, default=5, metavar="N", help="runners-up that are shown (5)")
    parser.add_argument("--algorithm", default="", metavar="NAME", help="which one, of a folder with several")
    _formats.add(parser, "print the answer as JSON")


def main(options: argparse.Namespace) -> int:
    """Choose, print, and say by the exit status whether something fits."""
    from lpbench.jobs.choosing import choose

    with Beating("reading what was measured"):
        found = choose(
            options.source,
            **{name: bounds(name, getattr(options, name)) for name in BOUNDS},
            best=options.best,
            pareto=options.pareto or (),
            top=options.top,
            algorithm=options.algorithm,
        )
    _print(found, options)
    return _console.DONE if found.fitting else _console.FAILED


def _print(found: Selection, options: argparse.Namespace) -> None:
    from lpbench.render import choice

    stream = _console.answers()
    if options.json:
        _console.answer_json(found.to_dict())
    elif form := _formats.chosen(options):
        _console.answer(*choice.export(found, form).split("\n"))
    else:
        paint = _console.painter(stream)
        lines = choice.screen(found, width=_console.width(stream), paint=paint, front=bool(options.pareto))
        _console.answer(*lines, *(paint(f"next: {line}", "dim") for line in _relaxed(found, options)))


def bounds(name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return bounds by column.

    :raises UsageError: A column has two.
    """
    columns = [column for column, _ in pairs]
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise UsageError(f"--{name} {twice} is given twice", hint="leave one of them out")
    return dict(pairs)


def _relaxed(found: Selection, options: argparse.Namespace) -> list[str]:
    others = {"best": options.best, "pareto": ",".join(options.pareto or ()), "algorithm": options.algorithm}
    return relaxed(found, options.source, others)


def relaxed(found: Selection, source: str, others: Mapping[str, str]) -> list[str]:
    """Return the command with the smallest relaxation, where nothing fits.

    :param others: The other options of the command, by name; an empty one is left out.
    """
    if found.relaxation is None or isinstance(found.relaxation, Unavailable):
        return []
    to = {(change.condition.relation, change.condition.column): change.to for change in found.relaxation.changes}
    bounds = []
    for each in found.conditions:
        bound = _exact(to.get((each.relation, each.column), each.bound))
        bounds.append(f"--{each.relation.value} {shlex.quote(f'{each.column}={bound}')}")
    more = [f"--{name} {shlex.quote(value)}" for name, value in others.items() if value]
    return [" ".join(["lpbench choose", shlex.quote(source), *bounds, *more])]


def _exact(bound: float | str) -> str:
    """Return a bound that is read as the same number."""
    short = bound if isinstance(bound, str) else f"{bound:g}"
    return short if isinstance(bound, str) or float(short) == bound else repr(bound)
