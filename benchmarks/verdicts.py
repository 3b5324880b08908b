"""Correctness of verdicts: an app is compared with itself, and with a known slowdown of itself, many times.

``live`` compares live, in lockstep; ``sharp`` does with a margin of 0.5 % and half the slowdown, ``environments``
with two Python environments; ``stored`` compares two saved results with other measurements, and therefore
minutes, between them.  The slowdown is that of the tests' engine ``slowed``, which spins for a fraction of the time
that each inference took.  Every repetition prints one line; the goals come last.  Takes most of an hour.

    python benchmarks/verdicts.py [--what live|sharp|environments|stored|all] [--repetitions 20] [--affinity 1]
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import Neighbours, environment, installed_slowed, workplace

import lpbench
from lpbench.jobs.measuring.live import compare_live
from lpbench.results.comparison import compare
from lpbench.results.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lpbench.results.comparison import Compared

LIVE_S, SHARP_S = 30.0, 45.0
"""Seconds that a comparison may take, with the usual margin and with a sharper one."""
LIVE, SHARP, STORED = 0.02, 0.01, 0.20
"""Slowdowns."""
MARGIN, SHARP_MARGIN = 0.01, 0.005
LIVE_GOAL, STORED_GOAL = 19 / 20, 18 / 20
QUIET = (Verdict.SAME, Verdict.UNCLEAR)
"""Correct verdicts for an app against itself."""
APART = 10
"""Measurements of each kind between two compared results."""


class Goal:
    """Counts how often an expectation was met.

    :param share: Smallest fraction of repetitions that must meet it.
    """

    def __init__(self, words: str, share: float) -> None:
        self._words, self._share, self._held = words, share, list[bool]()

    def note(self, *, held: bool) -> None:
        """Count one repetition."""
        self._held.append(held)

    def __str__(self) -> str:
        held, count = sum(self._held), len(self._held)
        need = math.ceil(self._share * count - 1e-9)
        return f"{self._words}: {held} of {count}, at least {need}: {'met' if held >= need else 'MISSED'}"


def slowed(extra: float, place: str = "") -> str:
    """Return the engine specification for a slowdown.

    :param place: The environment in which it runs; empty is this one.
    """
    return f"slowed{place and f'@{place}'}:threads=1:extra={extra:g}"


@dataclass(frozen=True)
class Question:
    """A comparison that is repeated: with itself, and with a known slowdown.

    :param words: What it is called.
    :param slowdown: Of the second side.
    :param seconds: A comparison may take.
    :param places: Environments of the two sides; empty is this one.
    """

    words: str
    slowdown: float
    margin: float
    seconds: float
    places: tuple[str, str] = ("", "")

    def sides(self, extra: float) -> list[str]:
        """Return the engines of both sides."""
        return [slowed(0.0, self.places[0]), slowed(extra, self.places[1])]


def live(model: Path, repetitions: int, cores: Sequence[int], asked: Question) -> list[Goal]:
    """Compare live, in lockstep: with itself and with the slowdown."""
    same = Goal(f"{asked.words}, against itself: SAME", LIVE_GOAL)
    slower = Goal(f"{asked.words}, {asked.slowdown:.0%} slower: SLOWER", LIVE_GOAL)
    quick = Goal(f"{asked.words}, within {asked.seconds:g} s", 1.0)
    for number in range(repetitions):
        for extra, goal, expected in ((0.0, same, Verdict.SAME), (asked.slowdown, slower, Verdict.SLOWER)):
            neighbours, begun = Neighbours(), time.monotonic()
            _, (found,) = compare_live(model, asked.sides(extra), margin=asked.margin, affinity=cores)
            seconds = time.monotonic() - begun
            goal.note(held=found.total.verdict is expected)
            quick.note(held=seconds <= asked.seconds)
            _print(f"{asked.words} {number + 1:2} {extra:+5.0%} {seconds:5.1f} s", found, str(neighbours))
    return [same, slower, quick]


def questions(what: str, folder: Path) -> list[Question]:
    """Return the live comparisons that are asked for.

    :param folder: Where environments are made: two that hold the same, so that nothing but their place differs.
    """
    found = []
    if what in {"live", "all"}:
        found.append(Question("live", LIVE, MARGIN, LIVE_S))
    if what in {"sharp", "all"}:
        found.append(Question("sharp", SHARP, SHARP_MARGIN, SHARP_S))
    if what in {"environments", "all"}:
        places = environment(folder / "first"), environment(folder / "second")
        found.append(Question("environments", LIVE, MARGIN, LIVE_S, places))
    return found


class Shelf:
    """Stored results of one engine, each measured when it is stored.

    :param measure: Measures and returns a result.
    """

    def __init__(self, folder: Path, measure: Callable[[], lpbench.Result]) -> None:
        self._folder, self._measure = folder, measure
        folder.mkdir()

    def put(self, number: int) -> None:
        """Measure and store."""
        self._measure().save(self._folder / f"{number}.json")

    def take(self, number: int) -> lpbench.Result:
        """Load a stored result."""
        return lpbench.load_result(self._folder / f"{number}.json")


def stored(model: Path, repetitions: int, apart: int, cores: Sequence[int]) -> list[Goal]:
    """Compare stored results with ``apart`` measurements of both kinds between them."""
    quiet = Goal("stored, against itself: SAME or UNCLEAR", STORED_GOAL)
    slower = Goal(f"stored, {STORED:.0%} slower: SLOWER", STORED_GOAL)
    plain, slow = (
        Shelf(model.parent / name, lambda extra=extra: lpbench.benchmark(model, engine=slowed(extra), affinity=cores))  # type: ignore[misc]
        for name, extra in (("plain", 0.0), ("slow", STORED))
    )
    for number in range(repetitions + apart):
        neighbours, begun = Neighbours(), time.monotonic()
        plain.put(number)
        slow.put(number)
        print(f"stored {number + 1:2}: two in {time.monotonic() - begun:.0f} s; {neighbours}", flush=True)
        if number >= apart:
            first = plain.take(number - apart)
            for shelf, goal, expected in ((plain, quiet, QUIET), (slow, slower, (Verdict.SLOWER,))):
                second = shelf.take(number)
                (found,) = compare(first, second)
                goal.note(held=found.total.verdict in expected)
                _print(f"stored, {_minutes(first, second):4.1f} min apart", found, _raw(found))
    return [quiet, slower]


def _print(words: str, found: Compared, more: str) -> None:
    total = found.total
    print(f"{words}  {total.verdict.value:<7} {total.ratio.estimate:.4f}, {total.reason}; {more}", flush=True)


def _minutes(first: lpbench.Result, second: lpbench.Result) -> float:
    times = [dt.datetime.fromisoformat(each.created) for each in (first, second)]
    return (times[1] - times[0]).total_seconds() / 60


def _raw(found: Compared) -> str:
    if found.raw_reason:
        return f"raw times: {found.raw_reason}"
    return f"raw {found.raw['total'].ratio.estimate:.4f}"


def main() -> None:
    """Print every repetition, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("live", "sharp", "environments", "stored", "all"), default="all")
    parser.add_argument(
        "--repetitions", type=int, default=20, help="repetitions of each comparison (default %(default)s)"
    )
    parser.add_argument(
        "--apart", type=int, default=APART, help="measurements between two compared results (%(default)s)"
    )
    parser.add_argument("--affinity", default="", help="cores, for example 0,1 (default: chosen by lpbench)")
    options = parser.parse_args()
    cores = [int(core) for core in options.affinity.split(",") if core]
    goals: list[Goal] = []
    with workplace() as folder, installed_slowed(folder):
        lpbench.refresh()
        for asked in questions(options.what, folder):
            goals += live(folder / "model.onnx", options.repetitions, cores, asked)
        if options.what in {"stored", "all"}:
            goals += stored(folder / "model.onnx", options.repetitions, options.apart, cores)
    print(*goals, sep="\n")


if __name__ == "__main__":
    main()
