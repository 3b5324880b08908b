"""The app that is open in this process, and what belongs to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.errors import EngineError
from lpbench.machine.process_memory import memory
from lpbench.worker.session_builder import components_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.worker.pipeline import OpenComponent, Pipeline
    from lpbench.worker.samples import Samples


class OpenApp:
    """An app on an engine, once it is open; the same object serves every handler of a runner.

    :param labels: The app's class names.
    :param draw: A folder for pictures of what is found; empty draws none.
    :param undrawn: Why there are no pictures although they were asked for; else empty.
    :param peak_bytes: Greatest high-water mark of resident memory that was noted; 0 where none was.
    """

    def __init__(self) -> None:
        self.labels: Sequence[str] = ()
        self.draw = ""
        self.undrawn = ""
        self.peak_bytes = 0
        self._pipeline: Pipeline | None = None
        self._samples: Samples | None = None
        self._stack = contextlib.ExitStack()

    def take(self, pipeline: Pipeline, samples: Samples, *, labels: Sequence[str] = (), draw: str = "") -> None:
        """Hold an open pipeline with its samples."""
        self.labels, self.draw, self.undrawn = labels, draw, ""
        self._pipeline, self._samples = pipeline, samples
        self._stack.callback(pipeline.close)

    @property
    def pipeline(self) -> Pipeline:
        """The open pipeline.

        :raises EngineError: Nothing is open.
        """
        if self._pipeline is None:
            raise EngineError("nothing is open")
        return self._pipeline

    @property
    def samples(self) -> Samples:
        """Its samples.

        :raises EngineError: Nothing is open.
        """
        if self._samples is None:
            raise EngineError("nothing is open")
        return self._samples

    @property
    def component(self) -> OpenComponent:
        """The first component: its session and its processors.

        :raises EngineError: Nothing is open.
        """
        return components_of(self.pipeline)[0]

    def keep_peak(self) -> None:
        """Note the high-water mark of resident memory."""
        self.peak_bytes = max(self.peak_bytes, memory()["peak_bytes"])

    def when_closing(self, call: Callable[[], object]) -> None:
        """Have something done when the app is closed."""
        self._stack.callback(call)

    def close(self) -> dict[str, str]:
        """Close what is open and return the samples that were left out, with the reason."""
        self._stack.close()
        problems = self._samples.problems if self._samples else {}
        self._pipeline = self._samples = None
        return problems
