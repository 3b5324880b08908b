"""Keys of a metric's parts: what the hardware calls its sensors, made fit for a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

MOST_PARTS = 40
"""Parts of one monitor, at most."""
LONGEST = 60
"""Characters of a part's name."""


def part_name(text: str) -> str:
    """Return a name without control characters and without the ``/`` that parts a key from its metric."""
    printable = "".join(letter if letter.isprintable() and letter != "/" else " " for letter in text[: 2 * LONGEST])
    return " ".join(printable.split())[:LONGEST].strip() or "unnamed"


def distinct(name: str, number: str, taken: Container[str]) -> str:
    """Return a part's name that is not taken; of equal ones, the later ones carry a number.

    :param number: That of the sensor's device.
    """
    if name not in taken:
        return name
    numbered = f"{name} {number}".rstrip()
    attempts = (f"{numbered} ({again})" for again in range(2, MOST_PARTS**2))
    return numbered if numbered not in taken else next(each for each in attempts if each not in taken)
