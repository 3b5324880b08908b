"""Goes through an ONNX graph and says what each operator reads, writes and computes."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError
from lpbench.plugin.kit.operator_costs import Operand, Operation
from lpbench_ort.analysis.order import label, names_read, subgraphs
from lpbench_ort.analysis.rules import Node, flop
from lpbench_ort.analysis.types import UNKNOWN, Tensor, constants, dtype_of
from lpbench_ort.analysis.weights import TRAINED, operands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
"""Operators that compute something new each time."""


class Walk:
    """Collects the operations of a graph, and of the graphs inside it, in order.

    :param tensors: Types and sizes by name.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.operations: list[Operation] = []
        self.bodies: Counter[str] = Counter()
        """Operators with graphs inside, by type."""
        self.folded = 0
        """Operators that depend on constants alone."""
        self.formulas: set[str] = set()
        """Weights that the file makes of a formula."""
        self._tensors = tensors
        self._constant: dict[str, tuple[Operand, ...]] = {}
        self._read: set[str] = set()

    def graph(self, graph: Any, prefix: str = "") -> None:
        """Take in a graph; it and all graphs inside it have been sorted.

        :param prefix: The operator in which it lies, for names.
        :raises AnalysisError: Sizes contradict each other.
        """
        for name, proto in constants(graph):
            self._constant[name] = (Operand(name, tuple(proto.dims), dtype_of(proto.data_type), "learned"),)
        self._read |= {*names_read(graph), *(info.name for info in graph.output)}
        for node in graph.node:
            if self._is_constant(node):
                self._fold(node)
            else:
                self._operator(node, prefix)

    def _is_constant(self, node: Any) -> bool:
        given = [name for name in node.input if name]
        source = bool(given) or node.op_type == "Constant"
        inner = any(True for _ in subgraphs(node))
        return source and not inner and node.op_type not in RANDOM and all(name in self._constant for name in given)

    def _fold(self, node: Any) -> None:
        """Take in an operator that is computed once, when the model is loaded."""
        for name in filter(None, node.output):
            tensor = self._tensors.get(name, UNKNOWN)
            own = (Operand(name, tensor.shape, tensor.dtype, "learned"),)
            if node.op_type == "ConstantOfShape":
                self.formulas.add(name)
                self._constant[name] = own
            elif node.op_type == "Constant":
                self._constant[name] = own
            else:
                self._constant[name] = tuple(self._weights(node))
        self.folded += node.op_type not in {"Constant", "ConstantOfShape"}

    def _operator(self, node: Any, prefix: str) -> None:
        _refuse_unequal(node, self._tensors)
        name = f"{prefix}{label(node)}"
        trained = node.op_type in TRAINED
        reads = [each for each in self._operands(node) if trained or each.name not in self.formulas]
        writes = tuple(self._written(node))
        self.operations.append(Operation(name, node.op_type, flop(Node(node, self._tensors)), tuple(reads), writes))
        inner = list(subgraphs(node))
        self.bodies[node.op_type] += bool(inner)
        for graph in inner:
            self.graph(graph, f"{name}/")

    def _operands(self, node: Any) -> list[Operand]:
        return operands(node, self._tensors, self._constant)

    def _weights(self, node: Any) -> Iterator[Operand]:
        return (operand for operand in self._operands(node) if operand.role != "activation")

    def _written(self, node: Any) -> Iterator[Operand]:
        for at, name in enumerate(node.output):
            if not name or (at and name not in self._read):  # masks for training, say
                continue
            tensor = self._tensors.get(name, UNKNOWN)
            yield Operand(name, tensor.shape, tensor.dtype)


def _refuse_unequal(node: Any, tensors: Mapping[str, Tensor]) -> None:
    """Refuse to change the number of values, which the library that infers sizes lets pass."""
    if node.op_type != "Reshape" or not node.output:
        return
    read, written = (tensors.get(name, UNKNOWN).shape for name in (node.input[0], node.output[0]))
    if read is not None and written is not None and prod(read) != prod(written):
        raise AnalysisError(
            f"operator {label(node)} cannot make {_text(written)} of {_text(read)}",
            hint="the shapes that were asked for do not fit the model, or it is damaged",
        )


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a scalar"
