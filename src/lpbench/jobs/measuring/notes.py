"""What is to be said about what was asked for: told once while it is measured, and kept in the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench import machine
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.measuring.assemble import TargetProgress
    from lpbench.jobs.measuring.plan import Plan

TIME = "time"
THREADS = "threads"


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

    def told(self, name: str) -> str:
        """Return what was told about the whole, or an empty text."""
        return self._reasons.get((name, ""), "")

    def as_flags(self) -> tuple[dict[str, str], ...]:
        """Return the notes as a result has them."""
        return tuple(
            {"name": name, "reason": f"{about}: {reason}" if about else reason}
            for (name, about), reason in self._reasons.items()
        )


def add_crowding(notes: Notes, plan: Plan, tracks: Sequence[TargetProgress]) -> None:
    """Note targets that are to compute with more threads than there are cores for them."""
    for track in tracks:
        threads = track.target.configuration.threads
        if track.target.refusal is None and threads:
            notes.add(THREADS, crowded(threads * plan.settings.streams, cores_for(plan)), track.label)


def settle_crowding(notes: Notes, plan: Plan, tracks: Sequence[TargetProgress]) -> None:
    """Note the threads that the engines really had, where they tell."""
    for track in tracks:
        threads = next((each.threads(plan.settings.streams) for each in track.counted), None)
        if threads is not None:
            notes.settle(THREADS, crowded(threads, cores_for(plan)), track.label)


def cores_for(plan: Plan) -> int:
    """Return how many cores a worker can use at a time."""
    usable = machine.usable_cores()
    return min(len(plan.worker.affinity), usable) if plan.worker.affinity else usable


def crowded(threads: int, cores: int) -> str:
    """Return in words that threads have to share cores; empty where they need not."""
    if threads <= cores:
        return ""
    where = f"{amount(threads, 'thread')} on {amount(cores, 'core')}"
    return f"{where}: they wait for each other, so runs are slow and unsteady"
