"""Makes an app of a model file alone: synthetic inputs, raw outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model import App, assemble
from lpbench.errors import AppError
from lpbench.plugin.discovery import ENDING_EXTRAS, brought_by
from lpbench.plugin.registry import ENGINES, current, offers_where
from lpbench.util.arguments import checked
from lpbench.util.paths import no_such_file
from lpbench.util.regular_files import irregular, open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.specs import EngineSpec

SCHEMA_VERSION = 1
HEAD = 64
MAGIC = ((0, b"7767517", "ncnn"), (4, b"TFL3", "tflite"), (0, b"GGUF", "gguf"), (0, b"\x89HDF", "hdf5"))
"""Offset, magic bytes and the format that has them."""
ARCHIVE = b"PK\x03\x04"
ONNX_FIELDS = b"\x12\x1a\x22\x32\x3a\x42"
"""Tags that follow ir_version in a serialised onnx.ModelProto: onnx.proto, fields 2 to 4 and 6 to 8."""


@checked
def model_app(
    path: Path | str,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    format: str | None = None,  # noqa: A002 - the usual word for it
) -> App:
    """Return an app of class ``model`` around a model file.

    :param shapes: Shapes of inputs with open dimensions, by input name.
    :param ranges: Lowest value and exclusive end of the values to generate, by input name.
    :param seed: Seed of the synthetic inputs.
    :param format: The file's format; by default its file extension decides.
    :raises AppError: The file does not exist or is empty, or its format is not known.
    """
    file = Path(path)
    _refuse_unreadable(file)
    synthetic: dict[str, Any] = {"shapes": {name: list(shape) for name, shape in (shapes or {}).items()}}
    synthetic["ranges"] = {name: list(ends) for name, ends in (ranges or {}).items()}
    component = {
        "name": "model",
        "preprocessing": {"type": "tensors", **synthetic, "seed": seed},
        "inference": {"models": {model_format(file, format): {"file": file.name}}},
        "postprocessing": {"type": "tensors"},
    }
    config = {"schema_version": SCHEMA_VERSION, "ai_app_class": "model", "components": [component]}
    file = file.absolute()  # links are not resolved: model hubs store files behind links
    return assemble(config, name=file.stem, root=file.parent, find=lambda name: file.parent / name)


def model_format(file: Path, asked: str | None = None) -> str:
    """Return the format of a model file: ``asked`` if given, else the one of its file extension.

    :raises AppError: No installed engine reads it; the hint says what its first bytes look like.
    """
    readers = formats()
    if asked is not None:  # an engine passed by the caller may read a format that no registered engine reads
        return asked
    fitting = [
        (len(suffix), -at, name)
        for name, suffixes in readers.items()
        for at, suffix in enumerate(suffixes)
        if file.name.lower().endswith(suffix)
    ]
    if fitting:
        return max(fitting)[2]
    what = f'no installed engine reads "{file.suffix}" files'
    raise AppError(
        what if file.suffix else "has no file extension that names its format",
        where=str(file),
        hint=_remedy(file, readers),
    )


def formats() -> dict[str, tuple[str, ...]]:
    """Return the model formats that the registered engines read, each with its file extensions."""
    readable: dict[str, tuple[str, ...]] = {}
    for spec in _engines():
        for name, suffixes in spec.formats.items():
            readable[name] = tuple(dict.fromkeys((*readable.get(name, ()), *suffixes)))
    return readable


def looks_like(file: Path) -> str:
    """Return the format that a file's first bytes suggest, or an empty string."""
    try:
        with open_regular(file) as stream:
            head = stream.read(HEAD)
    except (OSError, AppError):
        return ""
    for offset, magic, name in MAGIC:
        if head[offset:].startswith(magic):
            return name
    if head.startswith(ARCHIVE):
        return "a zip archive, as PyTorch and Keras write"
    onnx = len(head) > 2 and head[0] == 0x08 and 0 < head[1] < 0x40 and head[2] in ONNX_FIELDS  # noqa: PLR2004
    return "onnx" if onnx else ""


def _refuse_unreadable(file: Path) -> None:
    if not file.exists():
        raise no_such_file(file, AppError)
    if kind := irregular(file):
        raise AppError(f"is {kind}, not a model file", where=str(file))
    if file.stat().st_size == 0:
        raise AppError("is empty", where=str(file), hint="fetch or export it again")


def _engines() -> list[EngineSpec]:
    return [offer.spec for offer in offers_where(ENGINES, lambda _: True)]


def _remedy(file: Path, readers: Mapping[str, Sequence[str]]) -> str:
    suggestion = looks_like(file)
    advice = f"its first bytes look like {suggestion}" if suggestion else ""
    if suggestion in readers:
        advice += f": rename it to {file.stem}{readers[suggestion][0]}"
    known = "known: " + ", ".join(f"{name} ({', '.join(suffixes)})" for name, suffixes in sorted(readers.items()))
    if not readers:
        known = f"{current().beginning(ENGINES) or 'no engine is installed'}{current().broken()}"
    extra = brought_by(file.suffix.lower().removeprefix("."), group=ENDING_EXTRAS) or brought_by(suggestion)
    remedy = current().remedy(extra)
    brings = f"to have an engine that reads it: {remedy}" if remedy else known
    return "\n  ".join(filter(None, (advice, brings)))
