"""Makes text fit for a terminal, untrusted text among it."""

from __future__ import annotations


def clean(text: object) -> str:
    """Return text with every unprintable character escaped, because names may come from untrusted files."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))


def cells(text: str) -> int:
    """Return how many columns of a terminal a text occupies."""
    return sum(map(_cells, text)) if not text.isascii() else len(text)


def shorten(text: str, width: int) -> str:
    """Return a text that fits ``width`` columns, its end replaced by an ellipsis if it is too long."""
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    while text and cells(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _cells(character: str) -> int:
    import unicodedata  # slow to import, and most names are ASCII

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def amount(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 sample``, ``2 samples``, ``3 entries``.

    :param plural: The noun for several; by default with an s.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
