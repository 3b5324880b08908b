"""A case for engines that read ONNX: two small models, written without the onnx package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Model
from lpbench.testing.cases import NO_SUCH_OPERATOR, EngineCase

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    Array = np.ndarray[Any, Any]

FLOAT = 1
"""TensorProto.FLOAT."""
ROWS = 2
SIZES = (8, 6)
"""Length of an input and of an output."""
IR_VERSION, OPSET = b"\x08\x08", b"\x10\x0d"  # 8 and 13: any ONNX Runtime since 1.9
MORE = 0x80


def onnx_case(folder: Path, rows: int | str = "N") -> EngineCase:
    """Return ``y = relu(x w)`` for two vectors, and an identity that shows the precision.

    :param folder: Where the models are written.
    :param rows: The number of vectors that the models take: 2, or the name of an open dimension.
    """
    import numpy as np

    random = np.random.default_rng(5)
    weights = random.standard_normal(SIZES).astype(np.float32)
    feeds, other = (random.standard_normal((ROWS, SIZES[0])).astype(np.float32) for _ in range(2))
    return EngineCase(
        model=_save(folder / "model.onnx", weights, rows, "Relu"),
        feeds={"x": feeds},
        other={"x": other},
        expected={"y": np.maximum(feeds @ weights, 0)},
        identity=_save(folder / "identity.onnx", np.eye(SIZES[0], dtype=np.float32), rows),
        unsupported=_save(folder / "unsupported.onnx", weights, rows, NO_SUCH_OPERATOR),
    )


def _save(path: Path, weights: Array, batch: int | str, then: str = "") -> Model:
    rows, columns = weights.shape
    nodes = _node("MatMul", ("x", "w"), "h" if then else "y")
    nodes += _node(then, ("h",), "y") if then else b""
    ends = _field(11, _value("x", batch, rows)) + _field(12, _value("y", batch, columns))
    graph = nodes + _text(2, "graph") + _field(5, _tensor("w", weights)) + ends
    path.write_bytes(IR_VERSION + _field(7, graph) + _field(8, OPSET))
    return Model("onnx", path)


def _node(operator: str, inputs: tuple[str, ...], output: str) -> bytes:
    names = b"".join(_text(1, name) for name in inputs)
    return _field(1, names + _text(2, output) + _text(3, operator) + _text(4, operator))


def _tensor(name: str, array: Array) -> bytes:
    dimensions = b"".join(b"\x08" + _varint(size) for size in array.shape)
    return dimensions + bytes([0x10, FLOAT]) + _text(8, name) + _field(9, array.tobytes())


def _value(name: str, *shape: int | str) -> bytes:
    """Return a float32 input or output; texts name open dimensions."""
    sizes = (_text(2, size) if isinstance(size, str) else b"\x08" + _varint(size) for size in shape)
    dimensions = b"".join(_field(1, size) for size in sizes)
    return _text(1, name) + _field(2, _field(1, bytes([0x08, FLOAT]) + _field(2, dimensions)))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    """Return a protocol buffer field of bytes."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    more = value >= MORE
    return bytes([value & (MORE - 1) | (MORE if more else 0)]) + (_varint(value >> 7) if more else b"")
