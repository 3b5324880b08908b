"""``lpbench apps``: the catalogue, what of it is pulled, and what stands in the way of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpbench.render._numbers import digits
from lpbench.render._table import Column, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.catalogue import Listed

MB = 1e6


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "List the AI apps that lpbench can fetch and build, and the state of each."
    parser.epilog = "examples:\n  lpbench apps\n  lpbench apps --json"
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def main(options: argparse.Namespace) -> int:
    """List the entries."""
    from lpbench.catalogue import entries

    listed = list(entries().values())
    print(json.dumps([as_json(each) for each in listed], indent=1) if options.json else "\n".join(_screen(listed)))
    return 0


def as_json(listed: Listed) -> dict[str, Any]:
    """Return one entry for other programs; sizes in bytes, None where a thing is not known."""
    entry = listed.entry
    return {
        "name": listed.name,
        "summary": listed.summary,
        "class": entry.app_class if entry else None,
        "version": entry.version if entry else None,
        "state": listed.state,
        "reason": listed.availability.reason or None,
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
        return ['the catalogue is empty; pip install "lpbench[apps]" brings image apps']
    left = [Column(title, left=True) for title in ("app", "class", "state")]
    sizes = [Column(title) for title in ("fetch MB", "disk MB")]
    columns = [*left, *sizes, Column("licences", left=True)]
    lines = table(columns, list(map(_row, listed)))
    refused = [each for each in listed if each.state == "unavailable"]
    reasons = [f"  {each.name}  {each.availability.reason}. {each.availability.hint}".rstrip(" .") for each in refused]
    return [*lines, *(["unavailable", *reasons] if reasons else []), *_next(listed)]


def _row(listed: Listed) -> list[str]:
    entry = listed.entry
    return [
        listed.name,
        entry.app_class if entry else "",
        listed.state,
        digits(listed.download_bytes() / MB) if listed.download_bytes() else "",
        digits(listed.disk_bytes() / MB) if listed.folder else "",
        ", ".join(entry.licences()) if entry else "",
    ]


def _next(listed: Sequence[Listed]) -> list[str]:
    """Return the line that names the next command."""
    wanted = {"available": "lpbench pull", "outdated": "lpbench pull", "pulled": "lpbench run"}
    found = next((each for state in wanted for each in listed if each.state == state), None)
    return [f"next: {wanted[found.state]} {found.name}"] if found else []
