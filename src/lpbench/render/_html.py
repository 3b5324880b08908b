"""A result as HTML tables for a notebook: no scripts, style sheets or external resources, all text escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from lpbench.render import _context
from lpbench.render._breakdown import parts_notes, parts_table
from lpbench.render._stage_table import stage_columns, stage_rows
from lpbench.render._summary import summary_table, unmeasured
from lpbench.render._units import unit_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Column
    from lpbench.results.model import Configuration, Result

RIGHT = ' style="text-align:right"'
LEFT = ' style="text-align:left"'
WIDE = 1000
"""Longest line in characters: a notebook wraps lines itself."""


def fragment(result: Result) -> str:
    """Return the result as an HTML fragment."""
    measured = [configuration for configuration in result.configurations if configuration.measured]
    parts = [_paragraph(line) for line in _context.header(result, WIDE)]
    if len(measured) > 1:
        parts.append(_table(*summary_table(result)))
    for configuration in measured:
        parts += _configuration(configuration)
    parts += [_paragraph(line) for line in (*unmeasured(result.configurations), *_context.missing(result))]
    return "\n".join(["<div>", *parts, "</div>"])


def _configuration(configuration: Configuration) -> list[str]:
    unit = unit_for([configuration])
    columns, rows = parts_table(configuration)
    explained = [_table(columns, rows), *map(_paragraph, parts_notes(configuration))] if rows else []
    answer, engine = _escape(_context.answer(configuration)), _escape(_context.engine(configuration))
    return [
        f"<p><strong>{answer}</strong><br>{engine}</p>",
        _table(stage_columns(unit), stage_rows(configuration, unit)),
        *explained,
    ]


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    titles = [f"{column.group} {column.title}".strip() for column in columns]
    sides = [LEFT if column.left else RIGHT for column in columns]
    lines = [_row("th", titles, sides), *(_row("td", row, sides) for row in rows)]
    return "\n".join(["<table>", *lines, "</table>"])


def _row(tag: str, cells: Sequence[str], sides: Sequence[str]) -> str:
    inner = "".join(f"<{tag}{side}>{_escape(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True))
    return f"<tr>{inner}</tr>"


def _paragraph(line: str) -> str:
    return f"<p>{_escape(line.strip())}</p>"


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
