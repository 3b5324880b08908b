"""What came of an attack: counts by kind, each failure once, and the table of it all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Failure:
    """A cause of failures of one kind.

    :param cause: Exception and innermost frames, or how the process ended.
    :param trace: Of the first.
    :param repeat: The command that repeats the first.
    :param files: Folder with the files of the first.
    """

    kind: str
    cause: str
    trace: str
    repeat: str
    files: str = ""
    count: int = 1


@dataclass
class Tally:
    """What came of one kind.

    :param note: Why nothing was attacked, or what else there is to say.
    """

    kind: str
    tried: int = 0
    refused: int = 0
    accepted: int = 0
    crashed: int = 0
    failed: int = 0
    seconds: float = 0.0
    note: str = ""
    failures: dict[str, Failure] = field(default_factory=dict)

    def count(self, outcome: str) -> None:
        """Count one mutant or blow: ``refused``, ``accepted``, ``crashed`` or ``failed``."""
        self.tried += 1
        setattr(self, outcome, getattr(self, outcome) + 1)

    def fail(self, failure: Failure) -> bool:
        """Count a failure; say whether its cause is new."""
        self.count("failed")
        known = self.failures.get(failure.cause)
        if known is None:
            self.failures[failure.cause] = failure
        else:
            known.count += 1
        return known is None


COLUMNS = ("kind", "tried", "refused", "accepted", "crashed", "failed", "seconds")


def table(tallies: Sequence[Tally]) -> str:
    """Return one line for each kind, and their sums."""
    rows = [COLUMNS, *(_row(each) for each in tallies), _row(_sum(tallies))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    notes = [f"{each.kind}: {each.note}" for each in tallies if each.note]
    return "\n".join([*lines, *notes])


def causes(tallies: Sequence[Tally]) -> str:
    """Return every failure, each cause once, with its trace and the command that repeats it."""
    lines: list[str] = []
    for failure in (failure for each in tallies for failure in each.failures.values()):
        lines += ["", f"{failure.kind}: {failure.cause} ({failure.count} times)", *_indented(failure.trace)]
        lines += [f"  repeat: {failure.repeat}"] + ([f"  files: {failure.files}"] if failure.files else [])
    return "\n".join(lines)


def document(tallies: Sequence[Tally], seed: int) -> str:
    """Return the outcome for machines."""
    kinds: list[dict[str, Any]] = [
        {**dataclasses.asdict(each), "failures": [dataclasses.asdict(failure) for failure in each.failures.values()]}
        for each in tallies
    ]
    return json.dumps({"seed": seed, "failed": sum(each.failed for each in tallies), "kinds": kinds}, indent=1) + "\n"


def keep(source: Path, target: Path) -> str:
    """Copy the files of a mutant; returns where they are."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True, ignore_dangling_symlinks=True, ignore=_pipes)
    return str(target)


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if not ((path := Path(folder, name)).is_file() or path.is_dir() or path.is_symlink())
    ]


def _row(tally: Tally) -> tuple[str, ...]:
    counts = (tally.tried, tally.refused, tally.accepted, tally.crashed, tally.failed)
    return (tally.kind, *(f"{count:,}" if count else "-" for count in counts), f"{tally.seconds:.0f}")


def _sum(tallies: Sequence[Tally]) -> Tally:
    total = Tally("all")
    for name in ("tried", "refused", "accepted", "crashed", "failed", "seconds"):
        setattr(total, name, sum(getattr(each, name) for each in tallies))
    return total


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.rstrip().splitlines()[-14:]]
