"""What the commands of the three catalogues share: options, and how rows are printed."""

from __future__ import annotations

import sys
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lpbench.cli import _console, _options
from lpbench.render import Column, fit, hanging, narrow
from lpbench.util.text import amount, cells, clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.datasheets import Catalogue, DataSheet
    from lpbench.render._table import Paint

S = TypeVar("S", bound="DataSheet")
OUTPUT = "-"
"""The file that stands for standard output."""
LEAST = 16
"""Columns of the terminal below which words of a listing are left out rather than cut."""


def configure(parser: argparse.ArgumentParser, kind: str, filtered: str) -> None:
    """Add the options.

    :param kind: ``platforms``, ``frameworks`` or ``models``.
    :param filtered: An example of a filter.
    """
    form = parser.add_mutually_exclusive_group()
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"only these {kind}; one alone is shown in full")
    parser.add_argument(
        "--filter",
        type=_options.pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"only those with this value: a part of a text, or a number in a range ({filtered}); may be repeated",
    )
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help=f"also read rows of yours from this file, besides $XDG_DATA_HOME/lpbench/datasheets/{kind}/*.json; "
        "a row that is known replaces what it states",
    )
    form.add_argument("--csv", metavar="FILE", help="write every attribute to this file (- for standard output)")
    form.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.add_argument("--force", action="store_true", help="overwrite the file of --csv")


def answer(options: argparse.Namespace, catalogue: Catalogue[S]) -> int:
    """Print the rows that were asked for, or write them to a file."""
    if options.ids:
        catalogue = catalogue.of([catalogue.named(name) for name in options.ids])
    chosen = _filtered(catalogue, options.filter)
    if options.csv:
        _write_csv(chosen, options.csv, overwrite=options.force)
    elif options.json:
        _console.answer_json(chosen.to_dict())
    elif len(options.ids) == 1 and chosen:
        _console.answer(*_detail(next(iter(chosen.values()))))
    else:
        _console.answer(*_listing(chosen))
    return _console.DONE


def _filtered(catalogue: Catalogue[S], pairs: Sequence[tuple[str, str]]) -> Catalogue[S]:
    for name, value in pairs:  # one may stand twice: os=linux and os=ubuntu
        catalogue = catalogue.where(**{name: value})
    return catalogue


def _write_csv(catalogue: Catalogue[S], file: str, *, overwrite: bool) -> None:
    from lpbench.render.exports import csv_text
    from lpbench.results import files

    header = catalogue.header()
    text = csv_text(header, ([row[name] for name in header] for row in catalogue.records()))
    if file == OUTPUT:
        _console.answer(*text.split("\n"))
        return
    files.write(f"{text}\n", Path(file), overwrite=overwrite)
    _console.write(sys.stderr, f"saved {file}: {amount(len(catalogue), 'row')}")


def _listing(catalogue: Catalogue[S]) -> list[str]:
    if not catalogue:
        return [f"no {catalogue.kind} are like that"]
    width, paint = _layout()
    sheet = catalogue.sheet()
    rows = [list(map(clean, row)) for row in sheet.rows]
    kept = _columns(sheet.header, rows, width)
    columns = [Column(title, left=True, whole=not at) for at, title in enumerate(sheet.header[:kept])]
    header, *lines = narrow(columns, [row[:kept] for row in rows], width)
    notes = [paint(line, "dim") for note in sheet.notes for line in hanging(clean(note), width, 0)]
    return [paint(header, "dim"), *lines, *notes, f"one in full: lpbench {catalogue.kind} {next(iter(catalogue))}"]


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many columns fit, from the first, which stays whole: its words are typed again."""
    widest = [max(map(cells, column)) for column in zip(header, *rows, strict=True)]
    taken = accumulate([widest[0], *(min(size, LEAST) + 1 for size in widest[1:])])
    return max(1, sum(1 for columns in taken if columns <= width))


def _detail(row: DataSheet) -> list[str]:
    """Return everything about a row: a table, or where that is too wide each attribute on lines of its own."""
    width, paint = _layout()
    sheet = row.sheet()
    rows = [list(map(clean, each)) for each in sheet.rows]
    columns = [Column("", left=True), Column("", left=True)]
    grid = fit(columns, rows, width)
    below = [line for title, value in rows for line in hanging(f"{title}: {value}", width)]
    notes = [paint(line, "dim") for note in sheet.notes for line in hanging(clean(note), width, 0)]
    return [paint(row.id, "bold"), *(grid[1:] if grid else below), *notes]


def _layout() -> tuple[int, Paint]:
    stream = _console.answers()
    return _console.listing_width(stream), _console.painter(stream)
