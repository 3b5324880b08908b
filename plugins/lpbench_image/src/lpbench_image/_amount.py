"""Numbers with their nouns, for errors."""

from __future__ import annotations


def amount(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 label``, ``2 labels``, ``3 classes``.

    :param plural: The noun for several; by default with an s.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
