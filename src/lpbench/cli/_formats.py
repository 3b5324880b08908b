"""The formats in which results and comparisons are printed for other programs, spreadsheets, issues and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.cli._parser import UsageError

if TYPE_CHECKING:
    import argparse

FORMATS = {
    "csv": "print a table for spreadsheets, with full precision",
    "markdown": "print the tables in Markdown",
    "html": "print an HTML page that needs no other file",
}


def add(parser: argparse.ArgumentParser, json: str) -> None:
    """Add the options; one of them at a time.

    :param json: The help of ``--json``.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--json", action="store_true", help=json)
    for name, text in FORMATS.items():
        group.add_argument(f"--{name}", action="store_true", help=text)


def chosen(options: argparse.Namespace) -> str:
    """Return the format that was asked for beside JSON and text; empty if none was.

    :raises UsageError: Options of the text were given with it.
    """
    name = next((name for name in FORMATS if getattr(options, name)), "")
    unheeded = [flag for flag in ("verbose", "predictions") if name and getattr(options, flag, False)]
    if unheeded:
        raise UsageError(f"--{unheeded[0]} applies only to text", hint=f"leave out --{unheeded[0]} or --{name}")
    return name
