"""What a parser and a builder find out about an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, numpy_helper

from ._enums import MAJOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._program import Shape

_TYPES: dict[Any, str] = {
    TensorProto.FLOAT: "FLOAT",
    TensorProto.FLOAT16: "HALF",
    TensorProto.INT8: "INT8",
    TensorProto.INT32: "INT32",
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
} | (
    {TensorProto.BFLOAT16: "BF16", TensorProto.INT64: "INT64", TensorProto.FLOAT8E4M3FN: "FP8"}
    if MAJOR > 8
    else {TensorProto.INT64: "INT32"}
)
_KINDS = {
    "CONVOLUTION": ("Conv",),
    "DECONVOLUTION": ("ConvTranspose",),
    "ACTIVATION": ("Relu", "Sigmoid", "Tanh", "Clip", "LeakyRelu", "Elu", "Selu", "HardSigmoid", "Softplus"),
    "POOLING": ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
    "LRN": ("LRN",),
    "NORMALIZATION": ("BatchNormalization", "LayerNormalization", "InstanceNormalization"),
    "SOFTMAX": ("Softmax", "LogSoftmax"),
    "CONCATENATION": ("Concat",),
    "ELEMENTWISE": ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Equal", "Greater", "Less", "And", "Or"),
    "UNARY": ("Exp", "Log", "Sqrt", "Abs", "Neg", "Floor", "Ceil", "Erf", "Not", "Sin", "Cos"),
    "SHUFFLE": ("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
    "REDUCE": ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"),
    "TOPK": ("TopK", "ArgMax", "ArgMin"),
    "GATHER": ("Gather", "GatherElements", "GatherND"),
    "MATRIX_MULTIPLY": ("MatMul", "Gemm"),
    "CONSTANT": ("Constant",),
    "IDENTITY": ("Identity", "Dropout"),
    "CAST": ("Cast",),
    "SLICE": ("Slice", "Split", "Expand", "Pad", "Tile"),
    "SHAPE": ("Shape",),
    "RESIZE": ("Resize",),
    "SELECT": ("Where",),
    "FILL": ("ConstantOfShape", "Range"),
    "QUANTIZE": ("QuantizeLinear",),
    "DEQUANTIZE": ("DequantizeLinear",),
    "SCATTER": ("ScatterND", "ScatterElements"),
    "ONE_HOT": ("OneHot",),
    "NON_ZERO": ("NonZero",),
    "NMS": ("NonMaxSuppression",),
}
"""The operators that the parser knows, by the kind of layer that they become."""
LAYER_KINDS = {operator: kind for kind, operators in _KINDS.items() for operator in operators}
DLA_KINDS = {"CONVOLUTION", "DECONVOLUTION", "ACTIVATION", "POOLING", "ELEMENTWISE", "CONCATENATION", "LRN", "SOFTMAX"}
_DATA_DEPENDENT = {"NonZero", "NonMaxSuppression"}
_SHAPE_OPERANDS = {
    "Reshape": (1,), "Expand": (1,), "Tile": (1,), "ConstantOfShape": (0,), "Slice": (1, 2, 3, 4), "Pad": (1,),
    "Resize": (2, 3), "Range": (0, 1, 2), "TopK": (1,), "Unsqueeze": (1,), "Squeeze": (1,), "OneHot": (1,),
}  # fmt: skip
_MORE_OPERATORS = {
    "Acos", "Acosh", "And", "Asin", "Asinh", "Atan", "Atanh", "CastLike", "Celu", "Cosh", "CumSum", "DepthToSpace",
    "Einsum", "GreaterOrEqual", "GroupNormalization", "HardSwish", "IsInf", "IsNaN", "LessOrEqual", "Mean", "Mish",
    "Mod", "PRelu", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd",
    "ReduceSumSquare", "Round", "Shrink", "Sign", "Sinh", "Size", "Softsign", "SpaceToDepth", "Sum", "Tan",
    "ThresholdedRelu", "Trilu", "Xor", "GridSample", "EyeLike", "Gelu", "Hardmax", "MeanVarianceNormalization",
}  # fmt: skip


def data_type(element_type: int) -> str | None:
    """Return the library's name of a type of ONNX; None for one that it does not have."""
    return _TYPES.get(element_type)


def known(node: Any) -> bool:
    """Say whether the parser has an importer for a node."""
    return node.domain in {"", "ai.onnx"} and (node.op_type in LAYER_KINDS or node.op_type in _MORE_OPERATORS)


def layer_kind(node: Any) -> str:
    return LAYER_KINDS.get(node.op_type, "ELEMENTWISE")


def graph_inputs(graph: Any) -> list[Any]:
    """Return the inputs that have no initialiser."""
    constants = {each.name for each in graph.initializer}
    return [each for each in graph.input if each.name not in constants]


def shape_of(value: Any) -> Shape:
    """Return the shape that a model gives, with -1 for what varies."""
    return tuple(each.dim_value if each.HasField("dim_value") else -1 for each in value.type.tensor_type.shape.dim)


def constants(graph: Any) -> dict[str, Any]:
    """Return what is constant in a graph, by name."""
    found = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for each in node.attribute:
                if each.name == "value":
                    found[node.output[0]] = numpy_helper.to_array(each.t)
    return found


def _behind(graph: Any, names: Iterable[str], stop: set[str]) -> set[str]:
    """Return all that the named tensors are computed from."""
    makers = {name: node for node in graph.node for name in node.output}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if not name or name in found:
            continue
        found.add(name)
        node = makers.get(name)
        if node is not None and node.op_type not in stop:
            waiting.extend(node.input)
    return found


def shape_inputs(graph: Any) -> tuple[str, ...]:
    """Return the inputs whose values decide shapes."""
    operands = [
        node.input[index]
        for node in graph.node
        for index in _SHAPE_OPERANDS.get(node.op_type, ())
        if index < len(node.input)
    ]
    deciding = _behind(graph, operands, {"Shape"})
    whole = {TensorProto.INT32, TensorProto.INT64}
    return tuple(
        each.name
        for each in graph_inputs(graph)
        if each.name in deciding and each.type.tensor_type.elem_type in whole and len(shape_of(each)) <= 1
    )


def _fixed(value: Any) -> bool:
    return value.type.tensor_type.HasField("shape") and -1 not in shape_of(value)


def data_dependent(graph: Any) -> tuple[str, ...]:
    """Return the outputs whose shapes the data decide."""
    sources = {name for node in graph.node if node.op_type in _DATA_DEPENDENT for name in node.output}
    return tuple(
        each.name for each in graph.output if sources & _behind(graph, [each.name], set()) and not _fixed(each)
    )


def dequantised(graph: Any) -> set[str]:
    """Return what comes out of dequantisations."""
    return {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}


def quantised(graph: Any) -> bool:
    return any(node.op_type in {"QuantizeLinear", "DequantizeLinear"} for node in graph.node)


def with_types(model: Any) -> Any:
    """Return the model with shapes inferred where they can be."""
    try:
        return onnx.shape_inference.infer_shapes(model)
    except onnx.shape_inference.InferenceError:
        return model
