"""Validates a model file before native code reads it, and collects its operators and types.

tflite-runtime crashes on most damaged files; LiteRT checks more, but not all
indices.  Field numbers are those of schema.fbs.
"""

from __future__ import annotations

import mmap
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench_tflite._flat import Table, number
from lpbench_tflite._write import CUSTOM, IDENTIFIER, TYPES, VERSION

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 8
LIKELY = (
    (0, b"7767517", "ncnn"),
    (0, b"<?xml", "OpenVINO IR"),
    (0, b"PK\x03\x04", "an archive"),
    (0, b"\x89HDF", "HDF5 (Keras)"),
    (0, b"\x08", "ONNX"),
)
"""Offset, first bytes and name of other formats."""
NAMES = {value: name for name, value in TYPES.items()}
KNOWN_CUSTOM = frozenset({"AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess"})
"""Custom operators that LiteRT includes."""
HEAVY = frozenset({3, 4, 9, 67, 126, 132, 141})
"""BuiltinOperator numbers of convolutions and matrix products."""
REDUCED = "reduced_precision_support"
"""Name of the metadata with which a model allows XNNPACK to compute in F16."""


@dataclass(frozen=True)
class Structure:
    """The operators and types of a model file.

    :param codes: Each operator in use: its BuiltinOperator, its name if custom, its version.
    :param arithmetic: Number of convolutions and matrix products by their types of data and weights; of all operators
        if there are no such layers.
    :param reduced: Whether the model allows a lower precision than its own.
    """

    codes: tuple[tuple[int, str, int], ...] = ()
    arithmetic: Counter[tuple[str, str]] = field(default_factory=Counter)
    reduced: bool = False

    @property
    def custom(self) -> list[str]:
        """Names of the custom operators that LiteRT does not include."""
        return sorted({name for code, name, _ in self.codes if code == CUSTOM} - KNOWN_CUSTOM)


def read(path: Path) -> Structure:
    """Return a model's structure, after checking that everything in it lies inside the file.

    :raises EngineError: The file does not exist, is in another format or is damaged.
    """
    if not path.is_file():
        raise EngineError(
            f"{path.name} {'is not a file' if path.exists() else 'does not exist'}",
            hint=f"looked in {path.parent.resolve()}",
        )
    if not path.stat().st_size:
        raise EngineError(f"{path.name} is empty", hint="fetch or export it again")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _structure(data, path.name)


def _structure(data: Any, name: str) -> Structure:
    if len(data) < HEAD or bytes(data[4:HEAD]) != IDENTIFIER:
        kind = next((f"; it looks like {kind}" for at, head, kind in LIKELY if data[at : at + len(head)] == head), "")
        raise EngineError(
            f"{name} is not a TFLite model{kind}", hint="convert it to TFLite, or use the engine of its format"
        )
    try:
        return _walk(data)
    except ValueError as error:
        raise EngineError(f"{name} is damaged or truncated: {error}", hint="fetch or export it again") from error


def _walk(data: Any) -> Structure:
    root = Table(data, int(number(data, "I", 0)))
    if (version := root.scalar(0, "I")) != VERSION:
        raise ValueError(f"schema version {version}; expected {VERSION}")
    codes = tuple(_code(table) for table in root.tables(1))
    buffers = [_buffer(table, len(data)) for table in root.tables(4)]
    graphs = root.tables(2)
    if not graphs or not graphs[0].numbers(2, "i"):
        raise ValueError("it has no graph with outputs")
    root.text(3)
    root.numbers(5, "i")
    reduced = REDUCED in [table.text(0) for table in root.tables(6)]
    used = [_graph(table, codes, len(buffers)) for table in graphs]
    return Structure(codes, _arithmetic([operator for operators in used for operator in operators]), reduced)


def _code(table: Table) -> tuple[int, str, int]:
    return max(table.scalar(0, "b"), table.scalar(3, "i")), table.text(1), table.scalar(2, "i", 1)


def _buffer(table: Table, length: int) -> int:
    offset, size = table.scalar(1, "Q"), table.scalar(2, "Q")
    if offset > 1 and offset + size > length:  # 1 is a placeholder that a tool has not replaced
        raise ValueError(f"weights end at byte {offset + size}; the file has {length} bytes")
    return table.size(0)


def _graph(table: Table, codes: tuple[tuple[int, str, int], ...], buffers: int) -> list[tuple[int, str, str]]:
    """Return each operator's code and the types of its data and weights."""
    types = [_tensor(entry, buffers) for entry in table.tables(0)]
    for slot in (1, 2):
        _require_indices(table.numbers(slot, "i"), 0, len(types), "tensor")
    table.text(4)
    return [_operator(entry, codes, types) for entry in table.tables(3)]


def _tensor(table: Table, buffers: int) -> str:
    for slot in (0, 7):
        table.numbers(slot, "i")
    _require_indices((table.scalar(2, "I"),), 0, max(buffers, 1), "buffer")
    table.text(3)
    if quantisation := table.table(4):
        for slot, code in ((0, "f"), (1, "f"), (2, "f"), (3, "q")):
            quantisation.numbers(slot, code)
        quantisation.table(5)
    table.table(6)
    kind = table.scalar(1, "b")
    return NAMES.get(kind, f"type {kind}")


def _operator(table: Table, codes: tuple[tuple[int, str, int], ...], types: list[str]) -> tuple[int, str, str]:
    index = table.scalar(0, "I")
    _require_indices((index,), 0, len(codes), "operator code")
    inputs = table.numbers(1, "i")
    for indices in (inputs, table.numbers(2, "i"), table.numbers(8, "i")):
        _require_indices(indices, -1, len(types), "tensor")
    table.table(4)
    table.table(12)
    table.size(5)
    table.size(7)
    data, weights = (*(types[tensor] if tensor >= 0 else "" for tensor in inputs[:2]), "", "")[:2]
    return codes[index][0], data, weights


def _require_indices(indices: tuple[int, ...], least: int, count: int, what: str) -> None:
    wrong = [index for index in indices if not least <= index < count]
    if wrong:
        raise ValueError(f"it refers to {what} {wrong[0]} of {count}")


def _arithmetic(operators: list[tuple[int, str, str]]) -> Counter[tuple[str, str]]:
    heavy = Counter((data, weights) for code, data, weights in operators if code in HEAVY)
    return heavy or Counter((data, "") for _, data, _ in operators)
