"""The nodes of an ONNX file, those of branches and loops among them; read without the onnx package and the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lpbench.plugin.kit.protobuf import fields, nested, spans, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lpbench.plugin.kit.protobuf import Span

# Field numbers of onnx.proto: message, then field.
MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTION = 7, 8, 25
GRAPH_NODE, FUNCTION_NODE = 1, 7
FUNCTION_NAME, FUNCTION_DOMAIN = 1, 10
OPSET_DOMAIN, OPSET_VERSION = 1, 2
NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 2, 3, 4, 5, 7
ATTRIBUTE_GRAPHS = frozenset({6, 11})
"""A single one, and several."""
STANDARD = frozenset({"", "ai.onnx"})
"""Names of the domain of ONNX's own operators."""


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    :param name: Its name; that of its first output if it has none.
    :param domain: Empty for ONNX's own operators.
    """

    name: str
    operator: str
    domain: str = ""

    @property
    def kind(self) -> str:
        """The operator, with the domain before it if it is not ONNX's own: ``com.microsoft.Gelu``."""
        return f"{self.domain}.{self.operator}" if self.domain else self.operator


@dataclass(frozen=True)
class Nodes:
    """What a file says of its operators.

    :param nodes: Every node that runs, those of functions too, in the file's order by graph.
    :param opsets: The version of the operators of each domain.
    :param functions: The operators that the file defines itself, as (domain, name).
    """

    nodes: tuple[Node, ...]
    opsets: Mapping[str, int]
    functions: frozenset[tuple[str, str]]


def read(path: Path) -> Nodes:
    """Return the operators of a model.

    :raises OSError: The file cannot be read.
    :raises ValueError: The file is not a protocol buffer.
    """
    with path.open("rb") as file:
        whole = 0, path.stat().st_size
        functions = nested(file, whole, MODEL_FUNCTION)
        opsets = dict(_opset(file, part) for part in nested(file, whole, MODEL_OPSET))
        defined = frozenset(
            (_domain(_one(file, part, FUNCTION_DOMAIN)), _one(file, part, FUNCTION_NAME)) for part in functions
        )
        started = [*nested(file, whole, MODEL_GRAPH, GRAPH_NODE), *nested(file, whole, MODEL_FUNCTION, FUNCTION_NODE)]
        return Nodes(tuple(_nodes(file, started)), opsets, defined)


def _nodes(file: BinaryIO, started: list[Span]) -> Iterator[Node]:
    """Yield nodes, and after them those of the graphs in their attributes."""
    waiting = started
    while waiting:
        inner: list[Span] = []
        for span in waiting:
            yield _node(file, span)
            inner += [part for found in nested(file, span, NODE_ATTRIBUTE) for part in _graphs(file, found)]
        waiting = [node for graph in inner for node in nested(file, graph, GRAPH_NODE)]


def _graphs(file: BinaryIO, attribute: Span) -> list[Span]:
    return [part for number, part in spans(file, attribute) if number in ATTRIBUTE_GRAPHS]


def _node(file: BinaryIO, span: Span) -> Node:
    name = _one(file, span, NODE_NAME) or _one(file, span, NODE_OUTPUT)
    return Node(name, _one(file, span, NODE_OPERATOR), _domain(_one(file, span, NODE_DOMAIN)))


def _opset(file: BinaryIO, span: Span) -> tuple[str, int]:
    versions = [value for number, value in fields(file, span) if number == OPSET_VERSION and isinstance(value, int)]
    return _domain(_one(file, span, OPSET_DOMAIN)), versions[-1] if versions else 0


def _domain(name: str) -> str:
    return "" if name in STANDARD else name


def _one(file: BinaryIO, span: Span, field: int) -> str:
    return next((text(file, part) for part in nested(file, span, field)), "")
