"""Rounding to fewer bits, against exact fractions."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from lpbench_algorithms._rounding import FULL, rounded

LEAST_EXPONENT = -1022


def exactly_rounded(value: float, bits: int) -> float:
    """Return the nearest number of some bits, ties to the even one, by the definition of the format."""
    if value == 0 or not math.isfinite(value):
        return value
    exponent = max(math.frexp(value)[1] - 1, LEAST_EXPONENT)
    step = Fraction(2) ** (exponent - (bits - 1))
    nearest = round(Fraction(value) / step) * step  # Python rounds a fraction half to even
    if abs(nearest) > Fraction(sys.float_info.max):
        return math.copysign(math.inf, value)
    return math.copysign(float(nearest), value)


@given(st.lists(st.floats(), min_size=1, max_size=20), st.integers(1, FULL))
@example([1.5, -1.5, 2.5, 0.0, -0.0], 1)
@example([3.0, -3.0, 6.0, 2.0**-1023, 3 * 2.0**-1023, 3 * 2.0**-1022], 1)
@example([5e-324, 2.0**-1060, 2.2250738585072011e-308], 4)
@example([sys.float_info.max, -sys.float_info.max, math.inf, -math.inf, math.nan], 4)
def test_a_number_becomes_the_nearest_of_so_many_bits(values: list[float], bits: int) -> None:
    found = rounded(np.array(values), bits)
    expected = np.array([exactly_rounded(value, bits) for value in values])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(expected[expected == 0]))


@given(st.lists(st.floats(), min_size=1, max_size=20), st.integers(1, FULL), st.integers(1, FULL))
def test_what_is_rounded_stays_when_more_bits_are_asked_for(values: list[float], bits: int, more: int) -> None:
    once = rounded(np.array(values), bits)
    np.testing.assert_array_equal(rounded(once, max(bits, more)), once)


@pytest.mark.parametrize(("bits", "kind"), [(24, np.float32), (11, np.float16)])
def test_precisions_of_known_formats_round_as_these(bits: int, kind: type) -> None:
    values = np.random.default_rng(1).uniform(-2, 2, 10_000)
    values = values[np.abs(values) > 1e-3]
    np.testing.assert_array_equal(rounded(values, bits), values.astype(kind).astype(float))


def test_any_shape_and_any_order_of_memory_is_rounded() -> None:
    square = np.random.default_rng(2).uniform(size=(5, 7))
    np.testing.assert_array_equal(rounded(square.T[::-1], 8), rounded(square, 8).T[::-1])
    assert rounded(np.float64(1.3), 2) == 1.5
