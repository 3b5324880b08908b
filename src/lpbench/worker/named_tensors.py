"""A session's outputs as arrays with the app's names: sequences and maps in parts, quantised values as real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.kit import narrow_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench.plugin.engine import TensorInfo

PLAIN = (bool, int, float, complex, str, bytes)
"""Python's own types of which numpy makes an array."""


@dataclass(frozen=True)
class Tensor:
    """An array with the name that the app uses for it.

    :param layout: Order of the dimensions, for example ``NCHW``; empty if unknown.
    :param values: A numpy array.
    :param step: The real value of one rounding step, of a quantised tensor; 0 of others.
    """

    name: str
    layout: str
    values: Any
    step: float = 0.0


def named(arrays: Mapping[str, Any], infos: Sequence[TensorInfo]) -> list[Tensor]:
    """Return arrays under the app's names; arrays without a description keep their own names.

    Floats that numpy lacks, such as bfloat16, become float32.
    """
    known = {info.name: info for info in infos}
    return [_named(name, array, known.get(name)) for name, array in arrays.items()]


def _named(name: str, array: Any, info: TensorInfo | None) -> Tensor:
    if info is None:
        return Tensor(name, "", array)
    narrow = info.dtype in narrow_floats.BITS and narrow_floats.holds(array, info.dtype)
    return Tensor(info.called, info.layout, narrow_floats.decoded(array, info.dtype) if narrow else array)


def results(outputs: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> list[Tensor]:
    """Return what a session or a postprocessor puts out, ready to be compared.

    A sequence becomes its length and its elements (``y.length``, ``y[0]``), a map its sorted keys and their values
    (``y.keys``, ``y.values``).  Whole numbers of a quantised output become the real values that they stand for.

    :param infos: The session's outputs by the names that ``outputs`` has, with scale and zero point where they are
        quantised.
    """
    return [
        _real(Tensor(part, "", array), infos.get(name)) if part == name else Tensor(part, "", array)
        for name, value in outputs.items()
        for part, array in _parts(name, value)
    ]


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of which a value consists, each with its name."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (str(type(key)), key))
        yield f"{name}.keys", keys
        yield from _parts(f"{name}.values", [value[key] for key in keys])
    elif isinstance(value, (list, tuple)) and not all(isinstance(each, PLAIN) for each in value):
        yield f"{name}.length", len(value)
        for index, each in enumerate(value):
            yield from _parts(f"{name}[{index}]", each)
    elif value is None:  # an optional output that is absent
        yield f"{name}.length", 0
    else:
        yield name, value


def _real(tensor: Tensor, info: TensorInfo | None) -> Tensor:
    """Return a tensor under the app's name and in its layout, with the real values of quantised numbers."""
    import numpy as np

    if info is None:
        return tensor
    values, scale = np.asarray(tensor.values), info.scale or 0.0
    if scale and values.dtype.kind in "iu":
        values = ((values.astype(np.float64) - (info.zero_point or 0)) * scale).astype(np.float32)
    elif narrow_floats.holds(values, info.dtype):
        values = narrow_floats.decoded(values, info.dtype)
    return Tensor(info.called, info.layout, values, abs(scale))
