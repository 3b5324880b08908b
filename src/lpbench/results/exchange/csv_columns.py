"""Reads and writes datasets column by column: what is wrong is refused with its line; a million rows are no trouble.

A column whose values are all known is an array of 8 bytes each; words that repeat are kept once.
"""

from __future__ import annotations

import csv
import math
from array import array
from typing import TYPE_CHECKING, NoReturn, Protocol, TextIO

from lpbench.errors import ResultError
from lpbench.util.problems import show
from lpbench.util.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from lpbench.results.exchange.descriptor import Variable
    from lpbench.results.table import Value


class Reader(Protocol):
    """What ``csv.reader`` returns."""

    @property
    def line_num(self) -> int:
        """Lines that were read."""

    def __iter__(self) -> Iterator[list[str]]:
        """Return itself."""


ROWS = 20_000_000
"""Most rows of a dataset."""
LINE = 1 << 20
"""Most bytes of a line."""
CHUNK = 8_192
"""Rows that are converted at a time."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
MISSING = "leave a cell empty whose value is not known"


def read_columns(path: Path, variables: Sequence[Variable]) -> dict[str, Sequence[Value]]:
    """Return the columns of a dataset, by name, in the order of its header.

    :raises ResultError: It has other columns than a descriptor names, or a cell that is not of its column's type or
        outside its bounds; naming the line.
    """
    by_name = {each.name: each for each in variables}
    with open_regular(path, error=ResultError) as file:
        reader = csv.reader(_lines(file, path), strict=True)
        names = header(reader, path)
        _refuse_columns(names, by_name, path)
        columns = [_Column(by_name[name], path) for name in names]
        for lines, rows in _chunks(reader, len(names), path):
            for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
                column.add(cells, lines)
    return {name: column.values for name, column in zip(names, columns, strict=True)}


def read_header(path: Path) -> list[str]:
    """Return the names of a dataset's columns.

    :raises ResultError: It has none.
    """
    with open_regular(path, error=ResultError) as file:
        return header(csv.reader(_lines(file, path), strict=True), path)


def header(reader: Iterator[list[str]], path: Path) -> list[str]:
    """Return the first row of a file.

    :raises ResultError: There is none, or it looks as if commas were not what separates its cells.
    """
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ResultError(f"is not CSV: {error}", where=f"{path}, line 1") from None
    other = next((words for mark, words in SEPARATORS.items() if len(names) == 1 and mark in names[0]), None)
    if other or not any(names):
        what = f"its cells are separated by {other}" if other else "is empty"
        raise ResultError(what, where=f"{path}, line 1", hint="commas separate cells; the first line names the columns")
    return names


def write_columns(columns: Mapping[str, Sequence[Value]], file: TextIO) -> None:
    """Write columns as a dataset: floats with every digit, nothing for what is not known."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def _lines(file: BinaryIO, path: Path) -> Iterator[str]:
    """Yield the lines of a file, decoded."""
    number = 0
    while line := file.readline(LINE):
        number += 1
        where = f"{path}, line {number}"
        if len(line) == LINE:
            raise ResultError(f"has a line of more than {LINE} bytes", where=where, hint="it is no dataset")
        if b"\0" in line:
            raise ResultError("has a zero byte: it is not UTF-8", where=where, hint="save it as UTF-8")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"is not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02x}"
            raise ResultError(what, where=where, hint="save it as UTF-8") from None


def _chunks(reader: Reader, width: int, path: Path) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Yield rows with their lines, some at a time."""
    lines: list[int] = []
    rows: list[list[str]] = []
    count = 0
    for row in _parsed(reader, path):
        if len(row) == width:
            lines.append(reader.line_num)
            rows.append(row)
        elif row:
            what = f"has {len(row)} cells where the header has {width}"
            hint = "a cell with a comma in it stands in quotes"
            raise ResultError(what, where=f"{path}, line {reader.line_num}", hint=hint)
        if len(rows) == CHUNK:
            yield lines, rows
            count += CHUNK
            lines, rows = [], []
            if count >= ROWS:
                raise ResultError(f"has more than {ROWS} rows", where=str(path), hint="split it by platform")
    if rows:
        yield lines, rows


def _parsed(reader: Reader, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        hint = "a quotation mark inside a quoted cell is doubled"
        raise ResultError(f"is not CSV: {error}", where=f"{path}, line {reader.line_num}", hint=hint) from None


def _refuse_columns(names: Sequence[str], known: Iterable[str], path: Path) -> None:
    given, wanted = set(names), set(known)
    problems = [
        *(f"has the column {show(name)} twice" for name in sorted(given) if names.count(name) > 1),
        *(f"lacks the column {show(name)}, which its descriptor names" for name in sorted(wanted - given)),
        *(f"has a column {show(name)}, which its descriptor does not name" for name in sorted(given - wanted)),
    ]
    if problems:
        hint = "descriptor and dataset name the same columns"
        raise ResultError(problems[0], where=f"{path}, line 1", hint=hint)


class _Column:
    """A column that grows."""

    def __init__(self, variable: Variable, path: Path) -> None:
        self._variable, self._path = variable, path
        self._words: dict[str, str | None] = {}
        self.values: array[float] | list[Value] = array("d") if variable.type == "float" else []

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Add cells that stand in some lines."""
        added: Sequence[Value] = self._texts(cells) if self._variable.type == "str" else self._numbers(cells, lines)
        if isinstance(self.values, array) and None in added:
            self.values = list(self.values)
        self.values.extend(added)  # type: ignore[arg-type] # an array gets floats only

    def _texts(self, cells: Sequence[str]) -> list[Value]:
        words = self._words
        for cell in set(cells).difference(words):
            words[cell] = cell.strip() or None
        if not all(word is None or word.isprintable() for word in map(words.__getitem__, set(cells))):
            raise ResultError(f"column {show(self._variable.name)} has unprintable characters", where=str(self._path))
        return [words[cell] for cell in cells]

    def _numbers(self, cells: Sequence[str], lines: Sequence[int]) -> Sequence[Value]:
        convert = {"float": _float, "int": _int, "bin": _bin}[self._variable.type]
        try:
            values = convert(cells)
        except (ValueError, OverflowError):
            self._refuse(cells, lines, convert)
        self._refuse_outside(values, lines)
        return values

    def _refuse_outside(self, values: Sequence[Value], lines: Sequence[int]) -> None:
        lower, upper = self._variable.lower, self._variable.upper
        if lower is None and upper is None:
            return
        least, most = (-math.inf if lower is None else lower), (math.inf if upper is None else upper)
        for value, line in zip(values, lines, strict=True):
            if isinstance(value, (int, float)) and not least <= value <= most:
                what = f"column {show(self._variable.name)}: {value} is outside the descriptor's {lower} to {upper}"
                raise ResultError(what, where=f"{self._path}, line {line}", hint="correct LB and UB, or the value")

    def _refuse(
        self, cells: Sequence[str], lines: Sequence[int], convert: Callable[[Sequence[str]], Sequence[Value]]
    ) -> NoReturn:
        cell, line = next((cell, line) for cell, line in zip(cells, lines, strict=True) if not _converts(cell, convert))
        what = f"column {show(self._variable.name)}: found {show(cell)}, no {self._variable.type}"
        raise ResultError(what, where=f"{self._path}, line {line}", hint=MISSING) from None


def _converts(cell: str, convert: Callable[[Sequence[str]], Sequence[Value]]) -> bool:
    try:
        convert([cell])
    except (ValueError, OverflowError):
        return False
    return True


def _float(cells: Sequence[str]) -> Sequence[Value]:
    """Return finite numbers; None for empty cells."""
    _refuse_odd(cells)
    try:
        values: Sequence[float | None] = list(map(float, cells))
    except ValueError:
        values = [float(cell) if cell and not cell.isspace() else None for cell in cells]
    if not all(map(math.isfinite, filter(None, values))):
        raise ValueError("not finite")
    return values


def _int(cells: Sequence[str]) -> Sequence[Value]:
    """Return whole numbers, also those that are written as 2.0; None for empty cells."""
    _refuse_odd(cells)
    try:
        return list(map(int, cells))
    except ValueError:
        return [_whole(cell) if cell and not cell.isspace() else None for cell in cells]


def _whole(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        if not (number := float(cell)).is_integer():
            raise
        return int(number)


def _bin(cells: Sequence[str]) -> Sequence[Value]:
    values = _int(cells)
    if not {0, 1, None}.issuperset(values):
        raise ValueError("neither 0 nor 1")
    return values


def _refuse_odd(cells: Sequence[str]) -> None:
    """Refuse what Python takes for numbers and nobody else does: 1_000, and digits of other scripts."""
    text = "".join(cells)
    if "_" in text or not text.isascii():
        raise ValueError("no number")
