"""The columns of an algorithm's rows: its own names, where rows of apps have those of the glossary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lpbench.results.directions import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class SweepColumn:
    """What a column of an algorithm's rows is; the file of a sweep keeps it, so that rows are read without a plugin.

    :param type: Of a hyper-parameter or an input; targets are numbers.
    :param lower: Least value; None where that of the data counts; ``upper`` likewise.
    :param best: Which values of a target are the better ones; empty where that is not known.
    """

    name: str
    kind: Literal["input", "hyperparameter", "target"]
    type: Literal["int", "float", "bin", "str"] = "float"
    unit: str = ""
    doc: str = ""
    lower: int | float | None = None
    upper: int | float | None = None
    best: Literal["lowest", "highest", ""] = ""

    @property
    def direction(self) -> Direction | None:
        """Which way a target is better; None where that is not known."""
        return Direction(self.best) if self.best else None

    @property
    def is_target(self) -> bool:
        """Whether it is measured."""
        return self.kind == "target"


def called(name: str, columns: Sequence[SweepColumn]) -> SweepColumn | None:
    """Return the column of a name, in any case; None if there is none."""
    alike = [each for each in columns if each.name.casefold() == name.casefold()]
    exact = [each for each in alike if each.name == name]
    return next(iter([*exact, *alike]), None)
