"""Converts operations of TensorFlow.js to ONNX: only those that the catalogue's models use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.apps._tfjs_tensors import DTYPES, TO_NCHW, TO_NHWC, Tensor
from lpbench_image.apps._tfjs_windows import activated, convolution, depthwise, folded, fused, max_pool, resize
from lpbench_image.apps._writer import require_small

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench_image.apps._tfjs import Node
    from lpbench_image.apps._tfjs_tensors import Tensors

    Operation = Callable[[Tensors, Node, list[Tensor]], list[Tensor]]
    """Converts a node, given the graph so far, the node and its inputs; returns its outputs."""


def _made(name: str, *, spatial: bool) -> list[Tensor]:
    return [Tensor(nchw=name) if spatial else Tensor(name)]


def _unary(kind: str, *copied: str) -> Operation:
    """Convert an element-wise operation; ``copied`` are attributes with the same name in both formats."""

    def convert(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
        names, spatial = to.either(inputs)
        attributes = {key: node.attributes[key] for key in copied}
        return _made(to.writer.add(kind, *names, **attributes), spatial=spatial)

    return convert


def _relu6(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    names, spatial = to.either(inputs)
    return _made(activated(to, names[0], "Relu6"), spatial=spatial)


def _cast(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    names, spatial = to.either(inputs)
    return _made(to.cast(names[0], DTYPES[node.attributes["DstT"]]), spatial=spatial)


def _same(_to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return inputs


def _add(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return folded(to, node, inputs, bias=True) or _unary("Add")(to, node, inputs)


def _multiply(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return folded(to, node, inputs, bias=False) or _unary("Mul")(to, node, inputs)


def _squared_difference(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    names, spatial = to.either(inputs)
    difference = to.writer.add("Sub", *names)
    return _made(to.writer.add("Mul", difference, difference), spatial=spatial)


def _floor_divide(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Divide in floats, as TensorFlow.js does: exact to 2**24, and rounded down, unlike ONNX's integer division."""
    names, spatial = to.either(inputs)
    dtype = DTYPES[node.attributes["T"]]
    quotient = to.writer.add("Div", *(to.cast(name, "float32") for name in names))
    return _made(to.cast(to.writer.add("Floor", quotient), dtype), spatial=spatial)


def _multiply_matrices(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a product with a constant matrix to a fully connected layer, whose matrix is [out, in]."""
    bias, activation = fused(node)
    if node.attributes["transpose_a"]:
        raise ValueError("a transposed left operand is not converted")
    x, matrix = to.plain(inputs[0]), to.constant(inputs[1])
    matrix = matrix if node.attributes["transpose_b"] else matrix.T
    image = _flattened(to, x)
    if image:
        channels, height, width = map(int, to.writer.shape(image)[1:])
        x = to.writer.add("Flatten", image, axis=1)
        matrix = matrix.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(matrix.shape)
    parts = [x, to.writer.constant(matrix), *(to.plain(tensor) for tensor in inputs[2:3] if bias)]
    return [Tensor(activated(to, to.writer.add("Gemm", *parts, transB=1), activation))]


def _flattened(to: Tensors, name: str) -> str:
    """Return the NCHW image that was transposed only to be flattened: the matrix can be permuted instead."""
    flat = to.writer.made(name, "Flatten")
    turned = to.writer.made(flat.input[0], "Transpose") if flat is not None else None
    return str(turned.input[0]) if turned is not None and tuple(turned.attribute[0].ints) == TO_NHWC else ""


def _mean(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a mean; over height and width, it can stay in NCHW."""
    axes = sorted(to.constant(inputs[1]).reshape(-1).tolist())
    keep = int(node.attributes.get("keep_dims", False))
    if inputs[0].nchw and axes == [1, 2]:
        mean = to.writer.add("ReduceMean", inputs[0].nchw, axes=[2, 3], keepdims=keep)
        return _made(mean, spatial=bool(keep))
    return [Tensor(to.writer.add("ReduceMean", to.plain(inputs[0]), axes=axes, keepdims=keep))]


def _softmax(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return [Tensor(to.writer.add("Softmax", to.plain(inputs[0]), axis=-1))]


def _transpose(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    order = tuple(to.constant(inputs[1]).tolist())
    if order == TO_NCHW:
        return [Tensor(to.nchw(inputs[0]))]
    if order == TO_NHWC:
        return [Tensor(nchw=to.plain(inputs[0]))]
    return [Tensor(to.writer.add("Transpose", to.plain(inputs[0]), perm=order))]


def _pad(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a pad; one of height and width precedes a convolution, which reads NCHW and may absorb it."""
    pads = to.constant(inputs[1])
    image = len(pads) == len(TO_NCHW) and not pads[[0, 3]].any()
    spatial = bool(inputs[0].nchw) or image
    x = to.nchw(inputs[0]) if spatial else to.plain(inputs[0])
    pads = pads[list(TO_NCHW)] if spatial else pads
    value = to.constant(inputs[2]) if len(inputs) > 2 else np.float32(0)  # noqa: PLR2004 - PadV2 has a third
    padded = to.writer.add("Pad", x, to.writer.integers(pads.T.reshape(-1)), to.writer.constant(value))
    return _made(padded, spatial=spatial)


def _reshape(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a reshape; one that flattens becomes a Flatten, which keeps the name of an open batch."""
    x = to.plain(inputs[0])
    shape, (first, *rest) = to.constant(inputs[1]).tolist(), to.writer.shape(x)
    if shape[0] in {-1, first} and shape[1:] == [math.prod(map(int, rest))]:
        return [Tensor(to.writer.add("Flatten", x, axis=1))]
    return [Tensor(to.writer.add("Reshape", x, to.writer.integers(shape)))]


def _squeeze(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return [Tensor(_squeezed(to, to.plain(inputs[0]), node.attributes["squeeze_dims"]))]


def _squeezed(to: Tensors, name: str, axes: list[int]) -> str:
    return to.writer.add("Squeeze", name, to.writer.integers(axes))


def _expand(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return [Tensor(_expanded(to, to.plain(inputs[0]), int(to.constant(inputs[1]))))]


def _expanded(to: Tensors, name: str, axis: int) -> str:
    before = to.writer.made(name, "Squeeze")
    if before is not None and to.writer.value(before.input[1]).tolist() == [axis]:  # type: ignore[union-attr] # ours
        return str(before.input[0])  # it reverses the Squeeze
    return to.writer.add("Unsqueeze", name, to.writer.integers([axis]))


def _concat(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    names, spatial = to.either(inputs[:-1])
    axis = int(to.constant(inputs[-1]))
    return _made(to.writer.add("Concat", *names, axis=TO_NCHW.index(axis % 4) if spatial else axis), spatial=spatial)


def _pack(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    axis = node.attributes["axis"]
    expanded = [_expanded(to, to.plain(tensor), axis) for tensor in inputs]
    return [Tensor(to.writer.add("Concat", *expanded, axis=axis))]


def _unpack(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    axis, count = node.attributes["axis"], node.attributes["num"]
    x = to.plain(inputs[0])
    parts = [x] if count == 1 else to.writer.add_many("Split", count, x, axis=axis)
    return [Tensor(_squeezed(to, part, [axis])) for part in parts]


def _split(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    sizes = to.constant(inputs[1])
    operands = [to.plain(inputs[0]), to.writer.integers(sizes)]
    parts = to.writer.add_many("Split", len(sizes), *operands, axis=int(to.constant(inputs[2])))
    return [Tensor(part) for part in parts]


def _arg_max(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    axis = int(to.constant(inputs[1]))
    index = to.writer.add("ArgMax", to.plain(inputs[0]), axis=axis, keepdims=0)
    return [Tensor(to.cast(index, DTYPES[node.attributes["output_type"]]))]


def _gather(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    return [Tensor(to.writer.add("GatherND", to.plain(inputs[0]), to.cast(to.plain(inputs[1]), "int64")))]


def _dense(to: Tensors, _node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a sparse constant: indices, shape, values, and the default value."""
    indices, shape, values, default = map(to.constant, inputs)
    require_small(math.prod(shape.tolist()))
    dense = np.full(shape, default)
    dense[tuple(indices.T)] = values
    return [Tensor(to.writer.constant(dense))]


OPERATIONS: Mapping[str, Operation] = {
    "Add": _add,
    "AddV2": _add,
    "ArgMax": _arg_max,
    "Cast": _cast,
    "ConcatV2": _concat,
    "Conv2D": convolution,
    "DepthwiseConv2dNative": depthwise,
    "ExpandDims": _expand,
    "FloorDiv": _floor_divide,
    "FusedDepthwiseConv2dNative": depthwise,
    "GatherNd": _gather,
    "Identity": _same,
    "LeakyRelu": _unary("LeakyRelu", "alpha"),
    "MatMul": _multiply_matrices,
    "MaxPool": max_pool,
    "Maximum": _unary("Max"),
    "Mean": _mean,
    "Minimum": _unary("Min"),
    "Mul": _multiply,
    "Pack": _pack,
    "Pad": _pad,
    "PadV2": _pad,
    "RealDiv": _unary("Div"),
    "Relu": _unary("Relu"),
    "Relu6": _relu6,
    "Reshape": _reshape,
    "ResizeBilinear": resize,
    "Sigmoid": _unary("Sigmoid"),
    "Softmax": _softmax,
    "SparseToDense": _dense,
    "SplitV": _split,
    "Sqrt": _unary("Sqrt"),
    "SquaredDifference": _squared_difference,
    "Squeeze": _squeeze,
    "Sub": _unary("Sub"),
    "Transpose": _transpose,
    "Unpack": _unpack,
    "_FusedConv2D": convolution,
    "_FusedMatMul": _multiply_matrices,
}
"""Conversions by operation: all operations that the catalogue's models use."""
