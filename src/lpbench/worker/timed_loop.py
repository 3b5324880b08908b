"""The timed region: clock reads between stages and nothing else.

A sample of one component is four reads of one monotonic clock: before
preprocessing, between the stages, after postprocessing.  One read separates two
stages, so the stages add up to the total exactly.  A chain of components reads
the clock as often as it has things to look at; what each component's stages took
together is stored as if they had come one after the other.
"""

from __future__ import annotations

import contextlib
import gc
import time
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from lpbench.results.stages import READS, reads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench.plugin.processor import Sample


Step = tuple[
    "Callable[[Any, Any], Sequence[Sample]]",
    "Callable[[Sample], Feeds]",
    "Callable[[Feeds], Outputs]",
    "Callable[[Outputs, Sample], Any]",
]
"""A component of a chain: what it looks at, given a sample and what was found in it, and its three stages."""


def clock_reads(count: int, components: int = 1) -> array[int]:
    """Return room for the clock reads of ``count`` samples: integers, nanoseconds."""
    return array("q", bytes(8 * reads_of(components) * count))


def time_samples(  # noqa: PLR0913 - the stages are separate arguments so that the loop looks nothing up
    pre: Callable[[Sample], Feeds],
    run: Callable[[Feeds], Outputs],
    post: Callable[[Outputs, Sample], Any],
    samples: Iterable[Sample],
    out: array[int],
    *,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> int:
    """Send each sample through the three stages and store its four clock reads in ``out``.

    :param out: From ``clock_reads(count)`` with at least as many as there are samples; preallocated, so that nothing
        grows while time is taken.
    :param clock: Nanoseconds; ``time.process_time_ns`` gives CPU time of all threads.
    :returns: How many samples there were.
    """
    # Four clock reads a sample and nothing between them but the calls: a read costs some 100 ns, and whatever else
    # stood there would be measured as part of a stage.
    at = 0
    for sample in samples:
        before = clock()
        feeds = pre(sample)
        fed = clock()
        outputs = run(feeds)
        inferred = clock()
        post(outputs, sample)
        after = clock()
        # Stored after the last read: writing to the array belongs to no stage.
        out[at] = before
        out[at + 1] = fed
        out[at + 2] = inferred
        out[at + 3] = after
        at += 4
    return at // READS


def time_chain(
    steps: Sequence[Step],
    samples: Sequence[Sample],
    out: array[int],
    *,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> None:
    """Send each sample through all components and store when it began and, added up, what each stage took.

    Finding out what a component looks at counts as its preprocessing.

    :param out: From ``clock_reads(len(samples), len(steps))``.
    """
    width, at = reads_of(len(steps)), 0
    # How many things a component looks at differs by sample, so a chain adds its reads up as it goes: the stored
    # reads are then as many for every sample.
    spent = [0] * (width - 1)
    for sample in samples:
        spent[:] = [0] * (width - 1)
        begun = last = clock()
        found: list[tuple[Sample, Any]] = [(sample, None)]
        stage = 0
        for items, pre, run, post in steps:
            looked: list[tuple[Sample, Any]] = []
            for parent, prediction in found:
                for item in items(parent, prediction):
                    feeds = pre(item)
                    now = clock()
                    spent[stage] += now - last
                    outputs = run(feeds)
                    last = clock()
                    spent[stage + 1] += last - now
                    finding = post(outputs, item)
                    now = clock()
                    spent[stage + 2] += now - last
                    last = now
                    looked.append((item, finding))
            # Finding the things to look at is this component's work too, also where there are none.
            now = clock()
            spent[stage] += now - last
            last = now
            found = looked
            stage += 3
        out[at] = begun
        out[at + 1 : at + width] = array("q", accumulate(spent, initial=begun))[1:]
        at += width


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Keep Python's garbage collector out of the region; restores what was set before."""
    # A collection takes milliseconds and comes when it likes: it would be a slow sample of nobody's making.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
