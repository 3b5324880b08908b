"""Makes the function that runs one inference, once when a session is opened.

The function is called inside the timed region, so all look-ups are done in advance.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.narrow_floats import BITS
from lpbench_ort._types import NUMBERS, is_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

    Call = Callable[[Feeds], Outputs]


def plain(session: Any, outputs: Sequence[TensorInfo]) -> Call:
    """Return a call of ``InferenceSession.run``; passing the output names avoids listing them on each run."""
    run = session.run
    names = [info.name for info in outputs]
    if len(names) == 1:
        only = names[0]
        return lambda feeds: {only: run(names, feeds)[0]}
    return lambda feeds: dict(zip(names, run(names, feeds)))  # noqa: B905 - one value for each name, and strict= costs time


def through_values(session: Any, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> Call:
    """Return a call for models with types that numpy does not have, for example bfloat16."""
    types = {info.name: info.dtype for info in inputs}
    names = [info.name for info in outputs]

    def call(feeds: Feeds) -> Outputs:
        values = {name: _value(array, types[name]) for name, array in feeds.items()}
        results = session.run_with_ort_values(names, values)
        return {info.name: _array(value, info.dtype) for info, value in zip(outputs, results, strict=True)}

    return call


def needs_values(tensors: Sequence[TensorInfo]) -> bool:
    """Return whether a tensor has a type that numpy does not have."""
    return any(info.dtype in BITS for info in tensors)


def _value(array: np.ndarray[Any, Any], dtype: str) -> Any:
    if dtype not in BITS:
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.asarray(array, order="C"))
    bits = np.asarray(array, order="C").view(BITS[dtype])
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, NUMBERS[dtype])


def _array(value: Any, dtype: str) -> np.ndarray[Any, Any]:
    """Return an OrtValue's content; ``numpy()`` refuses bfloat16, so its memory is copied."""
    if dtype not in BITS:
        content: np.ndarray[Any, Any] = value.numpy()
        return content
    shape, bits = value.shape(), np.dtype(BITS[dtype])
    content = np.empty(shape, bits)
    ctypes.memmove(content.ctypes.data, value.data_ptr(), content.nbytes)
    return content.view(_extended(dtype) or bits)


def _extended(dtype: str) -> np.dtype[Any] | None:
    """Return the numpy type from ml_dtypes, or None if that is not installed."""
    try:
        import ml_dtypes
    except ImportError:
        return None
    extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, dtype))
    return extended


class Binding:
    """A call through an IOBinding: inputs stay where they are bound, outputs are copied to the host at the end.

    :param kind: ONNX Runtime's name for the device's memory, ``cpu`` or ``cuda``.
    :param number: Index of the device.
    :raises EngineError: A tensor has a type that cannot be bound.
    """

    def __init__(
        self,
        session: Any,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        kind: str,
        number: int,
    ) -> None:
        _check_bindable([*inputs, *outputs])
        self._session = session
        self._binding = session.io_binding()
        self._names = [info.name for info in inputs]
        self._outputs = [info.name for info in outputs]
        self._device = (kind, number)
        self._bound: dict[str, Any] = {}
        self._open = any(info.dynamic for info in (*inputs, *outputs))
        self._bind_outputs()

    def __call__(self, feeds: Feeds) -> Outputs:
        if len(feeds) != len(self._names):  # otherwise an array bound earlier would be used again
            raise ValueError("the number of feeds differs from the number of inputs")  # the session finds out which
        for name in self._names:
            self._bind(name, feeds[name])
        if self._open:  # a buffer bound once would refuse another shape
            self._binding.clear_binding_outputs()
            self._bind_outputs()
        self._binding.synchronize_inputs()
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()
        return dict(zip(self._outputs, self._binding.copy_outputs_to_cpu(), strict=True))

    def _bind(self, name: str, array: Any) -> None:
        if self._device[0] == "cpu":
            if self._bound.get(name) is not array:
                self._bound[name] = array
                self._binding.bind_cpu_input(name, np.asarray(array, order="C"))
            return
        value = self._bound.get(name)
        if value is not None and tuple(value.shape()) == array.shape:
            value.update_inplace(np.asarray(array, order="C"))  # the address stays the same, as CUDA graphs require
            return
        self._bound[name] = onnxruntime.OrtValue.ortvalue_from_numpy(np.asarray(array, order="C"), *self._device)
        self._binding.bind_ortvalue_input(name, self._bound[name])

    def _bind_outputs(self) -> None:
        for name in self._outputs:
            self._binding.bind_output(name, *self._device)


def _check_bindable(tensors: Sequence[TensorInfo]) -> None:
    for info in tensors:
        if info.dtype == "str" or info.dtype in BITS or not is_tensor(info):
            raise EngineError(
                f'io_binding cannot bind "{info.name}", which is {info.dtype}',
                hint="set io_binding to false for this model",
            )
        if info.optional:
            raise EngineError(
                f'io_binding cannot bind "{info.name}", which may be left out',
                hint="set io_binding to false for this model",
            )
