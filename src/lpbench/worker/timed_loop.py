"""The timed region: clock reads between stages and nothing else.

Each sample of one component takes four reads of one monotonic clock: before
preprocessing, between the stages, after postprocessing.  One read separates two
stages, so the stages add up to the total exactly.  A chain of components reads
the clock for every item that a component processes; the time of each stage is summed
over the items and stored as if the stages had run one after the other.
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
"""A component of a chain: a function from a sample and its prediction to the items to process, and three stages."""


def clock_reads(count: int, components: int = 1) -> array[int]:
    """Return an array for the clock reads of ``count`` samples: integers, nanoseconds."""
    return array("q", bytes(8 * reads_of(components) * count))


def time_samples(  # noqa: PLR0913 - the stages are separate arguments so that the loop needs no attribute lookups
    pre: Callable[[Sample], Feeds],
    run: Callable[[Feeds], Outputs],
    post: Callable[[Outputs, Sample], Any],
    samples: Iterable[Sample],
    out: array[int],
    *,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> int:
    """Send each sample through the three stages and store its four clock reads in ``out``.

    :param out: From ``clock_reads(count)``, ``count`` being at least the number of samples; preallocated, so that
        nothing grows during the measurement.
    :param clock: Nanoseconds; ``time.process_time_ns`` gives CPU time of all threads.
    :returns: The number of samples.
    """
    # Four clock reads a sample and nothing between them but the calls: a read costs about 100 ns, and any other code
    # here would be measured as part of a stage.
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
    """Send each sample through all components and store its start time and the accumulated time of each stage.

    Determining the items that a component processes counts as its preprocessing.

    :param out: From ``clock_reads(len(samples), len(steps))``.
    """
    width, at = reads_of(len(steps)), 0
    # The number of items of a component differs by sample, so a chain accumulates the time of each stage: the number
    # of stored reads is then the same for every sample.
    spent = [0] * (width - 1)
    for sample in samples:
        spent[:] = [0] * (width - 1)
        begun = last = clock()
        parents: list[tuple[Sample, Any]] = [(sample, None)]
        stage = 0
        for items, pre, run, post in steps:
            processed: list[tuple[Sample, Any]] = []
            for parent, prediction in parents:
                for item in items(parent, prediction):
                    feeds = pre(item)
                    now = clock()
                    spent[stage] += now - last
                    outputs = run(feeds)
                    last = clock()
                    spent[stage + 1] += last - now
                    result = post(outputs, item)
                    now = clock()
                    spent[stage + 2] += now - last
                    last = now
                    processed.append((item, result))
            # Determining the items is this component's work too, even if there are none.
            now = clock()
            spent[stage] += now - last
            last = now
            parents = processed
            stage += 3
        out[at] = begun
        out[at + 1 : at + width] = array("q", accumulate(spent, initial=begun))[1:]
        at += width


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Disable Python's garbage collector in the timed region and restore its previous state afterwards."""
    # A collection takes milliseconds at an arbitrary moment: it would be a slow sample that no stage caused.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
