"""Makes a recording of this machine from what its monitors looked at: its head, and what it is a recording of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench import machine
from lpbench.about import version
from lpbench.errors import ConfigError
from lpbench.util import atomic_folders
from lpbench.util.recorder import LEFT_OUT, LOST, NOTES, SCRUBBED, Recorder, RecordingTree
from lpbench.util.recordings import COMMANDS, FORMAT, HEAD, ROOT, VERSION
from lpbench.util.scrubbing import Scrubber

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ABOUT = "about.md"
BOARD_FILES = (
    *("proc/device-tree/model", "proc/device-tree/compatible", "proc/cpuinfo", "proc/meminfo"),
    *("sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name", "etc/nv_tegra_release"),
)
"""What says which machine it is, whether a monitor looks at it or not."""
FACTS = {"board": "board", "cpu_model": "processor", "architecture": "architecture", "kernel": "kernel"}


@dataclass(frozen=True)
class RecordedMachine:
    """A recording that was made.

    :param folder: Where it is.
    :param files: How many it holds, of the first moment.
    :param commands: How many answers it holds.
    :param scrubbed: Kinds of private things that were taken out of texts.
    :param left_out: Files that are not in it because of what they are called.
    :param lost: What could not be recorded, and why.
    """

    folder: str
    files: int
    commands: int
    scrubbed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def refuse_taken(target: Path) -> None:
    """Refuse a folder that cannot be filled.

    :raises ConfigError: Something is there.
    """
    if not atomic_folders.is_free(target):
        raise ConfigError("already exists", where=str(target), hint="name a folder that does not exist or is empty")


def finish(new: Path, target: Path, seconds: float, monitors: Sequence[str]) -> RecordedMachine:
    """Add to a recording what says which machine it is of, and return what is in it.

    :param new: The folder with what was recorded, which becomes ``target``.
    :param seconds: Time between the two moments.
    :param monitors: Those that were asked.
    """
    scrubber = Scrubber.of_this_machine()
    tree = RecordingTree(Recorder(new, scrubber))
    for name in BOARD_FILES:
        tree.text(name)
    notes = _notes(new / NOTES)
    made = RecordedMachine(
        str(target),
        _count(new / ROOT),
        _count(new / COMMANDS),
        *(tuple(sorted(what for kind, what in notes if kind == wanted)) for wanted in (SCRUBBED, LEFT_OUT, LOST)),
    )
    head = {"format": FORMAT, "version": VERSION, "seconds": round(seconds, 6)}
    _write(new / HEAD, json.dumps(head))
    _write(new / ABOUT, scrubber.scrub("\n".join(_about(made, monitors)))[0])
    return made


def _count(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _notes(path: Path) -> set[tuple[str, str]]:
    """Return the notes of all recorders, and remove their file."""
    if not path.exists():
        return set()
    lines = path.read_text(encoding="utf-8").splitlines()
    path.unlink()
    return {(kind, what) for kind, _, what in (line.partition("\t") for line in lines)}


def _write(path: Path, text: str) -> None:
    path.write_text(f"{text}\n", encoding="utf-8", newline="")


def _about(made: RecordedMachine, monitors: Sequence[str]) -> list[str]:
    """Return the lines of about.md: the machine, who looked at it, and what is not in the recording."""
    facts = {key: value for part in ("machine", "subject") for key, value in machine.environment()[part].items()}
    known = {word: facts.get(key, {}).get("value") for key, word in FACTS.items()}
    told = [f"- {word}: {value}" for word, value in known.items() if value]
    private = [
        *(f"- taken out: {what}" for what in made.scrubbed),
        *(f"- left out: {what}" for what in made.left_out),
        *(f"- not recorded: {what}" for what in made.lost),
    ]
    return [
        f"# {known['board'] or known['processor'] or 'A machine'}",
        "",
        f"Recorded by lpbench {version()} with `lpbench monitors --record`.",
        "",
        *told,
        f"- monitors: {', '.join(monitors)}",
        *(["", "What is private:", "", *private] if private else []),
    ]
