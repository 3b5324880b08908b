"""``lpbench compare``: which of two is faster, and how sure that is; of saved results, or measured now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _formats, _options
from lpbench.cli._summary_file import summary_file
from lpbench.errors import LpbenchError
from lpbench.render import comparison as _verdicts
from lpbench.util import interrupts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lpbench.cli._parser import Parser
    from lpbench.cli._summary_file import SummaryFile
    from lpbench.render.exports import Without
    from lpbench.results.comparison import Compared
    from lpbench.results.model import Result
    from lpbench.results.pairing import Unpaired

WIDE = 1000
"""Longest line in characters where the reader's program wraps lines."""
FEWEST = 2
"""Results, or engines, that a comparison takes."""


def configure(parser: Parser) -> None:
    """Describe the command."""
    parser.description = (
        "Report whether each result is SAME, FASTER or SLOWER compared with the first, or UNCLEAR, and the interval "
        "of the ratio. With --live, measure engines in turns now and compare them, which is the most reliable way. "
        "FASTER and SLOWER need 4 runs, SAME needs 8."
    )
    parser.epilog = (
        "examples:\n  lpbench compare before.json after.json --fail-slower 5%\n"
        "  lpbench compare --live my-app --engine onnxruntime --engine onnxruntime:threads=2\n"
        "  lpbench compare --live my-app --engine onnxruntime@env:old --engine onnxruntime\n"
        "  lpbench compare --live --app before --app after --fail-slower 2%"
    )
    parser.add_argument(
        "results", nargs="*", metavar="RESULT", help="the reference, then others: files, saved results' names, or last"
    )
    parser.add_argument(
        "--margin", type=_options.share, default=0.01, metavar="M", help="what counts as no difference (1%%)"
    )
    parser.add_argument(
        "--fail-slower",
        type=_options.share,
        metavar="S",
        help="exit 1 if the verdict is SLOWER, certainly by more than S",
    )
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="append a summary in Markdown, for the page of a CI job"
    )
    parser.add_argument("--fail-unclear", action="store_true", help="exit 1 if a verdict is UNCLEAR")
    parser.add_argument(
        "--force", action="store_true", help="compare results of different machines too; overwrite FILE"
    )
    _formats.add(parser, "print JSON on standard output")
    _add_live(parser)


def _add_live(parser: Parser) -> None:
    """Add the options of measuring now, and note which they are."""
    before = parser.options()
    group = parser.add_argument_group("measuring now")
    group.add_argument(
        "--live",
        nargs="?",
        const="",
        metavar="APP",
        help="measure this app: a folder, a catalogue name or a model file",
    )
    group.add_argument(
        "--app", action="append", metavar="APP", help="measure this app too, beside those before: after a change, say"
    )
    _options.add_setting(group, "--data", "data", metavar="DIR")
    _options.add_setting(group, "--runs", "runs", type=_options.from_one, metavar="R")
    _options.add_setting(group, "--percentile", "percentile", type=_options.percentage, metavar="P")
    _options.add_workload(group)
    group.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the result here too, as JSON")
    _options.add_engine(parser)
    _options.add_resources(parser)
    _options.add_tensors(parser)
    _options.add_workers(parser, apart=True)
    parser.set_defaults(of_live=[option for option in parser.options() if option not in before])


def main(options: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether a gate failed."""
    if options.margin <= 0:
        raise LpbenchError("the margin must be above 0", where="--margin")
    compare = _live if options.live is not None or options.app else _saved
    with summary_file(options.summary) as page:
        return compare(options, page)


def _saved(options: argparse.Namespace, page: SummaryFile) -> int:
    """Compare saved results with the first of them."""
    from lpbench.cli.show import load
    from lpbench.results.comparison import compare
    from lpbench.results.pairing import unpaired

    _refuse_measuring(options)
    word, *others = options.results
    first, seconds = load(word), [(other, load(other)) for other in others]
    every: list[tuple[str, Result, Compared]] = []
    for other, second in seconds:
        found = compare(first, second, margin=options.margin, force=options.force)
        every += [(other, second, each) for each in found]
    notes = [_verdicts.saved_notes((word, first), (other, second)) for other, second, _ in every]
    if options.json:
        _console.answer_json([_verdicts.saved_json(word, other, first, second, each) for other, second, each in every])
    elif form := _formats.chosen(options):
        without = [each for _, second in seconds for each in _without(unpaired(first, second))]
        _print([each for _, _, each in every], form, notes, without)
    else:
        paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
        for other, second, each in every:
            _console.answer(*_verdicts.saved_screen((word, first), (other, second), each, width=width, paint=paint))
    failed = [line for other, second in seconds for line in lost_gates(other, unpaired(first, second), options)]
    return _gated([each for _, _, each in every], options, failed, page, notes)


def _without(found: Mapping[str, Unpaired]) -> list[Without]:
    """Return what has no verdict, for a table."""
    ended = ((name, each, " → ".join(each.ended())) for name, each in found.items())
    return [(name if each.first else "", name if each.second else "", why) for name, each, why in ended]


def _refuse_measuring(options: argparse.Namespace) -> None:
    """Refuse too few results, and options that only measuring heeds."""
    from lpbench.cli._parser import UsageError

    if len(options.results) < FEWEST:
        raise UsageError(
            f"a comparison takes two results; found {len(options.results)}",
            hint="lpbench compare A B, or --live APP --engine E --engine E to measure now",
        )
    given = [option.flag for option in options.of_live if getattr(options, option.name) != option.default]
    if given:
        raise UsageError(f"{given[0]} applies only to measuring", hint="add --live APP to measure now, or leave it out")


def _live(options: argparse.Namespace, page: SummaryFile) -> int:
    """Measure engines in turns and compare them with the first."""
    from lpbench.cli import _measure
    from lpbench.cli._parser import UsageError
    from lpbench.cli._sides import take_sides
    from lpbench.jobs.measuring.live import compare_measured, live_settings

    if options.results:
        raise UsageError(
            f'unexpected "{options.results[0]}"',
            hint="--live measures now, and another app is --app APP; saved results are compared without either",
        )
    _measure.refuse(options.output, overwrite=options.force)
    app = take_sides(options, options.output)
    settings = live_settings(_options.arguments(options, app), options.margin)
    result, saved = _measure.carry_out(app, settings, _measure.Output(options.output, None, options.force))
    found = compare_measured(result, margin=options.margin)
    text = not (options.json or _formats.chosen(options))
    with saved.shown():
        _print_live(result, found, options)
        _measure.announce(saved, "lpbench show {result}", _console.answers() if text else sys.stderr)
    notes = _live_notes(result, found) or [[f"{name}: not measured: {why}" for _, name, why in _lost(result)]]
    gates = _gated(found, options, unmeasured_gates(result, options), page, notes)
    return _status(found, _measure.status(result, saved), gates)


def _print_live(result: Result, found: Sequence[Compared], options: argparse.Namespace) -> None:
    if options.json:
        _console.answer_json(
            [{"first": each.first, "second": each.second, **_verdicts.as_json(each)} for each in found]
        )
    elif form := _formats.chosen(options):
        _print(found, form, _live_notes(result, found), _lost(result))
    else:
        paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
        _console.answer(*_verdicts.live_screen(result, found, width=width, paint=paint))


def unmeasured_gates(result: Result, options: argparse.Namespace) -> list[str]:
    """Return the gates that engines fail which were named and could not be measured."""
    from lpbench.jobs.engine_choice import ALL
    from lpbench.util.text import first_line

    if not _has_gate(options) or result.settings.engine == (ALL,):  # of all, those that cannot run the app are no loss
        return []
    others = result.by_name()
    return [f"{name}: not measured: {first_line(each.state)}" for name, each in others.items() if not each.measured]


def _lost(result: Result) -> list[Without]:
    """Return the engines that were named and not measured, for a table."""
    from lpbench.util.text import first_line

    named = result.by_name()
    first = next((name for name, each in named.items() if each.measured), "")
    return [(first, name, first_line(each.state)) for name, each in named.items() if not each.measured]


def _print(
    found: Sequence[Compared], form: str, notes: Sequence[Sequence[str]], without: Sequence[Without] = ()
) -> None:
    from lpbench.render import exports

    _console.answer(*exports.of_comparisons(found, form, notes, without).split("\n"))


def _live_notes(result: Result, found: Sequence[Compared]) -> list[list[str]]:
    """Return what was measured and what is doubtful about it, beside the first comparison."""
    from lpbench.render._context import doubts, header

    return [[*header(result, WIDE), *doubts(result)] for _ in found[:1]]


def _status(found: Sequence[Compared], measured: int, gates: int) -> int:
    """Return the exit status: what could not be measured comes before gates, and these before files."""
    if measured == _console.NOTHING or measured > interrupts.EXIT:
        return measured
    if not found:
        _console.say("nothing to compare: fewer than two engines were measured")
        return _console.NOTHING
    return gates or measured


def _gated(
    found: Sequence[Compared],
    options: argparse.Namespace,
    lost: Sequence[str],
    page: SummaryFile,
    notes: Sequence[Sequence[str]],
) -> int:
    """Say which gates fail, on the job's page too, and return the exit status.

    :param lost: Gates that fail since there is nothing to compare.
    :param notes: On each comparison, for the page.
    """
    failed = [*(reason for each in found for reason in gates(each, options)), *lost]
    page.add(found, failed, notes)
    for reason in failed:
        _console.say(reason)
    return _console.FAILED if failed else _console.DONE


def lost_gates(word: str, found: Mapping[str, Unpaired], options: argparse.Namespace) -> list[str]:
    """Return the gates that configurations fail which the reference has and the other result was to have.

    What runs no more is no better than what runs slower.

    :param word: What the other result was called.
    """
    from lpbench.util.text import clean

    if not _has_gate(options):
        return []
    return [f"{clean(name)}: {clean(word)}: {each.ended()[1]}" for name, each in found.items() if each.lost]


def _has_gate(options: argparse.Namespace) -> bool:
    return options.fail_slower is not None or bool(options.fail_unclear)


def gates(each: Compared, options: argparse.Namespace) -> list[str]:
    """Return the gates that a comparison fails, each with its reason."""
    from lpbench.render import percent
    from lpbench.util.text import clean
    from lpbench.util.unavailable import Unavailable

    total, name = each.total, clean(each.second)
    interval = total.ratio.interval
    if _has_gate(options) and total.verdict.value == "UNCHECKED":
        return [f"unchecked: {clean(total.reason)}"]  # it names the configurations
    failed = []
    limit = options.fail_slower
    if limit is not None and total.slower_than(limit) and not isinstance(interval, Unavailable):
        end = percent(interval.lower - 1)
        failed.append(f"{name}: slower than allowed ({percent(limit)}): lower end {end}")
    if options.fail_unclear and total.verdict.value == "UNCLEAR":
        failed.append(f"{name}: unclear: {total.reason}")
    return failed
