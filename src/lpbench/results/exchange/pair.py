"""A descriptor with its dataset: what one algorithm did on one platform."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence  # noqa: TC003 - what values are made of is read by the annotations
from dataclasses import dataclass, field

from lpbench.results.exchange.csv_columns import write_columns
from lpbench.results.exchange.descriptor import Descriptor  # noqa: TC001 - likewise
from lpbench.results.table import Value  # noqa: TC001 - likewise

EMPTY = "the dataset has no value"


@dataclass(frozen=True)
class Pair:
    """A descriptor and its dataset.

    :param reasons: Why values are not known, by column.
    :param repeats: Rows with the key of each row; None where each has its own.
    :param told: Why columns lack values, as an earlier import told.
    """

    descriptor: Descriptor
    columns: Mapping[str, Sequence[Value]]
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    repeats: Sequence[int] | None = None
    told: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def csv(self) -> str:
        """Return the content of the dataset's file."""
        text = io.StringIO(newline="")
        write_columns(self.columns, text)
        return text.getvalue()

    def why(self, name: str) -> Sequence[str] | None:
        """Return why values of a column are not known, a text for each row; None where all are known."""
        values = self.columns[name]
        if None not in values:
            return None
        known = self.reasons.get(name, ())
        otherwise = self.told.get(name, EMPTY)
        if not known:
            return ["" if value is not None else otherwise for value in values]
        return ["" if value is not None else why or otherwise for value, why in zip(values, known, strict=True)]


def measured(pair: Pair) -> Pair:
    """Return a pair without the targets of which no value is known, unless none has any."""
    targets = tuple(each for each in pair.descriptor.targets if pair.columns[each.name].count(None) < len(pair))
    gone = {each.name for each in pair.descriptor.targets}.difference(each.name for each in targets)
    if not gone or not targets:
        return pair
    columns = {name: values for name, values in pair.columns.items() if name not in gone}
    return dataclasses.replace(pair, descriptor=dataclasses.replace(pair.descriptor, targets=targets), columns=columns)
