"""Which constants of an ONNX graph are weights: by the operator that reads them, and as what."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

from lpbench.plugin.kit.operator_costs import Operand
from lpbench_ort.analysis.types import UNKNOWN, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    Role = Literal["learned", "stored"]

FLOATS = frozenset({"float16", "float32", "float64", "bfloat16"})
NARROW = ("int8", "uint8", "int4", "uint4", "int2", "uint2", "float8", "float4")
"""Beginnings of types in which only weights are stored."""
QUANTISED_BIAS = {("DequantizeLinear", 0), ("QLinearConv", 8), ("QGemm", 6)}
"""Where a wide integer is a weight."""
STORED = {
    "BatchNormalization": (3, 4),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    "MatMulNBits": (2, 3),
}
"""Statistics, scales and zero points, which training does not fit."""
SETTINGS = """Clip Constant ConstantOfShape CumSum Dropout Expand GridSample NonMaxSuppression OneHot Pad Range Resize
    RoiAlign Slice Split Tile TopK Upsample""".split()  # noqa: SIM905 - a list would take a line for each
"""Operators whose further inputs are settings, not weights."""
STATES = {"LSTM": (4, 5, 6), "GRU": (4, 5), "RNN": (4, 5)}
"""Lengths and initial states of recurrent layers."""
TRAINED = """BatchNormalization Conv ConvTranspose Gemm GRU InstanceNormalization LayerNormalization LSTM MatMul PRelu
    RNN""".split()  # noqa: SIM905 - likewise
"""Operators that read weights even where they are single numbers, or made of a formula instead of stored."""


def operands(node: Any, tensors: Mapping[str, Tensor], constant: Mapping[str, tuple[Operand, ...]]) -> list[Operand]:
    """Return what an operator reads: activations, and the weights of which constants were computed.

    :param constant: By each tensor that depends on constants alone, the constants behind it.
    """
    found: dict[str, Operand] = {}
    for at, name in enumerate(node.input):
        if not name:
            continue
        tensor = tensors.get(name, UNKNOWN)
        if name not in constant:
            found.setdefault(name, Operand(name, tensor.shape, tensor.dtype))
        elif (role := _role(node, at, tensor)) is not None:
            for weight in constant[name]:
                kept = role if weight.role == "learned" else weight.role
                found.setdefault(weight.name, Operand(weight.name, weight.shape, weight.dtype, kept))
    return list(found.values())


def _role(node: Any, at: int, tensor: Tensor) -> Role | None:
    """Return what a constant is to the operator that reads it; None for settings, such as shapes."""
    kind = node.op_type
    if at in STORED.get(kind, ()):
        return "stored"
    if (at and kind in SETTINGS) or at in STATES.get(kind, ()):
        return None
    if (kind, at) in QUANTISED_BIAS:
        return "learned"
    single = tensor.shape is not None and prod(tensor.shape) <= 1 and kind not in TRAINED
    return "learned" if not single and (tensor.dtype in FLOATS or tensor.dtype.startswith(NARROW)) else None
