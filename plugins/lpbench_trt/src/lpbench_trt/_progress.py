"""What the builder says of its progress."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin import progress
from lpbench_trt._library import trt
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDING = "building the plan"


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


@contextlib.contextmanager
def reporting(config: trt.IBuilderConfig) -> Iterator[None]:
    """Report the builder's progress: as a share if this version tells it, or else as a sign of life.

    :raises KeyboardInterrupt: The user ended the build.
    """
    progress.report(BUILDING)
    if not hasattr(trt, "IProgressMonitor") or not hasattr(config, "progress_monitor"):
        with log().heard_by(lambda: progress.report(BUILDING)):
            yield
        return
    monitor = Monitor()
    config.progress_monitor = monitor  # which has to live as long as what uses it
    yield
    if monitor.interrupted:
        raise KeyboardInterrupt


if hasattr(trt, "IProgressMonitor"):

    class Monitor(trt.IProgressMonitor):
        """Passes the builder's phases on; an interrupt ends the build, as an exception would end the process.

        :ivar interrupted: Whether the user ended the build.
        """

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.interrupted = False
            self._phases = Phases()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """Begin a phase; called by TensorRT."""
            with self._interruptible():
                self._phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            """Count a step; called by TensorRT.  False ends the build."""
            with self._interruptible():
                progress.report(BUILDING, self._phases.step(phase_name))
            return not self.interrupted

        def phase_finish(self, phase_name: str) -> None:
            """End a phase; called by TensorRT."""
            with self._interruptible():
                self._phases.finish(phase_name)

        @contextlib.contextmanager
        def _interruptible(self) -> Iterator[None]:
            try:
                yield
            except KeyboardInterrupt:
                self.interrupted = True
