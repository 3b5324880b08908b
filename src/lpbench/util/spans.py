"""Core numbers and tiles as people write them: ``0-3``, ``0,2``, ``224x224``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lpbench.util.bounds import SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def read_cores(text: str, *, most: int, between: str = ",") -> tuple[int, ...]:
    """Return ``0,2-3`` as numbers in order and each once.

    :param most: The greatest number.
    :raises ValueError: It is no such list.
    """
    found: set[int] = set()
    for part in text.split(between):
        first, dash, last = part.partition("-")
        lowest = _number(first)
        highest = _number(last) if dash else lowest
        if not lowest <= highest <= most:
            raise ValueError(text)
        found.update(range(lowest, highest + 1))
    return tuple(sorted(found))


def write_cores(cores: Sequence[int], *, between: str = ",") -> str:
    """Return core numbers in the shortest such notation: ``0-3``, ``0,2``."""
    spans: list[list[int]] = []
    for core in sorted(set(cores)):
        if spans and core == spans[-1][-1] + 1:
            spans[-1][1:] = [core]
        else:
            spans.append([core])
    return between.join("-".join(map(str, span)) for span in spans)


def read_sizes(text: str) -> tuple[int, ...]:
    """Return ``1x3x224x224`` as sizes, each 1 or more and none greater than engines count.

    :raises ValueError: It is no such list.
    """
    sizes = tuple(map(_number, text.split("x")))
    if not 1 <= min(sizes) <= max(sizes) <= SIZE:
        raise ValueError(text)
    return sizes


def write_sizes(sizes: Sequence[int]) -> str:
    """Return sizes as ``224x224``."""
    return "x".join(map(str, sizes))


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)
