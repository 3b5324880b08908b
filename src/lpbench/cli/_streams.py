"""The process's standard streams while a command runs: the answer's is kept apart from everybody else's.

Plugins and vendors' libraries print when they are imported, opened and ended.  While a command runs, descriptor 1
and ``sys.stdout`` lead to standard error, and the answer has a stream of its own; so ``--json`` stays JSON.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

STDIN, STDOUT, STDERR = 0, 1, 2
CLOSED = {"stdin": (STDIN, os.O_RDONLY), "stdout": (STDOUT, os.O_RDONLY), "stderr": (STDERR, os.O_WRONLY)}
"""How the null device takes the place of a standard stream that is closed.

Standard output leads to what cannot be written, so that an answer that nobody gets is an error.
"""


class Escaping:
    """A stream on which what others print cannot act on a terminal: only line breaks and tabs stay.

    :param stream: Where it is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text, whatever is unprintable in it escaped."""
        self.stream.write("\n".join("\t".join(map(clean, line.split("\t"))) for line in text.split("\n")))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Lenient:
    """Standard error that may be full, closed or read by nobody: what is lost then is no reason to stop.

    :param stream: Where it is written until that fails.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lost = False

    def write(self, text: str) -> int:
        """Write a text, or lose it."""
        self._try(lambda: self.stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or lose it."""
        self._try(self.stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _try(self, step: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            step()
        except (OSError, ValueError):  # ValueError: it is closed
            self._lost = True
            with contextlib.suppress(OSError, ValueError):
                if self.stream.fileno() == STDERR:
                    abandon(STDERR)


class _State:
    """Where the answer goes while a command runs.

    :ivar answers: The answer's stream; None where it is ``sys.stdout``.
    :ivar own: Whether it has a descriptor of its own, and descriptor 1 leads to standard error.
    """

    answers: TextIO | None = None
    own = False


def kept() -> TextIO | None:
    """Return the stream that is kept for the answer; None where it is ``sys.stdout``."""
    return _State.answers


def raw(stream: TextIO) -> TextIO:
    """Return the stream that an ``Escaping`` one leads to; any other as it is."""
    return stream.stream if isinstance(stream, Escaping) else stream


@contextlib.contextmanager
def kept_for_answers(*, restore: bool = True) -> Iterator[None]:
    """Keep standard output for the answer, and escape what others print on standard error.

    :param restore: Whether standard output is everybody's again afterwards; not where the process ends, since
        libraries print then too.
    """
    stdout, stderr, answers, had_own = sys.stdout, sys.stderr, _State.answers, _State.own
    others = cast("TextIO", Escaping(raw(stderr))) if stderr is not None else None
    own = _take(stdout)
    _State.answers, _State.own = own or stdout, own is not None
    sys.stdout = sys.stderr = cast("TextIO", others)
    try:
        yield
        if _State.answers is not None:
            _State.answers.flush()
    finally:
        _State.answers, _State.own = answers, had_own
        sys.stderr = stderr
        if restore:
            sys.stdout = stdout
        if own is not None:
            _end(own, restore=restore)


@contextlib.contextmanager
def given_back() -> Iterator[None]:
    """Let a plugin's command, which prints for itself, have the standard streams; inside ``kept_for_answers``."""
    answers, stdout, stderr = _State.answers, sys.stdout, sys.stderr
    if answers is None:
        yield
        return
    answers.flush()
    sys.stdout, sys.stderr = answers, raw(stderr)
    if _State.own:
        os.dup2(answers.fileno(), STDOUT)
    try:
        yield
        answers.flush()
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        if _State.own:
            os.dup2(STDERR, STDOUT)


def abandon_output() -> None:
    """Have standard output lead nowhere, unless somebody else's takes its place."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.__stdout__ is not None and sys.__stdout__.fileno() == STDOUT:
            abandon(STDOUT)


def abandon(number: int) -> None:
    """Have a standard stream lead nowhere: Python flushes it once more when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)


@contextlib.contextmanager
def lenient_errors(*, restore: bool) -> Iterator[None]:
    """Have standard error forgive what cannot be written, and standard streams that were closed opened again.

    :param restore: Whether standard error is as it was afterwards; not where the process ends.
    """
    _reopen()
    before = sys.stderr
    sys.stderr = cast("TextIO", Lenient(before))
    try:
        yield
    finally:
        if restore:
            sys.stderr = before


def _reopen() -> None:
    """Open what was closed when the process began: the next file would take its number, and be written to."""
    for name, (number, flags) in CLOSED.items():
        if getattr(sys, f"__{name}__") is None and getattr(sys, name) is None and not _is_open(number):
            os.open(os.devnull, flags)  # it gets the lowest number that is free
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _take(stdout: TextIO) -> TextIO | None:
    """Have descriptor 1 lead to standard error, and return a stream that leads where it did; None if it is not ours."""
    try:
        if stdout is not sys.__stdout__ or stdout.fileno() != STDOUT:
            return None
        stdout.flush()
        os.fstat(STDERR)
        private = os.dup(STDOUT)
    except (OSError, ValueError, AttributeError):  # standard output or standard error is closed
        return None
    os.dup2(STDERR, STDOUT)
    return open(private, "w", encoding=stdout.encoding, errors=stdout.errors)  # noqa: PTH123 - see _end


def _end(own: TextIO, *, restore: bool) -> None:
    """Close our stream."""
    if restore:
        os.dup2(own.fileno(), STDOUT)
    with contextlib.suppress(OSError):  # what could not be written was an error already
        own.close()
