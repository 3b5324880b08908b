"""What the builder says of its progress."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.plugin import progress
from lpbench_trt._library import trt
from lpbench_trt._logger import log
from lpbench_trt._phases import Phases

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDING = "building the plan"


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
