"""Results beside each other: which is faster, stage by stage, and what differs between them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.render import name_of
from lpbench.timing import STAGES, TOTAL
from lpbench.verdicts import Comparison, verdict_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.result import Configuration, Result

MEASURED = frozenset({"ns", "run_ns", "cov"})
"""What a yardstick found; the rest says what its units depend on."""


@dataclass(frozen=True)
class Compared:
    """Two measured configurations beside each other.

    :param first: The reference's engine, ``second`` the other one's.
    :param stages: A comparison for each stage that both measured, ``total`` among them.
    :param medians: The mean of the run medians in nanoseconds, first's and second's, by stage.
    :param raw: The comparisons of the times themselves, where ``stages`` are those of yardstick units.
    :param raw_reason: Why there are no units to compare; empty where there are.
    """

    first: str
    second: str
    stages: Mapping[str, Comparison]
    medians: Mapping[str, tuple[float, float]]
    raw: Mapping[str, Comparison] = field(default_factory=dict)
    raw_reason: str = ""

    @property
    def total(self) -> Comparison:
        """The comparison of the whole app."""
        return self.stages[TOTAL]


def compare(first: Result, second: Result, *, margin: float = 0.01, force: bool = False) -> tuple[Compared, ...]:
    """Return how the configurations of a result compare to those of a reference, measured apart.

    One configuration is compared with one; of several, those of the same engine.

    :param force: Compare results of different machines too.
    :raises ResultError: They come from different machines, or have no configuration in common.
    """
    if not force:
        _refuse_other_machine(first, second)
    reason = _no_units(first, second)
    found = tuple(_compare(one, other, margin, reason) for one, other in _pairs(first, second))
    if not found:
        engines = [
            ", ".join(each.engine for each in result.configurations if each.measured) for result in (first, second)
        ]
        what = f"nothing to compare: measured were {engines[0] or 'none'} and {engines[1] or 'none'}"
        raise ResultError(what, hint="measure the same engine in both")
    return found


def subject_changes(first: Result, second: Result) -> dict[str, tuple[Any, Any]]:
    """Return what differs in versions and app between two results: what may explain a verdict."""
    before, after = (
        {**_subject(each), "app": each.app.get("digest"), "lpbench": each.lpbench} for each in (first, second)
    )
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _subject(result: Result) -> dict[str, Any]:
    facts = result.environment.get("subject", {})
    return {name: fact.get("value") for name, fact in facts.items() if isinstance(fact, Mapping)}


def _refuse_other_machine(first: Result, second: Result) -> None:
    hashes = [result.environment.get("hashes", {}).get("machine") for result in (first, second)]
    if hashes[0] != hashes[1]:
        what = "the results come from different machines, or one that was changed"
        raise ResultError(what, hint="measure both on one machine; --force compares them as they are")


def _pairs(first: Result, second: Result) -> list[tuple[Configuration, Configuration]]:
    ones, others = ([each for each in result.configurations if each.measured] for result in (first, second))
    if len(ones) == len(others) == 1:
        return [(ones[0], others[0])]
    by_name = {name_of(each, others): each for each in others}
    found = [(each, by_name.get(name_of(each, ones))) for each in ones]
    return [(one, other) for one, other in found if other is not None]


def _no_units(first: Result, second: Result) -> str:
    """Return why the yardstick's units of two results do not compare, or nothing."""
    sticks = first.yardstick, second.yardstick
    for each in sticks:
        if not each or "reason" in each:
            return str(each.get("reason") or "no yardstick was measured")
    kinds = [{key: value for key, value in each.items() if key not in MEASURED} for each in sticks]
    return "" if kinds[0] == kinds[1] else "their yardsticks rest on other versions"


def _compare(first: Configuration, second: Configuration, margin: float, reason: str) -> Compared:
    times = {stage: (first.run_medians(stage), second.run_medians(stage)) for stage in (TOTAL, *STAGES)}
    units = {stage: (first.run_units(stage), second.run_units(stage)) for stage in times}
    if not reason and not all(units[TOTAL]):
        reason = "they were not measured beside a yardstick"
    raw = _verdicts(times, margin)
    medians = {stage: (statistics.fmean(times[stage][0]), statistics.fmean(times[stage][1])) for stage in raw}
    if reason:
        return Compared(first.engine, second.engine, raw, medians, raw_reason=reason)
    found = {stage: each for stage, each in _verdicts(units, margin).items() if stage in raw}
    return Compared(first.engine, second.engine, found, medians, raw)


def _verdicts(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]], margin: float) -> dict[str, Comparison]:
    """Return a comparison for each stage; one that does nothing may take no time, and has none."""
    return {
        stage: verdict_apart(*both, margin) for stage, both in runs.items() if all(both) and min(map(min, both)) > 0
    }
