"""A runner in this process with the interface of a worker, for notebooks and for engine instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from lpbench.worker.requests import Request
    from lpbench.worker.runner import Runner

A = TypeVar("A")


class InProcessClient:
    """A ``RunnerClient`` without a process."""

    stderr_tail = ""
    """What a worker printed; here it went where the caller's output goes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def request(self, request: Request[A], phase: str = "", timeout: float | None = None) -> A:
        """Do it here and now."""
        return self._runner.handle(request)

    def suspend(self) -> None:
        """Do nothing: nobody else is waiting for a core."""

    def close(self) -> None:
        """Free what the runner holds."""
        self._runner.close()

    def kill(self) -> None:
        """Free it likewise: there is no process to end."""
        self._runner.close()
