"""Why no row of a platform fits: the conditions that keep all of them out, the tightest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.results.choosing._question import Relation
from lpbench.results.choosing._values import Exclusion, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.choosing._columns import Columns
    from lpbench.results.choosing._relaxation import Relaxations
    from lpbench.results.choosing._row_sets import RowSet
    from lpbench.results.choosing._truth import Truth, Verdicts


class Exclusions:
    """Finds why nothing of a platform can be chosen.

    :param truths: Of all conditions.
    """

    def __init__(self, truths: Sequence[Truth], found: Verdicts, relaxations: Relaxations, columns: Columns) -> None:
        self._truths = truths
        self._found = found
        self._relaxations = relaxations
        self._columns = columns

    def by_platform(self) -> Mapping[str, Exclusion]:
        """Return the platforms of which no row fits, each with the reasons."""
        platforms, candidates = self._columns.platforms, self._columns.candidates
        fitting = set(self._found.fitting.of(platforms))
        others = [name for name in dict.fromkeys(candidates.of(platforms)) if name not in fitting]
        return {name: self._exclusion(candidates & self._columns.of_platform(name)) for name in others}

    def _exclusion(self, rows: RowSet) -> Exclusion:
        nearest = self._relaxations.nearest(rows)
        telling = [each for each in self._truths if _alone(each, rows)]
        if not telling and nearest is not None:
            changed = {change.condition for change in nearest.changes}
            telling = [each for each in self._truths if each.condition in changed]
        if not telling:  # each row lacks some value, and none is lacking everywhere
            telling = [each for each in self._truths if each.unknown & rows]
        reasons = sorted((self._reason(each, rows) for each in telling), key=self._tightness, reverse=True)
        return Exclusion(len(rows), len(self._found.unknown & rows), tuple(reasons), nearest)

    def _reason(self, truth: Truth, rows: RowSet) -> Reason:
        violated, unknown = (len(each & rows) for each in (truth.violated, truth.unknown))
        return Reason(truth.condition, self._best(truth, rows), violated, unknown, alone=_alone(truth, rows))

    def _best(self, truth: Truth, rows: RowSet) -> float | None:
        """Return the platform's value that comes nearest to satisfying a bound; there is none among words."""
        bound = truth.condition.bound
        if isinstance(bound, str):
            return None
        known = (rows - truth.unknown).of(self._columns.numbers(truth.condition.column).values)
        if truth.condition.relation is Relation.EQUAL:
            return min(known, key=lambda value: abs(value - bound), default=None)
        return (max if truth.condition.relation is Relation.AT_LEAST else min)(known, default=None)

    def _tightness(self, reason: Reason) -> tuple[bool, float]:
        """Return how far the best value is from the bound; words are farther, what nobody measured may be no bar."""
        far = math.inf if reason.best is None else self._relaxations.gap(reason.condition, reason.best)
        return reason.violated > 0, far


def _alone(truth: Truth, rows: RowSet) -> bool:
    """Say whether a condition keeps all of some rows out."""
    return not rows - truth.violated - truth.unknown
