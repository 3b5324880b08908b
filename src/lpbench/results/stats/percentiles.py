"""Percentiles with an upper bound, or the number of samples that a bound would need.

The bound is that of MLPerf's early stopping (inference_rules.adoc, appendix; loadgen/early_stopping.cc):
for n samples at confidence c, let t be the largest number of over-latency samples for which
P(at most t of n lie above the percentile) <= 1 - c; the t-th largest sample is the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lpbench.results.stats.dependence import bits_above, dependence, pairs_above
from lpbench.results.stats.distributions import binomial_rank
from lpbench.results.stats.intervals import check_confidence
from lpbench.results.stats.samples import Number, as_numbers, between, middle
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

STANDARD = (50, 90, 95, 99, 99.9)
_STRONG = 1.8
"""Correlation time from which a bound is withheld; the flag fires earlier, but MLPerf's t has one sample to spare."""
_LAGS = 5
_PARTS = 10**8
"""Percentiles are converted to an integer number of these parts, so that 99.9 is exact."""


@dataclass(frozen=True)
class Percentile:
    """A percentile that has enough samples.

    :param q: In percent, for example 99.9.
    :param value: The sample percentile: q percent of the samples lie at or below it.
    :param upper: Upper bound of the true percentile at ``confidence``; Unavailable if the samples are autocorrelated.
    :param n: Number of samples.
    :param need: Smallest number of samples that gives a bound.
    """

    q: float
    value: Number
    upper: Number | Unavailable
    n: int
    need: int
    confidence: float


def percentile(values: Iterable[Number], q: float, confidence: float = 0.99) -> Percentile | Unavailable:
    """Return percentile ``q`` of ``values`` with its upper bound.

    :param values: In the order of measuring.
    :param q: In percent, above 0 and below 100.
    :returns: Unavailable, ``n too small (need 662)``, if there are too few samples for a bound.
    :raises ValueError: A sample is not a latency, there are no samples, or ``q`` or ``confidence`` is out of range.
    """
    return percentiles(values, (q,), confidence)[q]


def percentiles(
    values: Iterable[Number], qs: Iterable[float] = STANDARD, confidence: float = 0.99
) -> dict[float, Percentile | Unavailable]:
    """Return several percentiles by their ``q``; see ``percentile``."""
    samples = as_numbers(values)
    ordered = sorted(samples)
    time = dependence(samples, middle(ordered)).factor
    return {q: _percentile(samples, ordered, q, confidence, time) for q in qs}


def _percentile(
    samples: list[Number], ordered: list[Number], q: float, confidence: float, time: float
) -> Percentile | Unavailable:
    need = percentile_need(q, confidence)
    if len(ordered) < need:
        return Unavailable(f"n too small (need {need})", "too-few-samples")
    value = _at(ordered, _parts(q))
    over = binomial_rank(len(ordered), _above(q), 1 - confidence)
    bound: Number | Unavailable = ordered[-over]
    if time >= _STRONG:
        bound = Unavailable(
            f"samples are autocorrelated: {time:.3g} carry as much information as one independent sample",
            "autocorrelated",
        )
    elif _clustered(samples, value):
        bound = Unavailable(f"samples above p{q:g} occur in clusters", "autocorrelated")
    return Percentile(q, value, bound, len(ordered), need, confidence)


@lru_cache(maxsize=256)
def percentile_need(q: float, confidence: float = 0.99) -> int:
    """Return how many samples a bound of percentile ``q`` needs: 64 for p90, 662 for p99, 6,636 for p99.9.

    :raises ValueError: ``q`` is not between 0 and 100, or ``confidence`` not between 0 and 1.
    """
    check_confidence(confidence)
    above = _above(q)
    low, high = 1, 2
    while binomial_rank(high, above, 1 - confidence) < 1:
        low, high = high, 2 * high
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if binomial_rank(half, above, 1 - confidence) < 1 else (low, half)
    return high


def _above(q: float) -> float:
    return (_PARTS - _parts(q)) / _PARTS


def _parts(q: float) -> int:
    parts = round(q * 10**6) if math.isfinite(q) else 0
    if not 0 < parts < _PARTS:
        raise ValueError(f"percentile {q} is not above 0 and below 100")
    return parts


def _at(ordered: list[Number], parts: int) -> Number:
    """Return the inverse of the empirical distribution, the midpoint where it jumps: p50 is the median."""
    place, rest = divmod(parts * len(ordered), _PARTS)
    return ordered[place] if rest else between(ordered[place - 1], ordered[place])


def _clustered(samples: list[Number], value: Number) -> bool:
    """Whether more samples above ``value`` are close together than chance explains (about four deviations)."""
    bits = bits_above(samples, value)
    expected = _LAGS * bits.bit_count() ** 2 / len(samples)
    return pairs_above(bits, _LAGS) > expected + 4 * math.sqrt(expected) + 2
