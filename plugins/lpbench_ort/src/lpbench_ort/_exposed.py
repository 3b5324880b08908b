"""Makes every tensor that a model computes an output.

Protocol buffers merge: a second ``graph`` field at the end of a file adds its repeated fields to those of the
first.  So outputs can be added without parsing the model and without the onnx package.  ONNX Runtime infers their
types and shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.protobuf import MORE, Wire
from lpbench_ort._model import GRAPH_OUTPUT, MODEL_GRAPH, VALUE_NAME, made_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench_ort._model import Made

FOLDER = "session.model_external_initializers_file_folder_path"
"""ONNX Runtime's setting for the folder of external weights of a model that is passed as bytes."""


def exposed(model: Model) -> list[Made]:
    """Return the tensors that a model computes, in computing order, without constants.

    :raises EngineError: The file is in ORT format, which does not support this.
    """
    if model.path.suffix.lower() == ".ort":
        raise EngineError(
            "files in ORT format do not expose intermediate tensors", hint="use the .onnx file that it was made from"
        )
    try:
        return [tensor for tensor in made_tensors(model.path) if tensor.operator != "Constant"]
    except ValueError:  # not an ONNX model: loading it gives a better error
        return []


def content(path: Path, names: Iterable[str]) -> bytes:
    """Return a model file's content with these tensors added to its outputs."""
    outputs = b"".join(_field(GRAPH_OUTPUT, _field(VALUE_NAME, name.encode())) for name in names)
    return path.read_bytes() + _field(MODEL_GRAPH, outputs)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | Wire.SPAN) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= MORE:
        encoded.append(value & (MORE - 1) | MORE)
        value >>= 7
    return bytes([*encoded, value])
