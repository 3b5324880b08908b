"""``lpbench engines``: which inference engines are available, and why others are not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.cli._steps import Beating
from lpbench.jobs.listing import engines
from lpbench.plugin.registry import ENGINES, current
from lpbench.render import Column, fit, hanging, narrow
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.jobs.listing import ListedEngine
    from lpbench.plugin.failures import Failure

STYLES = {"ready": "good", "broken": "bad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "List the inference engines that plugins offer, and why some cannot be used. No engine is imported."
    )
    parser.epilog = "examples:\n  lpbench engines\n  lpbench engines --probe --json"
    parser.add_argument(
        "--probe", action="store_true", help="start each library in a separate process and list its devices"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """List the engines."""
    # without a probe nothing takes time but a trial of a plugin, which says so itself
    with Beating("starting each engine's library") if options.probe else contextlib.nullcontext():
        listed = list(engines(probe=options.probe).values())
    if options.json:
        _console.answer_json([as_json(each) for each in listed])
    else:
        _console.answer(*_screen(listed, probed=options.probe))
    return _console.DONE


def as_json(listed: ListedEngine) -> dict[str, Any]:
    """Return one engine as JSON."""
    available = listed.availability
    return {
        "name": listed.name,
        "aliases": list(listed.aliases),
        "state": available.state.value,
        "reason": available.reason or None,
        "hint": available.hint or None,
        "version": listed.version or None,
        "formats": list(listed.formats),
        "devices": list(listed.devices),
        "unusable": dict(listed.unusable),
        "hints": dict(listed.hints),
        "summary": listed.summary,
        "plugin": listed.plugin,
        "distribution": listed.distribution,
    }


def _screen(listed: Sequence[ListedEngine], *, probed: bool) -> list[str]:
    rows = [*map(_row, listed), *_broken(listed)]
    if not rows:
        return [current().beginning(ENGINES) or "no engine is installed"]
    paint = _console.painter(_console.answers())
    width = _console.listing_width(_console.answers())
    columns = [Column(title, left=True) for title in ("engine", "state", "version", "reads", "")]
    whole = fit(columns, rows, width)
    header, *lines = whole or narrow(columns[:-1], [row[:-1] for row in rows], width)
    painted = [_paint(line, row[1], paint) for line, row in zip(lines, rows, strict=True)]
    notes = [] if whole else [line for row in rows if row[-1] for line in hanging(f"{row[0]}: {row[-1]}", width)]
    ready = any(engine.availability for engine in listed)
    hint = [] if probed or not ready else [paint("devices: lpbench engines --probe", "dim")]
    unusable = [line for each in _unusable(listed) for line in hanging(each, width)]
    return [paint(header, "dim"), *painted, *notes, *unusable, *hint]


def _row(listed: ListedEngine) -> list[str]:
    return list(map(clean, listed.cells()))


def _broken(listed: Sequence[ListedEngine]) -> list[list[str]]:
    """Return a row for each plugin that failed to load: it may be the one whose engine is missing."""
    loaded = {engine.plugin for engine in listed}
    failures = [failure for failure in current().failures if failure.plugin not in loaded]
    notes = [clean(f"{_reason(failure)} (lpbench plugins -v)") for failure in failures]
    return [[clean(failure.plugin), "broken", "", "", note] for failure, note in zip(failures, notes, strict=True)]


def _reason(failure: Failure) -> str:
    origin = f"{failure.distribution}: " if failure.distribution else ""
    return f"{origin}{failure.reason}"


def _unusable(listed: Sequence[ListedEngine]) -> list[str]:
    from lpbench.jobs.probing import problems  # a listing without a probe needs nothing of it

    return [
        f"{clean(engine.name)} cannot use {clean(device)}: {clean(why)}"
        for engine in listed
        for device, why in problems(engine.unusable, engine.hints).items()
    ]


def _paint(line: str, state: str, paint: Any) -> str:
    return line.replace(f" {state} ", f" {paint(state, STYLES[state])} ", 1) if state in STYLES else line
