"""Configurations of one result in order, with the verdict on each beside the fastest."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.metrics import MILLISECOND
from lpbench.results.per_sample import locksteps_of_one, result_basis, sample_ms
from lpbench.results.stages import TOTAL
from lpbench.results.turns import turn_metrics
from lpbench.results.verdicts import Verdict, added_runs, unclear_if_short, verdict, without_proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Lockstep
    from lpbench.results.verdicts import Comparison


@dataclass(frozen=True)
class Ranking:
    """How the configurations of a result compare.  All numbers are indices of configurations.

    :param order: The measured ones, the fastest first: by the ratio of the turns they took, then others by latency.
    :param base: The one with the lowest ratio that can win: what the verdicts are beside; None without ratios, or where
        none can win.
    :param best: The same, where every other one that can win is SLOWER; else None.
    :param tied: Where there is no best one, the base and those that may be as fast.
    :param verdicts: On each of the others that took turns with the base: its latency over the base's.
    :param without: Measured ones that have no verdict, where there are two or more to compare.
    """

    order: tuple[int, ...]
    base: int | None
    best: int | None
    tied: tuple[int, ...]
    verdicts: Mapping[int, Comparison]
    without: tuple[int, ...]


def rank(result: Result) -> Ranking:
    """Return the ranking of a result's configurations.

    Those with unequal batches or streams are compared by the time of a sample (``lpbench.results.per_sample``).

    The base's ratios to the reference divide those of the others, run by run.
    """
    configurations = result.configurations
    measured = [index for index, each in enumerate(configurations) if each.measured]
    basis, lockstep = result_basis(result), locksteps_of_one(result)
    ratios = ratios_of(lockstep)
    mean = {index: statistics.geometric_mean(found) for index, found in ratios.items()}
    base = min((index for index in ratios if can_win(configurations[index])), key=mean.__getitem__, default=None)
    verdicts = {} if base is None else _verdicts(result, lockstep, ratios, base)
    alone = {index: sample_ms(configurations[index], basis) for index in measured}
    order = sorted(measured, key=lambda index: (index not in mean, mean.get(index, alone[index])))
    tied = [] if base is None else [index for index in order if index == base or _rivals(result, verdicts, index)]
    known = ratios.keys() if base is None else {base, *verdicts}
    without = [index for index in measured if index not in known]
    return Ranking(
        order=tuple(order),
        base=base,
        best=base if len(tied) == 1 else None,
        tied=tuple(tied) if len(tied) > 1 else (),
        verdicts=verdicts,
        without=tuple(without) if len(measured) > 1 else (),
    )


def ratios_of(lockstep: Sequence[Lockstep]) -> dict[int, tuple[float, ...]]:
    """Return the ratios to the reference by the index of the configuration, the reference's own included."""
    found = {pair.second: pair.ratios[TOTAL] for pair in lockstep if pair.ratios.get(TOTAL)}
    most = max(map(len, found.values()), default=0)
    return {lockstep[0].first: (1.0,) * most, **found} if found else {}


def passes(configuration: Configuration) -> bool:
    """Say whether a configuration's quality passes the app's gate, where there is one."""
    return bool(configuration.quality.get("gate", {}).get("passes", True))


def can_win(configuration: Configuration) -> bool:
    """Say whether a configuration may be the best: it is not below the app's gate, and its model is not unchecked."""
    return passes(configuration) and not configuration.unchecked


def _verdicts(
    result: Result, lockstep: Sequence[Lockstep], ratios: Mapping[int, tuple[float, ...]], base: int
) -> dict[int, Comparison]:
    """Return the verdict on each configuration that took part in runs of the base, of these runs."""
    times, runs = turn_metrics(result.lockstep), _by_run(lockstep)
    among = sum(can_win(result.configurations[index]) for index in ratios)  # of which the base is the fastest
    added = added_runs(max(map(len, ratios.values())), planned=result.settings.adaptive)

    def judge(index: int, pairs: Sequence[tuple[float, float]]) -> Comparison:
        found = verdict([own / least for own, least in pairs], added=added, among=among)
        sides = [times[at][TOTAL].value for at in (base, index) if TOTAL in times.get(at, {})]
        known = [MILLISECOND * ms for ms in sides if ms is not None]
        found = unclear_if_short(found, *known) if len(known) == len((base, index)) else found
        return without_proof(found, result.configurations[index].unchecked)

    beside = {index: _in_common(index, base, ratios, runs) for index in ratios if index != base}
    return {index: judge(index, pairs) for index, pairs in beside.items() if pairs}


def _by_run(lockstep: Sequence[Lockstep]) -> dict[int, dict[float, float]]:
    """Return ratios by the reference's time beside which they were taken, which tells the runs apart.

    Left out where a file has no such times, or the same time twice.
    """
    pairs = {each.second: (each.first_ns.get(TOTAL, ()), each.ratios.get(TOTAL, ())) for each in lockstep}
    found = {
        index: dict(zip(times, ratios, strict=True))
        for index, (times, ratios) in pairs.items()
        if len(set(times)) == len(times) == len(ratios)
    }
    every = [time for ratios in found.values() for time in ratios]
    return {lockstep[0].first: dict.fromkeys(every, 1.0), **found} if found else {}


def _in_common(
    index: int, base: int, ratios: Mapping[int, tuple[float, ...]], runs: Mapping[int, Mapping[float, float]]
) -> list[tuple[float, float]]:
    """Return the ratios of two in the runs in which both took part, as far as it is known which these are."""
    if index in runs and base in runs:
        return [(own, runs[base][run]) for run, own in runs[index].items() if run in runs[base]]
    alike = len(ratios[index]) == len(ratios[base])
    return list(zip(ratios[index], ratios[base], strict=True)) if alike else []


def _rivals(result: Result, verdicts: Mapping[int, Comparison], index: int) -> bool:
    """Say whether a configuration may be as fast as the base: it can win and is not SLOWER."""
    slower = index in verdicts and verdicts[index].verdict is Verdict.SLOWER
    return can_win(result.configurations[index]) and not slower
