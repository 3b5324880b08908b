"""Turns graph models of TensorFlow.js into ONNX."""

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

    Made = Mapping[_tfjs.Output, Tensor]

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
"""What Python, numpy and onnx raise for sizes, axes and attributes that do not fit together."""


def convert(source: Path, target: Path, outputs: Mapping[str, str], *, batch: str = "") -> None:
    """Write a graph model as ONNX; inputs keep their names, types and order of dimensions.

    :param source: The JSON file of the model; its weights lie beside it.
    :param outputs: Output of the graph model by the name that it gets.
    :param batch: Name of a first dimension that the model leaves open; left out, it is 1.
    :raises PullError: The model cannot be read, or uses what is not converted; the text names the operation or node.
    """
    model = _tfjs.read(source, outputs.values())
    unknown = sorted({node.op for node in model.nodes} - OPERATIONS.keys() - {"Placeholder", "Const"})
    if unknown:
        raise PullError(f"uses operations that are not converted: {', '.join(unknown)}", where=str(source))
    tensors = Tensors(model.nodes)
    made: dict[_tfjs.Output, Tensor] = {}
    for node in model.nodes:
        with _named(f"node {node.name!r:.200} ({node.op})", source):
            found = _converted(tensors, model, node, made, batch or 1)
        made |= {_tfjs.Output(node.name, at): each for at, each in enumerate(found)}
    with _named(f"what makes {', '.join(outputs)}", source):
        names = {name: tensors.plain(made[_tfjs.output(each)]) for name, each in outputs.items()}
        tensors.writer.save(target, names, name=source.stem)


def _converted(
    tensors: Tensors, model: _tfjs.GraphModel, node: _tfjs.Node, made: Made, batch: int | str
) -> list[Tensor]:
    """Return the tensors that one node makes."""
    if node.op == "Placeholder":
        first, *rest = node.attributes["shape"]
        shape = [batch if first < 0 else first, *rest]
        return [Tensor(tensors.writer.input(node.name, DTYPES[node.attributes["dtype"]], shape))]
    if node.op == "Const":
        return [Tensor(tensors.writer.constant(model.weights[node.name]))]
    return OPERATIONS[node.op](tensors, node, [made[each] for each in node.inputs])


@contextlib.contextmanager
def _named(thing: str, source: Path) -> Iterator[None]:
    """Say what an error is about."""
    try:
        yield
    except BROKEN as error:
        raise PullError(
            f"{thing} cannot be converted: {type(error).__name__}: {' '.join(str(error).split())}", where=str(source)
        ) from error
