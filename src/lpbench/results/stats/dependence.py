"""How far samples of one run follow one another, told from which of them lie above a level.

A sample's place above or below the median is one bit, a whole series one integer, and its
autocorrelation at a lag is a count of set bits: a million samples take milliseconds, outliers
weigh no more than others, and the correlation of these bits is exactly what the variance of
the median depends on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lpbench.results.stats.samples import Number  # noqa: TC001 - resolved by get_type_hints of what uses it

_SHORT_LAGS = 5
_LONGEST_LAG = 1000
_WINDOW = 5
"""The window of the sum of correlations, in correlation times (Sokal's rule)."""
_SURE = 3.0
_LIKELY = 1.64
_MATERIAL = 1.2


class Dependence(NamedTuple):
    """How samples follow one another.

    :param time: 1 + 2 x the sum of autocorrelations: that many samples tell as much as one independent one.
        Summed over a window of five times itself, and freed of the bias of a short series (Wolff's 1 + (2W + 1) / n).
    :param score: Sum of the first five autocorrelations over its standard deviation in independent samples.
    """

    time: float
    score: float

    @property
    def found(self) -> bool:
        """Whether it is sure (three standard deviations) and matters (intervals 10 % too narrow)."""
        return self.score > _SURE and self.time >= _MATERIAL

    @property
    def factor(self) -> float:
        """By how much the effective number of samples is smaller than their number.

        Taken into account from the 5 % level on, earlier than it is flagged: a needlessly wide interval is the
        smaller harm.
        """
        return self.time if self.score > _LIKELY and self.time >= _MATERIAL else 1.0


INDEPENDENT = Dependence(1.0, 0.0)


def dependence(values: list[Number], level: Number) -> Dependence:
    """Return how far it follows from one sample lying above ``level`` that the next ones do.

    :param values: In the order of measuring.
    """
    return _dependence(bits_above(values, level), len(values))


def bits_above(values: list[Number], level: Number) -> int:
    """Return an integer whose bits say which samples lie above ``level``; the first sample is the highest bit."""
    return int(bytes([48 + (value > level) for value in values]), 2)  # 48 is the digit 0; base 2 takes linear time


def pairs_above(bits: int, lags: int = _SHORT_LAGS) -> int:
    """Return how many pairs of set bits stand at most ``lags`` apart."""
    return sum((bits & bits >> lag).bit_count() for lag in range(1, lags + 1))


def _dependence(bits: int, count: int) -> Dependence:
    share = bits.bit_count() / count
    spread = share * (1 - share)
    longest = min(_LONGEST_LAG, count // 4)
    if not spread or longest < _SHORT_LAGS:
        return INDEPENDENT
    time, score = 1.0, 0.0
    for lag in range(1, longest + 1):
        time += 2 * _correlation(bits, count, lag, spread)
        if lag == _SHORT_LAGS:
            score = (time - 1) / 2 * math.sqrt(count / _SHORT_LAGS)
        if lag >= max(_SHORT_LAGS, _WINDOW * time):
            break
    return Dependence(max(1.0, time * (1 + (2 * lag + 1) / count)), score)


def _correlation(bits: int, count: int, lag: int, spread: float) -> float:
    """Return the autocorrelation at ``lag``: neighbours differ with probability 2 x spread x (1 - correlation)."""
    inner = count - lag
    changed = ((bits ^ bits >> lag) & ((1 << inner) - 1)).bit_count()
    return 1 - changed / inner / (2 * spread)
