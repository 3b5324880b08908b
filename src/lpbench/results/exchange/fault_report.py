"""What was wrong with published data: its faults by file, by column, by kind."""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - what values are made of is read by the annotations
from dataclasses import dataclass
from typing import Any

from lpbench.util.frames import frame
from lpbench.util.shown import Sheet, Shown
from lpbench.util.text import amount


class FaultKind(enum.Enum):
    """What is wrong with values, or was done about a file."""

    ZERO = "zero-as-missing"
    ROUNDED = "rounded-to-zero"
    TEMPERATURE = "impossible-temperature"
    IMPOSSIBLE = "impossible-value"
    UNITS = "unit-mix-up"
    REPEATED = "repeated-key"
    TYPED = "typed-target"
    JOINED = "quality-joined"


RULES: Mapping[FaultKind, str] = {
    FaultKind.ZERO: "0 stands for what was not measured",
    FaultKind.ROUNDED: "a rate that was rounded to 0",
    FaultKind.TEMPERATURE: "a temperature below -40 °C or above 150 °C",
    FaultKind.IMPOSSIBLE: "a negative value, or a load above 105 %",
    FaultKind.UNITS: "the column is not in the unit of its name",
    FaultKind.REPEATED: "rows with the same inputs and hyper-parameters; all are kept",
    FaultKind.TYPED: "targets with a type, which the format gives none; read as floats",
    FaultKind.JOINED: "rows that got their quality from a file of its own",
}
"""The rule of each kind in short; docs/how-to/exchange.md has them in full."""
HARMLESS = frozenset({FaultKind.TYPED, FaultKind.JOINED})
"""Kinds that are no fault of a value."""


@dataclass(frozen=True)
class Fault:
    """One fault of one column of a dataset.

    :param file: Name of the dataset.
    :param column: Empty where it is of the file.
    :param count: Values, rows or columns that have it.
    :param rows: Of the dataset.
    """

    file: str
    kind: FaultKind
    column: str
    count: int
    rows: int
    note: str = ""

    @property
    def rule(self) -> str:
        """What is wrong, or was done."""
        return self.note or RULES[self.kind]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**dataclasses.asdict(self), "kind": self.kind.value, "note": self.rule}


@dataclass(frozen=True, repr=False)
class FaultReport(Shown):
    """The faults of some datasets."""

    faults: tuple[Fault, ...] = ()

    def counts(self) -> dict[FaultKind, int]:
        """Return the values, rows or columns with each kind of fault, over all datasets."""
        found: Counter[FaultKind] = Counter()
        for fault in self.faults:
            found[fault.kind] += fault.count
        return dict(found)

    def by_file(self) -> dict[str, tuple[Fault, ...]]:
        """Return the faults of each dataset that has some."""
        files = dict.fromkeys(fault.file for fault in self.faults)
        return {file: tuple(fault for fault in self.faults if fault.file == file) for file in files}

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        counts = {kind.value: count for kind, count in self.counts().items()}
        return {"format": "lpbench-faults", "counts": counts, "faults": [fault.to_dict() for fault in self.faults]}

    def to_pandas(self) -> Any:
        """Return a row for each fault as a pandas DataFrame: file, kind, column, count, rows, note.

        :raises ResultError: pandas is not installed.
        """
        return frame([fault.to_dict() for fault in self.faults])

    def in_short(self) -> str:
        """Return how many there are of each kind."""
        found = [f"{kind.value} {count}" for kind, count in self.counts().items()]
        return f"{amount(len(self.by_file()), 'file')} with faults: {', '.join(found)}" if found else "no faults"

    def sheet(self) -> Sheet:
        """Return a row for each kind of fault and each column that has it."""
        counts: Counter[tuple[str, str]] = Counter()
        files: dict[tuple[str, str], set[str]] = {}
        for each in self.faults:
            counts[each.kind.value, each.column] += each.count
            files.setdefault((each.kind.value, each.column), set()).add(each.file)
        rows = [(*key, f"{count}", f"{len(files[key])}") for key, count in counts.items()]
        return Sheet((self.in_short(),), ("fault", "column", "count", "files") if rows else (), rows)
