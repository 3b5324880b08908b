"""A choice as people read it: the answer, the rows beside it, then why others are out and what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render import _html
from lpbench.render._numbers import around, digits, percent
from lpbench.render._table import Column, blocks, hanging
from lpbench.render.exports import csv_text, html_page, markdown_table
from lpbench.results.choosing import Relation, Rule
from lpbench.results.table import PLATFORM, Kind
from lpbench.util.shown import several
from lpbench.util.text import amount, clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lpbench.render._table import Paint
    from lpbench.results.choosing import Candidate, Exclusion, Front, Missing, Reason, Relaxation, Selection

NAMES = 40
"""Columns of the terminal to which a platform's name may be cut."""
LISTED = 20
"""Rows of a Pareto front that a screen shows."""
SAME, BEST = "not told apart", "best"
STYLES = {BEST: "good", "not": "warn"}
CONFIGURATION = "CONFIGURATION"
"""What a sweep calls a row."""
RULES = {
    Rule.RATIOS: "the 95 % intervals of their ratios to the shared reference overlap",
    Rule.INTERVALS: "their 95 % intervals overlap",
    Rule.VALUES: "no intervals are known, and their values are equal",
}


def screen(found: Selection, *, width: int, paint: Paint, front: bool = False) -> list[str]:
    """Return a selection as text.

    :param front: Show the Pareto front too.
    """
    lines = [paint(line, "bold") for line in hanging(clean(answer(found)), width, 0)]
    lines += [paint(line, "dim") for line in hanging(clean(asked(found)), width, 0)]
    if found.choice:
        lines += ["", *_grid(*choice_table(found), width, paint)]
    if front or found.best is None:
        lines += ["", *(paint(line, "bold") for line in hanging(clean(front_title(found.pareto)), width, 0))]
        lines += _grid(*front_table(found), width, paint) if found.pareto.candidates else []
        lines += [line for note in front_notes(found.pareto) for line in hanging(clean(note), width)]
    for title, entries in sections(found):
        lines += ["", title, *(line for entry in entries for line in hanging(clean(entry), width))]
    return lines


def html(found: Selection) -> list[str]:
    """Return a selection in the parts of HTML."""
    parts = [_html.heading(answer(found)), _html.paragraph(asked(found))]
    parts += [_html.grid(*choice_table(found), STYLES)] if found.choice else []
    if found.pareto.candidates:
        parts += [_html.heading(front_title(found.pareto)), _html.grid(*front_table(found), {})]
        parts += map(_html.paragraph, front_notes(found.pareto))
    for title, entries in sections(found):
        parts += [_html.heading(title), *map(_html.paragraph, entries)]
    return parts


def export(found: Selection, form: str) -> str:
    """Return the rows that a selection names as ``csv`` with full precision, or all of it as ``markdown``, ``html``."""
    if form == "csv":
        columns = found.named().columns
        return csv_text([each.name for each in columns], zip(*(each.values for each in columns), strict=True))
    if form == "html":
        return html_page(f"{found.table.name}: lpbench", _html.div(html(found)))
    parts = [f"**{clean(answer(found))}**", clean(asked(found))]
    parts += [markdown_table(*choice_table(found))] if found.choice else []
    if found.pareto.candidates:
        parts += [clean(front_title(found.pareto)), markdown_table(*front_table(found))]
    parts += [f"{title}\n\n{_list(entries)}" for title, entries in sections(found)]
    return "\n\n".join(parts)


def answer(found: Selection) -> str:
    """Return the choice in a line, or that there is none."""
    if found.best is None:
        return f"{found.table.name}: {amount(len(found.pareto.candidates), 'row')} on the Pareto front"
    if found.choice is None:
        return f"{found.table.name}: nothing fits"
    value = found.choice.value(found.best.column)
    words = " ".join(_worded(found.choice, name) for name in _words(found, [found.choice]))
    shown = f"{digits(value)} {_unit(found.best.unit)}".rstrip()
    return f"{found.table.name}: {found.best}: {shown}, {words}"


def asked(found: Selection) -> str:
    """Return the conditions, and how many rows satisfy them."""
    conditions = " · ".join(map(str, found.conditions)) or "no conditions"
    aside = [f"{number} set aside: {reason}" for reason, number in found.set_aside.items()]
    unknown = [f"{found.unknown_rows} may fit, a value is not known"] if found.unknown_rows else []
    fits = f"{len(found.fitting)} of {amount(len(found.table), 'row')} fit"
    best = found.best
    by = [f"compared by {best.column}"] if best and best.column != best.metric else []
    return " · ".join([conditions, fits, *unknown, *aside, *by])


def choice_table(found: Selection) -> tuple[list[Column], list[list[str]]]:
    """Return the choice and the runners-up, the best first."""
    shown = [*([found.choice] if found.choice else []), *found.runners_up]
    alike = {each.row for each in found.not_told_apart}
    words = _words(found, shown)
    numbers = _numbers(found, [], words)
    columns = [Column(""), *_columns(found, words, numbers), Column("", left=True, whole=True)]
    verdicts = [BEST if each == found.choice else SAME if each.row in alike else "" for each in shown]
    places = enumerate(zip(shown, verdicts, strict=True), start=1)
    return columns, [[f"{place}", *_cells(each, words, numbers), verdict] for place, (each, verdict) in places]


def front_table(found: Selection) -> tuple[list[Column], list[list[str]]]:
    """Return the first rows of the Pareto front."""
    shown = list(found.pareto.candidates[:LISTED])
    words = _words(found, shown)
    numbers = _numbers(found, [metric.column for metric in found.pareto.metrics], words)
    return _columns(found, words, numbers), [_cells(each, words, numbers) for each in shown]


def front_title(front: Front) -> str:
    """Return what the front is of, and how many rows are on it."""
    metrics = ", ".join(map(str, front.metrics)) or "no metric is known of every row"
    more = len(front.candidates) - LISTED
    listed = f", {LISTED} shown, --csv has all" if more > 0 else ""
    return f"Pareto front of {metrics}: {amount(len(front.candidates), 'row')}{listed}"


def front_notes(front: Front) -> list[str]:
    """Return what is not on the front and why."""
    unknown = [f"{amount(front.unknown, 'row')} that fit lack one of these metrics"] if front.unknown else []
    return [*unknown, *(f"left out: {name}: {why.reason}" for name, why in front.left_out.items())]


def sections(found: Selection) -> Iterator[tuple[str, list[str]]]:
    """Yield what stands below the tables: titles with lines."""
    if found.choice is not None and found.not_told_apart:
        rows = amount(len(found.not_told_apart), "row")
        yield "not told apart from the best", [f"{rows}: {RULES[found.rule]}"]
    if found.borderline:
        yield "near a bound", [f"{each}: the interval of the best reaches beyond it" for each in found.borderline]
    if found.excluded:
        yield "out", [_out(name, each) for name, each in found.excluded.items()]
    if found.relaxation is not None:
        yield "smallest relaxation", [relaxation(found.relaxation)]
    if found.unknown:
        yield "not known, so never chosen", list(map(_missing, found.unknown))


def relaxation(found: Relaxation | Unavailable) -> str:
    """Return the smallest change that lets a row in, or why there is none."""
    if isinstance(found, Unavailable):
        return found.reason
    changes = [
        f"{change}{'' if change.relative is None else f' (by {percent(change.relative)})'}" for change in found.changes
    ]
    return f"{', '.join(changes)} lets in {found.candidate.in_short()}"


def _out(platform: str, found: Exclusion) -> str:
    rows = amount(found.rows, "row")
    reasons = [_reason(reason, found.rows) for reason in found.reasons]
    if found.relaxation is not None and not any(reason.alone for reason in found.reasons):
        reasons = [f"no row satisfies all; the nearest needs {', '.join(map(str, found.relaxation.changes))}"]
    return f"{platform or 'all rows'} ({rows}): {'; '.join(reasons)}"


def _reason(reason: Reason, rows: int) -> str:
    condition = reason.condition
    if reason.unknown == rows:
        return f"{condition.column} is not known"
    unknown = f" ({reason.unknown} not known)" if reason.unknown else ""
    if condition.relation is Relation.KNOWN:
        return f"{condition.column} is not known of {reason.unknown}"
    if reason.best is None:
        return f"no row whose {condition}{unknown}"
    return f"{condition}: its best is {digits(reason.best)}{unknown}"


def _missing(found: Missing) -> str:
    rows = amount(sum(found.rows.values()), "row")
    platforms = several([f"{name} {number}" for name, number in found.rows.items() if name])
    where, why = f" ({platforms})" if platforms else "", f": {found.reason}" if found.reason else ""
    return f"{found.column}: {rows}{where}{why}"


def _worded(candidate: Candidate, name: str) -> str:
    """Return what stands in a column; a number with the column's name."""
    value = candidate.value(name)
    return value if isinstance(value, str) else f"{name}={value}"


def _words(found: Selection, shown: Sequence[Candidate]) -> list[str]:
    """Return the columns that tell rows apart: the platform, and what was configured; of one row all of them.

    What the name of every row says has no column of its own.
    """
    columns = {column.name: column for column in found.table.columns}
    configured = [
        column.name
        for column in found.table.of_kind(Kind.HYPERPARAMETER, Kind.INPUT)
        if column.type != "float" and not all(each.says(column.name) for each in shown)
    ]
    values = {
        name: {each.value(name) for each in shown} - {None}
        for name in (PLATFORM, *configured, CONFIGURATION)
        if name in columns
    }
    return [name for name, known in values.items() if known and (name == PLATFORM or len(known) > 1 or len(shown) == 1)]


def _numbers(found: Selection, more: Iterable[str], words: Sequence[str]) -> list[str]:
    """Return the columns of numbers that the answer is about, without those that stand among the words."""
    asked_for = [condition.column for condition in found.conditions if not isinstance(condition.bound, str)]
    best = [found.best.metric, found.best.column] if found.best else []
    return [name for name in dict.fromkeys([*best, *asked_for, *more]) if name not in words]


def _columns(found: Selection, words: Sequence[str], numbers: Sequence[str]) -> list[Column]:
    columns = [Column(clean(name.lower()), left=True, whole=name == CONFIGURATION) for name in words]
    for name in numbers:
        columns += [
            Column(clean(f"{name} {_unit(found.table.column(name).unit)}".rstrip())),
            Column("", left=True, whole=True),
        ]
    return columns


def _unit(unit: str) -> str:
    """Return a unit as it stands behind a number; a bare multiple is marked as one: ``(1e9)``."""
    return f"({unit})" if unit.startswith("1e") and "/" not in unit else unit


def _cells(candidate: Candidate, words: Sequence[str], numbers: Sequence[str]) -> list[str]:
    cells = [clean("" if (value := candidate.value(name)) is None else value) for name in words]
    for name in numbers:
        value, ends = candidate.value(name), candidate.interval(name)
        known = isinstance(value, (int, float)) and ends is not None
        cells += [digits(value), around(value, *ends) if known else ""]  # type: ignore[misc, arg-type] # both are known
    return cells


def _grid(columns: list[Column], rows: list[list[str]], width: int, paint: Paint) -> list[str]:
    lines = []
    for header, *body in blocks(columns, rows, width, names=NAMES):
        lines += [paint(header, "dim"), *body]
    return lines


def _list(entries: Sequence[str]) -> str:
    return "\n".join(f"- {clean(entry)}" for entry in entries)
