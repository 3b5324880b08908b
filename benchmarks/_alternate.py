"""Shared by the engine benchmarks: lpbench's timed loop against handwritten loops, interleaved in short turns."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

from overhead import alternate, measured, report, verdict

from lpbench.worker.timed_loop import collector_off

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.engine import Feeds, Session

LIMIT_RATIO = 1.01
FAKE_LIMIT_RATIO = 1.5
"""What lpbench's run over a fake may take, as a multiple of the vendor's calls alone."""
COUNT = 3
"""Inferences in one turn."""


def prepare(description: str | None) -> int:
    """Parse the command line, pin this process to one core and return the number of rounds."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="rounds of each comparison (default %(default)s)")
    rounds: int = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # migration between cores would be most of the noise
    return rounds


def compare(session: Session, feeds: Feeds, loops: Mapping[str, Callable[[], object]], rounds: int) -> None:
    """Print ns per inference, the ratio to each handwritten loop and the number of copied bytes.

    :param loops: Functions that run one inference each on the session's own network; the limit applies to the first.
    """
    facts = session.describe()
    core = ", ".join(map(str, os.sched_getaffinity(0)))
    print(f"{facts['version']}, {facts['threads']} thread on core {core}; medians over rounds, ns per inference")
    columns = f"{'bare':>12} {'lpbench':>12} {'extra':>10} {'ratio':>9}   {'95 % interval':<20} {'rounds':>6}"
    print(f"{'by hand':<8} {columns}")
    ours = partial(measured, session, dict(feeds), COUNT)
    reports = {name: report(name, *alternate(partial(by_hand, run), ours, rounds))[1] for name, run in loops.items()}
    name, ratios = next(iter(reports.items()))
    print(f"{name}: ratio {statistics.median(ratios):.4f}, at most {LIMIT_RATIO}: {verdict(ratios, LIMIT_RATIO)}")
    copied = facts["bytes_copied"]
    print(f"each run copies {copied['inputs']} bytes in and {copied['outputs']} bytes out")


def report_calls(library: str, loops: tuple[list[float], list[float]], waited: list[int], goal_us: int) -> None:
    """Print what lpbench adds to a vendor's calls over a fake of its library.

    :param loops: Nanoseconds of the vendor's calls alone and of lpbench's runs, by round.
    :param waited: Nanoseconds of each wait for the fake, which computes in it: the same in both, and left out.
    """
    pause = statistics.median(waited)
    # a round in which the fake was faster than it usually is leaves nothing to compare
    rounds = [(theirs - pause, ours - pause) for theirs, ours in zip(*loops, strict=True) if min(theirs, ours) > pause]
    by_calls, by_lpbench = (statistics.median(times) / 1e3 for times in zip(*rounds, strict=True))
    extra = statistics.median(ours - theirs for theirs, ours in rounds) / 1e3
    ratios = [ours / theirs for theirs, ours in rounds]
    print(f"{library}; medians over {len(rounds)} rounds, without {pause / 1e3:.1f} µs in which the fake works")
    print(f"vendor's calls {by_calls:.1f} µs, lpbench {by_lpbench:.1f} µs: {extra:+.1f} µs per run, goal {goal_us}")
    limit = FAKE_LIMIT_RATIO
    print(f"ratio {statistics.median(ratios):.3f}, at most {limit}: {verdict(ratios, limit)}")


def by_hand(run: Callable[[], object]) -> float:
    """Return the wall time in nanoseconds of one inference in a carefully handwritten loop."""
    clock, taken = time.perf_counter_ns, [0] * COUNT
    with collector_off():
        begun = clock()
        for at in range(COUNT):
            before = clock()
            run()
            after = clock()
            taken[at] = after - before
        return (clock() - begun) / COUNT
