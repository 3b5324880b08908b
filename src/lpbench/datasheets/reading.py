"""Reads data sheets: those of lpbench, then those of the user, which add rows and replace what they state of others."""

from __future__ import annotations

import os
from collections import Counter
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.datasheets.attributes import IDENTITY, PACKAGE, attributes
from lpbench.datasheets.rows import DataSheet
from lpbench.datasheets.values import of_json
from lpbench.errors import DataSheetError
from lpbench.util.json_files import parse_json, read_json
from lpbench.util.schema import published_problems
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Row = dict[str, Any]

S = TypeVar("S", bound=DataSheet)
LARGEST = 16 << 20
"""Bytes of a file."""
MOST_FILES = 100
"""Files of the user's folder."""
LISTED = 5
"""Problems of a file that an error names."""


def folder(kind: str) -> Path:
    """Return the folder of the user's own rows of a kind, ``$XDG_DATA_HOME/lpbench/datasheets/KIND``.

    :raises DataSheetError: The user has no home.
    """
    try:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    except RuntimeError as error:  # HOME is not set, and the system does not know the user
        raise DataSheetError("there is no home to look for data sheets in", hint="set HOME or XDG_DATA_HOME") from error
    return base / "lpbench" / "datasheets" / kind


def read(sheet: type[S], files: Sequence[str | Path] = ()) -> list[S]:
    """Return all rows of a kind: those of lpbench, of the user's folder, and of some files, in this order.

    A row with the id of one before replaces the attributes that it states; aliases and sources are added.

    :raises DataSheetError: A file is not what the schema says, or two files of one place state the same row.
    """
    kind = sheet.kind
    rows = {row["id"]: (_row(row), list[str]()) for row in _built_in(kind)}
    for paths in (_in_folder(kind), list(map(Path, files))):
        for row, file in _stated(kind, paths):
            before, origins = rows.get(row["id"], ({}, []))
            rows[row["id"]] = (_joined(before, row), [*origins, file])
    _refuse_shared_names(list(rows.values()))
    return [_sheet(sheet, row, origins) for row, origins in rows.values()]


def _built_in(kind: str) -> list[Row]:
    data = resources(PACKAGE).joinpath(f"{kind}.json").read_bytes()
    rows: list[Row] = parse_json(data, error=DataSheetError, where=f"{kind}.json")[kind]
    return rows


def _in_folder(kind: str) -> list[Path]:
    """Return the files of the user's folder, in the order of their names."""
    place = folder(kind)
    try:
        found = sorted(each for each in place.iterdir() if each.suffix == ".json")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise DataSheetError(
            f"cannot be read: {error}", where=str(place), hint="it is a folder of .json files"
        ) from error
    if len(found) > MOST_FILES:
        raise DataSheetError(f"holds {len(found)} files", where=str(place), hint=f"at most {MOST_FILES} are read")
    return found


def _stated(kind: str, paths: Iterable[Path]) -> list[tuple[Row, str]]:
    """Return the rows of some files, each with its file.

    :raises DataSheetError: Two of them have one id: neither comes before the other.
    """
    found = [(_row(row), str(path)) for path in dict.fromkeys(paths) for row in _checked(kind, path)]
    twice = next((name for name, count in Counter(row["id"] for row, _ in found).items() if count > 1), None)
    if twice is not None:
        places = list(dict.fromkeys(file for row, file in found if row["id"] == twice))
        raise DataSheetError(
            f'states "{twice}" twice' if len(places) == 1 else f'states "{twice}", and so does {places[1]}',
            where=places[0],
            hint="leave one of the two rows, or give the other an id of its own",
        )
    return found


def _checked(kind: str, path: Path) -> list[Row]:
    """Return the rows of a file that the schema accepts."""
    document = read_json(path, limit=LARGEST, error=DataSheetError)
    problems = list(published_problems(document, PACKAGE, kind))
    if problems:
        more = f"; {amount(len(problems) - LISTED, 'more problem')}" if len(problems) > LISTED else ""
        what = "; ".join(f"{each.path or kind}: {each.found}" for each in problems[:LISTED])
        raise DataSheetError(f"{what}{more}", where=str(path), hint=problems[0].right)
    rows: list[Row] = document[kind]
    for at, row in enumerate(rows):
        for each in attributes(kind):
            of_json(each.kind, row.get(each.key), f"{path}: {kind}[{at}].{each.key}")
    return rows


def _row(row: Row) -> Row:
    """Return a row as JSON has it, with lists for what is added to others."""
    return {**row, "aliases": [*row.get("aliases", ())], "sources": [*row["sources"]]}


def _joined(before: Row, row: Row) -> Row:
    added = {name: list(dict.fromkeys([*before.get(name, ()), *row[name]])) for name in ("aliases", "sources")}
    return {**before, **row, **added}


def _refuse_shared_names(rows: Iterable[tuple[Row, Sequence[str]]]) -> None:
    """Refuse a name that two rows have, one of which has it from a file."""
    owners: dict[str, tuple[str, Sequence[str]]] = {}
    for row, origins in rows:
        for name in dict.fromkeys(each.lower() for each in (row["id"], *row["aliases"])):
            owner, others = owners.setdefault(name, (row["id"], origins))
            if owner != row["id"]:
                what = f'the name "{name}" is that of both "{owner}" and "{row["id"]}"'
                where = next(iter([*origins, *others]), "")
                raise DataSheetError(what, where=where, hint=f'what is stated of "{owner}" has that id')


def _sheet(sheet: type[S], row: Row, origins: Sequence[str]) -> S:
    values = {each.key: of_json(each.kind, row.get(each.key), each.key) for each in attributes(sheet.kind)}
    identity = {name: tuple(row[name]) for name in IDENTITY if name in {"aliases", "sources"}}
    return sheet(row["id"], note=row.get("note") or "", files=tuple(dict.fromkeys(origins)), **identity, **values)
