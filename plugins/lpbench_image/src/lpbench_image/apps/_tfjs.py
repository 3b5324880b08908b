"""Reads graph models of TensorFlow.js: a JSON file with the graph, and raw weights in files beside it.

The graph is TensorFlow's GraphDef in protobuf's JSON; the weights follow each other in the
manifest's order, in their own type or quantised (tfjs-core, src/io/io_utils.ts).  The files are
not trusted: names, sizes, references and the order of nodes are checked, and only files in the
same folder are opened.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from lpbench.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FILE_BYTES = 1 << 30
"""Largest file of weights that is read."""

GRAPH_BYTES = 64 << 20
"""Largest JSON file that is read."""

NODES = 20_000
DIMENSIONS = 8

DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "?"}
"""Types of tensors in graph models, and numpy's names for them."""

STORED = {**DTYPES, "float16": "<f2", "uint8": "u1", "uint16": "<u2"}
"""Types of weights in the file, and numpy's names for them."""


class Output(NamedTuple):
    """One output of a node."""

    node: str
    at: int = 0


@dataclass(frozen=True)
class Node:
    """One operation.

    :param attributes: Numbers, texts and lists of them; a shape is a list, with -1 for open dimensions.
    """

    name: str
    op: str
    inputs: tuple[Output, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class GraphModel:
    """A graph model.

    :param nodes: The nodes that the outputs need, each after its inputs.
    :param weights: Constants, by the name of their node.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, NDArray[Any]]


def read(path: Path, outputs: Iterable[str]) -> GraphModel:
    """Return the part of a graph model that its outputs need.

    :param path: The JSON file; the weights are in files beside it.
    :param outputs: Names of outputs: the name of a node, followed by ``:1`` for its second output.
    :raises PullError: The files are damaged or inconsistent; the message names the node or weight.
    """
    try:
        if path.stat().st_size > GRAPH_BYTES:
            _refuse(f"is larger than {GRAPH_BYTES} bytes")
        content = json.loads(path.read_bytes())
        nodes = _nodes(content["modelTopology"]["node"])
        ordered = _ordered(nodes, [output(name).node for name in outputs])
        weights = _weights(content["weightsManifest"], path.parent)
    except _RefusedError as error:
        raise PullError(str(error), where=str(path)) from error
    except _BROKEN as error:
        raise PullError(f"cannot be read as a graph model: {type(error).__name__}: {error}", where=str(path)) from error
    return GraphModel(tuple(ordered), weights)


def output(text: str) -> Output:
    """Return the output with the name ``node`` or ``node:1``."""
    name, _, at = text.partition(":")
    return Output(name, int(at or 0))


class _RefusedError(Exception):
    """The files contain something that a model does not need."""


_BROKEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    binascii.Error,
)
"""Errors that Python raises for JSON of another structure, and numpy for missing bytes."""


def _nodes(listed: Sequence[Any]) -> dict[str, Node]:
    if len(listed) > NODES:
        _refuse(f"has {len(listed)} nodes; at most {NODES} are allowed")
    nodes = [_node(spec) for spec in listed]
    name, count = Counter(node.name for node in nodes).most_common(1)[0]
    if count > 1:
        _refuse(f"has {count} nodes named {name!r:.200}")
    return {node.name: node for node in nodes}


def _node(spec: Mapping[str, Any]) -> Node:
    # inputs that begin with ^ only define an order of execution, which matters only for side effects; there are none
    inputs = tuple(output(source) for source in spec.get("input", []) if not source.startswith("^"))
    name, op = spec["name"], spec["op"]
    if not (isinstance(name, str) and isinstance(op, str)) or any(source.at < 0 for source in inputs):
        _refuse(f"holds a node with an invalid name, operation or input: {name!r:.200}")
    return Node(name, op, inputs, {key: _plain(value) for key, value in spec.get("attr", {}).items()})


def _plain(value: Mapping[str, Any]) -> Any:
    """Return an AttrValue (tensorflow/core/framework/attr_value.proto) as a plain value."""
    ((kind, content),) = value.items()
    if kind == "list":
        return [_single(item_kind, item) for item_kind, items in content.items() for item in items]
    return _single(kind, content)


def _single(kind: str, content: Any) -> Any:
    if kind == "s":
        return base64.b64decode(content, validate=True).decode()
    if kind == "i":
        return int(content)  # protobuf's JSON writes 64 bits as text
    if kind == "shape":
        return [int(dimension["size"]) for dimension in content.get("dim", [])]
    if kind == "f" and not math.isfinite(content):
        _refuse(f"holds the number {content}")
    return content


def _ordered(nodes: Mapping[str, Node], wanted: Iterable[str]) -> list[Node]:
    """Return the wanted nodes and those that they depend on, each after its inputs; without recursion."""
    done: dict[str, Node] = {}
    open_: set[str] = set()
    stack = list(wanted)
    while stack:
        name = stack[-1]
        if name not in nodes:
            _refuse(f"has no node {name!r:.200}, which another node or the recipe needs")
        missing = [source.node for source in nodes[name].inputs if source.node not in done]
        if name in done or not missing:
            done.setdefault(name, nodes[name])
            open_.discard(stack.pop())
        elif name in open_:
            _refuse(f"node {name!r:.200} depends on itself")
        else:
            open_.add(name)
            stack += missing
    return list(done.values())


def _weights(manifest: Sequence[Any], folder: Path) -> dict[str, NDArray[Any]]:
    weights: dict[str, NDArray[Any]] = {}
    for group in manifest:
        rest = memoryview(b"".join(_file(folder, name) for name in group["paths"]))
        for spec in group["weights"]:
            name, stored = spec["name"], np.dtype(STORED[spec.get("quantization", spec)["dtype"]])
            shape = _shape(spec)
            size = math.prod(shape) * stored.itemsize
            if size > len(rest):
                _refuse(f"weight {name!r:.200} needs {size} bytes; {len(rest)} are left")
            if name in weights:
                _refuse(f"has two weights named {name!r:.200}")
            weights[name] = _real(np.frombuffer(rest[:size], stored).reshape(shape), spec)
            rest = rest[size:]
        if rest:
            _refuse(f"{len(rest)} bytes of weights are left over")
    return weights


def _real(values: NDArray[Any], spec: Mapping[str, Any]) -> NDArray[Any]:
    """Return weights in their own type; quantised ones are ``value * scale + min``, or stored in half precision."""
    quantised = spec.get("quantization", {})
    if "scale" in quantised:
        scale, least = float(quantised["scale"]), float(quantised["min"])
        if not (math.isfinite(scale) and math.isfinite(least)):
            _refuse(f"weight {spec['name']!r:.200} has the scale {scale} and the minimum {least}")
        values = values * np.float32(scale) + np.float32(least)
        values = np.rint(values) if spec["dtype"] == "int32" else values
    return values.astype(DTYPES[spec["dtype"]])


def _shape(spec: Mapping[str, Any]) -> tuple[int, ...]:
    shape = spec["shape"]
    plain = isinstance(shape, list) and all(type(size) is int and 0 <= size <= FILE_BYTES for size in shape)
    if not plain or len(shape) > DIMENSIONS:
        _refuse(f"weight {spec['name']!r:.200} has the shape {shape!r:.200}")
    return tuple(shape)


def _file(folder: Path, name: str) -> bytes:
    """Return the bytes of a file directly in the folder."""
    path = folder / name
    if path.name != name or path.is_symlink():
        _refuse(f"refers to the file {name!r:.200}, which is not in its folder")
    if path.stat().st_size > FILE_BYTES:
        _refuse(f"refers to the file {name!r:.200}, which is larger than {FILE_BYTES} bytes")
    return path.read_bytes()


def _refuse(what: str) -> NoReturn:
    raise _RefusedError(what)
