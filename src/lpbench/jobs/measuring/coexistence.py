"""Which configurations are alive together in a run: all of them, unless memory or a device forbids it.

What cannot be alive beside others is measured in a run of its own right after theirs (interleaved),
and the result says why there are no lockstep ratios of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.jobs.measuring.interleave import turn_order
from lpbench.results.metrics import MEGABYTE
from lpbench.worker.requests import AvailableMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.worker.requests import RunnerClient

SPARE = 64 << 20
"""Bytes that stay free when another worker has started."""
GROWTH = 1.2
"""A worker may take this many times the memory of the one from which its size is estimated."""


def groups(tracks: Sequence[TargetProgress], index: int) -> list[list[TargetProgress]]:
    """Return who is measured together in a run, in order.

    The order changes from run to run as that of turns does: who opens a model later has other pages of memory, and is
    some tenths of a percent faster or slower for as long as the run lasts.
    """
    together = [each for each in tracks if not each.apart]
    found = [[each] for each in tracks if each.apart]
    if together:
        found.insert(0, turn_order(together, index))
    return found if index % 2 == 0 else found[::-1]


def too_large(track: TargetProgress, others: Sequence[Recorder], client: RunnerClient) -> str:
    """Return why there is no memory for another worker, or "".

    :param others: The runs of the workers that are alive; what the new one takes is judged by them and by its past.
    :param client: One of these workers, which knows the machine.
    """
    free = client.request(AvailableMemory())
    known = [each for each in track.recorders if _size(each)] or others
    need = GROWTH * max(map(_size, known), default=0) + SPARE
    if free is None or free >= need:
        return ""
    return (
        f"{free / MEGABYTE:.0f} MB of memory are free while other workers run; it needs up to {need / MEGABYTE:.0f} MB"
    )


def crowded_out(track: TargetProgress) -> str:
    """Return how a run ended that may do better without others beside it: refused, or killed for memory; or ""."""
    last = track.recorders[-1]
    refused, killed = last.outcome.kind == "failed", last.outcome.signal == "SIGKILL"
    if last.samples or not (refused or killed):
        return ""
    return f"with other workers running: {f'failed to open: {last.outcome.detail}' if refused else last.outcome}"


def _size(recorder: Recorder) -> float:
    """Return the bytes that a run's worker took, 0 where that is not known."""
    return max([recorder.counters.get("peak_bytes", 0), *recorder.resident])
