"""Loggers."""

from __future__ import annotations

import sys
import weakref

from ._enums import Severity
from ._native import WARNING, Enumeration, Interface

_first: weakref.ref[ILogger] | None = None


class ILogger(Interface):
    Severity = Severity
    INTERNAL_ERROR = Severity.INTERNAL_ERROR
    ERROR = Severity.ERROR
    WARNING = Severity.WARNING
    INFO = Severity.INFO
    VERBOSE = Severity.VERBOSE

    def log(self, severity: Enumeration, msg: str) -> None:
        raise RuntimeError('Tried to call pure virtual function "ILogger::log"')

    def say(self, severity: int, text: str) -> None:
        """Hand a message to the implementation, whose exceptions the library survives."""
        try:
            self.log(Severity(severity), text)
        except Exception as error:  # noqa: BLE001 - as bindings do
            sys.stderr.write(f"[ERROR] Exception caught in log(): {error}\n")


class Logger(ILogger):
    """A logger that prints."""

    def __init__(self, min_severity: Enumeration = Severity.WARNING) -> None:
        super().__init__()
        self.min_severity = min_severity

    def log(self, severity: Enumeration, msg: str) -> None:
        if severity.value <= self.min_severity.value:
            sys.stderr.write(f"[TRT] [{severity.name[0]}] {msg}\n")


def taken(logger: object, name: str) -> ILogger:
    """Return a logger that a builder or runtime may use, and warn where it is not the first one.

    :raises TypeError: If it is none.
    """
    global _first  # noqa: PLW0603 - the library has one logger for all
    if not isinstance(logger, ILogger):
        raise TypeError(f"{name}.__init__(): incompatible constructor arguments.")
    known = _first() if _first else None
    if known is None:
        _first = weakref.ref(logger)
    elif known is not logger:
        text = f"The logger passed into create{name} differs from one already provided for an existing builder, runtime"
        logger.say(WARNING, f"{text}, or refitter. Uses of the global logger will return the existing value.")
    return logger
