"""Types and sizes of the tensors of an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    Sizes = tuple[int | str | None, ...]

NAMES = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "FLOAT4E2M1": "float4_e2m1fn",
    "FLOAT8E4M3FN": "float8_e4m3fn",
    "FLOAT8E4M3FNUZ": "float8_e4m3fnuz",
    "FLOAT8E5M2": "float8_e5m2",
    "FLOAT8E5M2FNUZ": "float8_e5m2fnuz",
    "STRING": "object",
    "UNDEFINED": "",
}
"""Numpy's names of ONNX's types that are not the same in lower case."""


class Tensor(NamedTuple):
    """Type and sizes of a tensor; ``sizes`` is None where not even their number is known."""

    dtype: str
    sizes: Sizes | None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The sizes, if all are known."""
        if self.sizes is None or not all(isinstance(size, int) for size in self.sizes):
            return None
        return tuple(size for size in self.sizes if isinstance(size, int))


UNKNOWN = Tensor("", None)


def dtype_of(number: int) -> str:
    """Return numpy's name of a type of ``onnx.TensorProto``; empty for one that is not known."""
    import onnx

    try:
        name: str = onnx.TensorProto.DataType.Name(number)
    except ValueError:
        return ""
    return NAMES.get(name, name.lower())


def tensor_of(kind: Any) -> Tensor:
    """Return what an ``onnx.TypeProto`` says; of sequences and other types nothing is known."""
    if not kind.HasField("tensor_type"):
        return UNKNOWN
    tensor = kind.tensor_type
    return Tensor(dtype_of(tensor.elem_type), tuple(map(_size, tensor.shape.dim)) if tensor.HasField("shape") else None)


def stated(info: Any) -> TensorInfo:
    """Return an input or output as the file states it."""
    tensor = tensor_of(info.type)
    return TensorInfo(info.name, tensor.dtype, tensor.sizes or ())


def constants(graph: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the ``onnx.TensorProto`` of every weight of a graph, sparse ones by their values."""
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    yield from ((sparse.values.name, sparse.values) for sparse in graph.sparse_initializer)


def _size(dimension: Any) -> int | str | None:
    if dimension.HasField("dim_value"):
        return dimension.dim_value if dimension.dim_value >= 0 else None
    return dimension.dim_param or None
