"""Validates a TFLite file before native code reads it, and collects what its libraries do not tell.

That is: operators, types and signatures, and the names and quantisation of inputs and outputs.  Of the libraries that
read the format, some crash on damaged files, and some hide the quantisation.  Field numbers are those of schema.fbs.
"""

from __future__ import annotations

import mmap
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ChoiceNeededError, EngineError, nearest
from lpbench.plugin.kit.flatbuffers import Table, number
from lpbench.plugin.kit.untrusted import open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VERSION = 3
"""Version of the schema."""
IDENTIFIER = b"TFL3"
TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "bfloat16": 18,
}
"""TensorType."""
CUSTOM = 32
"""BuiltinOperator of custom operators."""
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
HEAVY = frozenset({3, 4, 9, 67, 126, 132, 141})
"""BuiltinOperator numbers of convolutions and matrix products."""
REDUCED = "reduced_precision_support"
"""Name of the metadata with which a model allows XNNPACK to compute in F16."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph.

    :param dtype: Numpy's name of its type, as far as ``TYPES`` has it.
    :param scale: Real value of one step of an integer tensor; None without quantisation or with a scale per channel.
    :param zero_point: Integer that stands for zero; None likewise.
    :param ranked: Whether the number of dimensions is known: libraries report a tensor of unknown rank as a scalar.
        Files from before 2022 do not say so of scalars either.
    """

    name: str
    dtype: str
    rank: int
    scale: float | None = None
    zero_point: int | None = None
    ranked: bool = True


@dataclass(frozen=True)
class Graph:
    """One graph of a model; inputs and outputs are indices of its tensors."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def repeated_names(self) -> list[str]:
        """Return the names that several tensors have, sorted."""
        return sorted(name for name, count in Counter(tensor.name for tensor in self.tensors).items() if count > 1)


@dataclass(frozen=True)
class Signature:
    """A way to call a model.

    :param key: Its name.
    :param graph: Index of its graph; the first is 0.
    :param inputs: Indices of the graph's tensors by the signature's names of them.
    :param outputs: Likewise.
    """

    key: str
    graph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True)
class Structure:
    """What a model file holds.

    :param codes: Each operator in use: its BuiltinOperator, its name if custom, its version.
    :param arithmetic: Number of convolutions and matrix products by their types of data and weights; of all operators
        if there are no such layers.
    :param reduced: Whether the model allows a lower precision than its own.
    :param graphs: Its graphs; the first is the model, unless a signature names another one.
    """

    codes: tuple[tuple[int, str, int], ...] = ()
    arithmetic: Counter[tuple[str, str]] = field(default_factory=Counter)
    reduced: bool = False
    graphs: tuple[Graph, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def custom(self) -> list[str]:
        """Names of the custom operators, sorted."""
        return sorted({name for code, name, _ in self.codes if code == CUSTOM})

    def signature(self, key: str) -> Signature | None:
        """Return the signature to run: the one with this key, else the only one, else None if there are none.

        :raises ChoiceNeededError: There are several, and ``key`` is empty.
        :raises EngineError: None has this key.
        """
        keys = [signature.key for signature in self.signatures]
        quoted = ", ".join(f'"{name}"' for name in keys)
        if key and key not in keys:
            what = f'the model has no signature "{key}"; it has {quoted or "none"}'
            raise EngineError(what, hint=nearest(key, keys) if keys else "leave the option signature out")
        if not key and len(keys) > 1:
            what = f"the model has {len(keys)} signatures: {quoted}"
            raise ChoiceNeededError(what, hint=f"choose one by the engine's option: signature={keys[0]}")
        return next((signature for signature in self.signatures if signature.key == key or not key), None)


def distinct(names: Sequence[str], word: str) -> list[str]:
    """Return the names of different tensors with repeated ones numbered: ``x``, ``x_2``.

    :param word: What to call a tensor without a name, such as ``input``.
    """
    result: list[str] = []
    used: set[str] = set()
    reserved = set(names)
    for name in names:
        own = name or word
        count, candidate = 1, own
        while candidate in used or (count > 1 and candidate in reserved):
            count += 1
            candidate = f"{own}_{count}"
        used.add(candidate)
        result.append(candidate)
    return result


def read(path: Path) -> Structure:
    """Return what a model holds, after checking that everything in it lies inside the file.

    :raises EngineError: The file does not exist, is in another format or is damaged.
    """
    if not path.is_file():
        raise EngineError(
            f"{path.name} {'is not a file' if path.exists() else 'does not exist'}",
            hint=f"looked in {path.parent.resolve()}",
        )
    if not path.stat().st_size:
        raise EngineError(f"{path.name} is empty", hint="fetch or export it again")
    with open_regular(path, error=EngineError) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
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
    codes = tuple(operator_code(table) for table in root.tables(1))
    buffers = [_buffer(table, len(data)) for table in root.tables(4)]
    tables = root.tables(2)
    if not tables or not tables[0].numbers(2, "i"):
        raise ValueError("it has no graph with outputs")
    root.text(3)
    root.numbers(5, "i")
    reduced = REDUCED in [table.text(0) for table in root.tables(6)]
    graphs = tuple(_graph(table, len(buffers)) for table in tables)
    used = [_operators(table, codes, graph) for table, graph in zip(tables, graphs, strict=True)]
    arithmetic = _arithmetic([operator for operators in used for operator in operators])
    return Structure(codes, arithmetic, reduced, graphs, tuple(_signature(table, graphs) for table in root.tables(7)))


def operator_code(table: Table) -> tuple[int, str, int]:
    """Return an OperatorCode: its BuiltinOperator, its name if custom, its version."""
    return max(table.scalar(0, "b"), table.scalar(3, "i")), table.text(1), table.scalar(2, "i", 1)


def _buffer(table: Table, length: int) -> int:
    offset, size = table.scalar(1, "Q"), table.scalar(2, "Q")
    if offset > 1 and offset + size > length:  # 1 is a placeholder that a tool has not replaced
        raise ValueError(f"weights end at byte {offset + size}; the file has {length} bytes")
    return table.size(0)


def _graph(table: Table, buffers: int) -> Graph:
    tensors = tuple(_tensor(entry, buffers) for entry in table.tables(0))
    inputs, outputs = (table.numbers(slot, "i") for slot in (1, 2))
    _require_indices((*inputs, *outputs), 0, len(tensors), "tensor")
    table.text(4)
    return Graph(tensors, inputs, outputs)


def _operators(table: Table, codes: tuple[tuple[int, str, int], ...], graph: Graph) -> list[tuple[int, str, str]]:
    """Return each operator's code and the types of its data and weights."""
    types = [tensor.dtype for tensor in graph.tensors]
    return [_operator(entry, codes, types) for entry in table.tables(3)]


def _tensor(table: Table, buffers: int) -> Tensor:
    rank = len(table.numbers(0, "i"))
    table.numbers(7, "i")
    _require_indices((table.scalar(2, "I"),), 0, max(buffers, 1), "buffer")
    table.table(6)
    kind = table.scalar(1, "b")
    dtype = NAMES.get(kind, f"type {kind}")
    scale, zero_point = _quantisation(table.table(4))
    if "int" not in dtype:
        scale = zero_point = None
    return Tensor(table.text(3), dtype, rank, scale, zero_point, bool(rank or table.scalar(8, "b")))


def _quantisation(table: Table | None) -> tuple[float | None, int | None]:
    """Return scale and zero point if there is one of each for the whole tensor."""
    if table is None:
        return None, None
    for slot in (0, 1):
        table.numbers(slot, "f")
    table.table(5)
    scales, zero_points = table.numbers(2, "f"), table.numbers(3, "q")
    if len(scales) != 1 or not scales[0]:
        return None, None
    return scales[0], int(zero_points[0]) if zero_points else 0


def _signature(table: Table, graphs: Sequence[Graph]) -> Signature:
    graph = table.scalar(4, "I")
    _require_indices((graph,), 0, len(graphs), "graph")
    ends = ({entry.text(0): entry.scalar(1, "I") for entry in table.tables(slot)} for slot in (0, 1))
    inputs, outputs = ends
    _require_indices((*inputs.values(), *outputs.values()), 0, len(graphs[graph].tensors), "tensor")
    return Signature(table.text(2), graph, inputs, outputs)


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


def _require_indices(indices: Sequence[int], least: int, count: int, what: str) -> None:
    wrong = [index for index in indices if not least <= index < count]
    if wrong:
        raise ValueError(f"it refers to {what} {wrong[0]} of {count}")


def _arithmetic(operators: list[tuple[int, str, str]]) -> Counter[tuple[str, str]]:
    heavy = Counter((data, weights) for code, data, weights in operators if code in HEAVY)
    return heavy or Counter((data, "") for _, data, _ in operators)
