"""Values over time as one line of characters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = dict(zip(BLOCKS, "_.-:=+*#", strict=True))
"""What stands for a block where the encoding of a terminal has none."""


def curve(times: Sequence[float], values: Sequence[float], end: float, *, width: int, span: float) -> str:
    """Return a line of blocks, each the mean of the values of an equal stretch of time.

    :param times: Of the values, from 0 to ``end``.
    :param span: Difference of values that the blocks cover at least, so that noise looks as small as it is.
    """
    means = resampled(times, values, end, width)
    if not means:
        return ""
    low, high = min(means), max(means)
    low -= max(0.0, span - (high - low)) / 2
    step = max(span, high - low) / (len(BLOCKS) - 1) or 1.0
    return "".join(BLOCKS[min(len(BLOCKS) - 1, max(0, round((each - low) / step)))] for each in means)


def resampled(times: Sequence[float], values: Sequence[float], end: float, count: int) -> list[float]:
    """Return the mean of each of ``count`` equal stretches; one without a value has that of its neighbour."""
    parts: list[list[float]] = [[] for _ in range(count)]
    for at, value in zip(times, values, strict=False):  # those of a file may be of different lengths
        share = min(1.0, max(0.0, at / end)) if end > 0 else 0.0
        parts[min(count - 1, int(count * share))].append(value)
    known = next((part for part in parts if part), None)
    if known is None:
        return []
    means = []
    for part in parts:
        known = part or known
        means.append(math.fsum(known) / len(known))
    return means
