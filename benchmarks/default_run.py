"""Duration and precision of the default command: ``lpbench run model.onnx --threads 1``, 4 ms a sample.

The whole command is timed, start-up included.  Beside it: how many runs (fresh processes) it made, the half width
of the median's interval within each run, and the interval across runs, which is the ± that the command prints.

    python benchmarks/default_run.py [--repetitions 3] [--affinity 1]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from models import Neighbours, workplace

import lpbench
from lpbench.results import stats

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 15.0
LIMIT_WIDTH = 0.01


def once(folder: Path, options: list[str]) -> tuple[float, lpbench.Result]:
    """Return the wall time in seconds of one command and its result."""
    path = folder / "result.json"
    command = [sys.executable, "-m", "lpbench", "run", "model.onnx", "--threads", "1", "-o", str(path), "--force"]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder)}  # keeps it out of the user's results
    begun = time.perf_counter()
    subprocess.run([*command, *options], cwd=folder, env=environment, capture_output=True, check=True)
    seconds = time.perf_counter() - begun
    return seconds, lpbench.load_result(path)


def widths(result: lpbench.Result) -> list[float]:
    """Return the half width of the median's interval of each run, relative to the median; infinite without interval."""
    totals = [run.statistics["total"] for run in result.configurations[0].counted]
    return [
        each.interval.relative(each.median) if isinstance(each.interval, stats.Interval) else float("inf")
        for each in totals
    ]


def report(seconds: float, result: lpbench.Result, neighbours: Neighbours) -> None:
    """Print one line."""
    latency, within = result.latency, widths(result)
    across = latency.interval.relative(latency.value) if latency.interval and latency.value else float("inf")
    print(
        f"{seconds:7.1f} {latency.value or 0:9.3f} {len(within):5} {result.configurations[0].statistics['total'].n:8}"
        f"  {_width(statistics.median(within))} to {_width(max(within))}   {_width(across)}   {neighbours}",
        flush=True,
    )


def _width(share: float) -> str:
    return f"±{share:6.2%}" if share < float("inf") else "unknown"


def main() -> None:
    """Print one line for each command, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3, help="commands to time (default %(default)s)")
    parser.add_argument("--affinity", help="cores for the workers (default: chosen by the command)")
    options = parser.parse_args()
    more = ["--affinity", options.affinity] if options.affinity else []
    times, within = [], []
    print("seconds        ms  runs  samples   within a run, median to widest   across runs")
    with workplace() as folder:
        for _ in range(options.repetitions):
            neighbours = Neighbours()
            seconds, result = once(folder, more)
            report(seconds, result, neighbours)
            times.append(seconds)
            within += widths(result)
    share = sum(width <= LIMIT_WIDTH for width in within)
    print(f"slowest {max(times):.1f} s, at most {LIMIT_S:g}: {'met' if max(times) <= LIMIT_S else 'MISSED'}")
    print(
        f"{share} of {len(within)} runs know their median to ±{LIMIT_WIDTH:.0%} or better: "
        f"{'met' if share == len(within) else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
