"""Results beside each other: which is faster, stage by stage, and what differs between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.timing import STAGES, TOTAL
from lpbench.verdicts import Comparison, verdict_apart

if TYPE_CHECKING:
    from lpbench.result import Configuration, Result


@dataclass(frozen=True)
class Compared:
    """Two measured configurations beside each other.

    :param first: The reference's engine, ``second`` the other one's.
    :param stages: A comparison for each stage that both measured, ``total`` among them.
    :param medians: The mean of the run medians in nanoseconds, first's and second's, by stage.
    """

    first: str
    second: str
    stages: Mapping[str, Comparison]
    medians: Mapping[str, tuple[float, float]]

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
    found = tuple(_compare(one, other, margin) for one, other in _pairs(first, second))
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
    by_engine = {each.engine: each for each in others}
    return [(each, by_engine[each.engine]) for each in ones if each.engine in by_engine]


def _compare(first: Configuration, second: Configuration, margin: float) -> Compared:
    stages: dict[str, Comparison] = {}
    medians: dict[str, tuple[float, float]] = {}
    for stage in (TOTAL, *STAGES):
        runs = first.run_medians(stage), second.run_medians(stage)
        if all(runs) and min(map(min, runs)) > 0:  # a stage that does nothing may take no time
            stages[stage] = verdict_apart(*runs, margin)
            medians[stage] = math.fsum(runs[0]) / len(runs[0]), math.fsum(runs[1]) / len(runs[1])
    return Compared(first.engine, second.engine, stages, medians)
