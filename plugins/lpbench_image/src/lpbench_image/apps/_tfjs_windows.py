"""Converts convolutions, pools and resizes of TensorFlow.js to ONNX; adjacent operations are merged into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

from lpbench_image.apps._graph import same
from lpbench_image.apps._tfjs_tensors import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpbench_image.apps._tfjs import Node
    from lpbench_image.apps._tfjs_tensors import Tensors


def convolution(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a convolution; the kernel is [height, width, in, out]."""
    kernel = to.constant(inputs[1])
    return _convolved(to, node, inputs, kernel.transpose(3, 2, 0, 1))


def depthwise(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a depthwise convolution; the kernel is [height, width, in, multiplier]."""
    kernel = to.constant(inputs[1])
    height, width, channels, multiplier = kernel.shape
    return _convolved(to, node, inputs, kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width))


def _convolved(to: Tensors, node: Node, inputs: list[Tensor], kernel: NDArray[Any]) -> list[Tensor]:
    """Convert any convolution.

    :param kernel: [out, in / groups, height, width].
    """
    bias, activation = fused(node)
    dilations = _pair(node, "dilations")
    reach = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    x, window = _window(to, node, inputs[0], reach, 0.0)
    channels = to.writer.shape(x)[1]
    if not isinstance(channels, int) or channels % kernel.shape[1]:
        raise ValueError(f"{channels} channels do not fit a kernel of {kernel.shape[1]}")
    parts = [x, to.writer.constant(kernel), *(to.plain(tensor) for tensor in inputs[2:3] if bias)]
    groups = channels // kernel.shape[1]
    y = to.writer.add("Conv", *parts, kernel_shape=kernel.shape[2:], dilations=dilations, group=groups, **window)
    return [Tensor(nchw=activated(to, y, activation))]


def max_pool(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a max pool; its padding never is the maximum."""
    size = _pair(node, "ksize")
    x, window = _window(to, node, inputs[0], size, -np.inf)
    return [Tensor(nchw=to.writer.add("MaxPool", x, kernel_shape=size, **window))]


def _window(
    to: Tensors, node: Node, tensor: Tensor, reach: Sequence[int], neutral: float
) -> tuple[str, dict[str, Any]]:
    """Return the input of a sliding window, its strides and its pads; a Pad before it is merged into the pads."""
    x = to.nchw(tensor)
    strides = _pair(node, "strides")
    if node.attributes.get("data_format", "NHWC") != "NHWC" or node.attributes["padding"] not in {"SAME", "VALID"}:
        raise ValueError("only NHWC with SAME or VALID padding is converted")
    if node.attributes["padding"] == "SAME":
        pads = [same(int(size), *window) for size, *window in zip(to.writer.shape(x)[2:], reach, strides, strict=True)]
        return x, {"strides": strides, "pads": [before for before, _ in pads] + [after for _, after in pads]}
    before = to.writer.made(x, "Pad")
    if before is not None and float(to.writer.value(before.input[2])) == neutral:  # type: ignore[arg-type] # _pad made it
        pads = to.writer.value(before.input[1]).tolist()  # type: ignore[union-attr] # as above
        if pads[:2] == pads[4:6] == [0, 0] and min(pads) >= 0:
            return before.input[0], {"strides": strides, "pads": pads[2:4] + pads[6:8]}
    return x, {"strides": strides, "pads": [0] * 4}


def _pair(node: Node, name: str) -> list[int]:
    """Return the numbers for height and width of an attribute for NHWC; the others must be 1."""
    first, height, width, last = node.attributes[name]
    if (first, last) != (1, 1):
        raise ValueError(f"{name} {node.attributes[name]} are not converted")
    return [height, width]


def resize(to: Tensors, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Convert a bilinear resize with half-pixel centres, given by scales, which every engine supports."""
    if node.attributes.get("align_corners") or not node.attributes.get("half_pixel_centers"):
        raise ValueError("only half_pixel_centers is converted")
    x = to.nchw(inputs[0])
    sizes, resized = [int(size) for size in to.writer.shape(x)[2:]], to.constant(inputs[1]).tolist()
    scales = np.array([1, 1, resized[0] / sizes[0], resized[1] / sizes[1]], np.float32)
    if np.floor(scales[2:] * sizes).tolist() != resized:
        raise ValueError(f"a resize from {sizes} to {resized} has no exact scale")
    return [Tensor(nchw=to.writer.add("Resize", x, "", to.writer.constant(scales), mode="linear"))]


def folded(to: Tensors, node: Node, inputs: list[Tensor], *, bias: bool) -> list[Tensor]:
    """Return a layer with a constant for each output channel merged into bias or kernel; [] if it does not apply."""
    before = to.writer.made(inputs[0].nchw, "Conv") or to.writer.made(inputs[0].plain, "Gemm")
    factors = to.writer.value(inputs[1].plain)
    if before is None or factors is None or len(before.input) > 2 or not to.read_once(node, 0):  # noqa: PLR2004 - without a bias
        return []
    x, kernel = before.input
    values = to.writer.value(kernel)
    if values is None or factors.shape != values.shape[:1]:
        return []
    scaled = to.writer.constant(values * factors.reshape(-1, *[1] * (values.ndim - 1)))
    parts = [x, kernel, inputs[1].plain] if bias else [x, scaled]
    layer = to.writer.add(before.op_type, *parts, **_attributes(before))
    return [Tensor(nchw=layer) if before.op_type == "Conv" else Tensor(layer)]


def _attributes(node: Any) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def fused(node: Node) -> tuple[bool, str]:
    """Return whether a node adds a bias, and its activation, which is empty if it has none.

    :raises ValueError: The node has other fused operations.
    """
    operations = node.attributes.get("fused_ops", [])
    if operations not in ([], ["BiasAdd"], ["BiasAdd", "Relu"], ["BiasAdd", "Relu6"]):
        raise ValueError(f"the fused operations {operations} are not converted")
    return bool(operations), operations[1] if operations[1:] else ""


def activated(to: Tensors, name: str, activation: str) -> str:
    """Return a tensor after an activation returned by ``fused``."""
    if activation == "Relu6":
        return to.writer.add("Clip", name, to.writer.constant(np.float32(0)), to.writer.constant(np.float32(6)))
    return to.writer.add(activation, name) if activation else name
