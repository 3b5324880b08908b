"""What is to be said about what was asked for: told once while it is measured, and kept in the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench import machine
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.plugin.configuration import EngineConfiguration

TIME = "time"
THREADS = "threads"
STATED = "app options"
PICTURES = "pictures"
YARDSTICK = "yardstick"


class Notes:
    """The notes of one benchmark, each about the whole or about one target.

    :param tell: Called with a note that is new.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._reasons: dict[tuple[str, str], str] = {}

    def add(self, name: str, reason: str, about: str = "") -> None:
        """Tell and keep a note, unless there is nothing to tell or it was told before."""
        if reason and (name, about) not in self._reasons:
            self._reasons[name, about] = reason
            self._tell(f"{about}: {reason}" if about else reason)

    def settle(self, name: str, reason: str, about: str = "") -> None:
        """Put what came to pass in the place of what was told; nothing if there is no reason any more."""
        self._reasons.pop((name, about), None)
        if reason:
            self._reasons[name, about] = reason

    def renew(self, name: str, reason: str) -> None:
        """Tell and keep a note in the place of one that was told before."""
        self.settle(name, "")
        self.add(name, reason)

    def told(self, name: str) -> str:
        """Return what was told about the whole, or an empty text."""
        return self._reasons.get((name, ""), "")

    def as_flags(self) -> tuple[dict[str, str], ...]:
        """Return the notes as a result has them."""
        return tuple(
            {"name": name, "reason": f"{about}: {reason}" if about else reason}
            for (name, about), reason in self._reasons.items()
        )


def begin(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note what is known before anything is measured."""
    _add_stated(notes, tracks)
    _add_crowding(notes, tracks)


def settle(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note what came to pass."""
    _settle_crowding(notes, tracks)
    _add_undrawn(notes, tracks)


def _add_stated(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note the engine options that the app states."""
    for track in tracks:
        for name, target in {"": track.target, **track.target.others}.items():
            words = ", ".join(f"{option}={value}" for option, value in target.stated.items())
            about = f"{track.label}: {name}" if name else track.label
            notes.add(STATED, f"{words}, as the app states" if words else "", about)


def _add_undrawn(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note why there are no pictures although they were asked for."""
    for track in tracks:
        reason = next((each.closed.undrawn for each in track.recorders if each.closed.undrawn), "")
        notes.add(PICTURES, reason, track.label)


def _add_crowding(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note targets that are to compute with more threads than there are cores for them."""
    for track in tracks:
        asked = track.target.configuration
        if track.target.refusal is None and asked.threads:
            notes.add(THREADS, crowded(asked.threads * asked.streams, cores_for(asked)), track.label)


def _settle_crowding(notes: Notes, tracks: Sequence[TargetProgress]) -> None:
    """Note the threads that the engines really had, where they tell."""
    for track in tracks:
        threads = next((each.threads for each in track.counted), None)
        if threads is not None:
            notes.settle(THREADS, crowded(threads, cores_for(track.target.configuration)), track.label)


def cores_for(configuration: EngineConfiguration) -> int:
    """Return how many cores a worker can use at a time."""
    usable = machine.usable_cores()
    return min(len(configuration.affinity), usable) if configuration.affinity else usable


def crowded(threads: int, cores: int) -> str:
    """Return in words that threads have to share cores; empty where they need not."""
    if threads <= cores:
        return ""
    where = f"{amount(threads, 'thread')} on {amount(cores, 'core')}"
    return f"{where}: they wait for each other, so runs are slow and unsteady"
