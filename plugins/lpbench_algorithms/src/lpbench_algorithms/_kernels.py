"""Four kernels of transprecision computing, in which every variable has a precision of its own.

What is assigned to a variable is rounded to its bits, after every single operation, as FlexFloat does (Tagliavini,
Marongiu, Benini 2020): operations are those of float64.  Sums are taken one term at a time, in the order of the loops;
the other axes of arrays are computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lpbench_algorithms._rounding import Array, rounded

Bits = Sequence[int]
"""Bits of each variable."""


def fwt(vector: Array, bits: Bits) -> Array:
    """Return the fast Walsh-Hadamard transform of a vector, not normalised.

    :param vector: Of a power of two of values.
    :param bits: Of the vector, and of what a butterfly computes.
    """
    stored, computed = bits
    values = rounded(vector, stored)
    half = 1
    while half < len(values):
        pairs = rounded(values, computed).reshape(-1, 2, half)
        first, second = pairs[:, 0], pairs[:, 1]
        both = np.stack([rounded(first + second, computed), rounded(first - second, computed)], axis=1)
        values = rounded(both.reshape(-1), stored)
        half *= 2
    return values


def saxpy(factor: float, x: Array, y: Array, bits: Bits) -> Array:
    """Return ``factor * x + y``.

    :param bits: Of the factor, of ``x`` and its product with the factor, of ``y`` and the sum.
    """
    of_factor, of_x, of_y = bits
    product = rounded(rounded(np.float64(factor), of_factor) * rounded(x, of_x), of_x)
    return rounded(product + rounded(y, of_y), of_y)


def convolution(image: Array, kernel: Array, bits: Bits) -> Array:
    """Return the convolution of an image with a kernel, where the kernel lies within the image.

    :param image: Of height x width.
    :param bits: Of the image, the kernel, their products, and the sum.
    """
    of_image, of_kernel, of_product, of_sum = bits
    pixels, weights = rounded(image, of_image), rounded(kernel[::-1, ::-1], of_kernel)
    rows, columns = (of - by + 1 for of, by in zip(image.shape, kernel.shape, strict=True))
    total = np.zeros((rows, columns))
    for at, weight in np.ndenumerate(weights):
        window = pixels[at[0] : at[0] + rows, at[1] : at[1] + columns]
        total = rounded(total + rounded(window * weight, of_product), of_sum)
    return total


def correlation(data: Array, bits: Bits) -> Array:
    """Return the correlation matrix of columns.

    :param data: Of observations x features.
    :param bits: Of the data, the means, the variances, the deviations, the normalised data, their products and sums.
    """
    of_data, of_mean, of_variance, of_deviation, of_normal, of_product, of_sum = bits
    values, count = rounded(data, of_data), len(data)
    mean = rounded(_sum(values, of_mean) / count, of_mean)
    centred = rounded(values - mean, of_normal)
    squares = rounded(centred * centred, of_variance)
    variance = rounded(_sum(squares, of_variance) / count, of_variance)
    deviation = rounded(np.sqrt(variance), of_deviation)
    deviation = np.where(deviation == 0, 1.0, deviation)  # a column without spread correlates with nothing
    scale = rounded(np.sqrt(np.float64(count)) * deviation, of_deviation)
    normal = rounded(centred / scale, of_normal)
    total = np.zeros((data.shape[1], data.shape[1]))
    for row in normal:
        total = rounded(total + rounded(np.outer(row, row), of_product), of_sum)
    return total


def _sum(rows: Array, bits: int) -> Array:
    """Return the sum of rows, rounded after each."""
    total = np.zeros(rows.shape[1:])
    for row in rows:
        total = rounded(total + row, bits)
    return total
