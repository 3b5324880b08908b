"""Follows sizes through a network before it runs.

ncnn does not check them: a layer whose weights are for other sizes reads past
their end and answers with whatever is there.  Shapes here are ncnn's own, slowest
dimension first and without a batch: (w), (h, w), (c, h, w) or (c, d, h, w).  None
stands for a size that is not known; what follows from it is not checked.
Sizes as in https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md
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
"""What ncnn takes for a number that was not given; in a padding it asks for the same size."""
LAST = -234
"""As UNSET in a padding, with the odd one in front."""
IMAGE = 3
"""Dimensions of (c, h, w)."""


def shapes(graph: Graph, inputs: Mapping[str, Shape]) -> dict[str, Shape | None]:
    """Return every blob's shape by name.

    :param inputs: Shapes of the inputs by name.
    :raises EngineError: Naming the layer whose weights are for other sizes.
    """
    found: dict[str, Shape | None] = dict(inputs)
    for layer in graph.layers:
        if layer.type == "Input":
            continue
        given = [shape for shape in map(found.get, layer.bottoms) if shape is not None]
        rule = RULES.get(layer.type)
        complete = rule is not None and given and len(given) == len(layer.bottoms)
        tops = rule(layer, given) if rule and complete else [None] * len(layer.tops)
        found.update(zip(layer.tops, tops, strict=False))
    return found


def refused(layer: Layer, shape: Shape, wanted: str) -> EngineError:
    """Return the error for a layer that cannot take what reaches it."""
    return EngineError(f"{layer.label} would get {text(shape)}; {wanted}")


def _same(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    return [given[0]] * len(layer.tops)


def _elementwise(_: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    ranks = set(map(len, given))
    if len(ranks) > 1:
        return [None]
    return [tuple(max(sizes) for sizes in zip(*given, strict=True))]


def _scaled(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    """One weight for each channel, that is, for each index of the slowest dimension."""
    channels = layer.integer(0)
    if len(given) == 1 and channels > 0 and given[0][0] != channels:
        raise refused(layer, given[0], f"its weights are for {channels} channels")
    return [given[0]]


def _convolution(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights = layer.integer(0), layer.integer(6)
    kernel = (layer.integer(11, layer.integer(1)), layer.integer(1))
    shape = given[0]
    if layer.integer(19) or not weights:  # the weights are a second input
        return [None]
    if len(shape) == 1 and shape[0] * outputs == weights:
        return [(outputs,)]  # as an inner product
    channels = _channels(layer, outputs, weights, math.prod(kernel), shape)
    if shape[0] != channels:
        raise refused(layer, shape, f"its weights are for {channels} channels")
    stride = (layer.integer(13, layer.integer(3, 1)), layer.integer(3, 1))
    dilation = (layer.integer(12, layer.integer(2, 1)), layer.integer(2, 1))
    left, top = layer.integer(4), layer.integer(14, layer.integer(4))
    pads = ((top, layer.integer(16, top)), (left, layer.integer(15, left)))
    sizes = [_slid(*each) for each in zip(shape[1:], kernel, stride, dilation, pads, strict=True)]
    return _sized(layer, shape, outputs, sizes)


def _channels(layer: Layer, outputs: int, weights: int, area: int, shape: Shape) -> int:
    """Return how many channels a convolution's weights are for; ``area`` is of its kernel."""
    if len(shape) != IMAGE:
        raise refused(layer, shape, "it takes 3 dimensions: channels, height, width")
    group = layer.integer(7, 1) if layer.type.endswith("DepthWise") else 1
    if outputs <= 0 or area <= 0 or group <= 0 or weights * group % (outputs * area):
        raise EngineError(
            f"{layer.label} has {weights} weights, which {outputs} outputs with kernels of {area} do not divide",
            hint="the .param is damaged",
        )
    return weights * group // (outputs * area)


def _slid(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> int:
    """Return how often a kernel fits into a padded row."""
    if pads[0] in {UNSET, LAST}:
        return -(-size // stride)
    return (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1


def _sized(layer: Layer, shape: Shape, channels: int, sizes: Sequence[int]) -> Sequence[Shape | None]:
    if min(sizes) < 1:
        raise refused(layer, shape, "its kernel is larger than that")
    return [(channels, *sizes)]


def _convolution_1d(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, kernel = layer.integer(0), layer.integer(6), layer.integer(1)
    shape, wanted = given[0], "it takes 2 dimensions: channels and width"
    if layer.integer(19) or not weights or outputs <= 0 or kernel <= 0:
        return [None]
    if len(shape) != 2 or shape[0] * outputs * kernel != weights:  # noqa: PLR2004
        raise refused(layer, shape, f"{wanted}, of {weights // (outputs * kernel)} channels")
    left = layer.integer(4)
    pads = (left, layer.integer(15, left))
    return _sized(layer, shape, outputs, [_slid(shape[1], kernel, layer.integer(3, 1), layer.integer(2, 1), pads)])


def _deconvolution(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, shape = layer.integer(0), layer.integer(6), given[0]
    kernel = (layer.integer(11, layer.integer(1)), layer.integer(1))
    if layer.integer(28) or not weights:
        return [None]
    channels = _channels(layer, outputs, weights, math.prod(kernel), shape)
    if shape[0] != channels:
        raise refused(layer, shape, f"its weights are for {channels} channels")
    left, top = layer.integer(4), layer.integer(14, layer.integer(4))
    pads = (top + layer.integer(16, top), left + layer.integer(15, left))
    if min(pads) < 0 or layer.integer(20) or layer.integer(21):  # sizes that follow from what is asked for
        return [None]
    stride = (layer.integer(13, layer.integer(3, 1)), layer.integer(3, 1))
    dilation = (layer.integer(12, layer.integer(2, 1)), layer.integer(2, 1))
    extra = (layer.integer(19, layer.integer(18)), layer.integer(18))
    parts = zip(shape[1:], kernel, stride, dilation, pads, extra, strict=True)
    sizes = [(size - 1) * step + gap * (reach - 1) + 1 + more - pad for size, reach, step, gap, pad, more in parts]
    return _sized(layer, shape, outputs, sizes)


def _pooling(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    shape = given[0]
    if len(shape) != IMAGE:
        raise refused(layer, shape, "it takes 3 dimensions: channels, height, width")
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
    sizes = [_pooled(mode, *each) for each in zip(shape[1:], kernel, stride, pads, strict=True)]
    return _sized(layer, shape, shape[0], sizes)


def _pooled_to(layer: Layer, shape: Shape) -> Sequence[Shape | None]:
    asked = (layer.integer(18, layer.integer(8)), layer.integer(8))
    sizes = [size if wanted == UNSET else wanted for size, wanted in zip(shape[1:], asked, strict=True)]
    return [(shape[0], *sizes)]


def _pooled(mode: int, size: int, kernel: int, stride: int, pad: int) -> int:
    """Return the size after pooling; ``mode`` 0 takes the rest along, 1 leaves it, others keep size by stride."""
    if mode > 1:
        return (size - 1) // stride + 1
    rest = size + pad - kernel
    return (-(-rest // stride) if mode == 0 else rest // stride) + 1


def _inner_product(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    outputs, weights, shape = layer.integer(0), layer.integer(2), given[0]
    if outputs <= 0 or not weights or weights % outputs:
        raise EngineError(
            f"{layer.label} has {weights} weights, which {outputs} outputs do not divide", hint="the .param is damaged"
        )
    inputs = weights // outputs
    if len(shape) == 2 and shape[1] == inputs:  # noqa: PLR2004 - one product for each row
        return [(shape[0], outputs)]
    if math.prod(shape) != inputs:
        raise refused(layer, shape, f"its weights are for {inputs} values")
    return [(outputs,)]


def _flatten(_: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    return [(math.prod(given[0]),)]


def _reshape(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    sizes = [layer.integer(key, UNSET) for key in (2, 11, 1, 0)]
    sizes = [size for size in sizes if size != UNSET]
    total = math.prod(given[0])
    if layer.integer(3) or layer.has_list(6) or 0 in sizes or not sizes:  # sizes that follow from others
        return [None]
    fixed = math.prod(size for size in sizes if size > 0)
    if sizes.count(-1) > 1 or (total % fixed if -1 in sizes else total != fixed):
        raise refused(layer, given[0], f"it makes {text(sizes).replace('-1', '?')} of it")
    return [tuple(total // fixed if size == -1 else size for size in sizes)]


def _concat(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    rank, axis = len(given[0]), layer.integer(0)
    at = axis if axis >= 0 else rank + axis
    others = {(len(shape), shape[:at], shape[at + 1 :]) for shape in given}
    if len(others) > 1 or at not in range(rank):
        raise refused(layer, given[-1], f"it joins it to {text(given[0])} along dimension {at}")
    return [(*given[0][:at], sum(shape[at] for shape in given), *given[0][at + 1 :])]


def _slice(layer: Layer, given: Sequence[Shape]) -> Sequence[Shape | None]:
    shape, wanted = given[0], layer.params.get(0)
    at = layer.integer(1) % len(shape)
    if not isinstance(wanted, tuple) or layer.has_list(2) or len(wanted) != len(layer.tops):
        return [None] * len(layer.tops)
    sizes: list[int] = []
    for count, size in enumerate(map(int, wanted)):
        left = shape[at] - sum(sizes)
        sizes.append(left // (len(wanted) - count) if size == UNSET else size)
    if min(sizes) < 1 or sum(sizes) > shape[at]:
        raise refused(layer, shape, f"it cuts {'+'.join(map(str, sizes))} out of dimension {at}")
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
"""How each type's outputs follow from its inputs; other types' outputs are not known."""
