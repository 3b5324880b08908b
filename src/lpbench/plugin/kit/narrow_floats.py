"""The floats that numpy lacks, bfloat16 and float8: their bits as integers, and their values as float32.

Arrays of these types exist where the package ml_dtypes is installed; without it, their bits are passed.
float8 is as the Open Compute Project's OFP8 specifies it (E4M3, E5M2); names that end in ``fnuz`` have no infinities
and no negative zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BFLOAT16 = "bfloat16"
BITS = {
    BFLOAT16: "uint16",
    "float8_e4m3fn": "uint8",
    "float8_e4m3fnuz": "uint8",
    "float8_e5m2": "uint8",
    "float8_e5m2fnuz": "uint8",
}
"""Names of the types, as ml_dtypes gives them, with numpy's integer type that holds their bits."""


@dataclass(frozen=True)
class _Float8:
    """Format of eight bits.

    :param fraction: Number of bits of the fraction.
    :param nan: Bits of a NaN without sign.
    :param infinity: Bits of infinity; None if there is none.
    """

    fraction: int
    bias: int
    nan: int
    infinity: int | None = None


_FLOAT8 = {
    "float8_e4m3fn": _Float8(3, 7, 0x7F),
    "float8_e4m3fnuz": _Float8(3, 8, 0x80),
    "float8_e5m2": _Float8(2, 15, 0x7E, 0x7C),
    "float8_e5m2fnuz": _Float8(2, 16, 0x80),
}
_MAGNITUDES = 0x80
"""Number of bit patterns without the sign, which is also the sign's bit."""


def holds(array: Array, dtype: str) -> bool:
    """Return whether an array is of one of these types, or has the integers that hold its bits."""
    return dtype in BITS and array.dtype.isnative and array.dtype.name in {dtype, BITS[dtype]}


def stored(dtype: str) -> np.dtype[Any]:
    """Return the numpy type that holds elements: their own, or integers for the bits of types that numpy lacks."""
    import numpy as np

    return np.dtype(BITS.get(dtype, dtype))


def extended(bits: Array, dtype: str) -> Array:
    """Return bits in the type of ml_dtypes if that is installed; without it, and of numpy's own types, unchanged."""
    if dtype not in BITS:
        return bits
    try:
        import ml_dtypes
    except ImportError:
        return bits
    return bits.view(getattr(ml_dtypes, dtype))


def remedy(dtype: str) -> str:
    """Return how to make an array of one of these types; a cast to the integers would change the values."""
    return f'with ml_dtypes: array.astype(ml_dtypes.{dtype}).view("{BITS[dtype]}"), which keeps the bits'


def decoded(array: Array, dtype: str) -> Array:
    """Return the values of an array of one of these types, or of its bits, as float32; exact."""
    import numpy as np

    bits = array.view(BITS[dtype])
    if dtype == BFLOAT16:
        return np.asarray((bits.astype(np.uint32) << np.uint32(16)).view(np.float32))
    values: Array = _values(_FLOAT8[dtype])[bits]
    return values


def encoded(values: Array, dtype: str) -> Array:
    """Return the bits of the nearest values of a type, ties to even; float8 saturates, as ONNX's Cast does."""
    import numpy as np

    values = np.asarray(values, np.float32)
    return _bfloat16(values) if dtype == BFLOAT16 else _float8(values, _FLOAT8[dtype])


def _bfloat16(values: Array) -> Array:
    """Return the upper half of float32, rounded."""
    import numpy as np

    bits = values.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)  # rounding could make an infinity of a NaN
    return np.asarray(np.where(np.isnan(values), quiet, rounded >> np.uint32(16)), dtype=np.uint16)


def _float8(values: Array, kind: _Float8) -> Array:
    import numpy as np

    every = _values(kind)[:_MAGNITUDES].astype(np.float64)
    steps = every[np.isfinite(every)]  # ascending, as their bits are
    middles = (steps[1:] + steps[:-1]) / 2
    sizes = np.abs(values.astype(np.float64))
    below, above = (np.searchsorted(middles, sizes, side) for side in ("left", "right"))
    bits = np.where(below % 2 == 0, below, above)  # the two differ for ties
    if kind.infinity is not None:
        bits = np.where(np.isinf(values), kind.infinity, bits)
    signless = kind.nan == _MAGNITUDES
    negative = np.signbit(values) & ~(signless & (bits == 0))
    bits = np.where(negative, bits | _MAGNITUDES, bits)
    return np.asarray(np.where(np.isnan(values), kind.nan, bits), dtype=np.uint8)


def _values(kind: _Float8) -> Array:
    """Return the value of each of the 256 bit patterns."""
    import numpy as np

    magnitudes = np.arange(_MAGNITUDES)
    exponent, fraction = magnitudes >> kind.fraction, magnitudes & ((1 << kind.fraction) - 1)
    whole = np.where(exponent > 0, 1 << kind.fraction, 0) + fraction  # without the leading one if subnormal
    values = np.ldexp(whole.astype(np.float64), np.maximum(exponent, 1) - kind.bias - kind.fraction)
    if kind.infinity is not None:
        values[kind.infinity + 1 :], values[kind.infinity] = np.nan, np.inf
    both = np.concatenate([values, -values]).astype(np.float32)
    both[kind.nan :: _MAGNITUDES] = np.nan
    return both
