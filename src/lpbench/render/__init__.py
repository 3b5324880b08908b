"""Results as people read them: the answer first, how sure it is beside it, what is missing under it.

What a listing needs is imported at once, what shows a result on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import digits, percent, seconds
from lpbench.render._table import Column, fit, table, unstyled
from lpbench.results.names import name_of
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.model import Result

__all__ = [
    "WIDTH",
    "Column",
    "clean",
    "digits",
    "fit",
    "name_of",
    "percent",
    "plain",
    "seconds",
    "shorten",
    "table",
    "text",
    "to_html",
]

WIDTH = 100
"""Columns where nobody says how many there are."""


def text(result: Result, *, width: int = WIDTH, verbose: bool = False, paint: Paint = unstyled) -> str:
    """Return a result as a screen of text.

    :param width: Columns; a table that needs more is set differently.
    :param verbose: Each run, every metric, facts and environment under it.
    :param paint: Dresses lines in styles, for a terminal.
    """
    from lpbench.render._screen import screen

    return "\n".join(line.rstrip() for line in screen(result, width=width, verbose=verbose, paint=paint))


def to_html(result: Result) -> str:
    """Return a result as an HTML fragment for a notebook: no script, nothing fetched, everything escaped."""
    from lpbench.render._html import fragment

    return fragment(result)
