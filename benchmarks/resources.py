"""Observer effect of the resource pass: how much longer samples take while all monitors sample ten times a second.

One worker runs a model of about 4 ms on one thread; slices in which the monitors of the default pass sample and slices
in which they pause take turns (A B B A).  After that, the CPU time of a sample of the host's monitors beside a worker
of 1 GB.

    python benchmarks/resources.py [--rounds 60]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _monitors import host_sample_cost
from overhead import large

from lpbench.jobs.measuring import plan
from lpbench.jobs.measuring.recording import NANO, Recorder, columns_of, prepare
from lpbench.jobs.measuring.resources.installed_monitors import installed_monitors
from lpbench.jobs.measuring.resources.sampler import Sampler
from lpbench.jobs.measuring.resources.watching import INTERVAL_S
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results import stats
from lpbench.results.settings import RunSettings
from lpbench.results.stages import TOTAL
from lpbench.util.portable import allowed_cores
from lpbench.worker.client import Worker
from lpbench.worker.requests import MeasureSlice
from lpbench.worker.sampler.messages import Assignment

if TYPE_CHECKING:
    from lpbench.worker.sampler.messages import Report

SLICE_S = 0.5
"""Five samples of the monitors."""
LIMIT_RATIO = 1.02
ENGINE = "onnxruntime"


class Slices:
    """Runs slices of one worker, with and without monitors."""

    def __init__(self, worker: Worker, recorder: Recorder, sampler: Sampler) -> None:
        self._worker, self._recorder, self._sampler = worker, recorder, sampler

    def ratios(self, rounds: int) -> list[float]:
        """Return the ratio of the slice with monitors to its neighbour without, for each round."""
        return [self._ratio(first_sampled=number % 2 == 0) for number in range(-1, rounds)][1:]

    def _ratio(self, *, first_sampled: bool) -> float:
        first, second = (self._slice(sampled=sampled) for sampled in (first_sampled, not first_sampled))
        return first / second if first_sampled else second / first

    def _slice(self, *, sampled: bool) -> float:
        """Return the mean of a slice in nanoseconds: a median would not see the few samples that were held up."""
        self._sampler.command("sample" if sampled else "pause")
        count = max(1, int(SLICE_S * NANO / self._recorder.expected_ns))
        measured = self._worker.request(MeasureSlice(count))
        return statistics.fmean(columns_of(measured.block, self._recorder.components, count)[TOTAL])


def observer_effect(rounds: int) -> bool:
    """Print the ratio with its interval; return whether it keeps the limit."""
    told: set[str] = set()

    def take(report: Report) -> None:
        told.update(report.readings)

    with tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(engine=(ENGINE,), threads=1, yardstick=False)
        ready = plan.make(large(Path(folder)), settings, None, lambda _engine, _phase: None)
        recorder, monitors = Recorder(0, EngineConfiguration("fake")), installed_monitors({})
        with Worker(ready.worker) as worker:
            prepare(worker, ready.request(ready.targets[0]), ready.budgets[0], recorder, lambda *_: None)
            others = tuple(core for core in allowed_cores() if core not in ready.worker.affinity)
            assignment = Assignment(monitors.chosen, worker.pid, INTERVAL_S, affinity=others)
            with Sampler(assignment, monitors.deadlines, take) as sampler:
                ratios = Slices(worker, recorder, sampler).ratios(rounds)
    found = stats.median_interval(ratios)
    span = f"{found.lower:.4f} to {found.upper:.4f}" if isinstance(found, stats.Interval) else found.reason
    middle, mean = statistics.median(ratios), statistics.fmean(ratios)
    sample_ms = recorder.expected_ns / 1e6
    print(f"{len(monitors.specs)} monitors, {len(told)} metrics and parts, a sample of {sample_ms:.3g} ms")
    print(f"with monitors / without: {middle:.4f} ({span}) over {rounds} rounds, mean {mean:.4f}")
    kept = isinstance(found, stats.Interval) and found.lower <= LIMIT_RATIO and middle <= LIMIT_RATIO
    print(f"at most {LIMIT_RATIO}: {'kept' if kept else 'exceeded'}")
    return kept


def main() -> int:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="pairs of slices (default %(default)s)")
    kept = observer_effect(parser.parse_args().rounds)
    return 0 if host_sample_cost() and kept else 1


if __name__ == "__main__":
    sys.exit(main())
