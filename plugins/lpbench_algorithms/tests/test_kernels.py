"""The kernels against plain loops: at 53 bits the usual answers, below them one rounding after each operation."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lpbench_algorithms import _kernels
from lpbench_algorithms._algorithms import Convolution, Correlation, Fwt, Kernel, Saxpy, squared_error
from lpbench_algorithms._rounding import FULL, rounded

CHANCE = np.random.default_rng(3)


def to(value: float, bits: int) -> float:
    """Return one number, rounded."""
    return float(rounded(np.array([value]), bits)[0])


def plain_fwt(vector: Any, bits: Any) -> list[float]:
    stored, computed = bits
    values = [to(value, stored) for value in vector]
    half = 1
    while half < len(values):
        for start in range(0, len(values), 2 * half):
            for at in range(start, start + half):
                first, second = to(values[at], computed), to(values[at + half], computed)
                values[at] = to(to(first + second, computed), stored)
                values[at + half] = to(to(first - second, computed), stored)
        half *= 2
    return values


def plain_saxpy(factor: float, x: Any, y: Any, bits: Any) -> list[float]:
    a, b, c = bits
    return [to(to(to(factor, a) * to(one, b), b) + to(other, c), c) for one, other in zip(x, y, strict=True)]


def plain_convolution(image: Any, kernel: Any, bits: Any) -> list[list[float]]:
    a, b, c, d = bits
    size = len(kernel)
    answer = []
    for row in range(len(image) - size + 1):
        answer.append([0.0] * (len(image[0]) - size + 1))
        for column in range(len(answer[-1])):
            total = 0.0
            for i in range(size):
                for j in range(size):
                    pixel, weight = to(image[row + i][column + j], a), to(kernel[size - 1 - i][size - 1 - j], b)
                    total = to(total + to(pixel * weight, c), d)
            answer[-1][column] = total
    return answer


def plain_correlation(data: Any, bits: Any) -> list[list[float]]:
    of_data, of_mean, of_variance, of_deviation, of_normal, of_product, of_sum = bits
    values = [[to(value, of_data) for value in row] for row in data]
    normal = [[0.0] * len(values[0]) for _ in values]
    for column in range(len(values[0])):
        mean = variance = 0.0
        for row in values:
            mean = to(mean + row[column], of_mean)
        mean = to(mean / len(values), of_mean)
        centred = [to(row[column] - mean, of_normal) for row in values]
        for one in centred:
            variance = to(variance + to(one * one, of_variance), of_variance)
        variance = to(variance / len(values), of_variance)
        deviation = to(float(np.sqrt(variance)), of_deviation) or 1.0
        scale = to(float(np.sqrt(float(len(values)))) * deviation, of_deviation)
        for at, one in enumerate(centred):
            normal[at][column] = to(one / scale, of_normal)
    answer = [[0.0] * len(values[0]) for _ in values[0]]
    for row in normal:
        for i, one in enumerate(row):
            for j, other in enumerate(row):
                answer[i][j] = to(answer[i][j] + to(one * other, of_product), of_sum)
    return answer


CASES: dict[str, tuple[Any, Any, tuple[Any, ...], int]] = {
    "fwt": (_kernels.fwt, plain_fwt, (CHANCE.uniform(-1, 1, 16),), 2),
    "saxpy": (_kernels.saxpy, plain_saxpy, (0.7, CHANCE.uniform(size=9), CHANCE.uniform(size=9)), 3),
    "convolution": (
        _kernels.convolution,
        plain_convolution,
        (CHANCE.uniform(size=(5, 6)), CHANCE.uniform(size=(3, 3))),
        4,
    ),
    "correlation": (_kernels.correlation, plain_correlation, (CHANCE.uniform(size=(6, 3)),), 7),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_operation_is_rounded_to_its_variables_bits(name: str, data: st.DataObject) -> None:
    kernel, plain, instance, variables = CASES[name]
    bits = data.draw(st.lists(st.integers(4, FULL), min_size=variables, max_size=variables))
    np.testing.assert_array_equal(kernel(*instance, bits), plain(*instance, bits))


def test_at_53_bits_the_answers_are_those_of_numpy() -> None:
    from scipy.linalg import hadamard
    from scipy.signal import convolve2d

    vector, image, kernel = CHANCE.uniform(size=64), CHANCE.uniform(size=(20, 15)), CHANCE.uniform(size=(11, 11))
    data = CHANCE.uniform(size=(50, 4))
    np.testing.assert_allclose(_kernels.fwt(vector, [FULL] * 2), hadamard(64) @ vector, atol=1e-12)
    np.testing.assert_array_equal(_kernels.saxpy(0.3, vector, vector, [FULL] * 3), 0.3 * vector + vector)
    found = _kernels.convolution(image, kernel, [FULL] * 4)
    np.testing.assert_allclose(found, convolve2d(image, kernel, mode="valid"), rtol=1e-12)
    np.testing.assert_allclose(_kernels.correlation(data, [FULL] * 7), np.corrcoef(data.T), atol=1e-12)


@pytest.mark.parametrize("kind", [Fwt, Saxpy, Convolution, Correlation])
def test_the_error_is_exactly_zero_at_53_bits_and_falls_as_bits_are_added(kind: type[Kernel]) -> None:
    kernel = kind()
    errors: list[float] = []
    for bits in (8, 20, 40, FULL):
        values = {f"var_{at}": bits for at in range(kernel.variables)}
        prepared = kernel.prepare(values, 0)
        stated = kernel.judge(values, prepared, kernel.run(values, prepared))
        errors.append(stated["error"] or 0.0)
        assert stated["quality"] == (-np.log(errors[-1]) if errors[-1] else None)
    assert errors[-1] == 0.0
    assert errors == sorted(errors, reverse=True)
    assert errors[-2] > 0


def test_an_instance_is_the_same_in_every_process_and_others_differ() -> None:
    one, again, other = (Fwt().prepare({}, number)[0] for number in (5, 5, 6))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_error_is_relative_but_where_the_exact_value_is_zero() -> None:
    assert squared_error(np.array([1.0, 3.0]), np.array([1.0, 2.0])) == 0.25
    assert squared_error(np.array([0.5]), np.array([0.0])) == 0.25


def test_a_column_without_spread_correlates_with_nothing() -> None:
    data = np.stack([np.ones(8), np.arange(8.0)], axis=1)
    assert _kernels.correlation(data, [FULL] * 7)[0].tolist() == [0.0, 0.0]
