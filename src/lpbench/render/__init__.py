"""Results as text and HTML: the answer first, its uncertainty beside it, what is missing below it.

Only what listings need is imported at once; the modules that render a result are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import digits, percent, time_left
from lpbench.render._table import Column, blocks, fit, hanging, narrow, sheet_lines, table, unstyled
from lpbench.util.text import seconds

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.model import Result

__all__ = [
    "WIDTH",
    "Column",
    "blocks",
    "digits",
    "fit",
    "hanging",
    "narrow",
    "percent",
    "seconds",
    "sheet_lines",
    "table",
    "text",
    "time_left",
    "to_html",
    "unstyled",
]

WIDTH = 100
"""Columns of the text unless the caller sets ``width``."""


def text(result: Result, *, width: int = WIDTH, verbose: bool = False, paint: Paint = unstyled) -> str:
    """Return a result as text.

    :param width: Columns; a table that needs more is laid out differently.
    :param verbose: Append each run, every metric, the facts and the environment.
    :param paint: Adds styles to a text, for a terminal.
    """
    from lpbench.render._screen import screen

    return "\n".join(line.rstrip() for line in screen(result, width=width, verbose=verbose, paint=paint))


def to_html(result: Result) -> str:
    """Return a result as an HTML fragment for a notebook: no scripts, no external resources, all text escaped."""
    from lpbench.render._html import fragment

    return fragment(result)
