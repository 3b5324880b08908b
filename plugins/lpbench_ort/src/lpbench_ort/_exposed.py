"""Makes every tensor that a model computes one of its outputs.

Protocol buffers merge: a second ``graph`` field at the end of a file adds its repeated fields to those of the
first, so outputs can be added without taking the model apart, and without the onnx package.  ONNX Runtime finds
out their types and shapes itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_ort._model import GRAPH_OUTPUT, MODEL_GRAPH, MORE, VALUE_NAME, Wire, made_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench_ort._model import Made

FOLDER = "session.model_external_initializers_file_folder_path"
"""ONNX Runtime's name for where weights in files of their own lie, for a model that is handed over as bytes."""


def exposed(model: Model) -> list[Made]:
    """Return what a model computes, in the order of computing; constants are left out.

    :raises EngineError: The file is in ORT format, which cannot be taken apart.
    """
    if model.path.suffix == ".ort":
        raise EngineError(
            "files in ORT format show no intermediate tensors", hint="use the .onnx file that it was made from"
        )
    try:
        return [each for each in made_tensors(model.path) if each.operator != "Constant"]
    except ValueError:  # no ONNX model: loading it says so in better words
        return []


def content(path: Path, names: Iterable[str]) -> bytes:
    """Return a model file with these tensors among its outputs."""
    outputs = b"".join(_field(GRAPH_OUTPUT, _field(VALUE_NAME, name.encode())) for name in names)
    return path.read_bytes() + _field(MODEL_GRAPH, outputs)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | Wire.SPAN) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= MORE:
        found.append(value & (MORE - 1) | MORE)
        value >>= 7
    return bytes([*found, value])
