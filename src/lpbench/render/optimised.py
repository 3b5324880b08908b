"""The best configuration of an app as people read it: the choice as ``choose`` shows it, then every rejection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render import _html, choice
from lpbench.render._numbers import digits
from lpbench.render._table import hanging
from lpbench.render.sweep import not_measured
from lpbench.results.choosing import Cause
from lpbench.results.sweep import MEASURED
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.choosing import Rejection, Selection
    from lpbench.results.optimised import Optimised

LISTED = 60
"""Rejections that a screen shows."""


def screen(found: Optimised, *, width: int, paint: Paint) -> list[str]:
    """Return the choice and the rejections as text."""
    lines = choice.screen(found.selection, width=width, paint=paint)
    entries = rejected(found)
    shown = entries[:LISTED]
    more = len(entries) - len(shown)
    if more:
        shown.append(f"{amount(more, 'other')}: --json has all")
    return [*lines, *(["", "rejected"] if shown else []), *(line for each in shown for line in hanging(each, width))]


def html(found: Optimised) -> str:
    """Return the choice and the rejections as an HTML fragment."""
    return _html.div([*choice.html(found.selection), *map(_html.paragraph, rejected(found))])


def rejected(found: Optimised) -> list[str]:
    """Return a line for each configuration that was measured, then one for each reason why others were not."""
    measured = [each for each in found.rejections if found.sweep.rows[each.candidate.row].state == MEASURED]
    names = [found.sweep.rows[each.candidate.row].called for each in measured]
    lines = [f"{name}: {reason(each, found.selection)}" for name, each in zip(names, measured, strict=True)]
    return [*map(clean, lines), *not_measured(found.sweep.rows)]


def reason(rejection: Rejection, selection: Selection) -> str:
    """Return why a configuration that was measured was not chosen."""
    if rejection.cause is Cause.VIOLATES:
        return ", ".join(f"{each}: {_figure(rejection, each.column)}" for each in rejection.conditions)
    if rejection.cause is Cause.UNKNOWN:
        what = f"{', '.join(each.column for each in rejection.conditions)} not known"
        return ": ".join(filter(None, (what, rejection.reason)))
    if rejection.reason or selection.best is None or selection.choice is None:
        return rejection.reason or rejection.cause.value
    column, unit = selection.best.column, selection.best.unit
    beside = digits(selection.choice.value(column))
    value = f"{column} {_figure(rejection, column)}"
    if rejection.cause is Cause.ALIKE:
        return f"not told apart from the best: {value} beside {beside} {unit}".rstrip()
    return f"{value} {unit}".rstrip() + f", the best has {beside}"


def _figure(rejection: Rejection, column: str) -> str:
    value = rejection.candidate.value(column)
    return value if isinstance(value, str) else digits(value)
