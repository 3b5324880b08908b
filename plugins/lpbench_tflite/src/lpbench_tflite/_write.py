"""Writes small TFLite models, for the conformance kit, the precision's fingerprint and tests of operators.

Offsets in FlatBuffers point forward, so a table is written before its content.
Field numbers are those of schema.fbs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.plugin.kit.tflite_file import IDENTIFIER, TYPES, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

NONE, RELU = 0, 1
"""ActivationFunctionType."""
LARGEST_OLD_CODE = 127
"""Operator numbers from here on are stored in a separate field."""
DATA_ALIGNMENT = 16


class Kind(NamedTuple):
    """A kind of operator.

    :param code: Its BuiltinOperator.
    :param options: Its BuiltinOptions, the type of its table of options.
    :param custom: Name of a custom operator, otherwise empty.
    """

    code: int
    options: int = 0
    custom: str = ""
    version: int = 1


ADD, CONV_2D, FULLY_CONNECTED, SOFTMAX = Kind(0, 11), Kind(3, 1), Kind(9, 8), Kind(25, 9)


class Number(NamedTuple):
    """A number in a table; ``code`` is the type's letter in ``struct``."""

    code: str
    value: float


class Numbers(NamedTuple):
    """A vector of numbers."""

    code: str
    values: Sequence[float]


Value = Any
"""A Number or Numbers, a string, bytes, a table as a mapping of field numbers to Values, or a list of tables."""


class Network:
    """A model, built tensor by tensor; it has one graph unless ``close_graph`` was called."""

    def __init__(self) -> None:
        self._codes: list[dict[int, Value]] = []
        self._tensors: list[dict[int, Value]] = []
        self._buffers: list[dict[int, Value]] = [{}]  # the first one is empty by convention
        self._operators: list[dict[int, Value]] = []
        self._graphs: list[dict[int, Value]] = []
        self._signatures: list[dict[int, Value]] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int] | None,
        dtype: str = "float32",
        *,
        data: Array | None = None,
        quantised: tuple[float, int] | None = None,
    ) -> int:
        """Add a tensor and return its index.

        :param shape: Its shape, with -1 for open dimensions; None if not even their number is known.
        :param data: Its values if it is a constant.
        :param quantised: Scale and zero-point.
        """
        buffer = 0
        if data is not None:
            self._buffers.append({0: data.tobytes()})
            buffer = len(self._buffers) - 1
        known = () if shape is None else shape
        sizes = Numbers("i", [max(size, 1) for size in known])
        table: dict[int, Value] = {0: sizes, 1: Number("b", TYPES[dtype]), 2: Number("I", buffer), 3: name}
        if quantised is not None:
            table[4] = {2: Numbers("f", [quantised[0]]), 3: Numbers("q", [quantised[1]])}
        if min(known, default=0) < 0:
            table[7] = Numbers("i", known)
        if shape is not None:
            table[8] = Number("b", 1)
        self._tensors.append(table)
        return len(self._tensors) - 1

    def kind(self, kind: Kind) -> int:
        """Add a kind of operator and return its index."""
        table = {0: Number("b", min(kind.code, LARGEST_OLD_CODE)), 2: Number("i", kind.version)}
        self._codes.append({**table, 3: Number("i", kind.code), **({1: kind.custom} if kind.custom else {})})
        return len(self._codes) - 1

    def operator(
        self, kind: Kind, inputs: Sequence[int], outputs: Sequence[int], options: Mapping[int, Value] | None = None
    ) -> None:
        """Add an operator."""
        node = {0: Number("I", self.kind(kind)), 1: Numbers("i", inputs), 2: Numbers("i", outputs)}
        settings: dict[int, Value] = {} if options is None else {3: Number("B", kind.options), 4: dict(options)}
        self._operators.append({**node, **settings})

    def dense(self, name: str, given: int, shape: Sequence[int], weights: Array, activation: int = NONE) -> int:
        """Add ``activation(given · weightsᵀ)`` with weights of shape (out, in); return the output's index."""
        output = self.tensor(name, shape)
        constant = self.tensor(f"{name}/weights", weights.shape, data=weights)
        self.operator(FULLY_CONNECTED, [given, constant, -1], [output], {0: Number("b", activation)})
        return output

    def close_graph(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Make a graph of the tensors and operators so far; what follows belongs to the next one."""
        self._graphs.append(self._graph(inputs, outputs))
        self._tensors, self._operators = [], []

    def _graph(self, inputs: Sequence[int], outputs: Sequence[int]) -> dict[int, Value]:
        ends = {1: Numbers("i", inputs), 2: Numbers("i", outputs)}
        return {0: self._tensors, **ends, 3: self._operators, 4: f"graph {len(self._graphs)}"}

    def signature(self, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], graph: int = 0) -> None:
        """Add a signature: its own names of a graph's inputs and outputs."""
        ends = ([{0: name, 1: Number("I", at)} for name, at in names.items()] for names in (inputs, outputs))
        self._signatures.append({**dict(enumerate(ends)), 2: key, 4: Number("I", graph)})

    def save(self, inputs: Sequence[int], outputs: Sequence[int], *, metadata: Sequence[str] = ()) -> bytes:
        """Return the file."""
        graphs = [*self._graphs, self._graph(inputs, outputs)]
        notes = [{0: name, 1: Number("I", 0)} for name in metadata]
        parts = {1: self._codes, 2: graphs, 4: self._buffers, 6: notes, 7: self._signatures}
        return _Writer().file({0: Number("I", VERSION), 3: "lpbench", **parts})


class _Writer:
    def __init__(self) -> None:
        self._data = bytearray(4) + IDENTIFIER

    def file(self, root: dict[int, Value]) -> bytes:
        self._link(0, root)
        return bytes(self._data)

    def _link(self, place: int, value: Value) -> None:
        """Write a value and set the offset at ``place`` to it."""
        at = self._put(value)
        struct.pack_into("<I", self._data, place, at - place)

    def _put(self, value: Value) -> int:
        if isinstance(value, dict):
            return self._table(value)
        if isinstance(value, list):
            return self._tables(value)
        if isinstance(value, str):
            return self._vector(len(value.encode()), value.encode() + b"\0", 1)
        if isinstance(value, bytes):
            return self._vector(len(value), value, DATA_ALIGNMENT)
        content = struct.pack(f"<{len(value.values)}{value.code}", *value.values)
        return self._vector(len(value.values), content, struct.calcsize(f"<{value.code}"))

    def _vector(self, count: int, content: bytes, alignment: int) -> int:
        self._pad(max(alignment, 4), ahead=4)
        at = len(self._data)
        self._data += struct.pack("<I", count) + content
        return at

    def _tables(self, tables: list[dict[int, Value]]) -> int:
        at = self._vector(len(tables), bytes(4 * len(tables)), 4)
        for number, table in enumerate(tables):
            self._link(at + 4 + 4 * number, table)
        return at

    def _table(self, fields: dict[int, Value]) -> int:
        self._pad(8)
        vtable, slots = len(self._data), max(fields, default=-1) + 1
        self._data += bytes(4 + 2 * slots)
        self._pad(8)
        at = len(self._data)
        self._data += struct.pack("<i", at - vtable)
        places = {slot: self._field(value) for slot, value in fields.items()}
        for slot, place in places.items():
            struct.pack_into("<H", self._data, vtable + 4 + 2 * slot, place - at)
        struct.pack_into("<HH", self._data, vtable, 4 + 2 * slots, len(self._data) - at)
        for slot, value in fields.items():
            if not isinstance(value, Number):
                self._link(places[slot], value)
        return at

    def _field(self, value: Value) -> int:
        """Write a number, or space for an offset; return its position."""
        content = struct.pack(f"<{value.code}", value.value) if isinstance(value, Number) else bytes(4)
        self._pad(len(content))
        self._data += content
        return len(self._data) - len(content)

    def _pad(self, alignment: int, *, ahead: int = 0) -> None:
        """Pad so that the position after ``ahead`` further bytes is a multiple of ``alignment``."""
        self._data += bytes(-(len(self._data) + ahead) % alignment)
