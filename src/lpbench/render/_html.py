"""A result as tables for a notebook: no script, no style sheet, nothing fetched, everything escaped."""

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
"""Characters that a line may have: a notebook wraps by itself."""


def fragment(result: Result) -> str:
    """Return the result as an HTML fragment."""
    measured = [each for each in result.configurations if each.measured]
    parts = [_paragraph(line) for line in _context.header(result, WIDE)]
    if len(measured) > 1:
        parts.append(_table(*summary_table(result)))
    for each in measured:
        parts += _configuration(each)
    parts += [_paragraph(line) for line in (*unmeasured(result.configurations), *_context.missing(result))]
    return "\n".join(["<div>", *parts, "</div>"])


def _configuration(each: Configuration) -> list[str]:
    unit = unit_for([each])
    columns, rows = parts_table(each)
    explained = [_table(columns, rows), *map(_paragraph, parts_notes(each))] if rows else []
    return [
        f"<p><strong>{_escape(_context.answer(each))}</strong><br>{_escape(_context.engine(each))}</p>",
        _table(stage_columns(unit), stage_rows(each, unit)),
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
