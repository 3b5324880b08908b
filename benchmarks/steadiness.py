"""Spread between runs, measured in three ways at the same time: raw, in lockstep, and in units of the yardstick.

A configuration is interleaved with itself: the true ratio is 1, and its spread from run to run is the part of the
machine's noise that lockstep does not cancel.  Raw is the figure of all other tools: the median of each run.  A line
says where the ratios vary, between processes, between slices or within one: more of that helps.

Then it shows that verdicts favour neither of two equal configurations: 40 comparisons of an engine with itself, whose
ratios must be 1 on average.  Each takes half a minute.

    python benchmarks/steadiness.py [--runs 20] [--threads 1,2] [--affinity 1] [--repetitions 40]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import Neighbours, spread, workplace

import lpbench
from lpbench.jobs.measuring import plan
from lpbench.jobs.measuring.interleave import SLICE_S
from lpbench.jobs.measuring.plan import RUNS, time_for
from lpbench.jobs.measuring.recording import NANO
from lpbench.jobs.measuring.rounds import Rounds
from lpbench.results.stages import TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.jobs.measuring.recording import Recorder

GOALS = {1: 1.2, 2: 2.0}
"""Largest permitted spread of lockstep ratios from run to run in percent, by threads."""
QUARTER, NOISY = 4.0, 5.0
"""Lockstep must be this many times as steady as raw, if raw spreads by more than this many percent."""
UNITS, NOISY_UNITS = 1.8, 6.0
"""The same for yardstick units."""
BIAS = 0.001
"""Mean of the logarithms of the ratios of equal configurations, at most, in either direction."""
NARROW, WRONG = 0.005, 1 / 40
"""A margin, and the share of FASTER and SLOWER that equal configurations may be called by it."""
QUARTILES = 1.349
"""Between the quartiles of a normal distribution, in standard deviations."""
SECONDS_A_RUN = time_for(2, None) / RUNS
"""The time for a run in a default comparison."""


def measured(model: Path, threads: int, runs: int, cores: list[int]) -> tuple[lpbench.Result, Components]:
    """Return the result of a configuration that is interleaved with itself, and where its ratios vary."""
    settings = lpbench.RunSettings(
        engine=("onnxruntime", "onnxruntime"),
        threads=threads,
        runs=runs,
        affinity=tuple(cores),
        max_time=SECONDS_A_RUN * runs,
    )
    rounds = Rounds(plan.make(model, settings, None, lambda *_: None), None)
    result = rounds.carry_out()
    first, second = (track.counted for track in rounds._tracks)  # noqa: SLF001 - slices are in no result
    pairs = [(one, other) for one, other in zip(first, second, strict=False) if one.turns and other.turns]
    return result, Components.of(pairs)


@dataclass(frozen=True)
class Components:
    """The variances of the logarithm of a ratio, level by level (Kalibera & Jones, Rigorous benchmarking, 2013).

    :param processes: Between pairs of processes, ``slices`` between slices of two, ``within`` inside a slice.
    :param rounds: Slices of a process, ``runs`` pairs of processes.
    """

    processes: float
    slices: float
    within: float
    rounds: float
    runs: int

    @classmethod
    def of(cls, pairs: Sequence[tuple[Recorder, Recorder]]) -> Components:
        """Return the components, each without what the level below contributes; 0 where that explains all of it."""
        logs = [
            [math.log(later / sooner) for sooner, later in zip(one.turns[TOTAL], other.turns[TOTAL], strict=False)]
            for one, other in pairs
        ]
        rounds = statistics.fmean(map(len, logs))
        within = statistics.fmean(sum(map(_of_a_median, pair)) for pair in pairs)
        slices = statistics.fmean(map(statistics.variance, logs))
        means = statistics.variance(map(statistics.fmean, logs))
        return cls(max(0.0, means - slices / rounds), max(0.0, slices - within), within, rounds, len(logs))

    def __str__(self) -> str:
        parts = {"processes": self.processes, "slices": self.slices / self.rounds, "a slice": self.within / self.rounds}
        whole = sum(parts.values()) or 1.0
        words = [
            f"{words} {name} {100 * math.sqrt(variance):.2f} % ({parts[name] / whole:.0%} of the ratio's variance)"
            for words, name, variance in (
                ("between", "processes", self.processes),
                ("between", "slices", self.slices),
                ("within", "a slice", self.within),
            )
        ]
        return f"{'; '.join(words)}; {self.runs} runs of {self.rounds:.0f} slices"


def _of_a_median(recorder: Recorder) -> float:
    """Return the variance of the logarithm of a slice's median, from the samples that were timed alone."""
    logs = sorted(map(math.log, recorder.columns[TOTAL]))
    spread = (logs[3 * len(logs) // 4] - logs[len(logs) // 4]) / QUARTILES
    return math.pi / 2 * spread**2 / max(1.0, SLICE_S * NANO / recorder.expected_ns)


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


def symmetry(model: Path, repetitions: int, cores: list[int]) -> None:
    """Print the verdict of each comparison of an engine with itself, and whether they favour one of the two."""
    logs, wrong = list[float](), 0
    for number in range(repetitions):
        neighbours, begun = Neighbours(), time.monotonic()
        engines = ["onnxruntime:threads=1"] * 2
        _, (found,) = lpbench.compare_live(model, engines, margin=NARROW, affinity=cores)
        total = found.total
        logs.append(math.log(total.ratio.estimate))
        wrong += total.verdict.value in {"FASTER", "SLOWER"}
        seconds = time.monotonic() - begun
        print(
            f"{number + 1:3} {total.verdict.value:<7} {total.ratio.estimate:.4f} {seconds:5.1f} s, {neighbours}",
            flush=True,
        )
    mean, error = statistics.fmean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    met = _met(met=abs(mean) <= BIAS)
    print(f"mean of the logarithms {mean:+.2%}, standard error {error:.2%}; at most {BIAS:.1%}: {met}")
    most = int(WRONG * repetitions)
    print(f"FASTER or SLOWER at a margin of {NARROW:.1%}: {wrong}, at most {most}: {_met(met=wrong <= most)}")


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
    parser.add_argument(
        "--repetitions", type=int, default=40, help="comparisons of an engine with itself (default %(default)s)"
    )
    parser.add_argument("--affinity", default="", help="cores, for example 0,1 (default: chosen by lpbench)")
    options = parser.parse_args()
    cores = [int(core) for core in options.affinity.split(",") if core]
    print("threads  runs        raw     lockstep      units   median ratio (spread from run to run)")
    with workplace() as folder:
        for threads in map(int, filter(None, options.threads.split(","))):
            neighbours, begun = Neighbours(), time.monotonic()
            result, components = measured(folder / "model.onnx", threads, options.runs, cores)
            report(result, threads)
            print(f"        {components}")
            print(f"        {time.monotonic() - begun:.0f} s, {neighbours}", flush=True)
        if options.repetitions > 1:  # a standard error takes two
            symmetry(folder / "model.onnx", options.repetitions, cores)


if __name__ == "__main__":
    main()
