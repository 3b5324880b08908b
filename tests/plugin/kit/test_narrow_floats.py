"""bfloat16 and float8 as bits: every value of every type as ml_dtypes has it, and rounding to the nearest."""

from __future__ import annotations

from typing import Any

import pytest

from lpbench.plugin.kit import narrow_floats

np = pytest.importorskip("numpy", reason="needs numpy")
ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes, whose types are the reference")

from hypothesis import given  # noqa: E402 - where numpy is
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as arrays  # noqa: E402

TYPES = sorted(narrow_floats.BITS)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_bit_pattern_has_its_value(dtype: str) -> None:
    bits = np.arange(1 << (16 if dtype == "bfloat16" else 8)).astype(narrow_floats.BITS[dtype])
    array = bits.view(getattr(ml_dtypes, dtype))
    for given_as in (bits, array):
        values = narrow_floats.decoded(given_as, dtype)
        assert values.dtype == np.float32
        assert np.array_equal(values, array.astype(np.float32), equal_nan=True)
    again = narrow_floats.encoded(values, dtype)
    numbers = ~np.isnan(values)
    assert np.array_equal(again[numbers], bits[numbers])
    assert np.isnan(narrow_floats.decoded(again[~numbers], dtype)).all()


@pytest.mark.parametrize("dtype", TYPES)
@given(values=arrays.arrays("f4", 20, elements=st.floats(-200, 200, width=32)))
def test_values_are_rounded_to_the_nearest(dtype: str, values: Any) -> None:
    """Ties go to even, zeros keep their sign where the type has it, subnormal values are exact."""
    expected = values.astype(getattr(ml_dtypes, dtype)).view(narrow_floats.BITS[dtype])
    assert np.array_equal(narrow_floats.encoded(values, dtype), expected)


@pytest.mark.parametrize(("dtype", "largest"), [("float8_e4m3fn", 448), ("float8_e5m2", 57344)])
def test_values_beyond_the_largest_saturate(dtype: str, largest: float) -> None:
    bits = narrow_floats.encoded(np.array([1e9, -1e9], np.float32), dtype)
    assert narrow_floats.decoded(bits, dtype).tolist() == [largest, -largest]


@pytest.mark.parametrize("dtype", TYPES)
def test_the_remedy_gives_the_values(dtype: str) -> None:
    """The text of the remedy is run: what it makes is taken, and has the values."""
    array = np.array([1.0, -2.0, 0.5], np.float32)
    code = narrow_floats.remedy(dtype).partition(": ")[2].partition(", which")[0]
    made = eval(code, {"array": array, "ml_dtypes": ml_dtypes})  # noqa: S307 - the remedy is our own text
    assert narrow_floats.holds(made, dtype)
    assert narrow_floats.decoded(made, dtype).tolist() == array.tolist()
