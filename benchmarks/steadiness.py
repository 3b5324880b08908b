"""Spread between runs, measured in three ways at the same time: raw, in lockstep, and in units of the yardstick.

A configuration is interleaved with itself: the true ratio is 1, and its spread from run to run is the part of the
machine's noise that lockstep does not cancel.  Raw is the figure of all other tools: the median of each run.

    python benchmarks/steadiness.py [--runs 20] [--threads 1,2] [--affinity 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

from models import Neighbours, spread, workplace

import lpbench
from lpbench.jobs.measuring.plan import RUNS, time_for

if TYPE_CHECKING:
    from pathlib import Path

GOALS = {1: 1.2, 2: 2.0}
"""Largest permitted spread of lockstep ratios from run to run in percent, by threads."""
QUARTER, NOISY = 4.0, 5.0
"""Lockstep must be this many times as steady as raw, if raw spreads by more than this many percent."""
UNITS, NOISY_UNITS = 1.8, 6.0
"""The same for yardstick units."""
SECONDS_A_RUN = time_for(2, None) / RUNS
"""The time for a run in a default comparison."""


def measure(model: Path, threads: int, runs: int, cores: list[int]) -> lpbench.Result:
    """Return the result of a configuration that is interleaved with itself."""
    return lpbench.benchmark(
        model,
        engine=["onnxruntime", "onnxruntime"],
        threads=threads,
        runs=runs,
        affinity=cores,
        max_time=SECONDS_A_RUN * runs,
    )


def report(result: lpbench.Result, threads: int) -> None:
    """Print one line of spreads, and one of each goal."""
    first = result.configurations[0]
    raw, units = spread(first.run_medians()), spread(first.run_units())
    ratios = result.lockstep[0].ratios["total"]
    median, lockstep = statistics.median(ratios), spread(ratios)
    print(f"{threads:7} {len(ratios):5} {raw:8.2f} % {lockstep:10.2f} % {units:8.2f} %   {median:.4f}")
    goal = GOALS.get(threads)
    if goal:
        print(f"        lockstep at most {goal:g} %: {_met(met=lockstep <= goal)}")
    print(f"        lockstep {raw / lockstep:.1f} times as steady as raw, {_goal(raw, lockstep, QUARTER, NOISY)}")
    print(f"        yardstick units {raw / units:.1f} times, {_goal(raw, units, UNITS, NOISY_UNITS)}")


def _goal(raw: float, reduced: float, times: float, noisy: float) -> str:
    if raw <= noisy:
        return f"at least {times:g} if raw is above {noisy:g} %: not applicable"
    return f"at least {times:g}: {_met(met=raw >= times * reduced)}"


def _met(*, met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    """Print the spreads for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs in fresh processes (default %(default)s)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default %(default)s)")
    parser.add_argument("--affinity", default="", help="cores, for example 0,1 (default: chosen by lpbench)")
    options = parser.parse_args()
    cores = [int(core) for core in options.affinity.split(",") if core]
    print("threads  runs        raw     lockstep      units   median ratio (spread from run to run)")
    with workplace() as folder:
        for threads in map(int, options.threads.split(",")):
            neighbours, begun = Neighbours(), time.monotonic()
            result = measure(folder / "model.onnx", threads, options.runs, cores)
            report(result, threads)
            print(f"        {time.monotonic() - begun:.0f} s, {neighbours}", flush=True)


if __name__ == "__main__":
    main()
