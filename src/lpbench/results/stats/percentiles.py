"""Percentiles with an upper bound, or the number of samples that one would need.

The bound is that of MLPerf's early stopping (inference_rules.adoc, appendix; loadgen/early_stopping.cc):
of n samples, at confidence c, the largest number t of over-latency samples is found for which
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
"""From this correlation time on there is no bound; the flag fires earlier, but MLPerf's t has one sample to spare."""
_LAGS = 5
_PARTS = 10**8
"""Percentiles are taken as whole parts of so many, so that 99.9 is exact."""


@dataclass(frozen=True)
class Percentile:
    """A percentile that has enough samples.

    :param q: In percent, 99.9 say.
    :param value: The sample percentile: q percent of the samples lie at or below it.
    :param upper: The true percentile is at most this, at ``confidence``; Unavailable where samples follow one another.
    :param n: Number of samples.
    :param need: The smallest number that gives a bound.
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
    :returns: Unavailable, ``n too small (need 662)``, where the samples are too few for a bound.
    :raises ValueError: For samples that are no latencies, or another ``q`` or ``confidence``.
    """
    return percentiles(values, (q,), confidence)[q]


def percentiles(
    values: Iterable[Number], qs: Iterable[float] = STANDARD, confidence: float = 0.99
) -> dict[float, Percentile | Unavailable]:
    """Return several percentiles likewise, by their ``q``."""
    found = as_numbers(values)
    ordered = sorted(found)
    time = dependence(found, middle(ordered)).factor
    return {q: _percentile(found, ordered, q, confidence, time) for q in qs}


def _percentile(
    found: list[Number], ordered: list[Number], q: float, confidence: float, time: float
) -> Percentile | Unavailable:
    need = percentile_need(q, confidence)
    if len(ordered) < need:
        return Unavailable(f"n too small (need {need})")
    value = _at(ordered, _parts(q))
    over = binomial_rank(len(ordered), _above(q), 1 - confidence)
    bound: Number | Unavailable = ordered[-over]
    if time >= _STRONG:
        bound = Unavailable(f"samples follow one another: {time:.3g} tell as much as one independent one")
    elif _clustered(found, value):
        bound = Unavailable(f"samples above p{q:g} come in clusters")
    return Percentile(q, value, bound, len(ordered), need, confidence)


@lru_cache(maxsize=256)
def percentile_need(q: float, confidence: float = 0.99) -> int:
    """Return how many samples a bound of percentile ``q`` takes: 64 for p90, 662 for p99, 6,636 for p99.9.

    :raises ValueError: For a ``q`` that is not above 0 and below 100, or a confidence that is none.
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
    """Return the inverse of the empirical distribution, its middle where it jumps: p50 is the median."""
    place, rest = divmod(parts * len(ordered), _PARTS)
    return ordered[place] if rest else between(ordered[place - 1], ordered[place])


def _clustered(found: list[Number], value: Number) -> bool:
    """Whether more samples above ``value`` stand close together than chance puts there (about four deviations)."""
    bits = bits_above(found, value)
    expected = _LAGS * bits.bit_count() ** 2 / len(found)
    return pairs_above(bits, _LAGS) > expected + 4 * math.sqrt(expected) + 2
