"""Makes text fit for a terminal, untrusted text among it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

JOINERS = "\u200c\u200d"
"""What Persian, Indic languages and emoji join and part letters with; it takes no column."""
HARMLESS = frozenset(f"{JOINERS}\xa0\u202f\u3000")
"""Unprintable for Python, and part of plain names: joiners and the spaces of French, of screenshots and of Chinese."""
MARKS = 8
"""Combining marks for each column that ``shorten`` keeps: a letter may carry any number of them."""


DIGITS = 100
"""Binary digits up to which a whole number is written out."""


def clean(text: object) -> str:
    """Return text with every unprintable character escaped, because names may come from untrusted files."""
    return escaped(str(text), lambda letter: repr(letter)[1:-1])


def escaped(text: str, escape: Callable[[str], str]) -> str:
    """Return a text in which each character that may act on a terminal is escaped by a function."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in HARMLESS else escape(letter) for letter in text)


def abridge(text: str, most: int) -> str:
    """Return a text whose middle is left out if it has more than about ``most`` characters; it says how many."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … {len(text) - 2 * half:,} characters left out … {text[-half:]}"


def words_of(value: object, most: int) -> str:
    """Return a value's text, abridged; of one that has none, its type's name."""
    try:
        return abridge(str(value), most)
    except Exception:  # noqa: BLE001 - it is a third party's
        return type(value).__name__


def paragraph(text: str, most: int) -> str:
    """Return a text of several lines as part of a message, abridged.

    Unprintable characters are escaped, and lines after the first are set in: none of them looks like a line of ours.
    """
    first, *others = abridge(text, most).split("\n")
    later = (line if line.startswith(" ") else f"  {line}" for line in map(clean, others))
    return "\n".join([clean(first), *later])


def cells(text: str) -> int:
    """Return how many columns of a terminal a text occupies."""
    return sum(map(_cells, text)) if not text.isascii() else len(text)


def shorten(text: str, width: int) -> str:
    """Return a text that fits ``width`` columns, its end replaced by an ellipsis if it is too long.

    The time depends on the width alone: marks that take no column count as letters beyond ``MARKS`` for each column.
    """
    if width < 1:
        return ""
    kept = _kept(text[: MARKS * width + 1], width)
    return text if kept == len(text) else f"{text[: _kept(text[: MARKS * width], width - 1)]}…"


BRIEF = 60
"""Characters of a wrong value that an error repeats."""


def brief(value: object, most: int = BRIEF) -> str:
    """Return a value as Python writes it, its end left out if it is long; of what cannot be written, its type."""
    if isinstance(value, int) and value.bit_length() > DIGITS:  # Python refuses to write very long numbers
        digits = int(value.bit_length() * math.log10(2))
        return f"{value // 10 ** (digits - most // 2)}… of about {digits} digits"
    try:
        text = repr(value if not isinstance(value, (str, bytes)) else value[:most])
    except Exception:  # noqa: BLE001 - it is written by its own class, which may be anybody's
        return f"a {type(value).__name__}"
    whole = len(text) <= most and not (isinstance(value, (str, bytes)) and len(value) > most)
    return text if whole else f"{text[:most]}…"


def _kept(text: str, width: int) -> int:
    """Return how many letters fit ``width`` columns."""
    if text.isascii():
        return min(len(text), width)
    taken = itertools.accumulate(map(_cells, text))
    return sum(1 for _ in itertools.takewhile(lambda columns: columns <= width, taken))


def _cells(character: str) -> int:
    import unicodedata  # slow to import, and most names are ASCII

    if character in JOINERS or unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def first_line(text: str) -> str:
    """Return the first line of a text, which may be empty."""
    return next(iter(text.splitlines()), "")


def amount(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 sample``, ``2 samples``, ``3 entries``.

    :param plural: The noun for several; by default with an s.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def seconds(value: float) -> str:
    """Return a duration in a readable unit: ``4 s``, ``2 min``, ``1.5 h``."""
    if value < 1:
        return "under 1 s"
    if value < 100:  # noqa: PLR2004 - up to here seconds are easier to read than minutes
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 6000 else f"{value / 3600:.1f} h"  # noqa: PLR2004 - same for minutes
