"""What TensorRT says.  Its functions return None or False; the reason stands in the log alone."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.untrusted import shorten
from lpbench_trt._library import library, trt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
KEPT = 64
"""Messages of each kind that are kept, the latest."""
LENGTH = 1000
"""Characters of a message that are kept."""
SHOWN = 3
"""Different messages that an error quotes."""


class Log(trt.ILogger):
    """Keeps errors and warnings; TensorRT's own threads write into it.

    TensorRT keeps the first logger of a process and ignores all others, so there is one: ``log()``.
    """

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self._lock = threading.Lock()
        self._errors: deque[str] = deque(maxlen=KEPT)
        self._warnings: deque[str] = deque(maxlen=KEPT)
        self._hearer: Callable[[], None] | None = None

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Keep a message; called by TensorRT."""
        if self._hearer is not None:
            self._hearer()
        kinds = trt.ILogger.Severity
        if severity in {kinds.INTERNAL_ERROR, kinds.ERROR}:
            kept = self._errors
        elif severity == kinds.WARNING:
            kept = self._warnings
        else:
            return
        with self._lock:
            kept.append(shorten(str(msg).strip(), LENGTH))

    @property
    def errors(self) -> list[str]:
        """The errors since ``clear``, the oldest first, each message once."""
        with self._lock:
            return list(dict.fromkeys(self._errors))

    @property
    def warnings(self) -> list[str]:
        """The warnings since ``clear``, likewise."""
        with self._lock:
            return list(dict.fromkeys(self._warnings))

    def clear(self) -> None:
        """Forget what was said, before a call whose failure is to be explained."""
        with self._lock:
            self._errors.clear()
            self._warnings.clear()

    @contextlib.contextmanager
    def heard_by(self, hearer: Callable[[], None]) -> Iterator[None]:
        """Call a function for each message of any kind while the block runs: TensorRT is alive.

        :param hearer: Must not raise; is called in TensorRT's threads.
        """
        self._hearer = hearer
        try:
            yield
        finally:
            self._hearer = None

    def last(self) -> str:
        """Return the latest error, or else the latest warning; empty if there is none."""
        return next(iter((self.errors or self.warnings)[-1:]), "")

    def made(self, thing: T | None, what: str) -> T:
        """Return what the library was to make; where it makes something else than None, that is it.

        :param what: Its name in words.
        :raises EngineError: It is None; with the library's reason.
        """
        if thing is None:
            raise self.explained(f"cannot make {what}")
        return thing

    def explained(self, what: str, where: str = "", hint: str = "") -> EngineError:
        """Return an error for a call that failed, with the library's reason.

        :param what: What failed, without the reason.
        """
        reasons = self.errors[:SHOWN] or self.warnings[-1:] or ["it gives no reason"]
        return EngineError(f"{what}: {library().called}: {'; '.join(reasons)}", where=where, hint=hint)


@functools.cache
def log() -> Log:
    """Return the log of this process."""
    return Log()
