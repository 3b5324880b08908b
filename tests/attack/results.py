"""Results: loaded, shown in every form, saved again, listed and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import ROOT, Kind, command

import lpbench
from lpbench import render
from lpbench.render import exports, predictions
from lpbench.results import saved, store
from lpbench.results.json_document import from_dict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

VERSION_1 = ROOT / "tests" / "data" / "results-v1"
VERSION_2 = ROOT / "tests" / "data" / "results-v2"
LARGE = 45_000
"""Bytes of seeds above which a mutant takes too long."""


class Results(Kind):
    """Results of version 1 and 2, real ones."""

    name: ClassVar[str] = "results"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        old = [path.read_text(encoding="utf-8") for path in sorted(VERSION_1.glob("*.json"))]
        new = [json.dumps(from_dict(json.loads(text)).to_dict()) for text in old]
        new += [path.read_text(encoding="utf-8") for path in sorted(VERSION_2.glob("*.json"))]
        self.seeds = [text for text in (*old, *new, *new) if len(text) < LARGE]
        self.reference = home / "reference.json"
        whole = next(text for text in new if '"state": "OK"' in text)
        self.reference.write_text(whole, encoding="utf-8")

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged result."""
        text, other = random.choice(self.seeds), random.choice(self.seeds)
        (folder / "result.json").write_bytes(documents.damaged(text, random, (other,)))

    def read(self, folder: Path) -> Iterable[str]:
        """Load it by the functions of Python, then show it in every form."""
        path = folder / "result.json"
        result = lpbench.load_result(path)
        yield from _shown(result)
        again = result.save(folder / "again.json")
        assert lpbench.load_result(again).to_dict() == result.to_dict(), "saved and loaded, it is another result"
        yield repr(result)
        json.dumps([result.rows(), result.summary()])

    def verbatim(self, folder: Path) -> str:
        """Return the path of the mutant as a word of a command."""
        return str(folder / "result.json")


class Shown(Results):
    """The same by the commands ``show``, ``results`` and ``compare``."""

    name: ClassVar[str] = "results-shown"

    def read(self, folder: Path) -> Iterable[str]:
        """Show it and compare it with another one, by commands."""
        word, other = self.verbatim(folder), str(self.reference)
        yield from (command(folder, "show", word, *form)[1] for form in FORMS)
        lpbench.load_result(word)  # what is refused is counted so
        yield from (command(folder, "compare", word, other, "--force", *form)[1] for form in ((), ("--json",)))
        yield command(folder, "compare", other, word, "--force", "--markdown")[1]


class Listed(Results):
    """The same in the folder of saved results, where the listing reads less of it."""

    name: ClassVar[str] = "results-listed"

    def read(self, folder: Path) -> Iterable[str]:
        """List it, alone in the folder."""
        place = store.folder()
        place.mkdir(parents=True, exist_ok=True)
        (place / "mutant.json").write_bytes((folder / "result.json").read_bytes())
        for each in saved.saved():
            json.dumps({"latency": each.latency_ms, "created": each.created, "app": each.app}, allow_nan=False)
        yield command(folder, "results")[1]
        yield command(folder, "results", "--json")[1]


class Compared(Results):
    """Two results beside each other by ``lpbench.compare``, one of them or both damaged."""

    name: ClassVar[str] = "results-compared"

    def write(self, random: Random, folder: Path) -> None:
        """Write two, of which the first is damaged."""
        super().write(random, folder)
        other = random.choice(self.seeds)
        (folder / "other.json").write_text(other, encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Compare them in both directions."""
        pair = [lpbench.load_result(folder / name) for name in ("result.json", "other.json")]
        for first, second in (pair, pair[::-1], [pair[0], pair[0]]):
            found = lpbench.compare(first, second, force=True)
            yield from map(str, found)
            yield from (
                exports.of_comparisons(found, form, [[] for _ in found]) for form in ("csv", "markdown", "html")
            )


FORMS: tuple[tuple[str, ...], ...] = (
    (),
    ("-v", "--predictions"),
    ("--json",),
    ("--csv",),
    ("--markdown",),
    ("--html",),
)


def _shown(result: Any) -> Iterable[str]:
    yield render.text(result)
    yield render.text(result, verbose=True, width=40)
    yield render.to_html(result)
    yield from (exports.of_result(result, form) for form in ("csv", "markdown", "html"))
    for each in result.configurations:
        yield from (line for one in each.predictions for line in predictions.prediction(one))


KINDS = (Results, Shown, Listed, Compared)
