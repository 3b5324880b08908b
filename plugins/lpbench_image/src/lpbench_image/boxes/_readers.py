"""The ways in which models hand scores over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image._outputs import WHERE
from lpbench_image.boxes._scores import NOBODY, Candidates, Rule, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo
    from lpbench_image.boxes._tables import Tables

    Floats = npt.NDArray[np.float32]

SCORES = "scores"
"""The key of the tables that hold them."""


class Reader(Protocol):
    """Finds the boxes that score enough."""

    @property
    def tables(self) -> Mapping[str, Tables]:
        """The outputs that hold them, by the key of the config that names them."""

    @property
    def classes(self) -> int | None:
        """How many there are; None where the outputs do not tell."""

    def pick(self, outputs: Outputs) -> Candidates:
        """Return what scores enough.

        :raises UnsoundError: Scores are not finite.
        """

    def full(self, outputs: Outputs) -> Mapping[str, Floats]:
        """Return all scores, ``(N, classes)``, or what there is of them, by name."""


class Levels:
    """A score for each class, in one output, or in one for each level of the detector.

    :param columns: Those of a row that are scores; None for all.
    """

    def __init__(self, tables: Tables, rule: Rule, columns: slice | None = None) -> None:
        self.tables, self._rule, self._columns = {SCORES: tables}, rule, columns

    @property
    def classes(self) -> int:
        """How many there are."""
        width = self.tables[SCORES].tables[0].extent[1]
        return self._rule.classes(len(range(width)[self._columns or slice(None)]))

    def pick(self, outputs: Outputs) -> Candidates:
        """Return what scores enough."""
        found, start = [], 0
        for table in self.tables[SCORES].tables:
            values = table.floats(outputs)
            picked = self._rule.pick(values if self._columns is None else values[:, self._columns])
            if len(picked.rows):
                found.append(Candidates(picked.rows + start, picked.classes, picked.scores) if start else picked)
            start += len(values)
        if len(found) > 1:
            return Candidates(*map(np.concatenate, zip(*found, strict=True)))
        return found[0] if found else NOBODY

    def full(self, outputs: Outputs) -> dict[str, Floats]:
        """Return all scores."""
        columns = self._columns or slice(None)
        each = [self._rule.full(table.floats(outputs)[:, columns]) for table in self.tables[SCORES].tables]
        return {"scores": np.concatenate(each)}


class Objectness:
    """In each row, a score of being anything, which multiplies the scores of the classes behind it.

    :param column: Where it stands.
    """

    def __init__(self, tables: Tables, rule: Rule, column: int) -> None:
        self.tables, self._rule, self._column = {SCORES: tables}, rule, column

    @property
    def classes(self) -> int:
        """How many there are."""
        return self.tables[SCORES].tables[0].extent[1] - self._column - 1

    def pick(self, outputs: Outputs) -> Candidates:
        """Return what scores enough; no class scores more than the objectness."""
        (table,) = self.tables[SCORES].tables
        values = table.floats(outputs)
        rows = self._rule.pick(values[:, self._column : self._column + 1]).rows
        sound(values[rows, self._column :])
        return self._rule.settled(self._scores(values[rows]), rows)

    def full(self, outputs: Outputs) -> dict[str, Floats]:
        """Return all products."""
        return {"scores": self._scores(self.tables[SCORES].tables[0].floats(outputs))}

    def _scores(self, values: Floats) -> Floats:
        activated = self._rule.full(values[:, self._column :])
        return activated[:, :1] * activated[:, 1:]


class Pairs:
    """For each box its best class and the score of that.

    :param scores: Their column in the tables ``scores``.
    :param classes: Their column in the tables ``classes``.
    :param count: An output of one number: how many boxes there are; None for all.
    :param labels: How many there are; 0 takes any class.
    """

    def __init__(
        self, tables: Mapping[str, Tables], rule: Rule, columns: tuple[int, int], count: TensorInfo | None, labels: int
    ) -> None:
        self.tables, self._rule, self._count, self._labels = tables, rule, count, labels
        self._score, self._class = columns

    @property
    def classes(self) -> None:
        """The outputs do not tell."""
        return

    def pick(self, outputs: Outputs) -> Candidates:
        """Return what scores enough.

        :raises ProcessorError: A class has no label.
        """
        scores, classes = self._read(outputs)
        found = self._rule.pick(scores[:, None])
        named = np.rint(classes[found.rows])
        sound(named)
        if len(named) and not 0 <= named.min() <= named.max() < (self._labels or np.inf):
            worst = int(named.min() if named.min() < 0 else named.max())
            raise ProcessorError(
                f"output {self.tables['classes'].words} holds class {worst}; there are {self._labels} labels",
                where=WHERE,
                hint="labels count from class 0, gaps included",
            )
        return found._replace(classes=named.astype(np.int64))

    def full(self, outputs: Outputs) -> dict[str, Floats]:
        """Return the score and the class of every box; 0 beyond the count."""
        scores, classes = self._read(outputs)
        room = self.tables[SCORES].rows[0] - len(scores)
        scores = self._rule.full(scores)
        return {"scores": np.pad(scores, (0, room)), "classes": np.pad(classes, (0, room))}

    def _read(self, outputs: Outputs) -> tuple[Floats, Floats]:
        scores = self.tables[SCORES].tables[0].floats(outputs)[:, self._score]
        classes = self.tables["classes"].tables[0].floats(outputs)[:, self._class]
        if self._count is None:
            return scores, classes
        count = float(np.reshape(outputs[self._count.name], -1)[0])
        if not 0 <= count <= len(scores):
            raise ProcessorError(
                f'output "{self._count.called}" says {count:g} boxes; there is room for {len(scores)}', where=WHERE
            )
        return scores[: int(count)], classes[: int(count)]
