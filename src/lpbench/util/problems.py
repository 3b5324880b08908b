"""Problems found in a file: the place, what was found, and what is expected."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench import errors
from lpbench.util.shown import Sheet, Shown
from lpbench.util.text import abridge, amount, clean, paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 60
"""Characters of a wrong value that an error shows."""


@dataclass(frozen=True)
class Problem:
    """One problem of a file, or a note about it.

    :param path: Place inside the file, such as ``components[0].inference``; empty for the whole file.
    :param found: What was found.
    :param right: What is expected, or what to do.
    :param file: The file.
    :param note: True if it is only a note and nothing is wrong.
    """

    path: str
    found: str
    right: str = ""
    file: str = ""
    note: bool = False

    def __str__(self) -> str:
        place = "".join(f"{clean(abridge(part, errors.SHOWN))}: " for part in (self.file, self.path) if part)
        remedy = f"\n  {paragraph(self.right, errors.SHOWN)}" if self.right else ""
        return f"{place}{'note: ' if self.note else ''}{paragraph(self.found, errors.SHOWN)}{remedy}"


class Problems(Shown, list[Problem]):
    """The problems of a file, notes among them."""

    def in_short(self) -> str:
        """Return how many problems and notes there are."""
        notes = sum(problem.note for problem in self)
        return f"{amount(len(self) - notes, 'problem')}, {amount(notes, 'note')}" if self else "none"

    def sheet(self) -> Sheet:
        """Return a row for each problem, the place first."""
        rows = [(each.path or each.file, "note" if each.note else "problem", each.found, each.right) for each in self]
        lines = () if rows else ("no problems",)
        return Sheet(lines, ("where", "", "found", "right") if rows else (), rows, styles={"problem": "bad"})


def path_text(path: Sequence[str | int]) -> str:
    """Return a path as text: ``components[0].models["my model"]``."""
    return "".join(map(_part_text, path)).removeprefix(".")


def _part_text(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if len(part) <= SHOWN and _plain(part) else f"[{show(part)}]"


def show(value: Any) -> str:
    """Return a short description of a value."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value[: SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _plain(part: str) -> bool:
    return re.fullmatch(r"[\w$-]+", part, re.ASCII) is not None
