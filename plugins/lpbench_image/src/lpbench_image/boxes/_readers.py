"""Readers for the forms in which models output scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image._outputs import WHERE, real
from lpbench_image.boxes._scores import NOBODY, Candidates, Rule, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo
    from lpbench_image.boxes._tables import Tables

    Floats = npt.NDArray[np.float32]

SCORES = "scores"
"""Key of the tables with the scores."""


class Reader(Protocol):
    """Finds the boxes whose scores reach the threshold."""

    @property
    def tables(self) -> Mapping[str, Tables]:
        """The outputs with scores and classes, by the config's key for their names."""

    @property
    def classes(self) -> int | None:
        """Number of classes; None if the outputs do not determine it."""

    def pick(self, outputs: Outputs) -> Candidates:
        """Return the candidates that reach the threshold.

        :raises UnsoundError: Scores are not finite.
        """

    def full(self, outputs: Outputs) -> Mapping[str, Floats]:
        """Return all values by name: ``scores`` ``(N, classes)``, or the best score and class of each box."""


class Levels:
    """A score for each class, in one output or in one for each level of the detector.

    :param columns: The columns with scores; None for all.
    """

    def __init__(self, tables: Tables, rule: Rule, columns: slice | None = None) -> None:
        self.tables, self._rule, self._columns = {SCORES: tables}, rule, columns

    @property
    def classes(self) -> int:
        """Number of classes."""
        width = self.tables[SCORES].tables[0].extent[1]
        return self._rule.classes(len(range(width)[self._columns or slice(None)]))

    def pick(self, outputs: Outputs) -> Candidates:
        """Return the candidates that reach the threshold."""
        levels, start = [], 0
        for table in self.tables[SCORES].tables:
            values = table.floats(outputs)
            picked = self._rule.pick(values if self._columns is None else values[:, self._columns])
            if len(picked.rows):
                levels.append(Candidates(picked.rows + start, picked.classes, picked.scores) if start else picked)
            start += len(values)
        if len(levels) > 1:
            return Candidates(*map(np.concatenate, zip(*levels, strict=True)))
        return levels[0] if levels else NOBODY

    def full(self, outputs: Outputs) -> dict[str, Floats]:
        """Return all scores."""
        columns = self._columns or slice(None)
        levels = [self._rule.full(table.floats(outputs)[:, columns]) for table in self.tables[SCORES].tables]
        return {"scores": np.concatenate(levels)}


class Objectness:
    """In each row, a score that the box contains any object, which multiplies the class scores that follow it.

    :param column: Column of the objectness.
    """

    def __init__(self, tables: Tables, rule: Rule, column: int) -> None:
        self.tables, self._rule, self._column = {SCORES: tables}, rule, column

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.tables[SCORES].tables[0].extent[1] - self._column - 1

    def pick(self, outputs: Outputs) -> Candidates:
        """Return the candidates that reach the threshold; rows are selected by objectness, the upper bound, first."""
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
    """For each box, its best class and the score of that class.

    :param tables: The tables ``scores`` and ``classes``.
    :param columns: Column of the scores and of the classes in their tables.
    :param count: An output of one number: how many of the rows are boxes; None for all.
    :param labels: Number of labels; 0 accepts any class.
    """

    def __init__(
        self, tables: Mapping[str, Tables], rule: Rule, columns: tuple[int, int], count: TensorInfo | None, labels: int
    ) -> None:
        self.tables, self._rule, self._count, self._labels = tables, rule, count, labels
        self._score, self._class = columns

    @property
    def classes(self) -> None:
        """None: the outputs do not determine the number of classes."""
        return

    def pick(self, outputs: Outputs) -> Candidates:
        """Return the candidates that reach the threshold.

        :raises ProcessorError: A class has no label.
        """
        scores, classes = self._read(outputs)
        candidates = self._rule.pick(scores[:, None])
        named = np.rint(classes[candidates.rows])
        sound(named)
        if len(named) and not 0 <= named.min() <= named.max() < (self._labels or np.inf):
            worst = int(named.min() if named.min() < 0 else named.max())
            raise ProcessorError(
                f"output {self.tables['classes'].words} holds class {worst}; there are {self._labels} labels",
                where=WHERE,
                hint="the first label is class 0; unused class numbers need a label too",
            )
        return candidates._replace(classes=named.astype(np.int64))

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
        count = float(real(np.reshape(outputs[self._count.name], -1)[:1], self._count)[0])
        if not 0 <= count <= len(scores):
            raise ProcessorError(
                f'output "{self._count.called}" gives a count of {count:g} boxes; expected 0 to {len(scores)}',
                where=WHERE,
            )
        return scores[: int(count)], classes[: int(count)]
