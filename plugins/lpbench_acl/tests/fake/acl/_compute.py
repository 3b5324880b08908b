"""Computes an ONNX model with ONNX's reference implementation, in the precision that the compiler was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

HALF = {"force_fp16", "fp16", "allow_mix_precision", "allow_mix_precision_fp16", "mixed_float16"}
"""Precision modes that compute in float16 what is float32 in the model."""
BFLOAT = {"allow_mix_precision_bf16", "mixed_bfloat16"}
CUBE = {"cube_fp16in_fp32out"}
_CUBE_OPERATORS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
NUMPY = {
    0: "f4",
    1: "f2",
    2: "i1",
    3: "i4",
    4: "u1",
    6: "i2",
    7: "u2",
    8: "u4",
    9: "i8",
    10: "u8",
    11: "f8",
    12: "?",
    16: "c8",
    17: "c16",
    27: "bfloat16",
}
"""Element types by aclDataType."""


def dtype(kind: int) -> np.dtype[Any]:
    """Return numpy's type for a number of aclDataType."""
    name = NUMPY[kind]
    if name == "bfloat16":
        import ml_dtypes

        brain: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return brain
    return np.dtype(name)


def _rounded(array: Any, precision: str, operator: str) -> Any:
    """Return float32 values as the precision holds them."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        if precision in HALF or (precision in CUBE and operator in _CUBE_OPERATORS):
            return array.astype(np.float16).astype(np.float32)
        return array.astype(dtype(27)).astype(np.float32) if precision in BFLOAT else array


class Evaluator:
    """A model that is made ready to compute.

    :param model: The ONNX model.
    """

    def __init__(self, model: bytes, precision: str) -> None:
        import onnx
        from onnx.reference import ReferenceEvaluator

        self.precision = precision
        self._reference: Any = ReferenceEvaluator(onnx.load_from_string(model))
        self._kinds = {
            each.name: onnx.helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type)
            for each in onnx.load_from_string(model).graph.input
        }

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Return the outputs, in their order."""
        found = {"": None, **self._reference.rt_inits_}
        found.update({name: array.astype(self._kinds[name], copy=True) for name, array in feeds.items()})
        with np.errstate(all="ignore"):
            for node in self._reference.rt_nodes_:
                inputs = [_rounded(found[name], self.precision, node.op_type) for name in node.input]
                context = {"context": dict(found)} if node.need_context() else {}
                outputs = node.run(*inputs, **context)
                found.update(zip(node.output, (_rounded(each, self.precision, "") for each in outputs), strict=False))
        return [np.ascontiguousarray(found[name]) for name in self._reference.output_names]
