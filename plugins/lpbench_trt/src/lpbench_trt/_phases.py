"""How much of a build is done, from the phases that the builder tells."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass
class _Phase:
    """A phase of the build.

    :param parent: The phase of which it is one step; empty for the whole.
    :param done: Its steps that are complete, of ``steps``.
    """

    parent: str
    steps: int
    done: int = 0


class Phases:
    """The share of a build that is done, from its phases, which are nested: a phase is one step of its parent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Phase] = {}
        self._most = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Begin a phase of a number of steps."""
        with self._lock:
            self._open[name] = _Phase(parent or "", max(1, steps))

    def step(self, name: str) -> float:
        """Count one step of a phase; return the share of the build that is done, which never falls."""
        with self._lock:
            if name in self._open:
                self._open[name].done += 1
            self._most = max(self._most, self._share(name))
            return self._most

    def finish(self, name: str) -> None:
        """End a phase."""
        with self._lock:
            self._open.pop(name, None)

    def _share(self, name: str) -> float:
        share = 0.0
        for _ in range(len(self._open)):  # names come from a library: they may form a circle
            phase = self._open.get(name)
            if phase is None:
                return 0.0
            share = min(1.0, (phase.done + share) / phase.steps)
            if not phase.parent:
                return share
            name = phase.parent
        return 0.0
