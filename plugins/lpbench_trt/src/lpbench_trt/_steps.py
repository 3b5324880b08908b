"""The steps of a run that do not depend on a tensor: marks of time, the engine or its graph, the wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.kit.device_session import SPANS, spans
from lpbench_trt._cuda import BLOCKING_EVENT, TIMED_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.kit.resources import Resources
    from lpbench_trt._cuda import Cuda

    Step = Callable[[], None]


class Marks:
    """Events between the parts of a run, of which CUDA keeps the times.

    :param memory: Takes over the events.
    """

    def __init__(self, cuda: Cuda, stream: int, memory: Resources) -> None:
        self._cuda = cuda
        self._events = [event(cuda, TIMED_EVENT, memory) for _ in (*SPANS, "end")]
        self.steps: list[Step] = [cuda.prepared("cudaEventRecord", mark, stream) for mark in self._events]

    def spans(self) -> dict[str, int]:
        """Return the nanoseconds of each part of the last run, which is complete."""
        return spans(self._events, self._cuda.elapsed_ns)


def event(cuda: Cuda, flags: int, memory: Resources) -> int:
    """Return a new event."""
    made = cuda.made("cudaEventCreateWithFlags", flags)
    memory.add(cuda.prepared("cudaEventDestroy", made))
    return made


def waiting(cuda: Cuda, stream: int, wait: str, memory: Resources) -> Step:
    """Return the step that waits until the stream's work is complete.

    :param wait: ``spin`` waits as the device's flags say, ``block`` lets the driver wake the thread.
    """
    if wait == "spin":
        return cuda.prepared("cudaStreamSynchronize", stream)
    made = event(cuda, BLOCKING_EVENT, memory)
    record, synchronise = cuda.prepared("cudaEventRecord", made, stream), cuda.prepared("cudaEventSynchronize", made)

    def block() -> None:
        record()
        synchronise()

    return block
