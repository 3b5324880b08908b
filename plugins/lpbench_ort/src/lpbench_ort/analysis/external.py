"""Checks the weights of an ONNX model without reading them: those in files beside it, too."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError
from lpbench.plugin.kit.operator_costs import Operand
from lpbench.plugin.kit.untrusted import shorten
from lpbench_ort.analysis.order import subgraphs
from lpbench_ort.analysis.types import constants, dtype_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKED = 8
"""Bytes of a tensor that one byte of a file may stand for: small integers are stored as varints."""
NAME = 100
"""Characters of a file's name that an error shows."""
EXTERNAL = 1
"""Number of TensorProto.DataLocation."""


def refuse_missing(graph: Any, path: Path) -> None:
    """Refuse weights that the file cannot hold, and those that are not in the files in which they should be.

    :param path: The model's file.
    :raises AnalysisError: Naming the weight and the file.
    """
    size = path.stat().st_size
    for name, tensor in _weights(graph):
        needed = Operand(name, tuple(tensor.dims), dtype_of(tensor.data_type)).bytes
        if any(length < 0 for length in tensor.dims):
            raise AnalysisError(f'weight "{name}" has a negative size', where=str(path), hint="export it again")
        if tensor.data_location == EXTERNAL:
            _refuse_missing_file(name, tensor, needed, path)
        elif needed is not None and needed > PACKED * size:
            what = f'weight "{name}" needs {needed} bytes, more than the file has'
            raise AnalysisError(what, where=str(path), hint="fetch or export it again")


def _refuse_missing_file(name: str, tensor: Any, needed: int | None, path: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if not location or "\0" in location or _leads_out(location):
        raise AnalysisError(
            f'weight "{name}" is said to be in "{shorten(location, NAME)}", outside the model\'s folder',
            where=str(path),
            hint="export the model with its weights beside it",
        )
    file = path.parent / location
    if not _is_file(file):
        what = f'weight "{name}" is in {shorten(location, NAME)}, which is missing'
        raise AnalysisError(what, where=str(path), hint=f"fetch {shorten(location, NAME)} too, into the model's folder")
    homes = path.parent.resolve(), path.resolve().parent  # caches link a model and its weights into their own folder
    if not any(file.resolve().is_relative_to(home) for home in homes):
        what = f'weight "{name}" is in {location}, a link that leads out of the model\'s folder'
        raise AnalysisError(what, where=str(path), hint="put the weights themselves beside the model")
    end = _number(entries.get("offset", "0")) + (_number(entries.get("length", "0")) or needed or 0)
    if end > file.stat().st_size:
        what = f'{location} ends before weight "{name}": it has {file.stat().st_size} bytes, not {end}'
        raise AnalysisError(what, where=str(path), hint=f"fetch {location} again")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than the system's names
        return False


def _leads_out(location: str) -> bool:
    """Say whether a path leads out of a folder, as any system reads it."""
    paths = PurePosixPath(location), PureWindowsPath(location)
    return any(each.is_absolute() or each.drive or ".." in each.parts for each in paths)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0  # noqa: PLR2004 - 64 bits


def _weights(graph: Any) -> Iterator[tuple[str, Any]]:
    yield from constants(graph)
    for node in graph.node:
        yield from ((node.output[0] if node.output else "", each.t) for each in node.attribute if each.HasField("t"))
        for inner in subgraphs(node):
            yield from _weights(inner)
