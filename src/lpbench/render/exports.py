"""Results and comparisons as CSV for spreadsheets, as Markdown, and as HTML pages that need no other file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from lpbench.render import _context, _html, comparison
from lpbench.render._breakdown import parts_notes, parts_table
from lpbench.render._loading import load_lines
from lpbench.render._profile import kinds_table, profile_notes, slowest_table
from lpbench.render._resources import resource_blocks
from lpbench.render._stage_table import stage_columns, stage_rows
from lpbench.render._summary import EACH_ALONE, summary_table, unmeasured
from lpbench.render._units import unit_for
from lpbench.results.names import names_of
from lpbench.results.stages import TOTAL
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpbench.render._table import Column
    from lpbench.results.comparison import Compared
    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Metric

Notes = Sequence[Sequence[str]]
Without = tuple[str, str, str]
"""What has no verdict: what it is called in the first and in the second, empty where nobody asked for it, and why."""
METRIC_COLUMNS = (
    *(
        "configuration",
        "engine",
        "metric",
        "value",
        "unit",
        "lower",
        "upper",
        "confidence",
        "n",
        "reason",
        "source",
        "unchecked",
    ),
)
VERDICT_COLUMNS = (
    *("first", "second", "basis", "stage", "verdict", "ratio", "lower", "upper", "runs", "margin"),
    *("first_ns", "second_ns", "reason", "code"),
)
FIGURES = 8
"""Columns of a verdict between its stage and its reason."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that a spreadsheet would compute."""
WIDE = 1000
"""Longest line in characters: what shows the text wraps it."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }}
th, td {{ padding: 0.15rem 0.6rem; border-bottom: 1px solid #8884; }}
</style>
</head>
<body>
{body}
</body>
</html>"""


def of_result(result: Result, form: str) -> str:
    """Return a result as ``csv``, ``markdown`` or ``html``."""
    return {"csv": result_csv, "markdown": result_markdown, "html": result_page}[form](result)


def of_comparisons(found: Sequence[Compared], form: str, notes: Notes, without: Sequence[Without] = ()) -> str:
    """Return comparisons as ``csv``, ``markdown`` or ``html``.

    :param notes: On each comparison, for people.
    :param without: What has no counterpart: a row of a table for programs, which has no notes.
    """
    if form == "csv":
        return comparisons_csv(found, without)
    return {"markdown": comparisons_markdown, "html": comparisons_page}[form](found, notes)


def result_csv(result: Result) -> str:
    """Return a row for each metric of each configuration, with full precision; times in the metric's unit."""
    rows = (
        (called, each.engine, name, *_metric(metric), each.unchecked or None)
        for called, each in zip(names_of(result.configurations), result.configurations, strict=True)
        for name, metric in each.metrics.items()
    )
    return csv_text(METRIC_COLUMNS, rows)


def comparisons_csv(found: Sequence[Compared], without: Sequence[Without] = ()) -> str:
    """Return a row for each stage of each comparison, with full precision; times in nanoseconds.

    What could not be compared has a row without figures and the code ``unpaired``.
    """
    nothing = (None,) * FIGURES
    alone = ((first, second, "", TOTAL, *nothing, why, "unpaired") for first, second, why in without)
    return csv_text(VERDICT_COLUMNS, (*(row for each in found for row in _verdicts(each)), *alone))


def result_markdown(result: Result) -> str:
    """Return the tables of a result as Markdown, with what is missing or doubtful below them."""
    measured = [each for each in result.configurations if each.measured]
    blocks = [_lines(_context.header(result, WIDE))]
    if len(measured) > 1:
        blocks += [markdown_table(*summary_table(result)), EACH_ALONE]
    for each in measured:
        blocks += _configuration(each, result)
    below = [*load_lines(result), *unmeasured(result.configurations)[1:], *_context.missing(result)]
    blocks.append(_list(below))
    return "\n\n".join(filter(None, blocks))


def comparisons_markdown(found: Sequence[Compared], notes: Notes = ()) -> str:
    """Return the tables of comparisons as Markdown."""
    blocks = [block for each, own in _beside(found, notes) for block in _comparison(each, own)]
    return "\n\n".join(filter(None, blocks))


def job_page(found: Sequence[Compared], failed: Sequence[str], notes: Notes = ()) -> str:
    """Return the Markdown of a CI job's page: how the comparison ended, and the tables.

    :param failed: The gates that failed, or why nothing could be compared.
    :param notes: On each comparison; where there is none, on what was to be compared.
    """
    below = comparisons_markdown(found, notes) if found else _list([line for note in notes for line in note])
    return "\n\n".join(filter(None, (_job_page_heading(found, failed), below)))


def _job_page_heading(found: Sequence[Compared], failed: Sequence[str]) -> str:
    verdicts = [_escape(f"{each.second}: {comparison.verdict_line(each)}") for each in found] or [
        "nothing was compared"
    ]
    return "\n\n".join(
        [f"### lpbench: {'; '.join(verdicts)}", *(f"**failed:** {_escape(clean(why))}" for why in failed)]
    )


def result_page(result: Result) -> str:
    """Return a result as an HTML page: no scripts, no external resources, all text escaped."""
    return html_page(f"{result.app.get('name')}: lpbench", _html.fragment(result))


def comparisons_page(found: Sequence[Compared], notes: Notes = ()) -> str:
    """Return comparisons as an HTML page, likewise."""
    pairs = _beside(found, notes)
    parts = [part for each, own in pairs for part in (*comparison.one_html(each), *map(_html.paragraph, own))]
    title = ", ".join(dict.fromkeys(f"{each.first} → {each.second}" for each in found))
    return html_page(f"{title}: lpbench", _html.div(parts))


def _metric(metric: Metric) -> tuple[object, ...]:
    ends = metric.interval
    span = (ends.lower, ends.upper, ends.confidence) if ends else (None, None, None)
    return (metric.value, metric.unit, *span, metric.n, metric.reason or metric.interval_reason, metric.source)


def _verdicts(each: Compared) -> Iterator[tuple[object, ...]]:
    """Yield a row for each stage, of what the comparison's JSON holds; a stage without a verdict has its reason."""
    document: dict[str, Any] = comparison.as_json(each)
    for stage, found in document["stages"].items():
        lower, upper = found.get("interval") or (None, None)
        figures = found.get("ratio"), lower, upper, found.get("runs"), found.get("margin"), *found["median_ns"]
        why = found["reason"], found["code"]
        yield each.first, each.second, document["basis"], stage, found["verdict"], *figures, *why


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as RFC 4180 has them; text that a spreadsheet would compute begins with an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    """Return a number as it is, nothing for None, and text that is never a formula."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = clean(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _configuration(each: Configuration, result: Result) -> list[str]:
    unit = unit_for([each])
    columns, rows = parts_table(each)
    explained = [markdown_table(columns, rows), _list(parts_notes(each))] if rows else []
    head = f"**{_escape(_context.answer(each, result))}**  \n{_escape(_context.engine(each, result))}"
    return [
        head,
        markdown_table(stage_columns(unit), stage_rows(each, unit)),
        *explained,
        *_layers(each),
        *_resources(each),
    ]


def _resources(each: Configuration) -> list[str]:
    """Return what the process took of the machine, where it was watched."""
    tables, notes = resource_blocks(each)
    return [*(markdown_table(*table) for table in tables), *([_list(notes)] if notes else [])]


def _layers(each: Configuration) -> list[str]:
    """Return the kinds of layers and the slowest ones, where they were profiled."""
    return [
        block
        for profile in each.profile
        for block in (
            *(markdown_table(*table) for table in (kinds_table(profile), slowest_table(profile)) if table[1]),
            _list(profile_notes(profile)),
        )
    ]


def _beside(found: Sequence[Compared], notes: Notes) -> Iterator[tuple[Compared, Sequence[str]]]:
    """Yield each comparison with its notes."""
    yield from zip_longest(found, notes, fillvalue=()) if found else ()


def _comparison(each: Compared, more: Sequence[str]) -> list[str]:
    columns, rows, notes = comparison.sheet(each)
    head = f"**{_escape(f'{each.first} → {each.second}')}**"
    return [head, markdown_table(columns, rows), _list([*notes, *more])]


def markdown_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown; columns without title and content are left out."""
    used = [at for at, column in enumerate(columns) if column.title or any(row[at] for row in rows)]
    titles = [f"{columns[at].group} {columns[at].title}".strip() for at in used]
    sides = [":--" if columns[at].left else "--:" for at in used]
    grid = [titles, *([row[at] for at in used] for row in rows)]
    lines = [_row(map(_escape, cells)) for cells in grid]
    return "\n".join([lines[0], _row(sides), *lines[1:]])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(texts: Sequence[str]) -> str:
    return "  \n".join(map(_escape, texts))


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {_escape(text.strip())}" for text in texts)


def _escape(text: str) -> str:
    """Return text that means nothing to Markdown."""
    return re.sub(r"([\\`*_\[\]<>|~#&])", r"\\\1", clean(text))


def html_page(title: str, body: str) -> str:
    """Return a page that needs no other file.

    :param body: HTML.
    """
    return PAGE.format(title=_html.escape(title), body=body)
