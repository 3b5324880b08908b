"""A run captured as a CUDA graph, which the driver starts as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt._cuda import CAPTURE_THREAD, CudaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench_trt._cuda import Cuda

REMEDY = "leave the option graph out"


class Graph:
    """Captures what a call puts on a stream; capturing again replaces the graph."""

    def __init__(self, cuda: Cuda, stream: int) -> None:
        self._cuda = cuda
        self._stream = stream
        self._executable = 0

    def capture(self, enqueue: Callable[[], None]) -> Callable[[], None]:
        """Return a call that repeats what ``enqueue`` puts on the stream, which has run once before.

        :raises EngineError: It cannot be captured; the error gives CUDA's or TensorRT's reason.
        """
        self.release()
        graph = self._captured(enqueue)
        try:
            # CUDA 12 has three parameters, of which the third is flags; the further ones are those of CUDA 11
            self._executable = self._cuda.made("cudaGraphInstantiate", graph, None, None, 0)
        except CudaError as error:
            raise refused(error.what) from error
        finally:
            self._cuda.call("cudaGraphDestroy", graph)
        return self._cuda.prepared("cudaGraphLaunch", self._executable, self._stream)

    def release(self) -> None:
        """Free the graph."""
        executable, self._executable = self._executable, 0
        if executable:
            self._cuda.call("cudaGraphExecDestroy", executable)

    def _captured(self, enqueue: Callable[[], None]) -> int:
        self._cuda.call("cudaStreamBeginCapture", self._stream, CAPTURE_THREAD)
        try:
            enqueue()
        except EngineError as error:
            self._abandon()
            raise refused(error.what) from error
        try:
            return self._cuda.made_last("cudaStreamEndCapture", self._stream)
        except CudaError as error:
            raise refused(error.what) from error

    def _abandon(self) -> None:
        """End a capture that failed; whatever was captured is destroyed."""
        try:
            graph = self._cuda.made_last("cudaStreamEndCapture", self._stream)
        except CudaError:  # the usual answer after a failure, which also ends the capture
            return
        if graph:
            self._cuda.call("cudaGraphDestroy", graph)


def refused(reason: str) -> EngineError:
    """Return the error for a run that cannot be captured."""
    return EngineError(f"the run cannot be captured as a CUDA graph: {reason}", hint=REMEDY)
