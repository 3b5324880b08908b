"""Text from outside as a terminal may show it."""

from __future__ import annotations


def clean(text: object) -> str:
    """Return text with whatever is not printable written as an escape: names come from outside."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(text))


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_cells(each) for each in text) if not text.isascii() else len(text)


def shorten(text: str, width: int) -> str:
    """Return a text that fits ``width`` columns, its end replaced by dots where it does not."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _cells(character: str) -> int:
    import unicodedata  # slow to load, and most names are plain

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
