"""Converts graph models of TensorFlow.js to ONNX."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from onnx.checker import ValidationError
from onnx.defs import SchemaError
from onnx.shape_inference import InferenceError

from lpbench.errors import PullError
from lpbench_image.apps import _tfjs
from lpbench_image.apps._tfjs_ops import OPERATIONS
from lpbench_image.apps._tfjs_tensors import DTYPES, Tensor, Tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Available = Mapping[_tfjs.Output, Tensor]

BROKEN = (
    ArithmeticError,
    AttributeError,
    InferenceError,
    LookupError,
    MemoryError,
    RuntimeError,
    SchemaError,
    TypeError,
    ValidationError,
    ValueError,
)
"""Errors that Python, numpy and onnx raise for inconsistent sizes, axes and attributes."""


def convert(source: Path, target: Path, outputs: Mapping[str, str], *, batch: str = "") -> None:
    """Write a graph model as ONNX; inputs keep their names, types and order of dimensions.

    :param source: The JSON file of the model; its weights are in files beside it.
    :param outputs: Outputs of the graph model, by their new names.
    :param batch: Name of an open first dimension; if empty, the dimension becomes 1.
    :raises PullError: The model cannot be read or converted; the message names the operation or node.
    """
    model = _tfjs.read(source, outputs.values())
    unknown = sorted({node.op for node in model.nodes} - OPERATIONS.keys() - {"Placeholder", "Const"})
    if unknown:
        raise PullError(f"uses operations that are not converted: {', '.join(unknown)}", where=str(source))
    tensors = Tensors(model.nodes)
    available: dict[_tfjs.Output, Tensor] = {}
    for node in model.nodes:
        with _named(f"node {node.name!r:.200} ({node.op})", source):
            results = _converted(tensors, model, node, available, batch or 1)
        available |= {_tfjs.Output(node.name, at): tensor for at, tensor in enumerate(results)}
    with _named(f"the graph of {', '.join(outputs)}", source):
        names = {name: tensors.plain(available[_tfjs.output(output)]) for name, output in outputs.items()}
        tensors.writer.save(target, names, name=source.stem)


def _converted(
    tensors: Tensors, model: _tfjs.GraphModel, node: _tfjs.Node, available: Available, batch: int | str
) -> list[Tensor]:
    """Return the output tensors of one node."""
    if node.op == "Placeholder":
        first, *rest = node.attributes["shape"]
        shape = [batch if first < 0 else first, *rest]
        return [Tensor(tensors.writer.input(node.name, DTYPES[node.attributes["dtype"]], shape))]
    if node.op == "Const":
        return [Tensor(tensors.writer.constant(model.weights[node.name]))]
    return OPERATIONS[node.op](tensors, node, [available[source] for source in node.inputs])


@contextlib.contextmanager
def _named(thing: str, source: Path) -> Iterator[None]:
    """Turn errors of the conversion into a ``PullError`` that names what could not be converted."""
    try:
        yield
    except BROKEN as error:
        raise PullError(
            f"{thing} cannot be converted: {type(error).__name__}: {' '.join(str(error).split())}", where=str(source)
        ) from error
