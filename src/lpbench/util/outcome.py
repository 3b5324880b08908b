"""How a run or a worker ended, as a value with words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutcomeKind = Literal["ok", "interrupted", "failed", "unavailable", "crashed", "killed", "exited", "hung", "protocol"]


@dataclass(frozen=True)
class RunOutcome:
    """How a run or a worker ended.

    :param kind: ``ok``; ``interrupted`` by Ctrl-C; ``failed``, with an error; ``unavailable``, the engine is not
        ready here; ``crashed`` or ``killed`` by a signal; ``exited`` by itself; ``hung`` without an answer;
        ``protocol``, which it broke.
    :param phase: What the worker was doing, in words: ``loading``.
    :param signal: Name of the signal that ended it: ``SIGSEGV``.
    :param detail: What else is known: the error, the exit status, the time that was waited, that memory ran out.
    """

    kind: OutcomeKind = "ok"
    phase: str = ""
    signal: str = ""
    detail: str = ""

    def __str__(self) -> str:
        words = OUTCOMES[self.kind].format(signal=self.signal, detail=self.detail)
        words += f" ({self.detail})" if self.kind == "killed" and self.detail else ""
        return f"{words} while {self.phase}" if self.phase else words

    @property
    def ok(self) -> bool:
        """Whether it went as planned."""
        return self.kind == "ok"


OUTCOMES: dict[OutcomeKind, str] = {
    "ok": "OK",
    "interrupted": "interrupted",
    "failed": "failed: {detail}",
    "unavailable": "unavailable: {detail}",
    "crashed": "crashed: {signal}",
    "killed": "killed: {signal}",
    "exited": "ended: {detail}",
    "hung": "hung: {detail}",
    "protocol": "broke the protocol: {detail}",
}
"""The words of each kind of outcome."""
