"""Compares and modifies mappings of names to numpy arrays; numpy is imported only when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Arrays = Mapping[str, Any]


def difference(got: Arrays, want: Arrays, tolerance: float = 0.0) -> str:
    """Return a description of the first difference, or an empty string.

    :param tolerance: Largest difference allowed, as a share of the largest expected value.
    """
    if got.keys() != want.keys():
        return f"found {', '.join(sorted(got)) or 'nothing'}; expected {', '.join(sorted(want))}"
    return next(filter(None, (_different(name, got[name], want[name], tolerance) for name in want)), "")


def copies(arrays: Arrays) -> dict[str, Any]:
    """Return copies that share no memory with ``arrays``."""
    import numpy as np

    return {name: np.array(array) for name, array in arrays.items()}


def refill(arrays: Arrays, values: Arrays) -> None:
    """Write values into arrays in place."""
    for name, array in arrays.items():
        array[...] = values[name]


def strided(array: Any) -> Any:
    """Return the same values in an array that is not contiguous."""
    import numpy as np

    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


def other_type(array: Any) -> Any:
    """Return the values in another type: float64 for float32, float32 for all others."""
    return array.astype("float64" if array.dtype.name == "float32" else "float32")


def other_shape(array: Any) -> Any:
    """Return the values with one more dimension."""
    return array.reshape(1, *array.shape)


def _different(name: str, got: Any, want: Any, tolerance: float) -> str:
    import numpy as np

    actual, expected = np.asarray(got), np.asarray(want)
    if actual.shape != expected.shape:
        return f'"{name}" has the shape {actual.shape}; expected {expected.shape}'
    if expected.dtype.kind not in "biufc":
        return "" if np.array_equal(actual, expected) else f'"{name}" differs'
    if not expected.size or (actual.tobytes() == expected.tobytes() and actual.dtype == expected.dtype):
        return ""
    errors = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    errors[np.isnan(actual.astype(np.float64)) & np.isnan(expected.astype(np.float64))] = 0
    largest = float(np.nan_to_num(errors, nan=np.inf).max())
    allowed = tolerance * float(np.abs(np.nan_to_num(expected.astype(np.float64))).max())
    return "" if largest <= allowed else f'"{name}" is off by {largest:.3g}; {allowed:.3g} is allowed'
