"""Class names in a text file: one a line, or lines with numbers, which then decide the order.

Numbers are recognised where most lines have one; a list such as ``10 dollars``, ``20 dollars`` that neither begins
at 0 nor at 1 consists of names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import AppError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

UNNAMED = "-"
"""Stands for a class that has no name."""
LINE = re.compile(
    r"(?:(?P<number>[0-9]{1,9})(?:(?P<sign>[ ]*\t\s*|\s*[-=]>\s*|\s+-\s+|\s*[:=|;,](?!\d)\s*|[.)]\s+)|\s+)"
    r"|[\[(](?P<enclosed>[0-9]{1,9})[\])]\s*[:=,]?\s+)(?P<name>\S.*)",
)
"""A number, a sign or white space, or a number in brackets, and a name; ``1,000 dollars`` and ``12:30`` are names."""
HINT = 'number all lines from 0, as in "0: red"; a list of names in ai_app_config.json is taken as it is'


@dataclass(frozen=True)
class _Line:
    """A line that begins with a number.

    :param at: The line's number in the file, counted from 1.
    :param signed: Whether a sign or a tab follows the number, or brackets enclose it, not only spaces.
    """

    at: int
    number: int
    name: str
    signed: bool


def parse(text: str, file: str) -> tuple[str, ...]:
    """Return the class names in a file's text; ``-`` for numbers that are left out.

    Blank lines at its end are ignored, and any blank line between lines with numbers.

    :param file: The file's name, for errors.
    :raises AppError: Some lines have numbers and others do not, a number occurs twice, or the numbers do not begin at 0
        or leave out more than they name.
    """
    lines = re.split("\r\n|\r|\n", text)
    while lines and not lines[-1].strip():
        lines.pop()
    numbered = [found for at, line in enumerate(lines, 1) if (found := _numbered(at, line))]
    if not _meant(numbered, sum(1 for line in lines if line.strip())):
        return tuple(line.strip() for line in lines)
    _refuse_unnumbered(lines, numbered, file)
    _refuse_numbers(numbered, file)
    names = {line.number: line.name for line in numbered}
    return tuple(names.get(number, UNNAMED) for number in range(max(names) + 1))


def written(names: Sequence[str]) -> str:
    """Return the text of a file with these names, with numbers where the names alone would not be read as they are."""
    plain = "".join(f"{name}\n" for name in names)
    try:
        same = parse(plain, "") == tuple(names)
    except AppError:
        same = False
    return plain if same else "".join(f"{number}: {name}\n" for number, name in enumerate(names))


def label_problems(labels: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the index, what was found and what is expected for each invalid name."""
    for at, label in enumerate(labels):
        if not label:
            yield at, "found an empty name", f'write "{UNNAMED}" for a class that has no name'
        elif any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in label):  # noqa: PLR2004 - C0, C1
            yield at, f"found {label!r}", "control characters are not allowed in a name"


def _numbered(at: int, line: str) -> _Line | None:
    match = LINE.fullmatch(line.strip())
    if match is None:
        return None
    signed = match["sign"] is not None or match["enclosed"] is not None
    return _Line(at, int(match["number"] or match["enclosed"]), match["name"].strip(), signed=signed)


def _meant(numbered: Sequence[_Line], total: int) -> bool:
    """Return whether the numbers are positions and not the beginnings of names."""
    if not numbered or 2 * len(numbered) <= total:
        return False
    numbers = {line.number for line in numbered}
    if min(numbers) == 0 or all(line.signed for line in numbered):
        return True
    # "1 cent", "2 cents", "1 euro" are names
    return min(numbers) == 1 and (len(numbers) == len(numbered) or max(numbers) == len(numbers))


def _refuse_unnumbered(lines: Sequence[str], numbered: Sequence[_Line], file: str) -> None:
    known = {line.at for line in numbered}
    for at, line in enumerate(lines, 1):
        if line.strip() and at not in known:
            raise _error(f'line {at} of {file}, "{line.strip()[:40]}", has no number or no name; others have both')


def _refuse_numbers(numbered: Sequence[_Line], file: str) -> None:
    seen: dict[int, int] = {}
    for line in numbered:
        if seen.setdefault(line.number, line.at) != line.at:
            raise _error(f"line {line.at} of {file} has the number {line.number}, as line {seen[line.number]} does")
    first, last = (pick(numbered, key=lambda line: line.number) for pick in (min, max))
    if first.number:
        raise _error(
            f'the numbers in {file} begin at {first.number}, in line {first.at}, "{first.name[:40]}"; '
            "the first output is number 0"
        )
    if last.number >= 2 * len(numbered):
        raise _error(
            f"line {last.at} of {file} has the number {last.number}, but the file has only {len(numbered)} names"
        )


def _error(what: str) -> AppError:
    return AppError(what, hint=HINT)
