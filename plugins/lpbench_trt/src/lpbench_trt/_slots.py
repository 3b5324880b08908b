"""One input or output of an open engine: its memory, its address in TensorRT and its part of a run."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench_trt._allocator import OutputAllocator
from lpbench_trt._buffers import DeviceMemory, PinnedMemory
from lpbench_trt._cuda import D2H, H2D
from lpbench_trt._logger import log
from lpbench_trt._tensors import sizes
from lpbench_trt._types import extended, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from lpbench.plugin.engine import TensorInfo
    from lpbench_trt._cuda import Cuda
    from lpbench_trt._library import trt
    from lpbench_trt._tensors import Tensor

    Array = np.ndarray[Any, Any]
    Step = Callable[[], None]

UNBOUND = object()
"""Marks an input without a bound array; None would be ambiguous, since a user may pass it."""


class MisfitError(Exception):
    """A feed is missing or has the wrong type or shape; the session finds out which."""


class Slot:
    """What inputs and outputs have in common.

    :param stream: CUDA's stream on which all of the session's work is done.
    """

    def __init__(self, tensor: Tensor, cuda: Cuda, stream: int) -> None:
        self.info = tensor.info
        self.name = tensor.info.name
        self.host = tensor.host
        self.open = tensor.open
        self.pinned = PinnedMemory(cuda)
        self.device = DeviceMemory(cuda)
        self._dtype = stored(tensor.info.dtype)
        self._cuda = cuda
        self._stream = stream
        self._address = 0

    def drop(self) -> None:
        """Let go of the arrays that show the pinned memory."""

    def moved(self) -> None:
        """Have shape and address told to TensorRT again."""
        self._address = 0

    def _reserve(self, size: int, context: trt.IExecutionContext) -> None:
        """Make room on the host and, unless TensorRT takes it from there, on the device; tell TensorRT the address."""
        self.pinned.reserve(size)
        if not self.host:
            self.device.reserve(size)
        self._set_address(self.pinned.address if self.host else self.device.address, context)

    def _set_address(self, address: int, context: trt.IExecutionContext) -> None:
        if address == self._address:
            return
        if not context.set_tensor_address(self.name, address):
            raise log().explained(f'TensorRT refuses the address of "{self.name}"')
        self._address = address


class InputSlot(Slot):
    """An input: the array that was bound last, and the pinned memory that it is copied to in every run."""

    def __init__(self, tensor: Tensor, cuda: Cuda, stream: int) -> None:
        super().__init__(tensor, cuda, stream)
        self.bound: Any = UNBOUND
        self.source: Any = None
        self.target: Any = None
        self.shape: tuple[int, ...] = ()
        self.placed: tuple[int, ...] | None = None
        self.send: Step | None = None
        self._values: bytes | None = None

    def bind(self, array: Any) -> bool:
        """Check an array that was not seen in the last run; returns whether its shape is a new one.

        :raises MisfitError: It has another type or shape than the model takes.
        """
        self.bound = UNBOUND
        if feed_checks.misfit(array, self.info):
            raise MisfitError
        self.source = array if array.dtype == self._dtype else array.view(self._dtype)
        self.shape = array.shape
        self.bound = array
        return self.shape != self.placed

    def place(self, context: trt.IExecutionContext) -> None:
        """Make room for the shape, and tell TensorRT shape and address.

        :raises EngineError: TensorRT refuses them, or there is no memory left.
        """
        self.placed = self.target = None
        if self.open and not context.set_input_shape(self.name, self.shape):
            raise log().explained(f'TensorRT refuses shape {feed_checks.text(self.shape)} for input "{self.name}"')
        size = _bytes(self.shape, self._dtype)
        self._reserve(size, context)
        self.target = self.pinned.view(self.shape, self._dtype)
        addresses = self.device.address, self.pinned.address
        sent = size and not self.host
        self.send = self._cuda.prepared("cudaMemcpyAsync", *addresses, size, H2D, self._stream) if sent else None
        self.placed = self.shape

    def unbind(self) -> None:
        """Forget the array that was passed last."""
        self.bound = UNBOUND

    def drop(self) -> None:
        """Let go of the array that shows the pinned memory, and of the user's."""
        self.bound, self.source, self.target = UNBOUND, None, None

    def moved(self) -> None:
        """Have shape and address told to TensorRT again."""
        super().moved()
        self.placed = None

    def changed(self) -> bool:
        """Return whether values on the host differ from those of the last call."""
        before, self._values = self._values, self.target.tobytes()
        return before != self._values


class OutputSlot(Slot):
    """An output: the pinned memory that it is copied to, and the array that shows it."""

    def __init__(self, tensor: Tensor, cuda: Cuda, stream: int) -> None:
        super().__init__(tensor, cuda, stream)
        self.allocator: OutputAllocator | None = None
        self.view: Any = None
        self.fetch: Step | None = None

    def place(self, context: trt.IExecutionContext) -> None:
        """Make room for the output of the inputs' shapes; where its own depends on data, at the run.

        :raises EngineError: There is no memory left, or TensorRT refuses the address.
        """
        self.view = None
        shape = sizes(context.get_tensor_shape(self.name))
        if shape is None or min(shape, default=0) < 0:
            self._leave_open(context)
            return
        self._reserve(_bytes(shape, self._dtype), context)
        self._show(shape)

    def drop(self) -> None:
        """Let go of the array that shows the pinned memory."""
        self.view = None

    def known(self) -> TensorInfo:
        """Return the output as announced: with its sizes if they follow from fixed inputs."""
        if self.view is None or self.allocator is not None:
            return self.info
        return dataclasses.replace(self.info, shape=self.view.shape)

    def fetch_found(self) -> None:
        """Copy the output whose shape this run found."""
        shape, self.view = self.allocator.found() if self.allocator else None, None
        if shape is None:
            raise EngineError(f'TensorRT did not state the shape of output "{self.name}"')
        self.pinned.reserve(_bytes(shape, self._dtype))
        self._show(shape)
        if self.fetch:
            self.fetch()

    def _leave_open(self, context: trt.IExecutionContext) -> None:
        if self.allocator is not None:
            return
        allocator = OutputAllocator(self.device)
        if not context.set_output_allocator(self.name, allocator):
            raise log().explained(f'TensorRT refuses an allocator for output "{self.name}"')
        self.allocator = allocator

    def _show(self, shape: tuple[int, ...]) -> None:
        shown = self.pinned.view(shape, self._dtype)
        addresses = self.pinned.address, self.device.address
        sent = shown.nbytes and not self.host
        self.fetch = (
            self._cuda.prepared("cudaMemcpyAsync", *addresses, shown.nbytes, D2H, self._stream) if sent else None
        )
        self.view = extended(shown, self.info.dtype)


def _bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the size of an array in bytes."""
    return math.prod(shape) * int(dtype.itemsize)
