"""Values that people look at: one line at a prompt, tables when printed, HTML in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence  # noqa: TC003 - values that are kept are read by annotations
from dataclasses import dataclass, field
from typing import ClassVar

from lpbench.util.text import clean

Style = str
"""``bold``, ``dim``, ``good``, ``bad`` or ``warn``."""


@dataclass(frozen=True, eq=False, repr=False)  # each generated method costs start-up time
class Sheet:
    """A value as a table with lines around it, before it is laid out.

    :param lines: Above the table.
    :param header: Titles of the columns; empty where there is no table.
    :param notes: Below the table.
    :param styles: Of cells, by their first word.
    """

    lines: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    styles: Mapping[str, Style] = field(default_factory=dict)


class Shown:
    """A value with a short representation.

    ``lpbench.render.notebook`` attaches what lays it out: values import nothing of rendering.
    """

    as_text: ClassVar[Callable[[Shown], str] | None] = None
    as_html: ClassVar[Callable[[Shown], str] | None] = None

    def sheet(self) -> Sheet:
        """Return the value as a table with lines around it."""
        return Sheet(lines=(self.in_short(),))

    def in_short(self) -> str:
        """Return the value in some words."""
        return ""

    def __repr__(self) -> str:
        return clean(f"<{' '.join(filter(None, (type(self).__name__, self.in_short())))}>")

    def __str__(self) -> str:
        text = Shown.as_text
        return text(self) if text else repr(self)

    def _repr_html_(self) -> str | None:
        html = Shown.as_html
        return html(self) if html else None


WHOLE = 1000
"""From here on numbers are shown without decimals."""


def figure(value: float) -> str:
    """Return a number with three significant digits, or all of those before the point."""
    return f"{value:.0f}" if abs(value) >= WHOLE else f"{value:.3g}"


MOST = 4
"""Things that a line names."""


def several(words: Sequence[str]) -> str:
    """Return the first few of some words, and how many more there are."""
    more = len(words) - MOST
    return ", ".join([*words[:MOST], *([f"{more} more"] if more > 0 else [])])
