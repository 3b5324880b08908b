"""Reads graph models of TensorFlow.js: a JSON file with the graph, and raw weights in files beside it.

The graph is TensorFlow's GraphDef in protobuf's JSON; the weights stand one after another
in the manifest's order, as they are or quantised (tfjs-core, src/io/io_utils.ts).  Nothing is
believed: names, sizes, references and the order of nodes are checked, and only files
in the folder are opened.
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
"""What graph models call the types of tensors, and numpy's names."""

STORED = {**DTYPES, "float16": "<f2", "uint8": "u1", "uint16": "<u2"}
"""Types that weights have in the file."""


class Output(NamedTuple):
    """One output of a node."""

    node: str
    at: int = 0


@dataclass(frozen=True)
class Node:
    """One operation.

    :param attributes: Plain values: numbers, texts, lists of them; a shape is a list, -1 where it is open.
    """

    name: str
    op: str
    inputs: tuple[Output, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class GraphModel:
    """A graph model.

    :param nodes: What the outputs need, each after what it reads.
    :param weights: Constants by the name of their node.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, NDArray[Any]]


def read(path: Path, outputs: Iterable[str]) -> GraphModel:
    """Return what a graph model computes its outputs with.

    :param path: The JSON file; the weights lie beside it.
    :param outputs: Names of outputs: a node's, with ``:1`` behind it for its second output.
    :raises PullError: The files are damaged or not what they claim; the text names the node or weight.
    """
    try:
        if path.stat().st_size > GRAPH_BYTES:
            _refuse(f"is larger than {GRAPH_BYTES} bytes")
        content = json.loads(path.read_bytes())
        nodes = _nodes(content["modelTopology"]["node"])
        ordered = _ordered(nodes, [output(each).node for each in outputs])
        weights = _weights(content["weightsManifest"], path.parent)
    except _RefusedError as error:
        raise PullError(str(error), where=str(path)) from error
    except _BROKEN as error:
        raise PullError(
            f"is no graph model that can be read: {type(error).__name__}: {error}", where=str(path)
        ) from error
    return GraphModel(tuple(ordered), weights)


def output(text: str) -> Output:
    """Return the output that ``node`` or ``node:1`` names."""
    name, _, at = text.partition(":")
    return Output(name, int(at or 0))


class _RefusedError(Exception):
    """The files ask for something that a model does not need."""


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
"""What Python raises for JSON of another structure, and numpy for bytes that are not there."""


def _nodes(listed: Sequence[Any]) -> dict[str, Node]:
    if len(listed) > NODES:
        _refuse(f"has {len(listed)} nodes; {NODES} are allowed")
    nodes = [_node(each) for each in listed]
    name, count = Counter(node.name for node in nodes).most_common(1)[0]
    if count > 1:
        _refuse(f"has {count} nodes named {name!r:.200}")
    return {node.name: node for node in nodes}


def _node(said: Mapping[str, Any]) -> Node:
    # what begins with ^ only says what is to run before; nothing here has effects that could come too early
    inputs = tuple(output(each) for each in said.get("input", []) if not each.startswith("^"))
    name, op = said["name"], said["op"]
    if not (isinstance(name, str) and isinstance(op, str)) or any(each.at < 0 for each in inputs):
        _refuse(f"holds a node with a strange name, operation or input: {name!r:.200}")
    return Node(name, op, inputs, {key: _plain(each) for key, each in said.get("attr", {}).items()})


def _plain(value: Mapping[str, Any]) -> Any:
    """Return an AttrValue (tensorflow/core/framework/attr_value.proto) as a plain value."""
    ((kind, content),) = value.items()
    if kind == "list":
        return [_single(each, one) for each, many in content.items() for one in many]
    return _single(kind, content)


def _single(kind: str, content: Any) -> Any:
    if kind == "s":
        return base64.b64decode(content, validate=True).decode()
    if kind == "i":
        return int(content)  # protobuf's JSON writes 64 bits as text
    if kind == "shape":
        return [int(each["size"]) for each in content.get("dim", [])]
    if kind == "f" and not math.isfinite(content):
        _refuse(f"holds the number {content}")
    return content


def _ordered(nodes: Mapping[str, Node], wanted: Iterable[str]) -> list[Node]:
    """Return what the wanted nodes need, and themselves, each after what it reads; without recursion."""
    done: dict[str, Node] = {}
    open_: set[str] = set()
    stack = list(wanted)
    while stack:
        name = stack[-1]
        if name not in nodes:
            _refuse(f"has no node {name!r:.200}, which another one or the recipe asks for")
        missing = [each.node for each in nodes[name].inputs if each.node not in done]
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
    found: dict[str, NDArray[Any]] = {}
    for group in manifest:
        rest = memoryview(b"".join(_file(folder, name) for name in group["paths"]))
        for said in group["weights"]:
            name, stored = said["name"], np.dtype(STORED[said.get("quantization", said)["dtype"]])
            shape = _shape(said)
            size = math.prod(shape) * stored.itemsize
            if size > len(rest):
                _refuse(f"weight {name!r:.200} takes {size} bytes; {len(rest)} are left")
            if name in found:
                _refuse(f"has two weights named {name!r:.200}")
            found[name] = _real(np.frombuffer(rest[:size], stored).reshape(shape), said)
            rest = rest[size:]
        if rest:
            _refuse(f"{len(rest)} bytes of weights are left over")
    return found


def _real(values: NDArray[Any], said: Mapping[str, Any]) -> NDArray[Any]:
    """Return weights in their own type: stored ones are ``value * scale + min``, or half precision."""
    quantised = said.get("quantization", {})
    if "scale" in quantised:
        scale, least = float(quantised["scale"]), float(quantised["min"])
        if not (math.isfinite(scale) and math.isfinite(least)):
            _refuse(f"weight {said['name']!r:.200} has the scale {scale} and the minimum {least}")
        values = values * np.float32(scale) + np.float32(least)
        values = np.rint(values) if said["dtype"] == "int32" else values
    return values.astype(DTYPES[said["dtype"]])


def _shape(said: Mapping[str, Any]) -> tuple[int, ...]:
    shape = said["shape"]
    plain = isinstance(shape, list) and all(type(each) is int and 0 <= each <= FILE_BYTES for each in shape)
    if not plain or len(shape) > DIMENSIONS:
        _refuse(f"weight {said['name']!r:.200} has the shape {shape!r:.200}")
    return tuple(shape)


def _file(folder: Path, name: str) -> bytes:
    """Return the bytes of a file that lies in the folder itself."""
    path = folder / name
    if path.name != name or path.is_symlink():
        _refuse(f"asks for the file {name!r:.200}, which is not beside it")
    if path.stat().st_size > FILE_BYTES:
        _refuse(f"asks for the file {name!r:.200}, which is larger than {FILE_BYTES} bytes")
    return path.read_bytes()


def _refuse(what: str) -> NoReturn:
    raise _RefusedError(what)
