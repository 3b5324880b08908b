"""One input or output of an open engine: what TensorRT is told of it, and its part of a run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.device_tensors import InputTensor, OutputTensor
from lpbench_trt._allocator import OutputAllocator
from lpbench_trt._cuda import D2H, H2D
from lpbench_trt._logger import log
from lpbench_trt._tensors import sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.engine import TensorInfo
    from lpbench_trt._cuda import Cuda
    from lpbench_trt._library import trt
    from lpbench_trt._tensors import Tensor

    Step = Callable[[], None]


class Told:
    """The address of a tensor that TensorRT was told last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._address = 0

    def tell(self, address: int, context: trt.IExecutionContext) -> None:
        """Tell an address unless it is known."""
        if address == self._address:
            return
        if not context.set_tensor_address(self._name, address):
            raise log().explained(f'TensorRT refuses the address of "{self._name}"')
        self._address = address

    def forget(self) -> None:
        """Have it told again."""
        self._address = 0


class InputSlot(InputTensor):
    """An input.

    :param stream: CUDA's stream on which all of the session's work is done.
    """

    def __init__(self, tensor: Tensor, cuda: Cuda, stream: int) -> None:
        super().__init__(tensor.info, cuda.device_memory, cuda.pinned_memory, on_host=tensor.host)
        self.open = tensor.open
        self.send: Step | None = None
        self._cuda, self._stream = cuda, stream
        self._told = Told(self.name)
        self._values: bytes | None = None

    def place(self, context: trt.IExecutionContext) -> None:
        """Make room for the shape, and tell TensorRT shape and address.

        :raises EngineError: TensorRT refuses them, or there is no memory left.
        """
        self.placed = None
        if self.open and not context.set_input_shape(self.name, self.shape):
            raise log().explained(f'TensorRT refuses shape {feed_checks.text(self.shape)} for input "{self.name}"')
        self.reserve()
        self._told.tell(self.address, context)
        addresses = self.device.address, self.host.address
        sent = self.size and not self.on_host
        self.send = self._cuda.prepared("cudaMemcpyAsync", *addresses, self.size, H2D, self._stream) if sent else None

    def moved(self) -> None:
        """Have shape and address told to TensorRT again."""
        self._told.forget()
        self.placed = None

    def changed(self) -> bool:
        """Return whether values on the host differ from those of the last call."""
        before, self._values = self._values, self.target.tobytes()
        return before != self._values


class OutputSlot(OutputTensor):
    """An output.

    :param stream: CUDA's stream on which all of the session's work is done.
    """

    def __init__(self, tensor: Tensor, cuda: Cuda, stream: int) -> None:
        super().__init__(tensor.info, cuda.device_memory, cuda.pinned_memory, on_host=tensor.host)
        self.allocator: OutputAllocator | None = None
        self.fetch: Step | None = None
        self._cuda, self._stream = cuda, stream
        self._told = Told(self.name)

    def place(self, context: trt.IExecutionContext) -> None:
        """Make room for the output of the inputs' shapes; where its own depends on data, at the run.

        :raises EngineError: There is no memory left, or TensorRT refuses the address.
        """
        self.drop()
        shape = sizes(context.get_tensor_shape(self.name))
        if shape is None or min(shape, default=0) < 0:
            self._leave_open(context)
            return
        self.reserve(shape)
        self._told.tell(self.address, context)
        self._prepare()

    def moved(self) -> None:
        """Have the address told to TensorRT again."""
        self._told.forget()

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
        self.show(shape)
        self._prepare()
        if self.fetch:
            self.fetch()

    def _leave_open(self, context: trt.IExecutionContext) -> None:
        if self.allocator is not None:
            return
        allocator = OutputAllocator(self.device)
        if not context.set_output_allocator(self.name, allocator):
            raise log().explained(f'TensorRT refuses an allocator for output "{self.name}"')
        self.allocator = allocator

    def _prepare(self) -> None:
        addresses = self.host.address, self.device.address
        sent = self.size and not self.on_host
        self.fetch = self._cuda.prepared("cudaMemcpyAsync", *addresses, self.size, D2H, self._stream) if sent else None
