"""One launch of an execution context: what is checked, then computed when something waits for the stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _cuda
from ._enums import MAJOR
from ._program import Refused
from ._values import ITEM_SIZES, NUMPY, Dims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._context import IExecutionContext
    from ._program import Shape, Tensor

ALIGNMENT = 256
NAME = "IExecutionContext.execute_async_v3"
ASYNC_ALLOCATORS = MAJOR >= 10


class Launch:
    """A launch of a context on a stream, with the addresses and shapes of this moment."""

    def __init__(self, context: IExecutionContext, stream: int) -> None:
        self.context = context
        self.stream = stream
        self.program = context._program
        self.evaluator = context._evaluator
        self.life = context._life
        self.engine_life = context._engine_life
        self.addresses: dict[str, int] = {}
        self.shapes: dict[str, Shape] = {}
        self.values: dict[str, Any] = {}

    def start(self) -> None:
        """Check everything, then put the work on the stream.

        :raises Refused: With the reason.
        """
        capturing = self._check_state() == _cuda.CAPTURING
        self._take_shapes()
        decided_by_data = [each for each in self.program.tensors if each.name in self.program.data_dependent]
        if capturing and (decided_by_data or not self.context._warm):
            _cuda.invalidate(self.stream)
            reason = "shapes that depend on data" if decided_by_data else "nothing ran since the last change of shapes"
            raise Refused(f"operation not permitted when stream is capturing: {reason}")
        self._take_inputs()
        outputs = self._computed_now() if decided_by_data else None
        for each in self.program.tensors:
            if not each.is_input:
                self._take_output(each, outputs[each.name].shape if outputs else self.shapes[each.name])
        self._put(outputs, again=capturing)

    def _check_state(self) -> int:
        if not self.engine_life.alive:
            _cuda.misuse(NAME, "a context is used after its engine")
        if _cuda.lost():
            raise Refused(f"Cuda Runtime (error {_cuda.lost()})")
        if self.context._memory is None:
            raise Refused("no device memory was given to the context")
        state = _cuda.state(NAME, self.stream)
        if state < 0:
            raise Refused("not a stream of this device")
        if self.life.busy and self.context._stream != self.stream:
            _cuda.misuse(NAME, "one context is used by two streams at once")
            raise Refused("the context is in use by another stream")
        return state

    def _take_shapes(self) -> None:
        missing = self.context._missing()
        if missing:
            raise Refused(f"not all shapes are specified: {', '.join(missing)}")
        self.values = self.context._values()
        self.shapes = {**self.context._shapes, **self.evaluator.shapes(self.context._shapes, self.values)}

    def _take(self, tensor: Tensor, address: int, shape: Shape) -> None:
        """Note where a tensor lies.

        :raises Refused: If it does not fit there.
        """
        if not address:
            raise Refused(f"Address is not set for tensor {tensor.name}. Call setTensorAddress before enqueue/execute.")
        if address % ALIGNMENT:
            _cuda.misuse(NAME, f"the address of {tensor.name} is not a multiple of {ALIGNMENT}")
        size = math.prod(shape) * ITEM_SIZES[tensor.dtype]
        if _cuda.memory(NAME, address, size) is None:
            raise Refused(f"{size} bytes of tensor {tensor.name} do not lie in device memory")
        self.addresses[tensor.name] = address

    def _take_inputs(self) -> None:
        for each in self.program.tensors:
            if each.is_input and each.name not in self.program.shape_inputs:
                self._take(each, self.context._addresses.get(each.name, 0), self.shapes[each.name])

    def _take_output(self, tensor: Tensor, shape: Shape) -> None:
        allocator = self.context._allocators.get(tensor.name)
        address = self.context._addresses.get(tensor.name, 0)
        if allocator is not None:
            address = self._allocated(allocator, tensor, address, shape)
        elif tensor.name in self.program.data_dependent and not address:
            raise Refused(f"Neither address or allocator is set for output tensor {tensor.name}.")
        self._take(tensor, address, shape)
        self.shapes[tensor.name] = shape

    def _allocated(self, allocator: Any, tensor: Tensor, address: int, shape: Shape) -> int:
        size = math.prod(shape) * ITEM_SIZES[tensor.dtype]
        try:
            if ASYNC_ALLOCATORS and hasattr(allocator, "reallocate_output_async"):
                found = allocator.reallocate_output_async(tensor.name, address, size, ALIGNMENT, self.stream)
            else:
                found = allocator.reallocate_output(tensor.name, address, size, ALIGNMENT)
            if found:
                allocator.notify_shape(tensor.name, Dims(shape))
        except Exception as error:
            raise Refused(f"Exception caught in the output allocator: {error}") from error
        return int(found or 0)

    def _feeds(self) -> dict[str, Any]:
        found = dict(self.values)
        for each in self.program.tensors:
            if each.is_input and each.name not in found:
                found[each.name] = self._array(each)
        return found

    def _array(self, tensor: Tensor) -> Any:
        """Return the device memory of a tensor as an array."""
        shape = self.shapes[tensor.name]
        size = math.prod(shape) * ITEM_SIZES[tensor.dtype]
        found = _cuda.memory(NAME, self.addresses[tensor.name], size)
        if found is None:
            raise Refused(f"the memory of {tensor.name} is gone")
        return np.frombuffer(found[:size], NUMPY[tensor.dtype]).reshape(shape)

    def _computed_now(self) -> dict[str, Any]:
        """Wait for the inputs and compute, as a launch does whose shapes depend on data."""
        if _cuda.drain(NAME, self.stream):
            raise Refused(f"Cuda Runtime (error {_cuda.lost()})")
        outputs: dict[str, Any] = self.evaluator.run(self._feeds())
        return outputs

    def _put(self, outputs: Mapping[str, Any] | None, *, again: bool) -> None:
        nanoseconds = sum(each.nanoseconds for each in self.program.layers)
        self.context._stream = self.stream
        self.context._warm = True
        life, engine_life = self.life, self.engine_life
        del self.context
        if not again:
            life.busy += 1

        def work() -> None:
            if not again:
                life.busy -= 1
            if not life.alive or not engine_life.alive:
                _cuda.misuse(NAME, "work runs after its context or engine was deleted")
            computed = outputs or self.evaluator.run(self._feeds())
            for each in self.program.tensors:
                if not each.is_input:
                    np.copyto(self._array(each), computed[each.name].reshape(self.shapes[each.name]))

        code = _cuda.launch(NAME, self.stream, work, nanoseconds, list(self.addresses.values()), again=again)
        if code:
            if not again:
                life.busy -= 1
            raise Refused(f"Cuda Runtime (error {code})")
