"""Compiles an ONNX model into what the fake executes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from ._atc_errors import AtcError, invalid
from ._atc_options import OUTPUT_TYPES, Options
from ._atc_shapes import CHOICES, gear_values, input_shapes, placed
from ._compute import Evaluator, dtype
from ._om import Gear, Program, Tensor
from ._runtime import CANN

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = {1: 0, 2: 4, 3: 2, 4: 7, 5: 6, 6: 3, 7: 9, 9: 12, 10: 1, 11: 11, 12: 8, 13: 10, 14: 16, 15: 17, 16: 27}
"""aclDataType by onnx.TensorProto's numbers."""
FORMATS = {"NCHW": 0, "ND": 2, "NCDHW": 30}
_OPSETS = range(11, 19)
_DATA_DECIDE = {"NonZero", "Unique", "Compress", "NonMaxSuppression", "StringSplit"}


class Graph:
    """An ONNX model as it is compiled."""

    def __init__(self, path: str) -> None:
        self.model: Any = _read(path)
        graph = self.model.graph
        known = {each.name for each in graph.initializer}
        self.inputs = [each for each in graph.input if each.name not in known]
        self.outputs = list(graph.output)
        self.nodes = [(node.name or f"{node.op_type}_{index}", node) for index, node in enumerate(graph.node)]

    @property
    def weights(self) -> int:
        """Bytes of the weights."""
        return sum(onnx.numpy_helper.to_array(each).nbytes for each in self.model.graph.initializer)

    @property
    def data_decide(self) -> bool:
        return any(node.op_type in _DATA_DECIDE for _, node in self.nodes)

    def label(self, output: str) -> str:
        """Return an output's name: of the operator, its place, and the tensor."""
        for name, node in self.nodes:
            if output in node.output:
                return f"{name}:{list(node.output).index(output)}:{output}"
        return output

    def check(self) -> None:
        """Refuse what no kernel computes."""
        version = next((each.version for each in self.model.opset_import if each.domain in {"", "ai.onnx"}), 0)
        for name, node in self.nodes:
            if node.domain not in {"", "ai.onnx"} or version not in _OPSETS:
                domain = node.domain or "ai.onnx"
                kind = f"{domain}::{version}::{node.op_type}"
                told = f"No parser is registered for Op [{name}, optype [{kind}]]."
                raise AtcError("E19010", told, "Use operators of ai.onnx, opset 11 to 18.")


def _read(path: str) -> Any:
    if not Path(path).is_file():
        told = f"Path [{path}] for parameter --model is invalid. Reason: No such file or directory"
        raise AtcError("E13000", told, "Check that the file exists and can be read.")
    try:
        model = onnx.load(path)
    except Exception as error:  # the parser of protobuf raises what it likes
        raise AtcError("E19005", f"Failed to parse file {path}: it is no ONNX model.") from error
    if not model.graph.output:
        raise AtcError("E19005", f"Failed to parse file {path}: it is no ONNX model.")
    return model


def _kind(value: Any) -> int:
    number = value.type.tensor_type.elem_type
    if number not in KINDS:
        raise AtcError("E19014", f"Op [{value.name}] has an element type that is not supported: {number}")
    return KINDS[number]


def _inputs(graph: Graph, options: Options) -> list[Tensor]:
    given = input_shapes(options["input_shape"], [each.name for each in graph.inputs])
    form = FORMATS[options["input_format"] or "NCHW"]
    return [Tensor(each.name, _kind(each), _dims(each, given), form) for each in graph.inputs]


def _dims(value: Any, given: dict[str, list[int]]) -> list[int]:
    own = [each.dim_value if each.HasField("dim_value") else -1 for each in value.type.tensor_type.shape.dim]
    dims = given.get(value.name, own)
    fits = len(dims) == len(own) and all(
        place in {-1, each} or each == -1 for place, each in zip(own, dims, strict=True)
    )
    if not fits:
        raise invalid("input_shape", str(dims), f"The model has {own} for [{value.name}].")
    if value.name not in given and -1 in own:
        told = f"The input [{value.name}] has a dynamic shape {own}."
        raise AtcError("E10014", f"{told} Set --input_shape.", "Set the shape of each input by --input_shape.")
    return dims


def _zeros(inputs: Sequence[Tensor], dims: Sequence[list[int]]) -> dict[str, Any]:
    return {each.name: np.zeros(shape, dtype(each.kind)) for each, shape in zip(inputs, dims, strict=True)}


def compiled(options: Options, command: str) -> tuple[Program, bytes]:
    """Return the program and the model that it executes."""
    graph = Graph(options["model"])
    graph.check()
    inputs, values = _inputs(graph, options), gear_values(options)
    is_open = any(place < 0 for each in inputs for place in each.dims)
    choice = CHOICES[options.gears] if options.gears else "range" if is_open or graph.data_decide else ""
    if options.gears and not is_open:
        raise AtcError("E10012", f"--{options.gears} needs at least one -1 in --input_shape.")
    if choice == "range" and "310B" in options["soc_version"]:
        raise AtcError("E10017", "Dynamic shapes without gears are not supported on this chip.")
    outputs = _outputs(graph, options["output_type"])
    evaluator = Evaluator(graph.model.SerializeToString(), options.precision)
    all_dims = [placed(options, inputs, each) for each in values] or [[each.dims for each in inputs]]
    gears = (
        []
        if choice == "range"
        else [_gear(evaluator, inputs, dims, choice, each) for dims, each in _pairs(all_dims, values)]
    )
    program = Program(
        soc=options["soc_version"],
        version=CANN,
        command=command,
        precision=options.precision,
        inputs=inputs,
        outputs=outputs,
        gears=gears,
        choice=choice,
        workspace=_workspace(inputs, outputs, gears),
        weights=graph.weights,
        operators=[(name, node.op_type) for name, node in graph.nodes],
    )
    _fill_dims(program, graph)
    return program, graph.model.SerializeToString()


def _pairs(dims: list[list[list[int]]], values: list[list[int]]) -> list[tuple[list[list[int]], list[int]]]:
    return list(zip(dims, values or [[]], strict=True))


def _gear(evaluator: Evaluator, inputs: list[Tensor], dims: list[list[int]], choice: str, given: list[int]) -> Gear:
    """Find the outputs' shapes by computing with zeros."""
    try:
        outputs = evaluator.run(_zeros(inputs, dims))
    except Exception as error:  # whatever the reference raises, the shapes do not fit the model
        told = f"Op InferShape failed with the input shapes {dims}: {error}"
        raise AtcError("E89999", told.splitlines()[0]) from error
    places = [number for shape in dims for number in shape] if choice == "dims" else given
    return Gear(places, dims, [list(each.shape) for each in outputs])


def _outputs(graph: Graph, output_type: str) -> list[Tensor]:
    kinds = dict(each.rpartition(":")[::2] for each in output_type.split(";") if each)
    found = []
    for each in graph.outputs:
        label = graph.label(each.name)
        asked = kinds.get(label.rpartition(":")[0], kinds.get(""))
        found.append(Tensor(label, OUTPUT_TYPES[asked] if asked else _kind(each), []))
    return found


def _workspace(inputs: list[Tensor], outputs: list[Tensor], gears: list[Gear]) -> int:
    """Return an invented size: what goes in and out of the largest gear, in 512 byte blocks."""
    sizes = [
        sum(
            math.prod(shape) * dtype(each.kind).itemsize
            for each, shape in zip([*inputs, *outputs], [*gear.inputs, *gear.outputs], strict=True)
        )
        for gear in gears
    ]
    return -(-max(sizes, default=4096) // 512) * 512


def _fill_dims(program: Program, graph: Graph) -> None:
    """Tell the outputs' dims: of a model with ranges what the graph says, with -1 for what is open."""
    for index, (tensor, value) in enumerate(zip(program.outputs, graph.outputs, strict=True)):
        dims = [each.dim_value if each.HasField("dim_value") else -1 for each in value.type.tensor_type.shape.dim]
        tensor.dims = dims if program.choice == "range" else program.gears[-1].outputs[index]
