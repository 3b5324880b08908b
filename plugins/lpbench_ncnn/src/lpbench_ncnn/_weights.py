"""Passes a .bin to ncnn and checks how much of it ncnn reads."""

from __future__ import annotations

import ctypes
import io
from typing import TYPE_CHECKING, Any

import ncnn

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.companions import companion
from lpbench_ncnn._param import WEIGHTS, weighted

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from lpbench.plugin.engine import Model
    from lpbench_ncnn._param import Graph

WRITABLE = 0x200
"""PyBUF_WRITE of Python's C interface."""
BITS = 8
ENDING = ".bin"
LISTED = 5
"""Files that an error names."""

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_memory.restype, _memory.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)


class Weights(ncnn.DataReader):  # type: ignore[misc] # ncnn is untyped
    """A binary file that is read directly into ncnn's memory.

    :param file: File open for reading; ncnn reads it from its current position.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.missing: tuple[int, int] | None = None
        """Where the file ended too early: the offset and the number of bytes requested there."""

    def read(self, buffer: Any, size: int) -> int:
        """Read ``size`` bytes to an address and return the number read."""
        if not size:
            return 0
        offset = self._file.tell()
        count: int = self._file.readinto(_memory(_pointer(buffer, None), size, WRITABLE))  # type: ignore[attr-defined]
        if count < size and self.missing is None:
            self.missing = (offset, size)
        return count


def find(model: Model, graph: Graph) -> Path:
    """Return the .bin of a model: among its extra files, else the .param's name with the ending .bin.

    :raises EngineError: It does not exist, and the model has weights.
    """
    stated = [path for path in model.extra if path.suffix.lower() == ENDING]
    path = stated[0] if stated else companion(model.path, ENDING)
    if path.is_file() or not (stated or any(weighted(graph.layers))):
        return path
    raise _absent(model, path)


def _absent(model: Model, path: Path) -> EngineError:
    existing = sorted(file.name for file in model.path.parent.glob("*") if file.suffix.lower() == ENDING)
    few = ", ".join([*existing[:LISTED], *(["…"] if len(existing) > LISTED else [])])
    beside = f"; the folder has {few}" if existing else ""
    return EngineError(
        f"the model's weights are missing: {path.name} does not exist",
        hint=f"looked in {path.parent.resolve()}{beside}",
    )


def check(graph: Graph, path: Path) -> None:
    """Refuse a .bin that is too short for the .param, since ncnn would allocate the memory first.

    :raises EngineError: The .bin is too short; the error gives both sizes.
    """
    if not path.is_file():
        return
    counts = [layer.integer(WEIGHTS[layer.type]) for layer in weighted(graph.layers) if WEIGHTS[layer.type] >= 0]
    expected, available = sum(counts), path.stat().st_size
    if expected > BITS * available or min(counts, default=0) < 0:  # a weight takes at least one bit
        raise EngineError(
            f"{path.name} has {available} bytes; the .param describes {expected} weights",
            hint="the .bin belongs to another .param, or it is truncated: fetch both again",
        )


def load(net: Any, model: Model, path: Path) -> None:
    """Give a network its weights; a file that does not exist has none.

    :raises EngineError: The file is too short, or too long, and so probably belongs to another model; or it is needed
        and does not exist.
    """
    if not path.is_file():
        weights = Weights(io.BytesIO())
        if net.load_model(weights) or weights.missing is not None:
            raise _absent(model, path)
        return
    with path.open("rb") as file:
        weights = Weights(file)
        code = net.load_model(weights)
        rest = path.stat().st_size - file.tell()
    remedy = "the .bin belongs to another .param, or it is damaged: fetch both again"
    if weights.missing is not None:
        offset, requested = weights.missing
        raise EngineError(f"{path.name} ends too early: ncnn reads {requested} bytes at byte {offset}", hint=remedy)
    if code:
        raise EngineError(f"ncnn {ncnn.__version__} cannot use {path.name} (code {code})", hint=remedy)
    if rest:
        raise EngineError(
            f"ncnn read {path.stat().st_size - rest} bytes of {path.name} and left {rest} unread", hint=remedy
        )
