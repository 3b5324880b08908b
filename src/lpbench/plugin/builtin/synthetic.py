"""Synthetic values, bit for bit the same on every machine and with every version of numpy.

They are made only from the raw bits of PCG64, which numpy guarantees (NEP 19) while
its distributions may change, and from arithmetic that IEEE 754 defines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError, setting
from lpbench.plugin.kit import narrow_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

FLOATS = {"float16", "float32", "float64", "complex64", "complex128", *narrow_floats.BITS}
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def synthetic(dtype: str, shape: tuple[int, ...], entropy: list[int], ends: Sequence[float] | None) -> Array:
    """Return an array of synthetic values.

    :param dtype: Numpy's name of the type; of floats that numpy lacks, such as bfloat16, the bits are returned.
    :param entropy: Whole numbers of 0 or more that seed the values.
    :param ends: Lowest value and end; integers and booleans exclude the end.  By default floats are standard
        normal and the others 0, False or an empty text.
    :raises ProcessorError: Values of the type cannot be generated, or the range does not fit it.
    """
    import numpy as np

    count = math.prod(shape)
    if dtype in FLOATS:
        return _floats(dtype, count, entropy, ends).reshape(shape)
    if dtype in INTEGERS:
        return _integers(dtype, count, entropy, ends).reshape(shape)
    if dtype == "bool":
        return _integers("uint8", count, entropy, ends).astype(bool).reshape(shape)
    if dtype == "str":
        return np.full(shape, "", dtype=object)
    raise ProcessorError(
        f"values of the type {dtype} cannot be generated",
        hint=f"provide them in .npy or .npz files: {setting('data', 'DIR')}",
    )


def _bits(count: int, entropy: list[int]) -> Array:
    import numpy as np

    return np.asarray(np.random.PCG64(entropy).random_raw(count), dtype=np.uint64)


def _floats(dtype: str, count: int, entropy: list[int], ends: Sequence[float] | None) -> Array:
    import numpy as np

    if dtype.startswith("complex"):
        parts = [_floats("float64", count, [*entropy, part], ends) for part in range(2)]
        return np.asarray(parts[0] + 1j * parts[1], dtype=dtype)
    values = _normal(count, entropy) if ends is None else _uniform(count, entropy, ends)
    if ends is not None and dtype not in narrow_floats.BITS and max(map(abs, ends)) > float(np.finfo(dtype).max):
        raise ProcessorError(
            f"the range {ends[0]:g},{ends[1]:g} does not fit {dtype}",
            hint=f"numbers from {np.finfo(dtype).min:g} to {np.finfo(dtype).max:g}",
        )
    return narrow_floats.encoded(values, dtype) if dtype in narrow_floats.BITS else values.astype(dtype)


def _normal(count: int, entropy: list[int]) -> Array:
    """Return nearly normal values of mean 0 and standard deviation 1: sums of eight 16-bit integers (Irwin-Hall)."""
    import numpy as np

    pieces = _bits(2 * count, entropy).view(np.uint16).reshape(count, 8)
    deviation = math.sqrt(8 * (2**32 - 1) / 12)
    return np.asarray((pieces.sum(axis=1, dtype=np.int64) - 4 * 65535) / deviation)


def _uniform(count: int, entropy: list[int], ends: Sequence[float]) -> Array:
    import numpy as np

    fraction = (_bits(count, entropy) >> np.uint64(11)) * 2.0**-53
    return np.asarray(ends[0] + (ends[1] - ends[0]) * fraction)


def _integers(dtype: str, count: int, entropy: list[int], ends: Sequence[float] | None) -> Array:
    import numpy as np

    if ends is None:
        return np.zeros(count, dtype)
    low, end = int(ends[0]), int(ends[1])
    limits = np.iinfo(dtype)
    if (low, end) != tuple(ends) or low < limits.min or end > int(limits.max) + 1:
        raise ProcessorError(
            f"the range {ends[0]:g},{ends[1]:g} does not fit {dtype}",
            hint=f"whole numbers from {limits.min} to {int(limits.max) + 1}",
        )
    bits, span = _bits(count, entropy), end - low
    offsets = bits if span == 1 << 64 else bits % np.uint64(span)
    values = offsets + np.uint64(low % (1 << 64))  # modulo 2**64; the cast keeps the low bits
    return np.asarray(values.astype(dtype))
