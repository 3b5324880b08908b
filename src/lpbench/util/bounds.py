"""The greatest numbers that settings take, by name: beyond them nothing can be held, counted or waited for."""

from __future__ import annotations

import math
import operator
import sys
from typing import TYPE_CHECKING

from lpbench.errors import OutOfRangeError, setting
from lpbench.util.shown import Shown
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS = 100_000_000
"""Three years: clocks and waiting calls of systems take some more, and none takes every float."""
MOST: dict[str, int] = {
    "threads": 8192,
    "number": 10_000_000,
    "runs": 10_000,
    "batch": 1 << 20,
    "streams": 1024,
    "seed": (1 << 63) - 1,
    "timeout": SECONDS,
    "max_time": SECONDS,
    "alone": SECONDS,
    "sustain": 86_400,
    "affinity": (1 << 16) - 1,
    "priority": 19,
    "tile": 1 << 20,
}
"""Linux has 8192 cores at most; each inference takes some hundred bytes until the result is saved, and each run a
fresh process."""
LEAST = {"affinity": 0, "seed": 0, "priority": -20, "sustain": 1, "tile": 1}
"""The least numbers of those that no other check bounds."""
SIZE = (1 << 31) - 1
"""Greatest dimension: engines count with 32 bits."""
ARRAY_SIZE = 1 << 62
"""No array has as many values."""
DIMENSIONS = 64
"""Most dimensions of an array of numpy."""
ITEMS = 1 << 16
"""Most entries of a setting that is a list."""


def refuse_outside(name: str, value: object) -> None:
    """Refuse a number, or one of several, that is greater or less than a setting takes.

    :param name: As in ``lpbench.RunSettings``; others have no bound here.
    :raises OutOfRangeError: Naming the setting and what it takes.
    """
    most, least = MOST.get(name, math.inf), LEAST.get(name, -math.inf)
    for number in value if isinstance(value, (tuple, list)) else (value,):
        if isinstance(number, (int, float)) and (number > most or number < least):
            takes = f"at most {most}" if number > most else f"{least} or more"
            raise OutOfRangeError(f"found {brief(number)}", where=setting(name), hint=f"it takes {takes}")


def refuse_shapes(shapes: Mapping[str, Sequence[int]]) -> None:
    """Refuse shapes that no engine counts, before anything is made in them.

    :param shapes: By input.
    :raises OutOfRangeError: Naming the input.
    """
    for name, shape in shapes.items():
        refuse_many("shapes", shape, most=DIMENSIONS)
        large = [size for size in shape if isinstance(size, int) and size > SIZE]
        if large or math.prod(shape) > 1 << 62:
            what = (
                f'the shape of "{name}" has {brief(large[0])} in it' if large else f'the shape of "{name}" is too large'
            )
            hint = f"a size is at most {SIZE}, and what an input holds must fit into memory"
            raise OutOfRangeError(what, where=setting("shapes"), hint=hint)


def is_shape(value: object) -> bool:
    """Return whether a value is the shape of an array: whole numbers whose product is quickly computed."""
    if not isinstance(value, (list, tuple)) or len(value) > DIMENSIONS:
        return False
    return all(type(size) is int and 0 <= size < ARRAY_SIZE for size in value)


def refuse_many(name: str, value: object, *, most: int = ITEMS) -> None:
    """Refuse a collection that is longer than any setting's, by its length alone; others pass, and values of ours.

    :raises OutOfRangeError: Naming the setting.
    """
    if isinstance(value, (str, bytes, Shown)):
        return
    try:
        count = operator.length_hint(value, 0)
    except OverflowError:  # range(10**30)
        count = sys.maxsize
    except TypeError:
        count = 0
    if count > most:
        found = "very many" if count == sys.maxsize else count
        raise OutOfRangeError(f"found {found} entries", where=setting(name), hint=f"it takes at most {most}")
