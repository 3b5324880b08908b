"""Hands a .bin to ncnn and sees how much of it ncnn takes."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import ncnn

from lpbench.plugin.engine import EngineError
from lpbench_ncnn._param import WEIGHTS, weighted

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from lpbench.plugin.engine import Model
    from lpbench_ncnn._param import Graph

WRITABLE = 0x200
"""PyBUF_WRITE of Python's C interface."""
BITS = 8

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_memory.restype, _memory.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)


class Weights(ncnn.DataReader):  # type: ignore[misc] # ncnn is untyped
    """A binary file as ncnn reads it: straight into ncnn's memory, no copy between.

    :param file: Open for reading; ncnn reads it from where it stands.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.missing: tuple[int, int] | None = None
        """Where the file ended too early: the offset, and the bytes that were wanted there."""

    def read(self, buffer: Any, size: int) -> int:
        """Fill ``size`` bytes at an address and return how many were there."""
        if not size:
            return 0
        offset = self._file.tell()
        found: int = self._file.readinto(_memory(_pointer(buffer, None), size, WRITABLE))  # type: ignore[attr-defined]
        if found < size and self.missing is None:
            self.missing = (offset, size)
        return found


def find(model: Model) -> Path:
    """Return the .bin of a model: among its extra files, else the .param's name with another end.

    :raises EngineError: There is none.
    """
    stated = [path for path in model.extra if path.suffix == ".bin"]
    path = stated[0] if stated else model.path.with_suffix(".bin")
    if path.is_file():
        return path
    there = sorted(each.name for each in model.path.parent.glob("*.bin"))
    beside = f"; there are {', '.join(there)}" if there else ""
    raise EngineError(
        f"its weights are missing: there is no file {path.name}", hint=f"looked in {path.parent.resolve()}{beside}"
    )


def check(graph: Graph, path: Path) -> None:
    """Refuse a .bin that is too short for the .param: ncnn would ask for the memory first.

    :raises EngineError: Naming both sizes.
    """
    counts = [layer.integer(WEIGHTS[layer.type]) for layer in weighted(graph.layers) if WEIGHTS[layer.type] >= 0]
    wanted, found = sum(counts), path.stat().st_size
    if wanted > BITS * found or min(counts, default=0) < 0:  # no weight takes less than a bit
        raise EngineError(
            f"{path.name} has {found} bytes; the .param describes {wanted} weights",
            hint="it belongs to another .param, or its end is missing: fetch both again",
        )


def load(net: Any, path: Path) -> None:
    """Give a network its weights.

    :raises EngineError: The file is too short, or too long, which means that it is another model's.
    """
    with path.open("rb") as file:
        weights = Weights(file)
        code = net.load_model(weights)
        rest = path.stat().st_size - file.tell()
    remedy = "it belongs to another .param, or is damaged: fetch both again"
    if weights.missing is not None:
        offset, wanted = weights.missing
        raise EngineError(f"{path.name} ends too early: {wanted} bytes are wanted at byte {offset}", hint=remedy)
    if code:
        raise EngineError(f"ncnn {ncnn.__version__} cannot use {path.name} (code {code})", hint=remedy)
    if rest:
        raise EngineError(f"ncnn took {path.stat().st_size - rest} bytes of {path.name} and left {rest}", hint=remedy)
