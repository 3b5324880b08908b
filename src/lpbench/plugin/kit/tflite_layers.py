"""The operators of a TFLite file with the tensors that they read and write, for analyses; weights are not loaded."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import EngineError
from lpbench.plugin.kit import tflite_file
from lpbench.plugin.kit.flatbuffers import Table, number
from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench.plugin.kit.untrusted import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TYPES = {
    **tflite_file.NAMES,
    8: "complex64",
    10: "float64",
    11: "complex128",
    12: "uint64",
    15: "uint32",
    16: "uint16",
    17: "int4",
    19: "int2",
}
"""Names by TensorType, with those that engines do not pass to programs."""


@dataclass(frozen=True)
class TensorFacts:
    """A tensor of a graph.

    :param dtype: Numpy's or ml_dtypes' name of its type, as far as ``TYPES`` has it.
    :param shape: Its dimensions; of open ones the size that the file was saved with.
    :param open: Positions of the open dimensions.
    :param buffer: Number of the buffer with its values; 0 if the file does not have them.
    :param quantised: Whether its integers stand for real numbers.
    :param sparse: Whether the file stores only a part of its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    open: tuple[int, ...] = ()
    buffer: int = 0
    quantised: bool = False
    sparse: bool = False

    @property
    def constant(self) -> bool:
        """Whether the file has its values."""
        return self.buffer > 0

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Its dimensions; open ones are None."""
        return tuple(None if axis in self.open else size for axis, size in enumerate(self.shape))


@dataclass(frozen=True)
class Layer:
    """An operator; its inputs and outputs are indices of its graph's tensors, -1 for what is left out.

    :param code: Its BuiltinOperator.
    :param custom: Its name if it is a custom operator; else empty.
    :param version: Of a built-in operator.
    :param options: Its table of options, by the slots of schema.fbs; None without.
    """

    code: int
    custom: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None = None


@dataclass(frozen=True)
class LayerGraph:
    """A graph: its operators in the order of execution."""

    tensors: tuple[TensorFacts, ...]
    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def name(self, layer: Layer) -> str:
        """Return what to call an operator: TFLite gives them no names, so it is that of what it writes."""
        return next((self.tensors[at].name for at in layer.outputs if at >= 0), "")


def read(path: Path) -> tuple[LayerGraph, ...]:
    """Return the graphs of a model, after ``tflite_file.read`` has checked that everything lies inside the file.

    :raises EngineError: As that.
    """
    tflite_file.read(path)
    with open_regular(path, error=EngineError) as file:
        # not closed here: tables of options refer to it
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return _graphs(Table(data, int(number(data, "I", 0))))
    except ValueError as error:
        raise EngineError(f"{path.name} is damaged: {error}", hint="fetch or export it again") from error


def _graphs(root: Table) -> tuple[LayerGraph, ...]:
    codes = [tflite_file.operator_code(table) for table in root.tables(1)]
    filled = [bool(table.size(0) or table.scalar(2, "Q")) for table in root.tables(4)]
    return tuple(_graph(table, codes, filled) for table in root.tables(2))


def _graph(table: Table, codes: Sequence[tuple[int, str, int]], filled: Sequence[bool]) -> LayerGraph:
    tensors = tuple(_tensor(entry, filled) for entry in table.tables(0))
    layers = tuple(_layer(entry, codes) for entry in table.tables(3))
    return LayerGraph(tensors, layers, table.numbers(1, "i"), table.numbers(2, "i"))


def _tensor(table: Table, filled: Sequence[bool]) -> TensorFacts:
    kind, buffer = table.scalar(1, "b"), table.scalar(2, "I")
    quantisation = table.table(4)
    return TensorFacts(
        table.text(3),
        TYPES.get(kind, f"type {kind}"),
        tuple(max(size, 0) for size in table.numbers(0, "i")),
        open=tuple(axis for axis, size in enumerate(table.numbers(7, "i")) if size < 0),
        buffer=buffer if buffer < len(filled) and filled[buffer] else 0,
        quantised=quantisation is not None and bool(quantisation.numbers(2, "f")),
        sparse=table.table(6) is not None,
    )


def _layer(table: Table, codes: Sequence[tuple[int, str, int]]) -> Layer:
    code, custom, version = codes[table.scalar(0, "I")]
    inputs: Any = table.numbers(1, "i")
    return Layer(
        code, custom if code == CUSTOM else "", version, tuple(inputs), tuple(table.numbers(2, "i")), table.table(4)
    )
