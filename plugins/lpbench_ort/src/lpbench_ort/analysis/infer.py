"""Infers the type and sizes of every tensor of an ONNX graph whose inputs have known shapes."""

from __future__ import annotations

import contextlib
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench_ort.analysis.order import subgraphs
from lpbench_ort.analysis.types import UNKNOWN, Tensor, constants, dtype_of, tensor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPUTED = """Abs Add And Cast Ceil Concat ConstantOfShape Div Equal Expand Flatten Floor Gather Greater GreaterOrEqual
    Identity Less LessOrEqual Max Min Mod Mul Neg NonZero Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape
    Slice Split Sqrt Squeeze Sub Tile Transpose Unsqueeze Where"""
"""Operators of which shapes are made, computed here where all that they read is known."""
MOST = 4096
"""Values of a tensor that is computed here."""
LIKE_FIRST = """BiasGelu DequantizeLinear FastGelu Gelu LayerNormalization QLinearLeakyRelu QLinearSigmoid
    QLinearSoftmax QuantizeLinear QuickGelu SimplifiedLayerNormalization SkipLayerNormalization
    SkipSimplifiedLayerNormalization"""
"""Operators of ONNX Runtime's own, which the package onnx does not know, whose output has the sizes of their input."""
_COMPUTED, _LIKE_FIRST = frozenset(COMPUTED.split()), frozenset(LIKE_FIRST.split())


class Inferred(NamedTuple):
    """Tensors by name, those inside subgraphs too, and why some sizes could not be inferred; empty where all were."""

    tensors: Mapping[str, Tensor]
    problem: str


def infer(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> Inferred:
    """Return the tensors of a model, given the shapes of its inputs; the model is changed."""
    for info in model.graph.input:
        if info.name in shapes:
            _set(info.type.tensor_type, shapes[info.name])
    del model.graph.value_info[:]  # stated for other sizes, perhaps
    for info in model.graph.output:
        info.type.tensor_type.ClearField("shape")
    inferred, problem = _by_library(model)
    tensors = _collected(inferred.graph)
    named = (name for node in model.graph.node for name in node.output if name)
    if any(tensors.get(name, UNKNOWN).shape is None for name in named):
        _Propagation(model, tensors).run()
    return Inferred(tensors, problem)


def _set(kind: Any, shape: tuple[int, ...]) -> None:
    kind.ClearField("shape")
    for size in shape:
        kind.shape.dim.add().dim_value = size
    kind.shape.SetInParent()  # a scalar has a shape, too


def _by_library(model: Any) -> tuple[Any, str]:
    """Return the model with what the package onnx infers, and what it says of what it cannot."""
    from onnx import shape_inference

    try:
        return shape_inference.infer_shapes(model, strict_mode=True, data_prop=True), ""
    except Exception as error:  # noqa: BLE001 - it raises types of its own and of protobuf
        problem = " ".join(str(error).split())[:300]
    try:
        return shape_inference.infer_shapes(model, data_prop=True), problem
    except Exception:  # noqa: BLE001 - likewise
        return model, problem


def _collected(graph: Any) -> dict[str, Tensor]:
    tensors = {info.name: tensor_of(info.type) for info in (*graph.input, *graph.value_info, *graph.output)}
    tensors |= {name: Tensor(dtype_of(proto.data_type), tuple(proto.dims)) for name, proto in constants(graph)}
    for node in graph.node:
        for inner in subgraphs(node):
            tensors |= _collected(inner)
    return tensors


class _Propagation:
    """Goes through the operators in order, computes what shapes are made of, and infers the sizes that are missing.

    :param tensors: What is known, which is completed.
    """

    def __init__(self, model: Any, tensors: dict[str, Tensor]) -> None:
        import onnx
        import onnx.reference

        self._onnx = onnx
        self._model = model
        self._tensors = tensors
        self._versions = {opset.domain.replace("ai.onnx", ""): opset.version for opset in model.opset_import}
        self._values = {
            name: proto for name, proto in constants(model.graph) if prod(proto.dims) <= MOST and _has_content(proto)
        }

    def run(self) -> None:
        """Complete the tensors."""
        for node in self._model.graph.node:
            with contextlib.suppress(Exception):  # onnx raises many types; what it cannot infer stays unknown
                self._visit(node)

    def _visit(self, node: Any) -> None:
        if any(self._tensors.get(name, UNKNOWN).shape is None for name in node.output if name):
            self._infer(node)
        if node.op_type in {"Shape", "Size", "Constant"} or (node.op_type in _COMPUTED and self._all_known(node)):
            self._compute(node)

    def _infer(self, node: Any) -> None:
        if node.domain and node.op_type in _LIKE_FIRST:
            first = self._tensors.get(node.input[0], UNKNOWN)
            self._tensors[node.output[0]] = Tensor(self._tensors.get(node.output[0], first).dtype, first.sizes)
            return
        version = self._versions.get(node.domain.replace("ai.onnx", ""), 1)
        schema = self._onnx.defs.get_schema(node.op_type, version, node.domain)
        types = {name: self._type(name) for name in node.input if self._tensors.get(name, UNKNOWN).dtype}
        data = {name: self._values[name] for name in node.input if name in self._values}
        opsets = list(self._model.opset_import)
        found = self._onnx.shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=opsets)
        for name, kind in found.items():
            self._tensors[name] = tensor_of(kind)

    def _type(self, name: str) -> Any:
        helper, tensor = self._onnx.helper, self._tensors[name]
        number = next(number for number in self._onnx.TensorProto.DataType.values() if dtype_of(number) == tensor.dtype)
        return helper.make_tensor_type_proto(number, tensor.sizes)

    def _all_known(self, node: Any) -> bool:
        small = all(prod(self._tensors[name].shape or (MOST,)) <= MOST for name in node.output if name)
        return small and all(name in self._values for name in node.input if name)

    def _compute(self, node: Any) -> None:
        """Keep the values that an operator computes, if they are few and what it reads is known."""
        if node.op_type == "Shape" and self._tensors[node.input[0]].shape is None:
            return
        onnx = self._onnx
        given = [name for name in node.input if name]
        if node.op_type in {"Shape", "Size"}:
            self._keep(node.output[0], self._shape_values(node))
            return
        weights = [onnx.TensorProto.FromString(self._values[name].SerializeToString()) for name in given]
        for name, weight in zip(given, weights, strict=True):
            weight.name = name
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], "one", [], outputs, initializer=weights)
        single = onnx.helper.make_model(graph, opset_imports=list(self._model.opset_import))
        for info, value in zip(outputs, onnx.reference.ReferenceEvaluator(single).run(None, {}), strict=True):
            self._keep(info.name, value)

    def _shape_values(self, node: Any) -> Any:
        import numpy as np

        shape = self._tensors[node.input[0]].shape or ()
        if node.op_type == "Size":
            return np.array(prod(shape), np.int64)
        ends = {attribute.name: attribute.i for attribute in node.attribute}
        return np.array(shape[ends.get("start", 0) : ends.get("end", len(shape))], np.int64)

    def _keep(self, name: str, value: Any) -> None:
        if value.size <= MOST:
            self._values[name] = self._onnx.numpy_helper.from_array(value, name)
            self._tensors[name] = Tensor(str(value.dtype), tuple(value.shape))


def _has_content(proto: Any) -> bool:
    """Say whether a tensor's numbers are in the file, and were not left out of its structure."""
    filled = any(getattr(proto, field) for field in ("raw_data", "float_data", "int32_data", "int64_data"))
    return not proto.external_data and (filled or not prod(proto.dims))
