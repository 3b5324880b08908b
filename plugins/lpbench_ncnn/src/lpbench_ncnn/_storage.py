"""Tells what a .bin holds for each layer of a .param: how many weights, and in which type they are stored.

A .bin has the weights of all layers one after another, without names.  Some arrays begin with a tag that says how they
are stored; others are float32 always.  Which arrays a layer has follows from its parameters, as in each layer's
``load_model``: https://github.com/Tencent/ncnn/tree/master/src/layer
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpbench_ncnn._param import Layer

TAG_BYTES = 4
F16, S8 = 0x01306B47, 0x000D4B38
TABLE = 256
"""Floats of a table of quantised weights, which comes before their indices of one byte."""
UNSET = -233
CONSTANT = "MemoryData"
INT8_TOP = 100
"""int8_scale_term from which on a layer also has a scale of its output."""


@dataclass(frozen=True)
class Array:
    """An array that a layer loads.

    :param tagged: Whether a tag before it says how it is stored; else it is float32.
    :param learned: Whether training fits it; statistics and scales are not.
    """

    count: int
    tagged: bool = False
    learned: bool = True


@dataclass(frozen=True)
class Stored:
    """An array in a .bin.

    :param dtype: Of its elements: float32, float16, int8, or uint8 for indices of a table.
    :param bytes: With its tag, table and padding.
    """

    array: Array
    dtype: str
    bytes: int


def stored(layers: Iterable[Layer], file: BinaryIO) -> tuple[list[list[Stored]], int]:
    """Return the arrays of each layer, and the number of bytes that no layer explains.

    :param file: The .bin; only the tags are read.
    :raises ValueError: It is too short.
    """
    size = file.seek(0, 2)
    at, found = 0, list[list[Stored]]()
    for layer in layers:
        arrays = [each for each in ARRAYS[layer.type](layer) if each.count > 0] if layer.type in ARRAYS else []
        of_layer = []
        for array in arrays:
            of_layer.append(_stored(array, file, at))
            at += of_layer[-1].bytes
        found.append(of_layer)
    if at > size:
        raise ValueError(f"the .param describes {at} bytes of weights; the .bin has {size}")
    return found, size - at


def _stored(array: Array, file: BinaryIO, at: int) -> Stored:
    if not array.tagged:
        return Stored(array, "float32", 4 * array.count)
    file.seek(at)
    content = file.read(TAG_BYTES)
    if len(content) < TAG_BYTES:
        raise ValueError(f"the .bin ends at byte {at}, where a layer's weights begin")
    tag = struct.unpack("<I", content)[0]
    if tag == F16:
        return Stored(array, "float16", TAG_BYTES + _padded(2 * array.count))
    if tag == S8:
        return Stored(array, "int8", TAG_BYTES + _padded(array.count))
    if sum(content):  # a table, unless it is the tag of plain floats, whose lowest byte is not that of a sum
        return _tabled(array, tag)
    return Stored(array, "float32", TAG_BYTES + 4 * array.count)


def _tabled(array: Array, tag: int) -> Stored:
    if tag == 0x0002C056:  # noqa: PLR2004 - float32 as well
        return Stored(array, "float32", TAG_BYTES + 4 * array.count)
    return Stored(array, "uint8", TAG_BYTES + 4 * TABLE + _padded(array.count))


def _padded(size: int) -> int:
    return -(-size // 4) * 4


def _weights(*, count: int, bias: int, outputs: int = 0, dynamic: int = -1) -> Callable[[Layer], list[Array]]:
    """Return the arrays of a layer with one matrix of weights.

    :param count: Number of the parameter with their number; likewise the others.
    """

    def arrays(layer: Layer) -> list[Array]:
        if dynamic >= 0 and layer.integer(dynamic):
            return []
        width = layer.integer(outputs)
        biases = [Array(width)] if layer.integer(bias) else []
        return [Array(layer.integer(count), tagged=True), *biases, *_scales(layer, width)]

    return arrays


def _scales(layer: Layer, outputs: int) -> list[Array]:
    """Return the scales of a layer that is quantised to 8 bits: of weights, input and output."""
    term = layer.integer(8)
    if not term or layer.type not in {"Convolution", "ConvolutionDepthWise", "InnerProduct"}:
        return []
    shared = term % INT8_TOP == 2  # noqa: PLR2004 - one scale for all groups
    of_weights = (1 if shared else layer.integer(7, 1)) if layer.type == "ConvolutionDepthWise" else outputs
    counts = (of_weights, 1, *([1] if term > INT8_TOP else []))
    return [Array(count, learned=False) for count in counts]


def _per_channel(*, size: int, arrays: int, switch: int = -1) -> Callable[[Layer], list[Array]]:
    """Return the arrays of a layer with some float32 values for each channel."""

    def found(layer: Layer) -> list[Array]:
        if switch >= 0 and not layer.integer(switch, 1):
            return []
        return [Array(layer.integer(size))] * arrays

    return found


def _batch_norm(layer: Layer) -> list[Array]:
    """Slope, mean, variance, bias."""
    channels = layer.integer(0)
    return [Array(channels), Array(channels, learned=False), Array(channels, learned=False), Array(channels)]


def _scale(layer: Layer) -> list[Array]:
    size = layer.integer(0)
    return [] if size == UNSET else [Array(size), *([Array(size)] if layer.integer(1) else [])]


def _memory(layer: Layer) -> list[Array]:
    sizes = [size for size in (layer.integer(key) for key in (0, 1, 11, 2)) if size]
    count = 1
    for size in sizes:
        count *= size
    return [Array(count if sizes else 0, tagged=layer.integer(21, 1) == 0)]


def recurrent_arrays(layer: Layer) -> list[Array]:
    """Return the arrays of a recurrent layer: for the input, biases, for the state, and those of a projection."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[layer.type]
    outputs, directions = layer.integer(0), 2 if layer.integer(2) == 2 else 1  # noqa: PLR2004 - both
    hidden = layer.integer(3, outputs) if layer.type == "LSTM" else outputs
    biases = {"LSTM": 4, "GRU": 4, "RNN": 1}[layer.type]
    counts = [layer.integer(1), hidden * biases * directions, outputs * hidden * gates * directions]
    counts += [hidden * outputs * directions] if outputs != hidden else []
    scales = [Array(hidden * gates * directions, learned=False)] * 2 if layer.integer(8) else []
    return [*(Array(count, tagged=True) for count in counts), *scales]


def _attention(layer: Layer) -> list[Array]:
    width = layer.integer(0)
    query = layer.integer(2) // width if width else 0
    sizes = (query, layer.integer(3, width), layer.integer(4, width))
    inner = [array for size in sizes for array in (Array(width * size, tagged=True), Array(width))]
    return [*inner, Array(query * width, tagged=True), Array(query)]


def _gemm(layer: Layer) -> list[Array]:
    rows, columns, depth = (layer.integer(key) for key in (7, 8, 9))
    kinds = {0: 1, 1: rows, 2: rows, 3: rows * columns, 4: columns}
    added = kinds.get(layer.integer(10), 0) if layer.integer(6) else 0
    counts = (rows * depth if layer.integer(4) else 0, columns * depth if layer.integer(5) else 0, added)
    return [Array(count, tagged=True) for count in counts]


def _embed(layer: Layer) -> list[Array]:
    return [Array(layer.integer(3), tagged=True), *([Array(layer.integer(0))] if layer.integer(2) else [])]


def _quantisers(*keys: int) -> Callable[[Layer], list[Array]]:
    return lambda layer: [Array(layer.integer(key, 1 if key == keys[0] else 0), learned=False) for key in keys]


ARRAYS: Mapping[str, Callable[[Layer], Sequence[Array]]] = {
    **dict.fromkeys(
        (
            *("Convolution", "ConvolutionDepthWise", "Convolution1D", "ConvolutionDepthWise1D", "Convolution3D"),
            *("ConvolutionDepthWise3D", "DeformableConv2D"),
        ),
        _weights(count=6, bias=5, dynamic=19),
    ),
    **dict.fromkeys(
        ("Deconvolution", "DeconvolutionDepthWise", "Deconvolution1D", "Deconvolution3D"),
        _weights(count=6, bias=5, dynamic=28),
    ),
    "InnerProduct": _weights(count=2, bias=1),
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "Bias": _per_channel(size=0, arrays=1),
    "PReLU": _per_channel(size=0, arrays=1),
    "LayerNorm": _per_channel(size=0, arrays=2, switch=2),
    "GroupNorm": _per_channel(size=1, arrays=2, switch=3),
    "InstanceNorm": _per_channel(size=0, arrays=2, switch=2),
    "RMSNorm": _per_channel(size=0, arrays=1, switch=2),
    "Normalize": _per_channel(size=3, arrays=1),
    "Embed": _embed,
    CONSTANT: _memory,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent_arrays),
    "MultiHeadAttention": _attention,
    "Gemm": _gemm,
    "Quantize": _quantisers(0),
    "Dequantize": _quantisers(0, 1),
    "Requantize": _quantisers(0, 1, 2),
}
"""The arrays of each type of layer that has any, in the order of the file."""
