"""Quantiles of the binomial distribution and of Student's t, to about 1e-13, using the standard library only.

Sources: C. Loader, "Fast and accurate computation of binomial probabilities" (2000), for the
binomial; NIST DLMF 8.17.22 for the incomplete beta function.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
_SERIES_FROM = 16
_ENOUGH = 1e-17


def binomial_tail(k: int, n: int, p: float) -> float:
    """Return P(X <= k) of a binomial X of ``n`` trials with probability ``p``, for ``k`` below its mean.

    The terms decrease from ``k`` down, so the sum starts at the largest and stops when a term no longer matters.
    """
    if k < 0:
        return 0.0
    odds = (1 - p) / p
    term = total = 1.0
    for at in range(k, 0, -1):
        term *= at * odds / (n - at + 1)
        total += term
        if term < total * _ENOUGH:
            break
    return _binomial_probability(k, n, p) * total


@lru_cache(maxsize=4096)
def binomial_rank(n: int, p: float, tail: float) -> int:
    """Return the largest k with P(X <= k) <= ``tail`` of a binomial X, or -1 if even P(X <= 0) exceeds ``tail``.

    :param tail: At most a half, so that k lies below the mean.
    """
    low, high = -1, math.floor(n * p)  # low satisfies the condition; high may
    while low < high:
        middle = (low + high + 1) // 2
        if binomial_tail(middle, n, p) <= tail:
            low = middle
        else:
            high = middle - 1
    return low


def normal_quantile(p: float) -> float:
    """Return the quantile ``p`` of the standard normal distribution."""
    from statistics import NormalDist  # slow to import

    return NormalDist().inv_cdf(p)


@lru_cache(maxsize=1024)
def t_quantile(p: float, freedom: float) -> float:
    """Return the quantile ``p`` of Student's t with ``freedom`` degrees of freedom, not necessarily an integer.

    :raises ValueError: ``p`` is not between 0 and 1, or ``freedom`` is not above 0.
    """
    if not (0 < p < 1 and freedom > 0):
        raise ValueError(f"Student's t with {freedom} degrees of freedom has no quantile {p}")
    if p == 0.5:  # noqa: PLR2004 - the centre
        return 0.0
    size = _solve_t(min(p, 1 - p), freedom)
    return size if p > 0.5 else -size  # noqa: PLR2004 - the centre


def _solve_t(tail: float, freedom: float) -> float:
    """Return the t > 0 whose upper tail is ``tail``: Newton's method on log t, bisecting outside the bracket."""
    low, high = -700.0, 700.0
    log_t = math.log(max(-normal_quantile(tail), 1e-8))
    for _ in range(200):
        t = math.exp(log_t)
        excess = t_tail(t, freedom) - tail
        low, high = (log_t, high) if excess > 0 else (low, log_t)
        step = excess / max(t * _t_density(t, freedom), _TINY)
        refined = log_t + step
        refined = refined if low < refined < high else (low + high) / 2
        if abs(refined - log_t) < 4e-16 * max(1.0, abs(refined)):
            break
        log_t = refined
    return math.exp(log_t)


def t_tail(t: float, freedom: float) -> float:
    """Return P(T > t) of Student's t with ``freedom`` degrees of freedom, for t >= 0."""
    square = t * t
    if square < freedom:
        return 0.5 - incomplete_beta(0.5, freedom / 2, square / (freedom + square)) / 2
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square)) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) for 0 <= x <= 1."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)
    return math.exp(front) / a * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction DLMF 8.17.22 by Lentz's method."""
    c, d = 1.0, _off_zero(1 - (a + b) * x / (a + 1))
    d = 1 / d
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            value *= d * c
        if abs(value - before) <= 1e-16 * abs(value):
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _log_beta(a: float, b: float) -> float:
    """Return log B(a, b); a difference of ``lgamma`` values would lose nine digits at a = 1e6."""
    small, large = min(a, b), max(a, b)
    if large < _SERIES_FROM:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    both = a + b
    rise = (large - 0.5) * math.log1p(small / large) + small * math.log(both) - small
    return math.lgamma(small) - rise + _stirling_rest(large) - _stirling_rest(both)


def _t_density(t: float, freedom: float) -> float:
    log_front = -_log_beta(freedom / 2, 0.5) - math.log(freedom) / 2
    return math.exp(log_front - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def _binomial_probability(k: int, n: int, p: float) -> float:
    """Return P(X = k) by Loader's saddle-point form, in which no large terms cancel."""
    if k == 0:
        return math.exp(n * math.log1p(-p))
    if k == n:
        return p**n
    rest = _stirling_rest(n) - _stirling_rest(k) - _stirling_rest(n - k)
    rest -= _deviance(k, n * p) + _deviance(n - k, n * (1 - p))
    return math.exp(rest) * math.sqrt(n / (2 * math.pi * k * (n - k)))


def _deviance(x: float, mean: float) -> float:
    """Return x log(x / mean) + mean - x without cancellation near x = mean (Loader's D0)."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x
    ratio = (x - mean) / (x + mean)
    total, power, square = (x - mean) * ratio, 2 * x * ratio, ratio * ratio
    for odd in range(3, 1000, 2):
        power *= square
        refined = total + power / odd
        if refined == total:
            break
        total = refined
    return total


def _stirling_rest(n: float) -> float:
    """Return log Gamma(n + 1) minus Stirling's formula."""
    if n < _SERIES_FROM:
        return math.lgamma(n + 1) - ((n + 0.5) * math.log(n) - n + math.log(2 * math.pi) / 2)
    square = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square) / square) / square) / n
