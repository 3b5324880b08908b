"""Infers the shapes of a network's tensors before it runs.

ncnn does not check shapes: a layer whose weights are for other sizes reads past
their end and computes with whatever is there.  Shapes here are ncnn's own, slowest
dimension first and without a batch: (w), (h, w), (c, h, w) or (c, d, h, w).  None
is an unknown shape; shapes that depend on it are not checked.
Rules as in https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.feed_checks import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench_ncnn._param import Graph, Layer

    Shape = tuple[int, ...]
    Rule = Callable[["Layer", Sequence[Shape]], "Sequence[Shape | None]"]

UNSET = -233
"""ncnn's value for a parameter that is not given; as a padding it means "same"."""
LAST = -234
"""As a padding: "same", with the odd element in front."""
IMAGE = 3
"""Number of dimensions of (c, h, w)."""


def shapes(graph: Graph, inputs: Mapping[str, Shape]) -> dict[str, Shape | None]:
    """Return the shape of every blob (ncnn's tensors) by name.

    :param inputs: Shapes of the inputs by name.
    :raises EngineError: A layer cannot process the shape that it receives; the error names it.
    """
    known: dict[str, Shape | None] = dict(inputs)
    for layer in graph.layers:
        if layer.type == "Input":
            continue
        given = [shape for shape in map(known.get, layer.bottoms) if shape is not None]
        rule = RULES.get(layer.type)
        complete = rule is not None and given and len(given) == len(layer.bottoms)
        tops = _applied(rule, layer, given) if rule and complete else [None] * len(layer.tops)
        known.update(zip(layer.tops, tops, strict=False))
    return known


def _applied(rule: Rule, layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    try:
        return rule(layer, given)
    except ZeroDivisionError:
        raise EngineError(f"{layer.label} has a stride of 0", hint="the .param is damaged") from None


def refused(layer: Layer, shape: Shape, expected: str) -> EngineError:
    """Return the error for a layer that cannot process the shape that it receives."""
    return EngineError(f"{layer.label} would receive {text(shape)}; {expected}")


def _same(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    return [inputs[0]] * len(layer.tops)


def _elementwise(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    ranks = set(map(len, inputs))
    if len(ranks) > 1:
        return [None]
    return [tuple(max(sizes) for sizes in zip(*inputs, strict=True))]


def _scaled(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    """Return the shape after a layer with one weight for each index of the slowest dimension, the channels."""
    channels = layer.integer(0)
    if len(inputs) == 1 and channels > 0 and inputs[0][0] != channels:
        raise refused(layer, inputs[0], f"its weights are for {channels} channels")
    return [inputs[0]]


def _convolution(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights = layer.integer(0), layer.integer(6)
    kernel = (layer.integer(11, layer.integer(1)), layer.integer(1))
    shape = inputs[0]
    if layer.integer(19) or not weights:  # the weights are a second input
        return [None]
    if len(shape) == 1 and shape[0] * outputs == weights:
        return [(outputs,)]  # computed as an inner product
    channels = _channels(layer, outputs, weights, math.prod(kernel), shape)
    if shape[0] != channels:
        raise refused(layer, shape, f"its weights are for {channels} channels")
    stride = (layer.integer(13, layer.integer(3, 1)), layer.integer(3, 1))
    dilation = (layer.integer(12, layer.integer(2, 1)), layer.integer(2, 1))
    left, top = layer.integer(4), layer.integer(14, layer.integer(4))
    pads = ((top, layer.integer(16, top)), (left, layer.integer(15, left)))
    sizes = [_slid(*dimension) for dimension in zip(shape[1:], kernel, stride, dilation, pads, strict=True)]
    return _sized(layer, shape, outputs, sizes)


def _channels(layer: Layer, outputs: int, weights: int, area: int, shape: Shape) -> int:
    """Return the number of input channels that a convolution's weights are for; ``area`` is the kernel's."""
    if len(shape) != IMAGE:
        raise refused(layer, shape, "it expects 3 dimensions: channels, height, width")
    group = layer.integer(7, 1) if layer.type.endswith("DepthWise") else 1
    if outputs <= 0 or area <= 0 or group <= 0 or weights * group % (outputs * area):
        raise EngineError(
            f"{layer.label} has {weights} weights, which is not a multiple of {outputs} outputs with kernels of {area}",
            hint="the .param is damaged",
        )
    return weights * group // (outputs * area)


def _slid(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> int:
    """Return the number of positions of a kernel in a padded row."""
    if pads[0] in {UNSET, LAST}:
        return -(-size // stride)
    return (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1


def _sized(layer: Layer, shape: Shape, channels: int, sizes: Sequence[int]) -> Sequence[Shape | None]:
    if min(sizes) < 1:
        raise refused(layer, shape, "its kernel is larger than that")
    return [(channels, *sizes)]


def _convolution_1d(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, kernel = layer.integer(0), layer.integer(6), layer.integer(1)
    shape, expected = inputs[0], "it expects 2 dimensions: channels and width"
    if layer.integer(19) or not weights or outputs <= 0 or kernel <= 0:
        return [None]
    if len(shape) != 2 or shape[0] * outputs * kernel != weights:  # noqa: PLR2004
        raise refused(layer, shape, f"{expected}, of {weights // (outputs * kernel)} channels")
    left = layer.integer(4)
    pads = (left, layer.integer(15, left))
    return _sized(layer, shape, outputs, [_slid(shape[1], kernel, layer.integer(3, 1), layer.integer(2, 1), pads)])


def _deconvolution(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, shape = layer.integer(0), layer.integer(6), inputs[0]
    kernel = (layer.integer(11, layer.integer(1)), layer.integer(1))
    if layer.integer(28) or not weights:
        return [None]
    channels = _channels(layer, outputs, weights, math.prod(kernel), shape)
    if shape[0] != channels:
        raise refused(layer, shape, f"its weights are for {channels} channels")
    left, top = layer.integer(4), layer.integer(14, layer.integer(4))
    pads = (top + layer.integer(16, top), left + layer.integer(15, left))
    if min(pads) < 0 or layer.integer(20) or layer.integer(21):  # the shape depends on further parameters
        return [None]
    stride = (layer.integer(13, layer.integer(3, 1)), layer.integer(3, 1))
    dilation = (layer.integer(12, layer.integer(2, 1)), layer.integer(2, 1))
    extra = (layer.integer(19, layer.integer(18)), layer.integer(18))
    parts = zip(shape[1:], kernel, stride, dilation, pads, extra, strict=True)
    sizes = [(size - 1) * step + gap * (reach - 1) + 1 + more - pad for size, reach, step, gap, pad, more in parts]
    return _sized(layer, shape, outputs, sizes)


def _pooling(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    shape = inputs[0]
    if len(shape) != IMAGE:
        raise refused(layer, shape, "it expects 3 dimensions: channels, height, width")
    if layer.integer(4):
        return [(shape[0],)]
    if layer.integer(7):
        return _pooled_to(layer, shape)
    kernel = (layer.integer(11, layer.integer(1)), layer.integer(1))
    stride = (layer.integer(12, layer.integer(2, 1)), layer.integer(2, 1))
    left = layer.integer(3)
    top = layer.integer(13, left)
    pads = (top + layer.integer(15, top), left + layer.integer(14, left))
    mode = layer.integer(5)
    sizes = [_pooled(mode, *dimension) for dimension in zip(shape[1:], kernel, stride, pads, strict=True)]
    return _sized(layer, shape, shape[0], sizes)


def _pooled_to(layer: Layer, shape: Shape) -> Sequence[Shape | None]:
    requested = (layer.integer(18, layer.integer(8)), layer.integer(8))
    sizes = [size if target == UNSET else target for size, target in zip(shape[1:], requested, strict=True)]
    return [(shape[0], *sizes)]


def _pooled(mode: int, size: int, kernel: int, stride: int, pad: int) -> int:
    """Return the size after pooling; ``mode`` 0 includes an incomplete window, 1 drops it, others pad as "same"."""
    if mode > 1:
        return (size - 1) // stride + 1
    rest = size + pad - kernel
    return (-(-rest // stride) if mode == 0 else rest // stride) + 1


def _inner_product(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, shape = layer.integer(0), layer.integer(2), given[0]
    if outputs <= 0 or not weights or weights % outputs:
        raise EngineError(
            f"{layer.label} has {weights} weights, which is not a multiple of {outputs} outputs",
            hint="the .param is damaged",
        )
    inputs = weights // outputs
    if len(shape) == 2 and shape[1] == inputs:  # noqa: PLR2004 - one product for each row
        return [(shape[0], outputs)]
    if math.prod(shape) != inputs:
        raise refused(layer, shape, f"its weights are for {inputs} values")
    return [(outputs,)]


def _flatten(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    return [(math.prod(inputs[0]),)]


def _reshape(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    sizes = [layer.integer(key, UNSET) for key in (2, 11, 1, 0)]
    sizes = [size for size in sizes if size != UNSET]
    total = math.prod(inputs[0])
    if layer.integer(3) or layer.has_list(6) or 0 in sizes or not sizes:  # the shape depends on other parameters
        return [None]
    fixed = math.prod(size for size in sizes if size > 0)
    if sizes.count(-1) > 1 or (total % fixed if -1 in sizes else total != fixed):
        raise refused(layer, inputs[0], f"it reshapes to {text(sizes).replace('-1', '?')}")
    return [tuple(total // fixed if size == -1 else size for size in sizes)]


def _concat(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    rank, axis = len(inputs[0]), layer.integer(0)
    at = axis if axis >= 0 else rank + axis
    others = {(len(shape), shape[:at], shape[at + 1 :]) for shape in inputs}
    if len(others) > 1 or at not in range(rank):
        raise refused(layer, inputs[-1], f"it concatenates that with {text(inputs[0])} along dimension {at}")
    return [(*inputs[0][:at], sum(shape[at] for shape in inputs), *inputs[0][at + 1 :])]


def _slice(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape | None]:
    shape, parts = inputs[0], layer.params.get(0)
    at = layer.integer(1) % len(shape)
    if not isinstance(parts, tuple) or layer.has_list(2) or len(parts) != len(layer.tops):
        return [None] * len(layer.tops)
    sizes: list[int] = []
    for count, size in enumerate(map(int, parts)):
        left = shape[at] - sum(sizes)
        sizes.append(left // (len(parts) - count) if size == UNSET else size)
    if min(sizes) < 1 or sum(sizes) > shape[at]:
        raise refused(layer, shape, f"it slices {'+'.join(map(str, sizes))} out of dimension {at}")
    return [(*shape[:at], size, *shape[at + 1 :]) for size in sizes]


UNCHANGED = (
    *("AbsVal", "BNLL", "Bias", "Cast", "CELU", "Clip", "Dropout", "ELU", "Erf", "Exp", "GELU", "GroupNorm"),
    *("HardSigmoid", "HardSwish", "InstanceNorm", "LRN", "LayerNorm", "Log", "Mish", "Noop", "Normalize", "PReLU"),
    *("Power", "Quantize", "ReLU", "RMSNorm", "SELU", "ShuffleChannel", "Sigmoid", "Softmax", "Softplus", "Split"),
    *("Swish", "TanH", "Threshold", "UnaryOp"),
)
"""Types whose outputs have the shape of their input."""
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(UNCHANGED, _same),
    **dict.fromkeys(("BinaryOp", "Eltwise"), _elementwise),
    **dict.fromkeys(("BatchNorm", "Scale"), _scaled),
    **dict.fromkeys(("Convolution", "ConvolutionDepthWise"), _convolution),
    "Convolution1D": _convolution_1d,
    **dict.fromkeys(("Deconvolution", "DeconvolutionDepthWise"), _deconvolution),
    "Pooling": _pooling,
    "InnerProduct": _inner_product,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Concat": _concat,
    "Slice": _slice,
}
"""Shape rules by layer type; the output shapes of other types are unknown."""
