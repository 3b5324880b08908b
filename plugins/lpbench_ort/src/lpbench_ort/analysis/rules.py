"""Floating-point operations of ONNX's operators, by the rules of ``lpbench.plugin.kit.operator_costs``."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError
from lpbench.plugin.kit.operator_costs import (
    convolution,
    matrix_product,
    recurrent,
    transposed_convolution,
    without_products,
)
from lpbench_ort.analysis.order import label
from lpbench_ort.analysis.types import UNKNOWN, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"})
"""Whose operators' names say what they compute."""
CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators whose cost is that of the graphs inside them."""


@dataclass(frozen=True)
class Node:
    """An operator with the tensors around it."""

    proto: Any
    tensors: Mapping[str, Tensor]

    def read(self, at: int) -> tuple[int, ...] | None:
        """Return the shape of what it reads at a place; None where it reads nothing there, or sizes are not known."""
        names = self.proto.input
        return self.tensors.get(names[at], UNKNOWN).shape if at < len(names) else None

    @property
    def written(self) -> tuple[int, ...] | None:
        """The shape of its first output."""
        return self.tensors.get(self.proto.output[0], UNKNOWN).shape if self.proto.output else None

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is a whole number."""
        return next((int(each.i) for each in self.proto.attribute if each.name == name), default)

    def text(self, name: str) -> str:
        """Return an attribute that is a text; empty where there is none."""
        return next((each.s.decode("utf-8", "replace") for each in self.proto.attribute if each.name == name), "")


def flop(node: Node) -> int | None:
    """Return an operator's floating-point operations; None where no rule is known, or a size that it needs.

    :raises AnalysisError: Sizes contradict each other.
    """
    kind = node.proto.op_type
    if node.proto.domain not in KNOWN_DOMAINS:
        return None
    if kind in RULES:
        return RULES[kind](node)
    return 0 if kind in CONTROL else without_products(kind)


def _convolution(node: Node, weights: int = 1) -> int | None:
    kernel = node.read(weights)
    return None if not kernel or len(kernel) < 2 else convolution(node.written, kernel[2:], kernel[1])  # noqa: PLR2004 - channels and one group's


def _quantised_convolution(node: Node) -> int | None:
    return _convolution(node, weights=3)


def _transposed(node: Node) -> int | None:
    kernel = node.read(1)
    return None if not kernel or len(kernel) < 2 else transposed_convolution(node.read(0), kernel[2:], kernel[1])  # noqa: PLR2004 - likewise


def _product(node: Node, second: int = 1) -> int | None:
    """Return the operations of a product of the last two dimensions, which an attribute may transpose."""
    first = node.read(0)
    if not first:
        return None
    transposed = node.integer("transA") and len(first) > 1
    inner, rows = first[-2 if transposed else -1], node.read(second)
    if rows and len(rows) > 1 and inner != rows[-1 if node.integer("transB") else -2]:
        raise AnalysisError(
            f"operator {label(node.proto)} multiplies matrices that do not fit: {_text(first)} and {_text(rows)}",
            hint="the shapes that were asked for do not fit the model, or it is damaged",
        )
    return matrix_product(node.written, inner)


def _quantised_product(node: Node) -> int | None:
    return _product(node, second=3)


def _packed_product(node: Node) -> int | None:
    """Return the operations of a product with weights of few bits, whose rows an attribute counts."""
    return matrix_product(node.written, node.integer("K") or None)


def _recurrent(gates: int) -> Callable[[Node], int | None]:
    def rule(node: Node) -> int | None:
        sequence, weights, states = (node.read(at) for at in range(3))
        if not sequence or not weights or not states or len(sequence) != 3 or len(states) != 3:  # noqa: PLR2004 - steps, batch, size
            return None
        return recurrent(gates, sequence[0] * sequence[1] * states[0] * states[2], sequence[2], states[2])

    return rule


def _einsum(node: Node) -> int | None:
    """Return the operations of a sum over two tensors: one for each combination of indices."""
    terms, _, result = node.text("equation").replace(" ", "").partition("->")
    parts = terms.split(",")
    if "." in terms or len(parts) > 2 or not result:  # noqa: PLR2004 - two tensors
        return None
    if len(parts) < 2 or set(result) >= set(terms) - {","}:  # noqa: PLR2004 - likewise
        return 0  # a sum, or products without a sum
    sizes: dict[str, int] = {}
    for at, part in enumerate(parts):
        shape = node.read(at)
        if shape is None or len(shape) != len(part):
            return None
        sizes |= dict(zip(part, shape, strict=True))
    return 2 * prod(sizes.values())


RULES: Mapping[str, Callable[[Node], int | None]] = {
    **dict.fromkeys(("Conv", "FusedConv", "ConvInteger", "DeformConv", "NhwcFusedConv"), _convolution),
    "QLinearConv": _quantised_convolution,
    "ConvTranspose": _transposed,
    **dict.fromkeys(("MatMul", "FusedMatMul", "MatMulInteger", "MatMulIntegerToFloat"), _product),
    **dict.fromkeys(("DynamicQuantizeMatMul", "Gemm", "FusedGemm"), _product),
    **dict.fromkeys(("QLinearMatMul", "QGemm"), _quantised_product),
    **dict.fromkeys(("MatMulNBits", "MatMulBnb4"), _packed_product),
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "Einsum": _einsum,
}


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
