"""A runner in this process with the interface of a worker, for notebooks and for engine instances."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, TypeVar

from lpbench.errors import LpbenchError
from lpbench.plugin import progress
from lpbench.worker import wire

if TYPE_CHECKING:
    from lpbench.plugin.progress import Listener
    from lpbench.worker.requests import Request
    from lpbench.worker.runner import Runner

A = TypeVar("A")


class InProcessClient:
    """A ``RunnerClient`` without a process."""

    stderr_tail = ""
    """What a worker printed; here it went where the caller's output goes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def pid(self) -> int:
        """The process that asks."""
        return os.getpid()

    def request(
        self, request: Request[A], phase: str = "", timeout: float | None = None, hear: Listener | None = None
    ) -> A:
        """Do it here and now; the answer is held to the same types as one that a worker sends.

        :param hear: Called with what plugins report of their progress, if the request lets them; in their threads.
        :raises LpbenchError: As a worker describes it; what an engine raised is its cause.
        """
        try:
            with progress.listening(hear) if hear and request.reports else contextlib.nullcontext():
                answer = self._runner.handle(request)
            message, block = wire.encode_answer(answer)
            return wire.decode_answer(request, message["answer"], block)
        except LpbenchError:
            raise
        except Exception as error:
            raise LpbenchError(f"{type(error).__name__}: {error}") from error

    def suspend(self) -> None:
        """Do nothing: nobody else is waiting for a core."""

    def close(self) -> None:
        """Free what the runner holds; an engine that fails to was asked to before, and has said why."""
        with contextlib.suppress(Exception):
            self._runner.close()

    def kill(self) -> None:
        """Free it likewise: there is no process to end."""
        self.close()
