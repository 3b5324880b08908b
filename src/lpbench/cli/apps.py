"""``lpbench apps``: the catalogue, which entries are pulled, and why others cannot be."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.plugin.registry import APPS, current
from lpbench.render import Column, blocks, digits, hanging
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lpbench.app.catalogue import Listed
    from lpbench.render._table import Paint

MB = 1e6
STYLES = {"pulled": "good", "outdated": "warn", "damaged": "bad", "unavailable": "bad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "List the AI apps that lpbench can fetch and build, and the state of each."
    parser.epilog = "examples:\n  lpbench apps\n  lpbench apps --json"
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """List the entries."""
    from lpbench.app.catalogue import entries

    listed = list(entries().values())
    if options.json:
        _console.answer_json([as_json(each) for each in listed])
    else:
        _console.answer(*_screen(listed))
    return _console.DONE


def as_json(listed: Listed) -> dict[str, Any]:
    """Return one entry as JSON; sizes in bytes, None for what is not known."""
    entry = listed.entry
    return {
        "name": listed.name,
        "summary": listed.summary,
        "class": entry.app_class if entry else None,
        "version": entry.version if entry else None,
        "state": listed.state,
        "reason": listed.damage or listed.availability.reason or None,
        "hint": listed.availability.hint or None,
        "folder": str(listed.folder) if listed.folder else None,
        "download_bytes": listed.download_bytes() if entry else None,
        "disk_bytes": listed.disk_bytes() if listed.folder else None,
        "licences": list(entry.licences()) if entry else [],
        "source": entry.source if entry else None,
        "plugin": listed.plugin,
        "distribution": listed.distribution,
    }


def _screen(listed: Sequence[Listed]) -> list[str]:
    if not listed:
        return [current().beginning(APPS) or "the catalogue is empty"]
    left = [Column(title, left=True) for title in ("app", "class", "state")]
    sizes = [Column(title) for title in ("fetch MB", "disk MB")]
    columns = [*left, *sizes, Column("licences", left=True)]
    paint = _console.painter(_console.answers())
    rows = list(map(_row, listed))
    width = _console.listing_width(_console.answers())
    parts = blocks(columns, rows, width, names=width // 2)
    painted = [
        line
        for header, *lines in parts
        for line in (paint(header, "dim"), *map(_paint, lines, (row[2] for row in rows), repeat(paint)))
    ]
    return [*painted, *_reasons(listed), *_next(listed)]


def _reasons(listed: Sequence[Listed]) -> list[str]:
    """Return a line for each entry that is damaged or cannot be pulled: the reason and the remedy."""
    damaged = {app.name: app.damage for app in listed if app.state == "damaged"}
    unavailable = {app.name: app.availability for app in listed if app.state == "unavailable"}
    reasons = {name: ". ".join(filter(None, (why.reason, why.hint))) for name, why in unavailable.items()}
    return [*_block("damaged", damaged), *_block("unavailable", reasons)]


def _block(title: str, reasons: Mapping[str, str]) -> list[str]:
    texts = [f"{clean(name)}  {clean(why)}" for name, why in reasons.items()]
    lines = [line for text in texts for line in hanging(text, _console.listing_width(_console.answers()))]
    return [title, *lines] if lines else []


def _paint(line: str, state: str, paint: Paint) -> str:
    return line.replace(f" {state} ", f" {paint(state, STYLES[state])} ", 1) if state in STYLES else line


def _row(listed: Listed) -> list[str]:
    entry = listed.entry
    return [
        clean(listed.name),
        clean(entry.app_class) if entry else "",
        listed.state,
        digits(listed.download_bytes() / MB) if listed.download_bytes() else "",
        digits(listed.disk_bytes() / MB) if listed.folder else "",
        clean(", ".join(entry.licences())) if entry else "",
    ]


def _next(listed: Sequence[Listed]) -> list[str]:
    """Return the line that names the next command."""
    commands = {
        "damaged": "lpbench pull --force",
        "available": "lpbench pull",
        "outdated": "lpbench pull",
        "pulled": "lpbench run",
    }
    app = next((app for state in commands for app in listed if app.state == state), None)
    return [f"next: {commands[app.state]} {app.name}"] if app else []
