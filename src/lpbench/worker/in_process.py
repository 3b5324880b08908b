"""A runner in this process that is asked as a worker is, for notebooks and for engines that are handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.worker.runner import Runner


class InProcessClient:
    """A runner in this process, asked as a worker is."""

    stderr_tail = ""
    """What a worker printed; here it went where the caller's output goes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def close(self) -> None:
        """Free what the runner holds."""
        self._runner.close()

    def kill(self) -> None:
        """Free it likewise: there is no process to end."""
        self._runner.close()

    def suspend(self) -> None:
        """Do nothing: nobody else is waiting for a core."""

    def ask(self, do: str, doing: str, timeout: float | None = None, **arguments: Any) -> tuple[Any, bytes]:
        """Do it here and now."""
        answer = self._runner.do(do, arguments)
        return answer if isinstance(answer, tuple) else (answer, b"")
