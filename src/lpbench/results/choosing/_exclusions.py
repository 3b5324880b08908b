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
        rows: dict[str, list[int]] = {}
        for row, platform in zip(candidates, candidates.of(platforms), strict=True):
            if platform not in fitting:
                rows.setdefault(platform, []).append(row)
        return {platform: self._exclusion(those) for platform, those in rows.items()}

    def _exclusion(self, rows: Sequence[int]) -> Exclusion:
        reasons = [self._reason(truth, rows) for truth in self._truths]
        nearest = self._relaxations.nearest(rows)
        telling = [reason for reason in reasons if reason.alone]
        if not telling and nearest is not None:
            changed = {change.condition for change in nearest.changes}
            telling = [reason for reason in reasons if reason.condition in changed]
        if not telling:  # each row lacks some value, and none is lacking everywhere
            telling = [reason for reason in reasons if reason.unknown]
        unknown = sum(self._found.unknown.flags[row] for row in rows)
        return Exclusion(len(rows), unknown, tuple(sorted(telling, key=self._tightness, reverse=True)), nearest)

    def _reason(self, truth: Truth, rows: Sequence[int]) -> Reason:
        violated, unknown = (sum(map(each.flags.__getitem__, rows)) for each in (truth.violated, truth.unknown))
        return Reason(truth.condition, self._best(truth, rows), violated, unknown, violated + unknown == len(rows))

    def _best(self, truth: Truth, rows: Sequence[int]) -> float | None:
        """Return the platform's value that comes nearest to satisfying a bound; there is none among words."""
        bound = truth.condition.bound
        if isinstance(bound, str):
            return None
        values = self._columns.numbers(truth.condition.column).values
        known = [values[row] for row in rows if not truth.unknown.flags[row]]
        if truth.condition.relation is Relation.EQUAL:
            return min(known, key=lambda value: abs(value - bound), default=None)
        return (max if truth.condition.relation is Relation.AT_LEAST else min)(known, default=None)

    def _tightness(self, reason: Reason) -> float:
        """Return how far the best value is from the bound; words and what nobody measured are farther than any."""
        return math.inf if reason.best is None else self._relaxations.gap(reason.condition, reason.best)
