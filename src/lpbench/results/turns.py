"""Times from the slices in which configurations took turns: what stands beside a ratio, from the same seconds.

Within a run the second's time is the reference's times their ratio, so a table never contradicts its verdict.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lpbench.results import stats
from lpbench.results.metrics import MILLISECOND, with_interval
from lpbench.results.run import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.results.run import Lockstep

SOURCE = "median of the slices in which configurations took turns"


def pair_medians(pair: Lockstep) -> dict[str, tuple[float, float]]:
    """Return the first's and the second's time in nanoseconds by stage; empty where the file has none."""
    return {
        stage: (statistics.geometric_mean(first), statistics.geometric_mean(second))
        for stage, (first, second) in _run_times(pair).items()
    }


def turn_metrics(lockstep: Iterable[Lockstep]) -> dict[int, dict[str, Metric]]:
    """Return the times of configurations that took turns, by index and stage, in milliseconds.

    The reference's are those of all its runs; where another took part in fewer, its times are moved to the same level,
    so that every quotient is the ratio.  Empty where the file has no such times.
    """
    pairs = [(pair, found) for pair in lockstep if (found := _run_times(pair))]
    if not pairs:
        return {}
    reference, longest = max(pairs, key=lambda each: max(len(first) for first, _ in each[1].values()))
    levels = {stage: (first, statistics.geometric_mean(first)) for stage, (first, _) in longest.items()}
    return {
        reference.first: {stage: _metric(first, 1.0) for stage, (first, _) in levels.items()},
        **{
            pair.second: {
                stage: _metric(second, levels[stage][1] / statistics.geometric_mean(first))
                for stage, (first, second) in found.items()
                if stage in levels
            }
            for pair, found in pairs
        },
    }


def _run_times(pair: Lockstep) -> dict[str, tuple[Sequence[float], Sequence[float]]]:
    """Return the first's and the second's nanoseconds in each run, by stage."""
    known: Mapping[str, Sequence[float]] = pair.first_ns
    return {
        stage: (known[stage], [ns * ratio for ns, ratio in zip(known[stage], ratios, strict=True)])
        for stage, ratios in pair.ratios.items()
        if ratios and len(known.get(stage, ())) == len(ratios)
    }


def _metric(run_ns: Sequence[float], level: float) -> Metric:
    """Return a time.

    :param level: How the reference's mean of all runs differs from that of these.
    """
    times = [ns * level / MILLISECOND for ns in run_ns]
    metric = Metric(statistics.geometric_mean(times), "ms", len(times), source=SOURCE)
    return with_interval(metric, stats.across_runs(times))
