"""What every request is, and who answers one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from lpbench.plugin.progress import Listener

A = TypeVar("A")

Record = Mapping[str, Any]
"""A JSON object whose keys are those of a plugin or of the machine."""
Records = tuple[Record, ...]


def refuse_negative(answer: object, *names: str) -> None:
    """Refuse an answer in which a number of something is below 0.

    :raises ValueError: Naming the field.
    """
    for name in names:
        if (found := getattr(answer, name)) is not None and found < 0:
            raise ValueError(f"{name}: found {found}; expected 0 or more")


@dataclass(frozen=True)
class Request(Generic[A]):
    """Something that a worker is asked.

    ``phase`` says in words what the worker does meanwhile, ``reports`` whether it passes on what plugins report of
    their progress until the answer is there: not while latencies are measured.
    """

    phase: ClassVar[str] = ""
    reports: ClassVar[bool] = False


class RunnerClient(Protocol):
    """A worker process, or a runner in this process that is asked in the same way."""

    @property
    def pid(self) -> int:
        """The process in which samples run."""

    @property
    def stderr_tail(self) -> str:
        """The last lines that the process and the libraries in it printed."""

    def request(
        self, request: Request[A], phase: str = "", timeout: float | None = None, hear: Listener | None = None
    ) -> A:
        """Return the answer to a request.

        :param phase: What it is asked for, in words, where the request's own words are too general.
        :param hear: Called with what plugins report of their progress, if the request lets them.
        :raises WorkerError: The worker ended or stopped answering; it is gone afterwards.
        :raises LpbenchError: The worker is well and refuses.
        """

    def suspend(self) -> None:
        """Keep it from using a core until it is asked again."""

    def close(self) -> None:
        """Let it end by itself."""

    def kill(self) -> None:
        """End it at once."""
