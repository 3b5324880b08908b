"""Verify by simulation that intervals and bounds hold as often as stated.

    python benchmarks/coverage.py [--streams 4000] [--seed 1] [--verdicts]

Draws thousands of synthetic latency streams whose true median and p99 are known, and prints how many of the
95 % intervals hold the median, how many p99 bounds hold, and how often each flag fires.  Ends with status 1 where
an independent case leaves 93 to 97 %, a p99 bound holds in under 99 %, a stream that breaks the assumptions
is left unflagged in more than 5 % while its intervals hold in under 93 %, or more than 1 % of the verdicts on two
that are equal say otherwise.  numpy draws the streams; the statistics
are lpbench's own.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from lpbench.results.stats import (
    Limits,
    Percentile,
    PilotRun,
    Stopping,
    across_runs,
    flags,
    percentile,
    percentile_need,
    plan,
    runs_differ,
    summarize,
)
from lpbench.results.verdicts import Verdict, added_runs, verdict, verdict_apart
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    Rng = np.random.Generator
    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
    Draw = Callable[[Rng, int], Floats]
    Judge = Callable[[float, int, float, Rng], Verdict]

BASE = 4e6
"""Nanoseconds: the median of the plain streams."""
FLAGS = ("unsteady", "autocorrelated", "drift", "bimodal")
SLOW_PATH, INTERRUPTED = 0.3, 0.02
LONG = 1000
NARROW = 0.025
COVERED = (0.93, 0.97)
BOUNDED = 0.99
FLAGGED = 0.95
WRONG = 0.01
"""Largest share of false FASTER and SLOWER."""
SEVERAL = (3, 4, 6)
"""Engines of which the fastest is what the others are compared with."""
RUNS = (4, 5, 6, 7, 8)
SPREADS = (0.005, 0.01, 0.03, 0.10)
"""Standard deviations from run to run: lockstep on a calm machine, and worse."""
DIFFERENT = (Verdict.FASTER, Verdict.SLOWER)


@dataclass(frozen=True)
class Stream:
    """A kind of latency stream.

    :param breaks: Flags of which at least one must fire, since the stream breaks the assumptions; empty if independent.
    :param discrete: Whether many samples are equal, so that intervals necessarily hold more often than requested.
    """

    name: str
    draw: Draw
    sizes: tuple[int, ...]
    breaks: tuple[str, ...] = ()
    discrete: bool = False


def lognormal(rng: Rng, n: int, sigma: float = 0.05) -> Floats:
    """Draw the plain case: independent, slightly skewed."""
    return BASE * np.exp(sigma * rng.standard_normal(n))


def bimodal(rng: Rng, n: int) -> Floats:
    """Draw from a fast and a slow path, 70 % and 30 %."""
    return lognormal(rng, n, 0.02) * np.where(rng.random(n) < SLOW_PATH, 1.3, 1.0)


def outliers(rng: Rng, n: int) -> Floats:
    """Draw the plain case, with one sample in fifty interrupted for a heavy-tailed time."""
    return lognormal(rng, n) * np.where(rng.random(n) < INTERRUPTED, 1.5 + rng.pareto(1.5, n), 1.0)


def queueing(rng: Rng, n: int) -> Floats:
    """Draw a fixed cost and an exponential wait."""
    return BASE * (0.9 + 0.1 / math.log(2) * rng.exponential(size=n))


def coarse(rng: Rng, n: int) -> Floats:
    """Draw the plain case on a clock that ticks in steps of 2 % of the latency."""
    return np.round(lognormal(rng, n) / 80_000) * 80_000


def following(strength: float) -> Draw:
    """Return a stream whose logarithms have the autocorrelation ``strength`` at lag one (AR(1))."""

    def draw(rng: Rng, n: int) -> Floats:
        steps = rng.standard_normal(n) * math.sqrt(1 - strength**2)
        steps[0] = rng.standard_normal()
        for at in range(1, n):
            steps[at] += strength * steps[at - 1]
        return BASE * np.exp(0.05 * steps)

    return draw


def drifting(rng: Rng, n: int) -> Floats:
    """Draw the plain case, 15 % slower at the end than at the start."""
    return lognormal(rng, n) * np.linspace(0.925, 1.075, n)


def throttled(rng: Rng, n: int) -> Floats:
    """Draw the plain case, 15 % slower from some point in the middle half on."""
    return lognormal(rng, n) * np.where(np.arange(n) < n * rng.uniform(0.25, 0.75), 1.0, 1.15)


def swinging(rng: Rng, n: int) -> Floats:
    """Draw the plain case on a governor that swings by 7 % three times."""
    return lognormal(rng, n) * (1 + 0.07 * np.sin(2 * np.pi * (3 * np.arange(n) / n + rng.random())))


STREAMS = (
    Stream("log-normal 5 %", lognormal, (200, 700, 2000)),
    Stream("bimodal 70/30", bimodal, (200, 700, 2000)),
    Stream("with outliers", outliers, (200, 700, 2000)),
    Stream("exponential wait", queueing, (200, 700, 2000)),
    Stream("coarse clock", coarse, (700,), discrete=True),
    Stream("following 0.3", following(0.3), (700, 2000), ("autocorrelated",)),
    Stream("following 0.6", following(0.6), (200, 700, 2000), ("autocorrelated",)),
    Stream("following 0.9", following(0.9), (200, 700, 2000), ("autocorrelated",)),
    Stream("drifting 15 %", drifting, (200, 700, 2000), ("drift",)),
    Stream("throttled 15 %", throttled, (200, 700, 2000), ("drift",)),
    Stream("swinging 7 %", swinging, (200, 700, 2000), ("autocorrelated",)),
)


@dataclass
class Tally:
    """Counts over the streams of one case."""

    streams: int = 0
    intervals: int = 0
    covered: int = 0
    bounds: int = 0
    held: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    flagged: int = 0

    def add(self, samples: list[int], median: float, p99: float, breaks: tuple[str, ...]) -> None:
        """Judge one stream."""
        summary = summarize(samples)
        names = {flag.name for flag in flags(samples, summary=summary)}
        self.streams += 1
        self.intervals += not isinstance(summary.interval, Unavailable)
        self.covered += holds(summary.interval, median)
        self.flags.update(names)
        self.flagged += not names.isdisjoint(breaks)
        found = percentile(samples, 99)
        if isinstance(found, Percentile) and not isinstance(found.upper, Unavailable):
            self.bounds += 1
            self.held += found.upper >= p99


def tally(stream: Stream, n: int, streams: int, rng: Rng) -> Tally:
    """Draw ``streams`` streams of ``n`` samples; the true values come from two million samples of the same law."""
    many = np.concatenate([stream.draw(rng, n) for _ in range(2_000_000 // n)])
    median, p99 = (float(value) for value in np.percentile(many, (50, 99)))
    result = Tally()
    for _ in range(streams):
        result.add(stream.draw(rng, n).round().astype(int).tolist(), round(median), round(p99), stream.breaks)
    return result


def streams_table(streams: int, rng: Rng) -> bool:
    """Print a row per stream and size; return whether all hold."""
    head = "".join(f"{name:>16}" for name in FLAGS)
    print(f"{'stream':18}{'n':>6}  {'95 % interval':>14}{'none':>7}{'p99 bound':>11}{'none':>11}{head}")
    sound = True
    for stream in STREAMS:
        for n in stream.sizes:
            result = tally(stream, n, streams if n < LONG else streams // 2, rng)
            sound &= judged(stream, result)
            print(row(stream, n, result), flush=True)
    return sound


def judged(stream: Stream, result: Tally) -> bool:
    """Return whether the case meets its requirements."""
    covered = result.covered / result.intervals if result.intervals else 1.0
    bounded = not result.bounds or result.held >= BOUNDED * result.bounds
    if stream.breaks:
        return result.flagged >= FLAGGED * result.streams or covered >= COVERED[0]
    return bounded and COVERED[0] <= covered and (covered <= COVERED[1] or stream.discrete)


def row(stream: Stream, n: int, result: Tally) -> str:
    """Return one line of the table."""
    interval = f"{result.covered / result.intervals:.2%}" if result.intervals else "-"
    bound = f"{result.held / result.bounds:.2%}" if result.bounds else "-"
    lacking = f"{1 - result.intervals / result.streams:>7.1%}"
    withheld = f"{1 - result.bounds / result.streams:.1%}" if n >= percentile_need(99) else "n too small"
    rates = "".join(f"{result.flags[name] / result.streams:>16.1%}" for name in FLAGS)
    mark = "" if judged(stream, result) else "   <-- FAILS"
    return f"{stream.name:18}{n:>6}  {interval:>14}{lacking}{bound:>11}{withheld:>11}{rates}{mark}"


def runs_table(streams: int, rng: Rng) -> bool:
    """Print how often the intervals over runs hold if each run has its own factor."""
    print(f"\n{'runs that differ by 3 %':34}{'over runs':>11}{'within the first run':>22}{'runs-differ':>13}")
    sound = True
    for runs in (3, 5, 8):
        over = within = told = 0
        for _ in range(streams // 2):
            drawn = [lognormal(rng, 200) * math.exp(0.03 * rng.standard_normal()) for _ in range(runs)]
            samples = [each.round().astype(int).tolist() for each in drawn]
            summaries = [summarize(each) for each in samples]
            over += holds(across_runs([each.median for each in summaries]), BASE)
            within += holds(summaries[0].interval, BASE)
            told += runs_differ(samples) is not None
        shares = [count / (streams // 2) for count in (over, within, told)]
        sound &= COVERED[0] <= shares[0] <= COVERED[1]
        print(f"{f'{runs} runs':34}{shares[0]:>11.2%}{shares[1]:>22.2%}{shares[2]:>13.1%}")
    return adding_row(streams, rng) and sound


def adding_row(streams: int, rng: Rng) -> bool:
    """Print the same for adding runs, up to 20, until the interval is narrow."""
    plain = widened = 0
    for _ in range(streams):
        drawn = list(BASE * np.exp(0.03 * rng.standard_normal(20)))
        count = 4
        while count < len(drawn) and wide(drawn[:count]):
            count += 1
        plain += holds(across_runs(drawn[:count]), BASE)
        widened += holds(across_runs(drawn[:count], added=count - 4), BASE)
    told = f"{widened / streams:>11.2%}{'(not widened: ' + format(plain / streams, '.2%') + ')':>22}"
    print(f"{'4 runs, more until ±2.5 %':34}{told}")
    return widened >= COVERED[0] * streams


def wide(medians: list[float]) -> bool:
    """Return whether the interval over runs is wider than ±2.5 %."""
    interval = across_runs(medians)
    return isinstance(interval, Unavailable) or interval.relative(BASE) > NARROW


def holds(interval: object, truth: float) -> bool:
    """Return whether an interval exists and contains ``truth``."""
    return not isinstance(interval, Unavailable) and interval.lower <= truth <= interval.upper  # type: ignore[attr-defined]


def stopped_row(streams: int, rng: Rng) -> bool:
    """Print how often the interval holds in runs that stopped because it was narrow enough."""
    covered, lengths = 0, []
    for _ in range(streams // 2):
        drawn = lognormal(rng, 4000, 0.1).round().astype(int).tolist()
        stopping, count = Stopping(0.01, cap=math.inf), 0
        while count < len(drawn) and stopping.feed(drawn[count : count + 50]) is None:
            count += 50
        count = min(count + 50, len(drawn))
        covered += holds(summarize(drawn[:count]).interval, BASE)
        lengths.append(count)
    share, usual = covered / (streams // 2), sorted(lengths)[len(lengths) // 2]
    print(f"\nstopped when ±1 % was reached (log-normal 10 %, usually {usual} samples): {share:.2%} hold")
    return share >= COVERED[0]


def verdict_tables(streams: int, rng: Rng) -> bool:
    """Print how often verdicts are wrong, and how often they find a difference; return whether few are wrong."""
    print(f"\n{'false FASTER or SLOWER':34}" + "".join(f"{f'{runs} runs':>10}" for runs in RUNS))
    sound = [errors_row(name, judge, spread, streams, rng) for name, judge in KINDS for spread in SPREADS]
    sound += [planned_row(streams, rng), *(picked_row(count, streams, rng) for count in SEVERAL)]
    print(f"\n{'FASTER or SLOWER found (lockstep)':34}" + "".join(f"{f'{runs} runs':>10}" for runs in RUNS))
    for slower in (0.02, 0.05):
        for spread in SPREADS:
            found = (decided(partial(in_lockstep, spread, runs, slower, rng), streams)[Verdict.SLOWER] for runs in RUNS)
            row = "".join(f"{count / streams:>10.1%}" for count in found)
            print(f"{f'runs differ by {spread:.1%}, slower by {slower:.0%}':34}{row}", flush=True)
    return all(sound)


def in_lockstep(spread: float, runs: int, slower: float, rng: Rng) -> Verdict:
    """Return the verdict on runs whose ratios differ by ``spread``."""
    ratios = (1 + slower) * np.exp(spread * rng.standard_normal(runs))
    return verdict(ratios.tolist()).verdict


def measured_apart(spread: float, runs: int, slower: float, rng: Rng) -> Verdict:
    """Return the verdict on two saved results whose runs differ by ``spread``."""
    first, second = np.exp(spread * rng.standard_normal((2, runs)))
    return verdict_apart(first.tolist(), ((1 + slower) * second).tolist()).verdict


KINDS: tuple[tuple[str, Judge], ...] = (("lockstep", in_lockstep), ("saved", measured_apart))


def decided(judge: Callable[[], Verdict], streams: int) -> Counter[Verdict]:
    """Return how often each verdict came out."""
    return Counter(judge() for _ in range(streams))


def errors_row(name: str, judge: Judge, spread: float, streams: int, rng: Rng) -> bool:
    """Print how often two that are equal are told apart, by the number of runs."""
    counts = [decided(partial(judge, spread, runs, 0.0, rng), streams) for runs in RUNS]
    wrong = [found[Verdict.FASTER] + found[Verdict.SLOWER] for found in counts]
    sound = all(few(each, streams) for each in wrong)
    shares = "".join(f"{each / streams:>10.2%}" for each in wrong)
    print(f"{f'{name}, runs differ by {spread:.1%}':34}{shares}{'' if sound else '   <-- FAILS'}", flush=True)
    return sound


def planned_row(streams: int, rng: Rng) -> bool:
    """Print the same where three runs decide how many there are, from 8 to 20: the look has a price."""
    shares, sound = [], True
    for spread in SPREADS:
        wrong = 0
        for _ in range(streams):
            ratios = np.exp(spread * rng.standard_normal(20)).tolist()
            pilot = [PilotRun(each, 0.0, 100, 1.0, 1.0) for each in ratios[:3]]
            runs = plan(pilot, 0.01, Limits(fewest=8, most=20)).runs
            wrong += verdict(ratios[:runs], added=added_runs(runs, planned=True)).verdict in DIFFERENT
        shares.append(f"{spread:.1%}: {wrong / streams:.2%}")
        sound &= few(wrong, streams)
    print(
        f"{'lockstep, 8 to 20 runs as planned':34}  runs differ by {', '.join(shares)}{'' if sound else '   <-- FAILS'}"
    )
    return sound


def picked_row(count: int, streams: int, rng: Rng) -> bool:
    """Print the same for several engines that are equal, each beside the one that came out fastest."""
    shares, sound = [], True
    for spread in SPREADS:
        wrong = verdicts = 0
        while verdicts < streams:
            logs = spread * rng.standard_normal((count, 8))
            base = int(logs.mean(axis=1).argmin())
            others = [np.exp(each - logs[base]).tolist() for at, each in enumerate(logs) if at != base]
            wrong += sum(verdict(each, among=count).verdict in DIFFERENT for each in others)
            verdicts += len(others)
        shares.append(f"{spread:.1%}: {wrong / verdicts:.2%}")
        sound &= few(wrong, verdicts)
    print(
        f"{f'lockstep, {count} equal engines, 8 runs':34}  runs differ by {', '.join(shares)}"
        f"{'' if sound else '   <-- FAILS'}"
    )
    return sound


def few(wrong: int, streams: int) -> bool:
    """Return whether at most one in a hundred is wrong, as far as so many streams tell (three deviations)."""
    return wrong <= WRONG * streams + 3 * math.sqrt(WRONG * streams)


def same_table(streams: int, rng: Rng) -> None:
    """Print the verdicts over 8 lockstep runs, by the spread of a run's ratio and the true slowdown."""
    print(f"\n{'verdict of 8 lockstep runs':34}" + "".join(f"{each.value:>10}" for each in Verdict))
    for spread in (0.005, 0.008, 0.012):
        for slower in (0.0, 0.02, 0.05):
            counts = decided(partial(in_lockstep, spread, 8, slower, rng), streams)
            shares = "".join(f"{counts[each] / streams:>10.1%}" for each in Verdict)
            print(f"{f'spread {spread:.1%}, slower by {slower:.0%}':34}{shares}")


def main() -> int:
    """Print every table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=4000, help="streams per case (half for the longest)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verdicts", action="store_true", help="only how often verdicts are right")
    options = parser.parse_args()
    rng, start = np.random.default_rng(options.seed), perf_counter()
    tables = (verdict_tables,) if options.verdicts else (streams_table, runs_table, stopped_row, verdict_tables)
    sound = [table(options.streams, rng) for table in tables]
    same_table(options.streams, rng)
    print(f"\n{options.streams} streams per case, seed {options.seed}, {perf_counter() - start:.0f} s: ", end="")
    print("all cases hold" if all(sound) else "a case FAILS")
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
