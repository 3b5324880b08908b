"""Memory of a tensor on the device, and the pinned memory of the host that is copied to it and from it.

Both grow when a tensor needs more and never shrink, so that runs of one shape allocate nothing.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench_trt._cuda import CudaError

if TYPE_CHECKING:
    from lpbench_trt._cuda import Cuda

LEAST = 1
"""Bytes of an empty tensor's memory: TensorRT wants an address for it too."""


class DeviceMemory:
    """Memory on the device that is selected."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.address = 0
        self.size = 0

    def reserve(self, size: int) -> None:
        """Make room for ``size`` bytes; what was there before is lost if the address changes.

        :raises CudaError: The device has no memory left; none is held then.
        """
        if size > self.size or not self.address:
            self.release()
            self.address = self._cuda.made("cudaMalloc", max(size, LEAST))
            self.size = max(size, LEAST)

    def release(self) -> None:
        """Free the memory."""
        address, self.address, self.size = self.address, 0, 0
        if address:
            self._cuda.call("cudaFree", address)


class PinnedMemory:
    """Memory of the host that the device reads and writes directly.

    Arrays that show it keep it: it is freed when the last of them is gone, so that an output which is read too late is
    stale instead of a crash.
    """

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._bytes: np.ndarray[Any, Any] | None = None
        self._failed: list[CudaError] = []
        self.address = 0

    def reserve(self, size: int) -> None:
        """Make room for ``size`` bytes; what was there before is lost if the address changes.

        :raises CudaError: The memory cannot be pinned; none is held then.
        """
        if self._bytes is None or size > self._bytes.size:
            self.release()
            self.address = self._cuda.made("cudaMallocHost", max(size, LEAST))
            raw = (ctypes.c_ubyte * max(size, LEAST)).from_address(self.address)
            weakref.finalize(raw, _free, self._cuda, self.address, self._failed)
            self._bytes = np.frombuffer(memoryview(raw), np.uint8)
            self._bytes[:] = 0

    def view(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return the beginning of the memory, which was reserved, as an array."""
        count = math.prod(shape) * dtype.itemsize
        held = self._bytes if self._bytes is not None else np.empty(0, np.uint8)
        return held[:count].view(dtype).reshape(shape)

    def release(self) -> None:
        """Let go of the memory, which is freed with the last array that shows it.

        :raises CudaError: It was freed, and that failed.
        """
        self._bytes, self.address = None, 0
        if self._failed:
            raise self._failed.pop()


def _free(cuda: Cuda, address: int, failed: list[CudaError]) -> None:
    """Free pinned memory; runs when the last array is gone, where an error could not be raised."""
    try:
        cuda.call("cudaFreeHost", address)
    except CudaError as error:
        failed.append(error)
