"""Rows of data sheets in files of the user: read, shown in every form, filtered and looked up."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind, command

import lpbench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from random import Random

    from lpbench.datasheets import Catalogue, DataSheet

READERS: dict[str, Callable[..., Catalogue[Any]]] = {
    "platforms": lpbench.platforms,
    "frameworks": lpbench.frameworks,
    "models": lpbench.models,
}
ROWS = 4
"""Rows of a seed: damage is spread over few."""


class DataSheets(Kind):
    """Files of the user, made of lpbench's own rows."""

    name: ClassVar[str] = "data-sheets"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.seeds = [seed for kind in READERS for seed in _seeds(kind)]

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged file; its name says what it is of."""
        kind, text = random.choice(self.seeds)
        (folder / f"{kind}.json").write_bytes(documents.damaged(text, random, (random.choice(self.seeds)[1],)))

    def read(self, folder: Path) -> Iterable[str]:
        """Read it by the functions of Python, and show it in every form."""
        (path,) = folder.glob("*.json")
        catalogue = READERS[path.stem](files=[path])
        own = [row for row in catalogue.values() if row.files]
        json.dumps([catalogue.to_dict(), catalogue.records()], allow_nan=False)
        for row in own:
            yield from (str(row), repr(row), row._repr_html_() or "")
            assert catalogue.named(row.id) is row
        yield str(catalogue)
        yield from _printed(path, folder, own)


def _printed(path: Path, folder: Path, own: list[DataSheet]) -> Iterable[str]:
    words = [path.stem, "--file", str(path)]
    for more in ([], [own[0].id] if own else [], ["--json"], ["--csv", "-"]):
        status, shown = command(folder, *words, *more)
        assert status == 0, "what Python reads, a command does not"
        yield shown


def _seeds(kind: str) -> list[tuple[str, str]]:
    rows = json.loads(files("lpbench.datasheets").joinpath(f"{kind}.json").read_bytes())[kind]
    return [(kind, json.dumps({kind: rows[at : at + ROWS]})) for at in range(0, len(rows), ROWS)]


KINDS = (DataSheets,)
