"""The files that an ONNX model consists of, and their digest; read without the onnx package."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.protobuf import nested, spans, text
from lpbench.plugin.kit.untrusted import brief, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.engine import Model

    Span = tuple[int, int]

# Field numbers of onnx.proto: message, then field.
MODEL_GRAPH, MODEL_FUNCTION = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER, FUNCTION_NODE = 1, 5, 7
NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE = 3, 4, 5
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = (5, 10), (6, 11)
TENSOR_EXTERNAL, ENTRY_KEY, ENTRY_VALUE = 13, 1, 2
LOCATION = "location"
BLOCK = 1 << 20


def digest(model: Model) -> str:
    """Return a sha256, in hexadecimal, of the names and contents of all files of a model.

    :raises EngineError: A file is missing or cannot be read, or the model names weights outside of its folder.
    """
    total = hashlib.sha256()
    for path in files(model):
        with open_regular(path, error=EngineError) as file:
            content = hashlib.sha256()
            while block := file.read(BLOCK):
                content.update(block)
        total.update(f"{path.name!r} {content.hexdigest()}\n".encode())
    return total.hexdigest()


def files(model: Model) -> list[Path]:
    """Return a model's files: the main one, those that the app names, and weights that the main file names.

    :raises EngineError: The model cannot be read, or names weights outside of its folder.
    """
    named = (model.path.parent / name for name in weights(model.path))
    return list(dict.fromkeys((model.path, *sorted({*model.extra, *named}))))


def weights(path: Path) -> list[str]:
    """Return the names of the files that hold a model's weights, relative to its folder; of a damaged model, none.

    :raises EngineError: The model cannot be read, or names a file outside of its folder.
    """
    with open_regular(path, error=EngineError) as file:
        try:
            found = sorted(set(_locations(file, path.stat().st_size)))
        except ValueError:  # TensorRT says what is wrong
            found = []
    for name in found:
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            raise EngineError(
                f"its weights would be outside of its folder, in {brief(name)}",
                where=str(path),
                hint="save the model with its weights beside it",
            )
    return found


def refuse_missing(model: Model) -> None:
    """Refuse a model of which a file is missing.

    :raises EngineError: Naming the file.
    """
    for path in files(model):
        open_regular(path, error=EngineError).close()


def damaged(path: Path, reason: str) -> EngineError:
    """Return the error for a file that is not an ONNX model."""
    return EngineError(f"is not an ONNX model, or damaged: {reason}", where=str(path), hint="fetch or export it again")


def node(path: Path, number: int) -> tuple[str, str]:
    """Return the name and the operator of one of a model's nodes; empty where the file does not tell."""
    with open_regular(path, error=EngineError) as file:
        try:
            nodes = nested(file, (0, path.stat().st_size), MODEL_GRAPH, GRAPH_NODE)
        except ValueError:
            return "", ""
        if not 0 <= number < len(nodes):
            return "", ""
        return _text(file, nodes[number], NODE_NAME), _text(file, nodes[number], NODE_OPERATOR)


def _locations(file: BinaryIO, size: int) -> Iterator[str]:
    """Yield the location of each tensor that is stored in another file."""
    for tensor in _tensors(file, size):
        for entry in nested(file, tensor, TENSOR_EXTERNAL):
            if _text(file, entry, ENTRY_KEY) == LOCATION:
                yield _text(file, entry, ENTRY_VALUE)


def _tensors(file: BinaryIO, size: int) -> Iterator[Span]:
    """Yield each tensor of a model: those of the graphs in its nodes (branches, bodies of loops) and functions too."""
    graphs = nested(file, (0, size), MODEL_GRAPH)
    attributes = nested(file, (0, size), MODEL_FUNCTION, FUNCTION_NODE, NODE_ATTRIBUTE)
    while graphs or attributes:
        if graphs:
            graph = graphs.pop()
            yield from nested(file, graph, GRAPH_INITIALIZER)
            attributes += nested(file, graph, GRAPH_NODE, NODE_ATTRIBUTE)
        while attributes:
            for number, part in spans(file, attributes.pop()):
                if number in ATTRIBUTE_TENSORS:
                    yield part
                elif number in ATTRIBUTE_GRAPHS:
                    graphs.append(part)


def _text(file: BinaryIO, span: Span, field: int) -> str:
    return next((text(file, part) for part in nested(file, span, field)), "")
