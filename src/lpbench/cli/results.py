"""``lpbench results``: list the saved results, and delete some."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.cli._parser import UsageError
from lpbench.cli._steps import Beating
from lpbench.errors import ResultError, closest
from lpbench.render import Column, blocks, digits, hanging
from lpbench.results import store
from lpbench.results.saved import Filter, delete, saved
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.saved import SavedResult

EPILOG = """examples:
  lpbench results --app imagenet-mobilenet-v2 --engine onnxruntime --newer-than 7d
  lpbench results --older-than 90d --delete"""
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
"""Seconds of the units of an age."""
AGES = (("d", 2 * UNITS["d"]), ("h", 2 * UNITS["h"]), ("m", 0.0))
"""Units of an age that is shown, each with the age from which it is used."""
STATES = ("OK", "interrupted", "failed", "unreadable")
STYLES = {"interrupted": "warn", "failed": "bad", "unreadable": "bad"}
KILOBYTE = 1e3


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "List the saved results, the newest first, or delete those that are listed. "
        "lpbench show and lpbench compare take their names; last is the newest."
    )
    parser.epilog = EPILOG
    parser.add_argument("names", nargs="*", metavar="RESULT", help="only these: names of saved results, or last")
    parser.add_argument("--app", metavar="APP", help="only those of this app, by its name")
    parser.add_argument("--engine", metavar="E", help="only those with this engine, by its name or alias")
    parser.add_argument("--older-than", type=age, metavar="AGE", help="only those that are older: 30m, 12h, 7d, 4w")
    parser.add_argument("--newer-than", type=age, metavar="AGE", help="only those that are newer")
    parser.add_argument("--state", choices=STATES, help="only those that ended so")
    parser.add_argument("--delete", action="store_true", help="delete those that are listed, after a question")
    parser.add_argument("--all", action="store_true", help="with --delete and no filter: delete every saved result")
    parser.add_argument("--yes", action="store_true", help="with --delete: delete without a question")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """List the results, and delete them where that was asked for."""
    wanted = Filter(
        _names(options.names),
        options.app,
        _engine(options.engine),
        options.older_than,
        options.newer_than,
        options.state,
    )
    _refuse_too_much(options, wanted)
    with Beating("reading the saved results"):
        found = saved(wanted)
    _refuse_unknown(options.names, wanted.names, found)
    if options.delete and found and not (options.yes or _agreed(found)):
        _console.say("nothing was deleted")
        return _console.FAILED
    gone = delete(found) if options.delete else None
    if options.json:
        _console.answer_json([{**as_json(each), **({} if gone is None else {"deleted": True})} for each in found])
    elif gone is None or not found:
        _console.answer(*_screen(found, filtered=wanted != Filter()))
    else:
        _console.answer(f"deleted {amount(gone, 'result')}, {_megabytes(found)}")
    return _console.DONE


def age(text: str) -> float:
    """Return ``7d`` in seconds."""
    try:
        seconds = float(text[:-1]) * UNITS[text[-1:]]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f'found "{text}"; expected an age such as 30m, 12h, 7d or 4w')
    return seconds


def as_json(result: SavedResult) -> dict[str, Any]:
    """Return one saved result as JSON."""
    return {
        "name": result.name,
        "file": str(result.path),
        "app": result.app or None,
        "configurations": list(result.engines),
        "latency_ms": result.latency_ms,
        "state": result.state,
        "reason": result.reason or None,
        "created": dt.datetime.fromtimestamp(result.created, dt.timezone.utc).isoformat(timespec="seconds"),
        "bytes": result.size,
    }


def _names(words: Sequence[str]) -> frozenset[str]:
    """Return names of saved results; a path is none: deleting it is no business of this command."""
    newest = {store.LAST: store.newest(_console.say)[0].stem} if store.LAST in words else {}
    return frozenset(newest.get(word, word.removesuffix(".json")) for word in words)


def _engine(word: str | None) -> str | None:
    """Return the own name of an engine that an alias may name; results outlive the plugins that made them."""
    from lpbench.plugin import registry

    offers = registry.offers_where(registry.ENGINES, lambda spec: word in spec.aliases)
    return next((offer.spec.name for offer in offers), word) if word else None


def _refuse_too_much(options: argparse.Namespace, wanted: Filter) -> None:
    """Refuse to delete everything unless that is asked for, and options that only deleting heeds."""
    if options.delete and wanted == Filter() and not options.all:
        raise UsageError("--delete would delete every saved result", hint="name some, add a filter, or --all")
    if options.all and wanted != Filter():
        raise UsageError("--all contradicts a filter", hint="leave one of them out")
    unheeded = next((flag for flag in ("yes", "all") if getattr(options, flag) and not options.delete), None)
    if unheeded:
        raise UsageError(f"--{unheeded} applies only to --delete", hint="add --delete, or leave it out")


def _refuse_unknown(words: Sequence[str], names: frozenset[str], found: Sequence[SavedResult]) -> None:
    """Refuse a name that no saved result has, before anything is deleted."""
    known = {each.name for each in found}
    if names <= known:
        return
    every = {each.name for each in saved()}
    for word in words:
        name = word.removesuffix(".json")
        if name != store.LAST and name not in every:
            near = closest(name, every)
            hint = f'did you mean "{near}"?' if near else f"lpbench results lists those in {store.folder()}"
            raise ResultError(f'there is no saved result "{word}"', hint=hint)


def _agreed(found: Sequence[SavedResult]) -> bool:
    """Show what would be deleted and ask; without a terminal nobody can answer.

    :raises UsageError: Standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"--delete would delete {amount(len(found), 'result')} and nobody can be asked",
            hint="add --yes to delete them without a question",
        )
    _console.say(*_table(found, _console.width(sys.stderr)))
    sys.stderr.write(f"delete {amount(len(found), 'result')}, {_megabytes(found)}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _screen(found: Sequence[SavedResult], *, filtered: bool) -> list[str]:
    if not found:
        if filtered and saved():
            return ["no saved result fits", "next: lpbench results lists them all"]
        return [f"no result has been saved yet: {store.folder()}", "next: lpbench run APP saves one"]
    width, paint = _console.listing_width(_console.answers()), _console.painter(_console.answers())
    header, *lines = _table(found, width)
    reasons = [line for each in found if each.reason for line in hanging(f"{each.name}: {clean(each.reason)}", width)]
    total = f"{amount(len(found), 'result')}, {_megabytes(found)} in {store.folder()}"
    states = {f" {state} ": f" {paint(state, style)} " for state, style in STYLES.items()}
    for plain, styled in states.items():
        lines = [line.replace(plain, styled, 1) for line in lines]
    following = f"next: lpbench show {found[0].name}"
    return [paint(header, "dim"), *lines, *reasons, paint(total, "dim"), paint(following, "dim")]


def _table(found: Sequence[SavedResult], width: int) -> list[str]:
    words = [Column(title, left=True) for title in ("result", "app", "state")]
    columns = [*words, Column("age"), Column("latency ms"), Column("kB"), Column("engines", left=True)]
    now = time.time()
    rows = [
        [
            clean(each.name),
            clean(each.app),
            clean(each.state),
            _age(now - each.created),
            digits(each.latency_ms),
            digits(each.size / KILOBYTE),
            clean(", ".join(each.engines)),
        ]
        for each in found
    ]
    return [line for block in blocks(columns, rows, width, names=width - 15) for line in block]


def _age(seconds: float) -> str:
    """Return an age in minutes, hours or days."""
    unit = next(unit for unit, least in AGES if seconds >= least or unit == "m")
    return f"{max(0.0, seconds) / UNITS[unit]:.0f}{unit}"


def _megabytes(found: Sequence[SavedResult]) -> str:
    return f"{digits(sum(each.size for each in found) / 1e6)} MB"
