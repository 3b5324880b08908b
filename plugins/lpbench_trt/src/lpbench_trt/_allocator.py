"""Memory of outputs whose size depends on the data: TensorRT asks for it during a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_trt._cuda import CudaError
from lpbench_trt._library import trt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpbench.plugin.kit.device_tensors import DeviceBuffer


class OutputAllocator(trt.IOutputAllocator):
    """Gives one output memory that grows, and keeps the shape that a run found until it is asked for.

    Memory of CUDA's is aligned to 256 bytes, which is as much as TensorRT asks for.
    """

    def __init__(self, memory: DeviceBuffer) -> None:
        trt.IOutputAllocator.__init__(self)
        self._memory = memory
        self._shape: tuple[int, ...] | None = None
        self._error: CudaError | None = None

    def reallocate_output(self, tensor_name: str, memory: object, size: int, alignment: int) -> int:
        """Return the address of memory of this size; 0 is TensorRT's word for none.  Called by TensorRT."""
        try:
            self._memory.reserve(size)
        except CudaError as error:
            self._error = error.with_traceback(None)  # its frames would keep the context, which is calling
            return 0
        return self._memory.address

    def reallocate_output_async(self, tensor_name: str, memory: object, size: int, alignment: int, stream: int) -> int:
        """Do the same; freeing CUDA's memory waits for what may still use it."""
        return self.reallocate_output(tensor_name, memory, size, alignment)

    def notify_shape(self, tensor_name: str, shape: Iterable[int]) -> None:
        """Keep the shape; called by TensorRT before the run returns."""
        self._shape = tuple(shape)

    def found(self) -> tuple[int, ...] | None:
        """Return the shape of the last run, once; None if TensorRT has not stated it."""
        shape, self._shape = self._shape, None
        return shape

    def failure(self) -> CudaError | None:
        """Return why there was no memory, once."""
        error, self._error = self._error, None
        return error
