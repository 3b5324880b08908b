"""Reads ``.param`` files, ncnn's text description of a network, and refuses those that would crash ncnn.

ncnn does not validate these files: an extra blob is written past the end of a list.
Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.errors import either, setting
from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.untrusted import open_regular, read_regular, shorten
from lpbench_ncnn._arity import least_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Value = int | float | str | tuple[int | float, ...]

MAGIC = "7767517"
BYTES = 64 << 20
"""Largest file that is read; those of networks with thousands of layers take some hundred kilobytes."""
DIGITS = 9
"""Most digits of a number of layers, blobs, inputs or outputs."""
SHOWN = 60
"""Characters of a line that an error shows."""
HEAD = 64
"""Number of bytes that identify another format."""
KEYS = 32
"""Largest number of parameters of a layer."""
INTEGERS = 1 << 31
PNNX = "pnnx.Input"
"""Layer type that occurs only in pnnx's .pnnx.param."""
FIRST_ARRAY = -23300
"""Keys from this value downwards are arrays: the parameter's number is the distance, the first value the length."""
FIRST_TEXT = -23400
"""Keys from this value downwards are strings."""


@dataclass(frozen=True)
class Layer:
    """One line of the file.

    :param params: Values by parameter number.
    :param line: Line number, counted from 1.
    """

    type: str
    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: Mapping[int, Value] = field(default_factory=dict)
    line: int = 0

    def integer(self, key: int, default: int = 0) -> int:
        """Return an integer parameter, or ncnn's default if it is not given."""
        value = self.params.get(key, default)
        return int(value) if isinstance(value, (int, float)) else default

    def has_list(self, key: int) -> bool:
        """Return whether a parameter is a list or a string."""
        return isinstance(self.params.get(key), (tuple, str))

    @property
    def label(self) -> str:
        """Name for error messages."""
        return f'layer "{shorten(self.name, SHOWN)}" ({shorten(self.type, SHOWN)})'


@dataclass(frozen=True)
class Graph:
    """A network: its layers in the order of execution."""

    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> tuple[Layer, ...]:
        """The Input layers; the only top of each is the input's name."""
        return tuple(layer for layer in self.layers if layer.type == "Input")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The blobs that no layer reads."""
        taken = {name for layer in self.layers for name in layer.bottoms}
        return tuple(name for layer in self.layers for name in layer.tops if name not in taken)

    def unknown(self, known: Callable[[str], bool]) -> list[str]:
        """Return the unknown layer types, sorted."""
        return sorted({layer.type for layer in self.layers if not known(layer.type)})


def read(path: Path) -> Graph:
    """Return the network of a file.

    :raises EngineError: The file is in another format, or damaged; the error gives the line.
    """
    with open_regular(path, error=EngineError) as file:
        head = file.read(HEAD)
    if foreign_format := foreign(head):
        raise EngineError(f"{path.name} is {foreign_format[0]}; ncnn reads .param files", hint=foreign_format[1])
    try:
        text = read_regular(path, limit=BYTES, error=EngineError).decode()
    except UnicodeDecodeError as error:
        raise EngineError(
            f"{path.name} is not a .param file: it is not text",
            hint="give the .param as the model; its .bin holds the weights",
        ) from error
    if PNNX in text:
        raise EngineError(
            f"{path.name} is pnnx's own description of a network",
            hint="use the .ncnn.param that pnnx wrote beside it",
        )
    try:
        return parse(text)
    except _LineError as error:
        raise EngineError(error.what, where=f"{path}:{error.line}", hint="fetch or convert it again") from None


def foreign(head: bytes) -> tuple[str, str] | None:
    """Return a foreign file's format and the remedy, from its first bytes; None if the format is unknown."""
    convert = either("lpbench convert model.onnx --to ncnn", 'lpbench.convert("model.onnx", "ncnn")')
    export = f"export it to ONNX and convert that: {convert}"
    starts = {
        b"PK\x03\x04": ("a zip archive, possibly of PyTorch or Keras", export),
        b"\x89HDF": ("an HDF5 file, possibly of Keras", export),
        b"<?xml": ("XML, possibly of OpenVINO", f"use {setting('engine', 'openvino')}"),
        b"\xdd\x85\x76\x00": ("a binary .param.bin", "use the text .param that it was made from"),
        b"ptrt": ("a TensorRT engine", f"use {setting('engine', 'tensorrt')}"),
        b"ftrt": ("a TensorRT engine", f"use {setting('engine', 'tensorrt')}"),
    }
    for start, description in starts.items():
        if head.startswith(start):
            return description
    if head[4:8] == b"TFL3":
        return "a TFLite model", f"use {setting('engine', 'tflite')}"
    if head[4:8] == b"ORTM" or _is_onnx(head):
        return "an ONNX model", f"use {setting('engine', 'onnxruntime')}, or convert it: {convert}"
    return None if head else ("empty", "fetch or convert it again")


def _is_onnx(head: bytes) -> bool:
    """Return whether bytes begin like an ONNX file: the IR version, then another field."""
    return len(head) > 2 and head[0] == 0x08 and head[1] < 0x20 and head[2] in range(0x12, 0x43)  # noqa: PLR2004


class _LineError(Exception):
    """A line is wrong."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def parse(text: str) -> Graph:
    """Return the network that a file's text describes.

    :raises _LineError: A line is wrong.
    """
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines or lines[0][1] != [MAGIC]:
        beginning = " ".join(lines[0][1])[:40] if lines else ""
        raise _LineError(1, f'this is not a .param file: it begins with "{beginning}" instead of {MAGIC}')
    if len(lines) < 2 or len(lines[1][1]) != 2:  # noqa: PLR2004 - layers and blobs
        raise _LineError(2, "the numbers of layers and blobs are missing")
    counts = [_count(lines[1][0], word) for word in lines[1][1]]
    layers = tuple(_layer(number, words) for number, words in lines[2:])
    if len(layers) != counts[0]:
        raise _LineError(lines[-1][0], f"the file ends after {len(layers)} layers; line 2 announces {counts[0]}")
    _check_blobs(layers, counts[1])
    _check_inputs(layers)
    return Graph(layers)


def _layer(number: int, words: list[str]) -> Layer:
    if len(words) < 4:  # noqa: PLR2004 - type, name, number of inputs, number of outputs
        line = shorten(" ".join(words), SHOWN)
        raise _LineError(number, f'"{line}" is not a layer: it needs a type, a name and two numbers')
    kind, name = words[:2]
    bottoms, tops = (_count(number, word) for word in words[2:4])
    names = words[4 : 4 + bottoms + tops]
    if len(names) < bottoms + tops or any("=" in each for each in names):
        raise _LineError(number, f'layer "{shorten(name, SHOWN)}" names fewer than {bottoms} inputs and {tops} outputs')
    if kind == "Input" and tops != 1:
        raise _LineError(number, f'layer "{shorten(name, SHOWN)}" is an input with {tops} outputs; expected one')
    params = dict(_param(number, word) for word in words[4 + bottoms + tops :])
    return Layer(kind, name, tuple(names[:bottoms]), tuple(names[bottoms:]), params, number)


def _count(number: int, word: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) <= DIGITS):
        raise _LineError(number, f'found "{shorten(word, SHOWN)}"; expected a number')
    return int(word)


def _param(number: int, word: str) -> tuple[int, Value]:
    key, _, text = word.partition("=")
    try:
        return _keyed(int(key), text)
    except ValueError:
        what = f'"{shorten(word, SHOWN)}" is not a parameter: expected a number, = and a value'
        raise _LineError(number, what) from None


def _keyed(key: int, text: str) -> tuple[int, Value]:
    plain = key if key > FIRST_ARRAY else FIRST_ARRAY - key if key > FIRST_TEXT else FIRST_TEXT - key
    if plain not in range(KEYS):  # ncnn would write past the end of its list
        raise ValueError
    if key > FIRST_ARRAY:
        return plain, _value(text)
    if key <= FIRST_TEXT:
        return plain, text
    length, *values = map(_number, text.split(","))
    if length != len(values):
        raise ValueError
    return plain, tuple(values)


def _value(text: str) -> Value:
    """Return a number, a list or a string; newer files have all three under plain keys, lists without a length."""
    if not text:
        raise ValueError
    if "," in text:
        try:
            return tuple(map(_number, text.split(",")))
        except ValueError:
            return text
    return text if text[0].isalpha() or text[0] in "\"'+*/" else _number(text)


def _number(text: str) -> int | float:
    if any(mark in text.lower() for mark in ".ein"):
        if not math.isfinite(real := float(text)):
            raise ValueError
        return real
    if not -INTEGERS <= (number := int(text)) < INTEGERS:
        raise ValueError
    return number


def _check_blobs(layers: Iterable[Layer], count: int) -> None:
    """Refuse inputs that no earlier layer produces, and more blobs than the file announces."""
    produced: set[str] = set()
    for layer in layers:
        named = f'layer "{shorten(layer.name, SHOWN)}"'
        for name in layer.bottoms:
            if name not in produced:
                what = f'{named} reads "{shorten(name, SHOWN)}", which no earlier layer produces'
                raise _LineError(layer.line, what)
        for name in layer.tops:
            if name in produced:
                what = f'{named} produces "{shorten(name, SHOWN)}", which already exists'
                raise _LineError(layer.line, what)
            produced.add(name)
    if len(produced) > count:
        raise _LineError(2, f"the network has {len(produced)} blobs; this line announces {count}")


def _check_inputs(layers: Iterable[Layer]) -> None:
    """Refuse layers with fewer inputs than they read."""
    for layer in layers:
        if len(layer.bottoms) < (least := least_inputs(layer)):
            raise _LineError(layer.line, f"{layer.label} reads {least} inputs, and has {len(layer.bottoms)}")


def weighted(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers with weights, which do most of a network's computation."""
    return (layer for layer in layers if layer.type in WEIGHTS)


WEIGHTS: Mapping[str, int] = {
    "Convolution": 6,
    "ConvolutionDepthWise": 6,
    "Convolution1D": 6,
    "ConvolutionDepthWise1D": 6,
    "Convolution3D": 6,
    "ConvolutionDepthWise3D": 6,
    "Deconvolution": 6,
    "DeconvolutionDepthWise": 6,
    "DeformableConv2D": 6,
    "InnerProduct": 2,
    "Embed": 3,
    "LSTM": 1,
    "GRU": 1,
    "RNN": 1,
    "MultiHeadAttention": 2,
    "Gemm": -1,
    "MatMul": -1,
    "SDPA": -1,
}
"""Layer types with weights, each with the parameter that holds the number of weights; -1: none or several."""
