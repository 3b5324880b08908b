"""What the commands of the three catalogues share: options, and how rows are printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lpbench.cli import _console, _options
from lpbench.datasheets import attributes
from lpbench.util.text import amount

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.datasheets import Catalogue, DataSheet

S = TypeVar("S", bound="DataSheet")
OUTPUT = "-"
"""The file that stands for standard output."""


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
        help=f"only those with this value: a part of a text, or a number in a range ({filtered}); may be repeated. "
        f"Keys: {', '.join(each.key for each in attributes(kind))}",
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
    else:
        _console.answer(*_screen(chosen, alone=len(options.ids) == 1))
    return _console.DONE


def _screen(catalogue: Catalogue[S], *, alone: bool) -> list[str]:
    """Return the rows as a table, or a row in full that alone was asked for."""
    from lpbench.render.datasheets import detail, listing

    stream = _console.answers()
    width, paint = _console.listing_width(stream), _console.painter(stream)
    first = next(iter(catalogue.values()), None)
    if alone and first:
        return detail(first, width=width, paint=paint)
    following = [f"one in full: lpbench {catalogue.kind} {first.id}"] if first else []
    return [*listing(catalogue, width=width, paint=paint), *following]


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
