"""The errors that lpbench raises; each names what is wrong, where, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


class LpbenchError(Exception):
    """Base of every error that lpbench raises on purpose.

    :param what: What is wrong, naming the thing.
    :param where: The place: a file, a path inside a file, an option.
    :param hint: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.what}{remedy}"


class EngineError(LpbenchError):
    """An engine refused the model, its config or an input."""


class UnavailableEngineError(EngineError):
    """An engine is known and not ready here.

    :param reason: Why.
    :param engine: Its name.
    """

    def __init__(self, reason: str, *, engine: str = "", where: str = "", hint: str = "") -> None:
        what = f'engine "{engine}" is not ready: {reason}' if engine else reason
        super().__init__(what, where=where, hint=hint)
        self.reason = reason


class ProcessorError(LpbenchError):
    """A pre- or postprocessor refused its config or a sample."""


class ConfigError(LpbenchError):
    """A configuration has an unknown key or a wrong value."""


class AppError(LpbenchError):
    """An AI app is missing, incomplete or contradicts itself."""


class PluginError(LpbenchError):
    """A plugin could not be used."""


class DuplicateNameError(PluginError):
    """Two plugins offer the same name."""


class UnknownNameError(LpbenchError):
    """No plugin offers the requested name."""


class NotInstalledError(UnknownNameError):
    """The name is known, but the plugin that offers it is not installed."""


class PullError(LpbenchError):
    """A catalogue entry could not be fetched or built."""


class ConversionError(LpbenchError):
    """A model could not be converted, or the converted model does not compute what its source does."""


class ResultError(LpbenchError):
    """A result file cannot be read or written."""


OutcomeKind = Literal["ok", "interrupted", "failed", "unavailable", "crashed", "killed", "exited", "hung", "protocol"]


@dataclass(frozen=True)
class RunOutcome:
    """How a run or a worker ended.

    :param kind: ``ok``; ``interrupted`` by Ctrl-C; ``failed``, with an error; ``unavailable``, the engine is not
        ready here; ``crashed`` or ``killed`` by a signal; ``exited`` by itself; ``hung`` without an answer;
        ``protocol``, which it broke.
    :param phase: What the worker was doing, in words: ``loading``.
    :param signal: Name of the signal that ended it: ``SIGSEGV``.
    :param detail: What else is known: the error, the exit status, the time that was waited.
    """

    kind: OutcomeKind = "ok"
    phase: str = ""
    signal: str = ""
    detail: str = ""

    def __str__(self) -> str:
        words = OUTCOMES[self.kind].format(signal=self.signal, detail=self.detail)
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


class WorkerError(LpbenchError):
    """A worker process ended or stopped answering, or refuses a request that makes no sense."""

    def __init__(self, what: str, *, outcome: RunOutcome | None = None, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.outcome = RunOutcome("failed", detail=what) if outcome is None else outcome


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest of ``known``, or lists them all if none is near."""
    import difflib  # costs start-up time and is needed only for errors

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(names)}" if names else "none are known"
