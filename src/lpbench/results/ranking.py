"""Configurations of one result in order, with the verdict on each beside the best."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.stages import TOTAL
from lpbench.results.verdicts import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.model import Configuration, Result
    from lpbench.results.verdicts import Comparison


@dataclass(frozen=True)
class Ranking:
    """How the configurations of a result compare.  All numbers are indices of configurations.

    :param order: The measured ones, by latency, the fastest first.
    :param best: The one with the lowest lockstep ratio whose quality passes the app's gate; None without ratios.
    :param verdicts: On each of the others that took turns with the best: its latency over the best's.
    :param without: Measured ones that have no lockstep ratios, where there are two or more to compare.
    """

    order: tuple[int, ...]
    best: int | None
    verdicts: Mapping[int, Comparison]
    without: tuple[int, ...]


def rank(result: Result) -> Ranking:
    """Return the ranking of a result's configurations.

    The best one's ratios to the reference divide those of the others, run by run.
    """
    configurations = result.configurations
    measured = [index for index, each in enumerate(configurations) if each.measured]
    ratios = ratios_of(result)
    able = [index for index in ratios if passes(configurations[index])]
    best = min(able, key=lambda index: statistics.geometric_mean(ratios[index]), default=None)
    return Ranking(
        order=tuple(sorted(measured, key=lambda index: _latency(configurations[index]))),
        best=best,
        verdicts={} if best is None else _verdicts(ratios, best),
        without=tuple(index for index in measured if index not in ratios) if len(measured) > 1 else (),
    )


def ratios_of(result: Result) -> dict[int, tuple[float, ...]]:
    """Return the lockstep ratios to the reference by the index of the configuration, the reference's own included."""
    found = {pair.second: pair.ratios[TOTAL] for pair in result.lockstep if pair.ratios.get(TOTAL)}
    most = max(map(len, found.values()), default=0)
    return {result.lockstep[0].first: (1.0,) * most, **found} if found else {}


def passes(configuration: Configuration) -> bool:
    """Say whether a configuration's quality keeps it in the ranking: what is below the app's gate cannot win."""
    return bool(configuration.quality.get("gate", {}).get("passes", True))


def _verdicts(ratios: Mapping[int, tuple[float, ...]], best: int) -> dict[int, Comparison]:
    """Return the verdict on each configuration that has as many ratios as the best."""
    return {
        index: verdict([own / least for own, least in zip(values, ratios[best], strict=True)])
        for index, values in ratios.items()
        if index != best and len(values) == len(ratios[best])
    }


def _latency(configuration: Configuration) -> float:
    known = configuration.latency.value
    return math.inf if known is None else known
