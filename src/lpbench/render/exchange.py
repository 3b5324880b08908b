"""Imported data as people read it: its algorithms, and how many values had which fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._table import Column, blocks, hanging
from lpbench.results.exchange.fault_report import HARMLESS, RULES
from lpbench.results.table import PLATFORM
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.exchange import Dataset
    from lpbench.results.table import Table

ALGORITHMS = [Column("algorithm", left=True), Column("rows"), Column("platforms"), Column("columns")]
KINDS = [Column("fault", left=True), Column("values"), Column("files"), Column("what", left=True)]


def screen(dataset: Dataset, *, width: int, paint: Paint, verbose: bool) -> list[str]:
    """Return the lines of what was read and what was wrong with it.

    :param verbose: With the faults of each file.
    """
    rows = sum(map(len, dataset.tables))
    lines = [f"{amount(len(dataset.tables), 'algorithm')}, {amount(rows, 'row')}"]
    lines += _table(ALGORITHMS, list(map(_of_table, dataset.tables)), width, paint)
    if dataset.faults.faults:
        lines += ["", *_table(KINDS, _by_kind(dataset), width, paint)]
    if verbose and dataset.faults.faults:
        lines += ["", *_by_file(dataset, width)]
    return lines


def _of_table(table: Table) -> list[str]:
    platforms = len(set(table.column(PLATFORM).values))
    return [clean(table.name), f"{len(table)}", f"{platforms}", f"{len(table.columns)}"]


def _by_kind(dataset: Dataset) -> list[list[str]]:
    """Return a row for each kind, those that are no fault of a value last."""
    faults = dataset.faults.faults
    counts = sorted(dataset.faults.counts().items(), key=lambda each: each[0] in HARMLESS)
    return [
        [kind.value, f"{count}", f"{len({fault.file for fault in faults if fault.kind is kind})}", RULES[kind]]
        for kind, count in counts
    ]


def _by_file(dataset: Dataset, width: int) -> list[str]:
    """Return the faults below the file that has them; nothing of a line is cut."""
    lines: list[str] = []
    for file, faults in dataset.faults.by_file().items():
        lines.append(clean(file))
        for each in faults:
            what = ": ".join(filter(None, (each.column, each.rule)))
            lines += hanging(clean(f"{each.kind.value} {each.count}: {what}"), width)
    return lines


def _table(columns: Sequence[Column], rows: list[list[str]], width: int, paint: Paint) -> list[str]:
    lines: list[str] = []
    for header, *body in blocks([*columns], rows, width):
        lines += [paint(header, "dim"), *body]
    return lines
