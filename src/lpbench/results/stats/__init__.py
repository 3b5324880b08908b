"""Statistics of latencies, using the standard library only.

docs/explanation/statistics.md explains which intervals, bounds, flags and rules are used, and why.
"""

from lpbench.results.stats.changes import Change, drift, first_rise
from lpbench.results.stats.dependence import Dependence, dependence
from lpbench.results.stats.flags import Flag, flags, runs_differ, slice_medians
from lpbench.results.stats.intervals import (
    FEWEST_RUNS,
    READABLE,
    Interval,
    across_runs,
    difference_interval,
    mean_interval,
    median_interval,
    median_variance,
)
from lpbench.results.stats.percentiles import STANDARD, Percentile, percentile, percentile_need, percentiles
from lpbench.results.stats.pilot import Limits, PilotRun, Plan, plan
from lpbench.results.stats.ratios import Ratio, ratio_interval, run_ratio, unpaired_ratio
from lpbench.results.stats.stopping import NoisePlateau, Stopping, WarmUp, interval_reached
from lpbench.results.stats.summary import Summary, summarize

__all__ = [
    "FEWEST_RUNS",
    "READABLE",
    "STANDARD",
    "Change",
    "Dependence",
    "Flag",
    "Interval",
    "Limits",
    "NoisePlateau",
    "Percentile",
    "PilotRun",
    "Plan",
    "Ratio",
    "Stopping",
    "Summary",
    "WarmUp",
    "across_runs",
    "dependence",
    "difference_interval",
    "drift",
    "first_rise",
    "flags",
    "interval_reached",
    "mean_interval",
    "median_interval",
    "median_variance",
    "percentile",
    "percentile_need",
    "percentiles",
    "plan",
    "ratio_interval",
    "run_ratio",
    "runs_differ",
    "slice_medians",
    "summarize",
    "unpaired_ratio",
]
