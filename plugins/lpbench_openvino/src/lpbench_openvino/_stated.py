"""What a model's file states and OpenVINO hides: names of open dimensions (ONNX), quantisation and layouts (TFLite).

Of TFLite files OpenVINO reads the first graph only, and looks tensors up by name: files that it would read wrongly are
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import onnx_shapes, tflite_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench.plugin.kit.tflite_file import Signature, Structure, Tensor

IMAGE_RANK = 4
SHOWN = 5
"""Number of names that an error lists."""


@dataclass(frozen=True)
class Facts:
    """What a file states of an input or output.

    :param shape: Its dimensions with the names of open ones; empty if the file does not name them.
    :param ranked: Whether the file states the number of dimensions, as far as OpenVINO does not say so itself.
    """

    shape: Sequence[int | str | None] = ()
    layout: str = ""
    scale: float | None = None
    zero_point: int | None = None
    ranked: bool = True


NOTHING = Facts()


def read(model: Model, signature: str) -> Mapping[str, Facts]:
    """Return what a model's file states of inputs and outputs, by name; empty for formats of which OpenVINO says all.

    :param signature: The signature that was asked for, or an empty string.
    :raises EngineError: OpenVINO would read the file wrongly, or the signature is not the first graph's.
    """
    if model.format == "tflite":
        return _tflite(model.path, signature)
    if signature:
        what = f'signature "{signature}" was requested; only TFLite files have signatures'
        raise EngineError(what, hint="leave the option signature out")
    return _onnx(model.path) if model.format == "onnx" else {}


def _onnx(path: Path) -> Mapping[str, Facts]:
    try:
        shapes = {**onnx_shapes.output_shapes(path), **onnx_shapes.input_shapes(path)}
    except ValueError:  # ONNX as text, which OpenVINO reads too
        return {}
    return {name: Facts(shape) for name, shape in shapes.items()}


def _tflite(path: Path, signature: str) -> Mapping[str, Facts]:
    structure = tflite_file.read(path)
    _refuse_other_graph(structure, structure.signature(signature), asked=bool(signature))
    graph = structure.graphs[0]
    if repeated := graph.repeated_names():
        names = ", ".join(f'"{name}"' for name in repeated[:SHOWN]) + (", …" if len(repeated) > SHOWN else "")
        raise EngineError(
            f"several tensors are called {names}; OpenVINO would take them for one",
            hint="give each tensor a name of its own, or use an engine that numbers tensors",
        )
    ends = (graph.tensors[at] for at in (*graph.inputs, *graph.outputs))
    return {tensor.name: _quantised(tensor) for tensor in ends}


def _quantised(tensor: Tensor) -> Facts:
    return Facts((), "NHWC" if tensor.rank == IMAGE_RANK else "", tensor.scale, tensor.zero_point, tensor.ranked)


def _refuse_other_graph(structure: Structure, signature: Signature | None, *, asked: bool) -> None:
    if signature is None:
        return
    graph = structure.graphs[0]
    whole = set(signature.outputs.values()) == set(graph.outputs)
    if signature.graph or (asked and not whole):
        part = f"graph {signature.graph + 1} of the file" if signature.graph else "a part of the outputs"
        raise EngineError(
            f'signature "{signature.key}" is {part}; OpenVINO runs the first graph with all of its outputs',
            hint="use an engine that runs signatures, or export the signature to a file of its own",
        )
