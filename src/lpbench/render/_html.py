"""Values as HTML tables for a notebook: no scripts, style sheets or external resources, all text escaped."""

from __future__ import annotations

import html
from itertools import groupby
from typing import TYPE_CHECKING

from lpbench.render import _context
from lpbench.render._breakdown import parts_notes, parts_table
from lpbench.render._heat import course, heat_ranking, points, sentences
from lpbench.render._loading import load_lines
from lpbench.render._profile import kinds_table, profile_notes, slowest_table
from lpbench.render._resources import resource_blocks
from lpbench.render._stage_table import stage_columns, stage_rows
from lpbench.render._summary import EACH_ALONE, STYLES, summary_table, unmeasured
from lpbench.render._units import unit_for
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.render._table import Column
    from lpbench.results.model import Configuration, Result
    from lpbench.results.profile import LayerProfile
    from lpbench.results.sustained import Sustained

WIDE = 1000
"""Longest line in characters: a notebook wraps lines itself."""
COLOURS = {"good": "#1a7f37", "bad": "#cf222e", "warn": "#9a6700"}
"""Readable on white and on black."""


def fragment(result: Result) -> str:
    """Return the result as an HTML fragment."""
    measured = [configuration for configuration in result.configurations if configuration.measured]
    parts = [paragraph(line) for line in _context.header(result, WIDE)]
    if len(measured) > 1:
        parts.append(grid(*summary_table(result), STYLES))
        parts.append(paragraph(EACH_ALONE))
    for configuration in measured:
        parts += _configuration(configuration, result)
    parts += [paragraph(line) for line in heat_ranking(result)]
    below = (*load_lines(result), *unmeasured(result.configurations), *_context.missing(result))
    parts += map(paragraph, below)
    return div(parts)


def div(parts: Iterable[str]) -> str:
    """Return parts as one fragment."""
    return "\n".join(["<div>", *parts, "</div>"])


def grid(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], styles: Mapping[str, str], *, wrap: bool = False
) -> str:
    """Return a table, groups of columns above the titles; columns without title and content are left out.

    :param styles: Of cells, by their first word.
    :param wrap: Whether long cells may have several lines; titles have one.
    """
    used = [at for at, column in enumerate(columns) if column.title or any(row[at] for row in rows)]
    kept = [columns[at] for at in used]
    lines = [_groups(kept)] if any(column.group for column in kept) else []
    if any(column.title for column in kept):
        lines.append(_row("th", kept, [column.title for column in kept], {}))
    lines += [_row("td", kept, [row[at] for at in used], styles, wrap=wrap) for row in rows]
    return "\n".join(["<table>", *lines, "</table>"])


def paragraph(line: str) -> str:
    """Return a line of text."""
    return f"<p>{escape(line.strip())}</p>"


def heading(line: str) -> str:
    """Return a line of bold text."""
    return f"<p><strong>{escape(line.strip())}</strong></p>"


def escape(text: object) -> str:
    """Return text that means nothing to a browser."""
    return html.escape(clean(text), quote=True)


def _configuration(configuration: Configuration, result: Result) -> list[str]:
    unit = unit_for([configuration])
    columns, rows = parts_table(configuration)
    explained = [grid(columns, rows, {}), *map(paragraph, parts_notes(configuration))] if rows else []
    answer, engine = escape(_context.answer(configuration, result)), escape(_context.engine(configuration, result))
    return [
        f"<p><strong>{answer}</strong><br>{engine}</p>",
        grid(stage_columns(unit), stage_rows(configuration, unit), {}),
        *explained,
        *(part for profile in configuration.profile for part in _layers(profile)),
        *_resources(configuration),
        *_heat(configuration.sustained),
    ]


def _resources(configuration: Configuration) -> list[str]:
    tables, notes = resource_blocks(configuration)
    return [*(grid(*table, {}) for table in tables), *map(paragraph, notes)]


def _heat(found: Sustained | None) -> list[str]:
    """Return a heating curve, what it shows first."""
    if found is None:
        return []
    table = [grid(*points(found), {})] if found.slices else []
    return [paragraph(course(found)), *map(paragraph, sentences(found)), *table]


def _layers(profile: LayerProfile) -> list[str]:
    tables = [table for table in (kinds_table(profile), slowest_table(profile)) if table[1]]
    return [*(grid(*table, {}) for table in tables), *map(paragraph, profile_notes(profile))]


def _groups(columns: Sequence[Column]) -> str:
    """Return the row of group headings, each over its columns."""
    groups = [(group, len(list(members))) for group, members in groupby(columns, key=lambda column: column.group)]
    cells = (f'<th colspan="{count}" style="text-align:center">{escape(group)}</th>' for group, count in groups)
    return f"<tr>{''.join(cells)}</tr>"


def _row(
    tag: str, columns: Sequence[Column], cells: Sequence[str], styles: Mapping[str, str], *, wrap: bool = False
) -> str:
    inner = "".join(
        f'<{tag} style="{_style(column, cell, styles, wrap=wrap)}">{escape(cell)}</{tag}>'
        for column, cell in zip(columns, cells, strict=True)
    )
    return f"<tr>{inner}</tr>"


def _style(column: Column, cell: str, styles: Mapping[str, str], *, wrap: bool) -> str:
    """Return how a cell looks: aligned like its column, in one line, coloured where it is or begins with a verdict."""
    style = styles.get(cell) or styles.get(cell.partition(" ")[0], "")
    colour = f";color:{COLOURS[style]};font-weight:bold" if style in COLOURS else ""
    line = "" if wrap else ";white-space:nowrap"
    return f"text-align:{'left' if column.left else 'right'}{line}{colour}"
