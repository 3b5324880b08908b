"""Computes what a program says, with ONNX's reference implementation, in the precision of each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from ._values import ITEM_SIZES, NUMPY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ._program import Layer, Program, Shape, Tensor

    Array = NDArray[Any]

_DEQUANTISES = 19
"""The first version of operators whose dequantisation the reference has."""
_TF32_OPERATORS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def _rounded(array: Any, precision: str) -> Any:
    """Return F32 values as the precision holds them."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        return array
    kinds: dict[str, Any] = {"HALF": np.float16, "BF16": ml_dtypes.bfloat16}
    with np.errstate(over="ignore"):
        return array.astype(kinds[precision]).astype(np.float32) if precision in kinds else array


def _tf32(array: Any) -> Any:
    """Return F32 values with the ten bits of mantissa that TF32 has."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        return array
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def _reference(model: Any) -> Any:
    version = next(each.version for each in model.opset_import if each.domain in {"", "ai.onnx"})
    return ReferenceEvaluator(model, new_ops=[DequantizeLinear] if version < _DEQUANTISES else None)


class DequantizeLinear(OpRun):
    """The operator as every version up to 18 has it, which the reference lacks."""

    op_domain = ""

    def _run(self, x: Any, scale: Any, zero_point: Any = None, axis: int = 1, **_: Any) -> tuple[Any, ...]:
        along = [-1 if index == axis % max(x.ndim, 1) else 1 for index in range(x.ndim)]
        factor = scale.reshape(along) if scale.size > 1 else scale.reshape(())
        return ((x.astype(factor.dtype) * factor).astype(factor.dtype),)


class Evaluator:
    """A program made ready to compute."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._reference = _reference(onnx.load_from_string(program.model))
        self._shapes: dict[object, dict[str, Shape]] = {}

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs in the types that the engine gives them."""
        values: dict[str, Any] = {"": None, **self._reference.rt_inits_}
        for tensor in self.program.tensors:
            if tensor.is_input:
                kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.element_type)
                values[tensor.name] = feeds[tensor.name].astype(kind)
        with np.errstate(all="ignore"):
            for node, layer in zip(self._reference.rt_nodes_, self.program.layers, strict=True):
                self._step(node, layer, values)
        return {
            each.name: np.ascontiguousarray(np.asarray(values[each.name]).astype(NUMPY[each.dtype])).reshape(
                np.shape(values[each.name])
            )
            for each in self.program.tensors
            if not each.is_input
        }

    def _step(self, node: Any, layer: Layer, values: dict[str, Any]) -> None:
        inputs = [_rounded(values[name], layer.precision) for name in node.input]
        if self.program.tf32 and layer.operator in _TF32_OPERATORS:
            inputs = [_tf32(each) for each in inputs]
        context = {"context": dict(values)} if node.need_context() else {}
        outputs = node.run(*inputs, **context)
        values.update(zip(node.output, (_rounded(each, layer.precision) for each in outputs), strict=False))

    def shapes(self, inputs: Mapping[str, Shape], values: Mapping[str, Array]) -> dict[str, Shape]:
        """Return the outputs' shapes for shapes of inputs and values of shape inputs; -1 where data decide."""
        key = (tuple(sorted(inputs.items())), tuple(sorted((name, each.tobytes()) for name, each in values.items())))
        if key not in self._shapes:
            feeds = {
                each.name: values.get(each.name, np.zeros(inputs[each.name], NUMPY[each.dtype]))
                for each in self.program.tensors
                if each.is_input
            }
            outputs = self.run(feeds)
            self._shapes[key] = {name: self._known(name, array.shape) for name, array in outputs.items()}
        return self._shapes[key]

    def _known(self, name: str, shape: Shape) -> Shape:
        if name not in self.program.data_dependent:
            return shape
        tensor = self.program.tensor(name)
        return tensor.shape if tensor else shape


def largest(tensor: Tensor, shape: Shape, inputs: Mapping[str, Shape]) -> int:
    """Return an upper bound of an output's size in bytes; data-dependent dimensions count as all inputs together."""
    most = sum(math.prod(each) for each in inputs.values())
    return math.prod(most if each < 0 else each for each in shape) * ITEM_SIZES[tensor.dtype]
