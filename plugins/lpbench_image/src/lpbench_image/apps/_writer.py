"""Writes ONNX graphs node by node; constants are folded and shapes inferred immediately."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TypeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lpbench_image.apps._graph import IR_VERSION, OPSET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CONSTANT_ELEMENTS = 1 << 27
"""Largest number of elements of a constant that is computed here."""


class Writer:
    """An ONNX graph under construction; methods return the names of tensors."""

    def __init__(self) -> None:
        self._imports = [helper.make_opsetid("", OPSET)]
        self._inputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._made: dict[str, onnx.NodeProto] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._types: dict[str, TypeProto] = {}

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declare an input; a string in the shape names an open dimension."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._types[name] = helper.make_tensor_type_proto(kind, shape)
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, values: Any) -> str:
        """Add a constant."""
        array = np.asarray(values)
        name = f"constant_{len(self._constants)}"
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._types[name] = helper.make_tensor_type_proto(kind, array.shape)
        self._constants[name] = array
        return name

    def integers(self, values: Any) -> str:
        """Add a constant of sizes, axes or indices."""
        return self.constant(np.asarray(values, np.int64))

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name; if all inputs are constant, the result is computed.

        :raises ValueError: ONNX has no such node, or the shape of the result cannot be inferred.
        """
        (output,) = self.add_many(kind, 1, *inputs, **attributes)
        return output

    def add_many(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with ``count`` outputs and return the names of these."""
        outputs = [f"{kind.lower()}_{len(self._types) + at}" for at in range(count)]
        node = helper.make_node(kind, inputs, outputs, outputs[0], **attributes)
        types = self._infer(node)
        if all(name in self._constants for name in inputs if name):
            return self._computed(node, types)
        self._types |= types
        self._nodes.append(node)
        self._made |= dict.fromkeys(outputs, node)
        return outputs

    def made(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Return the node that makes a tensor, if it is of this kind."""
        node = self._made.get(name)
        return node if node is not None and node.op_type == kind else None

    def value(self, name: str) -> NDArray[Any] | None:
        """Return the value of a constant; None for a tensor that is computed when the model runs."""
        return self._constants.get(name)

    def shape(self, name: str) -> tuple[int | str, ...]:
        """Return a tensor's shape; a string names an open dimension."""
        dimensions = self._types[name].tensor_type.shape.dim
        return tuple(size.dim_value if size.HasField("dim_value") else size.dim_param for size in dimensions)

    def save(self, path: Path, outputs: Mapping[str, str], *, name: str) -> None:
        """Check the graph and write the nodes that its outputs need.

        :param outputs: The tensor of each output, by its name in the file.
        """
        names = {tensor: output for output, tensor in outputs.items()}
        nodes = _needed(self._nodes, names)
        if len(names) < len(outputs) or not names.keys() <= {tensor for node in nodes for tensor in node.output}:
            raise ValueError(f"the outputs {', '.join(outputs)} are not distinct tensors computed by nodes")
        read = sorted({tensor for node in nodes for tensor in node.input} & self._constants.keys())
        constants = [numpy_helper.from_array(self._constants[tensor], tensor) for tensor in read]
        infos = [onnx.ValueInfoProto(name=output, type=self._types[tensor]) for tensor, output in names.items()]
        graph = helper.make_graph([_renamed(node, names) for node in nodes], name, self._inputs, infos, constants)
        model = helper.make_model(graph, opset_imports=self._imports, ir_version=IR_VERSION, producer_name="lpbench")
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString(deterministic=True))

    def _infer(self, node: onnx.NodeProto) -> dict[str, TypeProto]:
        schema = onnx.defs.get_schema(node.op_type, OPSET)
        given = [name for name in node.input if name]
        data = {name: numpy_helper.from_array(self._constants[name], name) for name in given if name in self._constants}
        types = {name: self._types[name] for name in given}
        inferred = onnx.shape_inference.infer_node_outputs(schema, node, types, data, None, self._imports, IR_VERSION)
        for name in node.output:
            if name not in inferred or not inferred[name].tensor_type.HasField("shape"):
                raise ValueError(f"the shape of a {node.op_type} cannot be inferred")
        return inferred

    def _computed(self, node: onnx.NodeProto, types: Mapping[str, TypeProto]) -> list[str]:
        """Return the outputs of a node whose inputs are all constant, as constants."""
        for name in node.output:
            require_small(math.prod(size.dim_value for size in types[name].tensor_type.shape.dim))
        feeds = {name: self._constants[name] for name in node.input if name}
        inputs = [helper.make_value_info(name, self._types[name]) for name in feeds]
        outputs = [helper.make_value_info(name, types[name]) for name in node.output]
        graph = helper.make_graph([node], node.name, inputs, outputs)
        evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=self._imports, ir_version=IR_VERSION))
        return [self.constant(values) for values in evaluator.run(None, feeds)]


def require_small(elements: int) -> None:
    """Refuse a constant that would exhaust the memory.

    :raises ValueError: The constant would have more than ``CONSTANT_ELEMENTS`` elements.
    """
    if elements > CONSTANT_ELEMENTS:
        raise ValueError(f"a constant of {elements} elements; at most {CONSTANT_ELEMENTS} are allowed")


def _needed(nodes: Sequence[onnx.NodeProto], outputs: Mapping[str, str]) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs depend on, in the order of the graph."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for tensors in (copy.input, copy.output):
        tensors[:] = [names.get(tensor, tensor) for tensor in tensors]
    return copy
