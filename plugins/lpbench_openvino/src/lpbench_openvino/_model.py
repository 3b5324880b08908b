"""Reads a model's files and reports errors in them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from openvino.frontend import FrontEndManager

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.companions import companion
from lpbench.util.atomic_folders import temporary
from lpbench_openvino import _stated
from lpbench_openvino._text import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench_openvino._stated import Facts

FRONTENDS = {"openvino": "ir", "onnx": "onnx", "tflite": "tflite"}
"""lpbench's format names and OpenVINO's."""
TFLITE = ".tflite"
WORDS = {"openvino": "OpenVINO IR", "onnx": "ONNX", "tflite": "TFLite"}

NO_RULE = re.compile(r"(?:No conversion rule found for|not support the following ONNX) operations: (.*?)(?: -- |$)")
NO_TRANSLATOR = re.compile(r"No translator found for (\S+) node")
"""What it says of a TFLite file, of the first operator only."""
OPSET = re.compile(r"-\d+$")
"""Opset number after an ONNX operator's name."""
NOT_IN_OPSET = re.compile(r"doesn't contain the operation with type: (\S+)|Cannot create (\S+) layer \S+")

HINTS = (  # the first one with a part that occurs in OpenVINO's message is used
    (
        ("Could not open the file", "external data", "xternal"),
        "its weights are in a separate file, which must be in the same folder",
    ),
    (("weights in bin file", "eading from bin"), "its .bin is truncated or belongs to another model: fetch both again"),
    (
        ("Unsupported type",),
        "a tensor has a type that OpenVINO does not have, such as float8_e4m3fnuz: use another engine",
    ),
    (("at offset", "no subgraphs"), "it is truncated: fetch or export it again"),
)


class LackingError(EngineError):
    """OpenVINO lacks operators of a model.

    :param operators: Their types, as the model's format names them.
    """

    def __init__(self, operators: Sequence[str], what: str, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.operators = operators


def read(core: Any, model: Model, signature: str = "") -> tuple[Any, Mapping[str, Facts]]:
    """Return the ``openvino.Model`` of a model's files, and what they state of inputs and outputs by name.

    :param signature: The signature of a TFLite file that was asked for.
    :raises EngineError: A file is missing, is not in its format, or has operators that OpenVINO lacks.
    """
    _check_files(model)
    with _known_ending(model) as path:
        _check_format(model, path)
        stated = _stated.read(model, signature)
        try:
            return core.read_model(str(path), *map(str, _weights(model))), stated
        except RuntimeError as error:
            raise _explained(plain_words(error)) from error


@contextlib.contextmanager
def _known_ending(model: Model) -> Iterator[Path]:
    """Yield a path to the model that OpenVINO takes: it knows TFLite files by an ending in lower case only."""
    if model.format != "tflite" or model.path.suffix == TFLITE:
        yield model.path
        return
    with temporary("openvino") as folder:
        link = folder / f"{model.path.stem}{TFLITE}"
        link.symlink_to(model.path.resolve())
        yield link


def _check_files(model: Model) -> None:
    beside = (companion(model.path, ".bin"),) if model.format == "openvino" and not model.extra else ()
    for path in (model.path, *model.extra):
        if not path.is_file():
            raise _absent(path)
    if not model.path.stat().st_size:
        raise EngineError(f"{model.path.name} is empty", hint="fetch or export it again")
    for path in beside:
        if not path.is_file() and _has_weights(model.path):
            raise _absent(path)


def _absent(path: Path) -> EngineError:
    what = f"{path.name} {'is not a file' if path.exists() else 'does not exist'}"
    return EngineError(what, hint=f"looked in {path.parent.resolve()}")


def _has_weights(path: Path) -> bool:
    """Return whether an .xml has constants; without constants it needs no .bin."""
    return b'type="Const"' in path.read_bytes()


def _weights(model: Model) -> tuple[Path, ...]:
    """Return the weights' file if it must be passed to OpenVINO explicitly."""
    if model.format != "openvino":
        return ()
    beside = companion(model.path, ".bin")  # OpenVINO itself looks for an ending in lower case
    return model.extra[:1] or ((beside,) if beside.is_file() else ())


def _check_format(model: Model, path: Path) -> None:
    manager = FrontEndManager()

    def reads(name: str) -> bool:
        try:
            return bool(manager.load_by_framework(FRONTENDS[name]).supported(str(path)))
        except RuntimeError:  # it is damaged where the format is told by; the other formats may know it
            return False

    if not reads(model.format):
        other = next((WORDS[name] for name in FRONTENDS if name != model.format and reads(name)), "")
        what = f"{model.path.name} is not in {WORDS[model.format]} format{f'; it is {other}' if other else ''}"
        hint = (
            f"rename it with the ending of {other}" if other else "it is in another format or truncated: fetch it again"
        )
        raise EngineError(what, hint=hint)


def _explained(text: str) -> EngineError:
    if match := NO_RULE.search(text):
        names = sorted({OPSET.sub("", name) for name in match[1].split(", ")})
        what = f"OpenVINO does not have these operators: {', '.join(names)}"
        return LackingError(names, what, "convert the model without them, or use another engine")
    if match := NO_TRANSLATOR.search(text):
        what = f"OpenVINO does not have the operator {match[1]}"
        return LackingError([match[1]], what, "convert the model without it, or use another engine")
    if match := NOT_IN_OPSET.search(text):
        what = f"OpenVINO does not have the operator {match[1] or match[2]}"
        hint = "OpenVINO reports only the first; a newer version may have it: pip install --upgrade openvino"
        return LackingError([match[1] or match[2]], what, hint)
    hint = next((hint for parts, hint in HINTS if any(part in text for part in parts)), "")
    return EngineError(f"OpenVINO cannot read the model: {text}", hint=hint)
