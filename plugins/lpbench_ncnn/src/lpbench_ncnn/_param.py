"""Reads ``.param`` files, the text that describes a network for ncnn, and refuses what would crash ncnn.

ncnn trusts these files: a blob too many is written past the end of a list.
Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Value = int | float | str | tuple[int | float, ...]

MAGIC = "7767517"
HEAD = 64
"""Bytes that tell a foreign format."""
KEYS = 32
"""Parameters that a layer can have."""
INTEGERS = 1 << 31
PNNX = "pnnx.Input"
"""A layer that only pnnx's .pnnx.param has."""
FIRST_ARRAY = -23300
"""Keys from here downwards are arrays: the key is this less its number, the first value is the length."""
FIRST_TEXT = -23400
"""Keys from here downwards are texts."""


@dataclass(frozen=True)
class Layer:
    """One line of the file.

    :param params: Values by ncnn's number of the parameter.
    :param line: Number of the line, from 1.
    """

    type: str
    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: Mapping[int, Value] = field(default_factory=dict)
    line: int = 0

    def integer(self, key: int, default: int = 0) -> int:
        """Return a whole number, or what ncnn takes where it is not given."""
        value = self.params.get(key, default)
        return int(value) if isinstance(value, (int, float)) else default

    def has_list(self, key: int) -> bool:
        """Say whether a parameter is a list or a text."""
        return isinstance(self.params.get(key), (tuple, str))

    @property
    def label(self) -> str:
        """What errors call it."""
        return f'layer "{self.name}" ({self.type})'


@dataclass(frozen=True)
class Graph:
    """A network: its layers in the order of execution."""

    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> tuple[Layer, ...]:
        """The layers that stand for inputs; each has the input's name as its only top."""
        return tuple(layer for layer in self.layers if layer.type == "Input")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The blobs that no layer takes."""
        taken = {name for layer in self.layers for name in layer.bottoms}
        return tuple(name for layer in self.layers for name in layer.tops if name not in taken)

    def unknown(self, known: Callable[[str], bool]) -> list[str]:
        """Return the types of layers that are not known, each once."""
        return sorted({layer.type for layer in self.layers if not known(layer.type)})


def read(path: Path) -> Graph:
    """Return the network of a file.

    :raises EngineError: It is of another format, or damaged: with the line and what is wrong there.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if other := foreign(head):
        raise EngineError(f"{path.name} is {other[0]}; ncnn reads .param files", hint=other[1])
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise EngineError(
            f"{path.name} is no .param file: it is not text",
            hint="the .param goes in front; its .bin holds the weights",
        ) from error
    if PNNX in text:
        raise EngineError(
            f"{path.name} is pnnx's own description of a network",
            hint="hand over the .ncnn.param that pnnx wrote beside it",
        )
    try:
        return parse(text)
    except _LineError as error:
        raise EngineError(error.what, where=f"{path}:{error.line}", hint="fetch or convert it again") from None


def foreign(head: bytes) -> tuple[str, str] | None:
    """Return what a file is and what to do with it, from its first bytes, or None if nothing is known of it."""
    export = "export it to ONNX, and convert that: lpbench convert model.onnx --to ncnn"
    starts = {
        b"PK\x03\x04": ("a zip archive, of PyTorch or Keras perhaps", export),
        b"\x89HDF": ("an HDF5 file, of Keras perhaps", export),
        b"<?xml": ("XML, of OpenVINO perhaps", "use --engine openvino"),
        b"\xdd\x85\x76\x00": ("a binary .param.bin", "hand over the text, the .param it was made from"),
        b"ptrt": ("a TensorRT engine", "use --engine tensorrt"),
        b"ftrt": ("a TensorRT engine", "use --engine tensorrt"),
    }
    for start, found in starts.items():
        if head.startswith(start):
            return found
    if head[4:8] == b"TFL3":
        return "a TFLite model", "use --engine tflite"
    if head[4:8] == b"ORTM" or _is_onnx(head):
        return "an ONNX model", "use --engine onnxruntime, or convert it: lpbench convert model.onnx --to ncnn"
    return None if head else ("empty", "fetch or convert it again")


def _is_onnx(head: bytes) -> bool:
    """Say whether bytes begin as ONNX's protocol buffer: the IR version, then one of its other fields."""
    return len(head) > 2 and head[0] == 0x08 and head[1] < 0x20 and head[2] in range(0x12, 0x43)  # noqa: PLR2004


class _LineError(Exception):
    """Something is wrong in a line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def parse(text: str) -> Graph:
    """Return the network that a file's text describes.

    :raises _LineError: Naming the line.
    """
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines or lines[0][1] != [MAGIC]:
        found = " ".join(lines[0][1])[:40] if lines else ""
        raise _LineError(1, f'this is no .param file: it begins with "{found}" instead of {MAGIC}')
    counts = [_count(lines[1][0], word) for word in lines[1][1]] if len(lines) > 1 else []
    if len(counts) != 2:  # noqa: PLR2004 - layers and blobs
        raise _LineError(2, "the numbers of layers and blobs are missing")
    layers = tuple(_layer(number, words) for number, words in lines[2:])
    if len(layers) != counts[0]:
        raise _LineError(lines[-1][0], f"the file ends after {len(layers)} layers; line 2 says {counts[0]}")
    _check_blobs(layers, counts[1])
    return Graph(layers)


def _layer(number: int, words: list[str]) -> Layer:
    if len(words) < 4:  # noqa: PLR2004 - type, name, number of inputs, number of outputs
        raise _LineError(number, f'"{" ".join(words)}" is no layer: type, name and two numbers are missing')
    kind, name = words[:2]
    bottoms, tops = (_count(number, word) for word in words[2:4])
    names = words[4 : 4 + bottoms + tops]
    if len(names) < bottoms + tops or any("=" in each for each in names):
        raise _LineError(number, f'layer "{name}" names fewer than {bottoms} inputs and {tops} outputs')
    params = dict(_param(number, word) for word in words[4 + bottoms + tops :])
    return Layer(kind, name, tuple(names[:bottoms]), tuple(names[bottoms:]), params, number)


def _count(number: int, word: str) -> int:
    if not word.isdecimal():
        raise _LineError(number, f'"{word}" stands where a number is expected')
    return int(word)


def _param(number: int, word: str) -> tuple[int, Value]:
    key, _, text = word.partition("=")
    try:
        return _keyed(int(key), text)
    except ValueError:
        raise _LineError(number, f'"{word}" is no parameter: a number, = and a value') from None


def _keyed(key: int, text: str) -> tuple[int, Value]:
    plain = key if key > FIRST_ARRAY else FIRST_ARRAY - key if key > FIRST_TEXT else FIRST_TEXT - key
    if plain not in range(KEYS):  # ncnn writes past the end of its own list
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
    """Return a number, a list without its length, or a text: newer files write all three under plain keys."""
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
        return float(text)
    if not -INTEGERS <= (number := int(text)) < INTEGERS:
        raise ValueError
    return number


def _check_blobs(layers: Iterable[Layer], count: int) -> None:
    """Refuse inputs that nothing made before, and more blobs than the file announces."""
    made: set[str] = set()
    for layer in layers:
        for name in layer.bottoms:
            if name not in made:
                raise _LineError(layer.line, f'layer "{layer.name}" takes "{name}", which no layer before it makes')
        for name in layer.tops:
            if name in made:
                raise _LineError(layer.line, f'layer "{layer.name}" makes "{name}", which exists already')
            made.add(name)
    if len(made) > count:
        raise _LineError(2, f"there are {len(made)} blobs; this line says {count}")


def weighted(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers that hold weights and compute most of a network."""
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
"""Types that compute most of a network, each with its parameter for the number of weights; -1 has none or several."""
