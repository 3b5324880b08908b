"""Commands of the system that tell something, such as ``vcgencmd measure_temp``; none can make asking raise.

They belong to the process that asks, and end with it as ``lpbench.util.processes`` describes.  That module starts a
guardian for each program, which takes more time than a sensor's answer is worth.
"""

from __future__ import annotations

import abc
import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO

from lpbench.util.processes import cannot_start, ending, program
from lpbench.util.unavailable import Unavailable

LONGEST = 1 << 20
"""Bytes of an answer that are read, and of a line of a stream that are kept."""
END_TIMEOUT = 1.0
PIECE = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status.

    :param status: Negative where a signal ended it.
    :param output: What it printed; of one that failed without output, its errors.
    """

    words: tuple[str, ...]
    status: int
    output: str

    def outcome(self) -> str | Unavailable:
        """Return the output, or why it counts for nothing: the exit status, with the last line."""
        if not self.status:
            return self.output
        last = self.output.strip().splitlines()[-1:]
        return Unavailable(
            ": ".join([_shown(self.words), ending(self.status), *(line[:200] for line in last)]), "failed"
        )


class Stream(abc.ABC):
    """A command that goes on printing until it is closed."""

    @abc.abstractmethod
    def lines(self) -> list[str]:
        """Return the lines that were completed since the last call, without waiting for more."""

    @abc.abstractmethod
    def ended(self) -> str:
        """Return how it ended by itself: ``exit status 1``; empty while it runs."""

    @abc.abstractmethod
    def close(self) -> None:
        """End it; twice is allowed."""


class Commands(abc.ABC):
    """Runs commands of a machine, in the C locale."""

    @abc.abstractmethod
    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return what a command prints, or why there is no answer: not installed, an exit status, too slow.

        :param words: The program's name and its arguments.
        :param timeout: Seconds after which it is ended.
        """

    @abc.abstractmethod
    def follow(self, *words: str) -> Stream | Unavailable:
        """Start a command that goes on printing, or return why it cannot be started."""

    @abc.abstractmethod
    def installed(self, name: str) -> bool:
        """Return whether a program of this name can be run."""


class SystemCommands(Commands):
    """Commands of this machine."""

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return what a command prints, or why there is no answer."""
        answer = self.answer(*words, timeout=timeout)
        return answer if isinstance(answer, Unavailable) else answer.outcome()

    def answer(self, *words: str, timeout: float = 5.0) -> Answer | Unavailable:
        """Return what a command prints and its exit status, or why it did not come to one."""
        process = _start(words, subprocess.PIPE)
        if isinstance(process, Unavailable):
            return process
        try:
            output, errors = _communicate(process, time.monotonic() + timeout)
            status = process.wait(timeout)
        except (TimeoutError, subprocess.TimeoutExpired):
            return Unavailable(f"{_shown(words)} did not answer within {timeout:g} s", "failed")
        except OverflowError:
            return Unavailable(f"{_shown(words)} printed more than {LONGEST >> 20} MiB", "failed")
        finally:
            _end(process)
        return Answer(words, status, errors if status and errors.strip() else output)

    def follow(self, *words: str) -> Stream | Unavailable:
        """Start a command that goes on printing."""
        process = _start(words, subprocess.DEVNULL)
        return process if isinstance(process, Unavailable) else _Following(process)

    def installed(self, name: str) -> bool:
        """Return whether an absolute folder of ``PATH`` has a program of this name."""
        return bool(program(name))


class _Following(Stream):
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout  # noqa: S101 - a pipe was asked for
        self._process, self._output = process, process.stdout
        self._rest = b""
        os.set_blocking(self._output.fileno(), False)

    def lines(self) -> list[str]:
        """Return the complete lines that are there."""
        with contextlib.suppress(BlockingIOError, ValueError):  # nothing there yet; closed
            while len(self._rest) < LONGEST and (part := os.read(self._output.fileno(), PIECE)):
                self._rest += part
        complete, newline, rest = self._rest.rpartition(b"\n")
        self._rest = b"" if len(rest) >= LONGEST else rest  # a line without end is no line
        return complete.decode("utf-8", "replace").splitlines() if newline else []

    def ended(self) -> str:
        """Return how it ended by itself."""
        status = self._process.poll()
        return "" if status is None else ending(status)

    def close(self) -> None:
        """End it."""
        _end(self._process)


def _start(words: tuple[str, ...], errors: int) -> subprocess.Popen[bytes] | Unavailable:
    path = program(words[0])
    if not path:
        return Unavailable(f"not installed: {words[0]}", "not-installed")
    try:
        return subprocess.Popen(
            [path, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            env={**os.environ, "LC_ALL": "C", "LANG": "C"},
            start_new_session=True,  # what it starts is ended with it
        )
    except OSError as error:
        return Unavailable(str(cannot_start(words[0], error).what), "failed")


def _communicate(process: subprocess.Popen[bytes], deadline: float) -> tuple[str, str]:
    """Return standard output and error of a process that ends by itself.

    :raises TimeoutError: It does not.
    :raises OverflowError: It prints too much.
    """
    printed: dict[IO[bytes], bytearray] = {each: bytearray() for each in (process.stdout, process.stderr) if each}
    with selectors.DefaultSelector() as selector:
        for stream in printed:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                stream = next(each for each in printed if each is key.fileobj)
                part = os.read(key.fd, PIECE)
                printed[stream] += part
                if not part:
                    selector.unregister(stream)
                if len(printed[stream]) > LONGEST:
                    raise OverflowError
    output, errors = (bytes(each).decode("utf-8", "replace") for each in printed.values())
    return output, errors


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its session, and close its pipes."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in filter(None, (process.stdout, process.stderr)):
        stream.close()


def _shown(words: tuple[str, ...]) -> str:
    return " ".join(words)
