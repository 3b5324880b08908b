"""The screen of a result."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lpbench.render import _context
from lpbench.render._breakdown import parts
from lpbench.render._details import details
from lpbench.render._stage_table import stage_table
from lpbench.render._summary import summary
from lpbench.results.model import INTERRUPTED
from lpbench.results.names import name_of
from lpbench.util.text import shorten

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result


def screen(result: Result, *, width: int, verbose: bool, paint: Paint) -> list[str]:
    """Return the lines of a result; see ``lpbench.render.text``."""
    measured = [each for each in result.configurations if each.measured]
    head = [paint(line, "dim") for line in _context.header(result, width)]
    if len(result.configurations) == 1 and measured:
        lines = _single(measured[0], head, width=width, paint=paint)
    else:
        lines = [*head, "", *summary(result, width=width, paint=paint)]
    for each in measured:
        if explained := parts(each, width=width, paint=paint):
            name = [paint(name_of(each, result.configurations), "bold")] if len(result.configurations) > 1 else []
            lines += ["", *name, *explained]
    if result.state == INTERRUPTED:
        lines.append(paint("interrupted: this is what was measured until then", "warn"))
    for reason in _context.missing(result):
        lines += [paint(line, "warn") for line in textwrap.wrap(reason, width, subsequent_indent="  ")]
    return [*lines, *details(result, width=width, paint=paint)] if verbose else lines


def _single(each: Configuration, head: list[str], *, width: int, paint: Paint) -> list[str]:
    """Return the lines of one engine: the answer, what it is of, the anchor table."""
    engine = paint(shorten(_context.engine(each), width), "dim")
    return [paint(_context.answer(each), "bold"), *head, engine, "", *stage_table(each, width=width, paint=paint)]
