"""The timed region: clock reads between stages and nothing else.

A sample of one component is four reads of one monotonic clock: before
preprocessing, between the stages, after postprocessing.  One read separates two
stages, so the stages add up to the total exactly.
"""

from __future__ import annotations

import contextlib
import gc
import time
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpbench.engine import Feeds, Outputs
    from lpbench.processor import Sample

STAGES = ("preprocessing", "inference", "postprocessing")
TOTAL = "total"
READS = len(STAGES) + 1


def anchors(count: int) -> array[int]:
    """Return room for the clock reads of ``count`` samples: ``READS`` integers each, nanoseconds."""
    return array("q", bytes(8 * READS * count))


def time_samples(  # noqa: PLR0913 - the stages are separate arguments so that the loop looks nothing up
    pre: Callable[[Sample], Feeds],
    run: Callable[[Feeds], Outputs],
    post: Callable[[Outputs, Sample], Any],
    samples: Sequence[Sample],
    out: array[int],
    *,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> None:
    """Send each sample through the three stages and store its four clock reads in ``out``.

    :param out: From ``anchors(len(samples))``; preallocated, so that nothing grows while time is taken.
    :param clock: Nanoseconds; ``time.process_time_ns`` gives CPU time of all threads.
    """
    at = 0
    for sample in samples:
        before = clock()
        feeds = pre(sample)
        fed = clock()
        outputs = run(feeds)
        inferred = clock()
        post(outputs, sample)
        after = clock()
        out[at] = before
        out[at + 1] = fed
        out[at + 2] = inferred
        out[at + 3] = after
        at += 4


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Keep Python's garbage collector out of the region; restores what was set before."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def durations(reads: array[int]) -> dict[str, array[int]]:
    """Return nanoseconds by stage, and the total, from stored clock reads."""
    columns = [reads[at::READS] for at in range(READS)]
    named = {stage: array("q", map(int.__sub__, columns[at + 1], columns[at])) for at, stage in enumerate(STAGES)}
    return {**named, TOTAL: array("q", map(int.__sub__, columns[-1], columns[0]))}
