"""The parent's end of a worker process: start it, ask it, and say how it ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeVar

from lpbench.errors import LpbenchError, WorkerError, setting
from lpbench.util import guardian, threads
from lpbench.util.interpreters import INHERITED
from lpbench.util.outcome import RunOutcome
from lpbench.util.process_state import is_stopped, oom_kills
from lpbench.util.processes import Child, last_words, python, signal_name
from lpbench.worker import wire
from lpbench.worker.hello import introduced
from lpbench.worker.protocol import VERSION, Channel, ClosedError, Message, ProtocolError, SilenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from lpbench.plugin.progress import Listener
    from lpbench.util.interpreters import Interpreter
    from lpbench.worker.requests import Request

A = TypeVar("A")

START_TIMEOUT = 60.0
END_TIMEOUT = 5.0
SUSPEND_TIMEOUT, SUSPEND_STEP = 1.0, 0.0002
"""Seconds that stopping a worker may take, and how often it is looked at: it takes some 0.1 ms."""
NEEDED = ((signal, ("SIGSTOP", "SIGCONT", "SIGKILL")), (os, ("killpg",)), (select, ("poll",)))
"""What workers need of the system; Windows has none of it."""
TAIL = 40
"""Lines of a worker's standard error that ``stderr_tail`` returns."""
PIECE, KEPT = 1 << 16, 160_000
"""Bytes of its standard error that are read at a time, and that are kept."""
OUT_OF_MEMORY = "the system ran out of memory"
FROM_OUTSIDE = "something outside lpbench ended it; where memory ran out, the kernel's log says so (dmesg)"


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker process runs.

    :param environment: Variables set before anything is imported.
    :param affinity: Cores that it may use; empty leaves it to the system.
    :param priority: Niceness from -20 (first) to 19 (last), or None.
    :param timeout: Seconds without an answer after which it counts as hung.
    :param drop: Beginnings of variables that it does not inherit.
    :param interpreter: The Python of another environment, whose lpbench it runs; None is this one's.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    affinity: Sequence[int] = ()
    priority: int | None = None
    timeout: float = 300.0
    drop: tuple[str, ...] = ()
    interpreter: Interpreter | None = None

    def command(self) -> list[str]:
        """Return the command line of the process."""
        words = ("-m", "lpbench.worker")
        return self.interpreter.command(*words) if self.interpreter else python(*words)

    def variables(self) -> dict[str, str]:
        """Return the environment that the process is started with."""
        drop = (*self.drop, *(INHERITED if self.interpreter else ()))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(drop or "=")}
        return {**kept, **self.environment, "PYTHONUNBUFFERED": "1"}


def require_processes() -> None:
    """Refuse systems whose processes cannot be suspended, ended as a group or waited for as workers need it.

    :raises LpbenchError: The error names what is missing.
    """
    lacking = [name for module, names in NEEDED for name in names if not hasattr(module, name)]
    if lacking:
        raise LpbenchError(
            f"worker processes do not run on this system: it has no {', '.join(lacking)}",
            hint="lpbench run --no-isolate, or isolate=False in Python, measures in the calling process",
        )


class Worker:
    """A live worker process; a context manager that ends it.

    :raises WorkerError: It did not start, or cannot run as the options say.
    :raises LpbenchError: The system cannot run workers.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self._suspended = False
        self._ended: WorkerError | None = None
        require_processes()
        self._oom_kills = oom_kills()
        pipe = subprocess.PIPE
        try:
            self._child = Child(
                options.command(),
                what="a worker",
                streams=(pipe, pipe, pipe),
                variables=options.variables(),
            )
        except LpbenchError as error:
            raise _unstarted(error) from error
        self._pid = self._child.pid
        self._process = self._child.process
        assert self._process.stdin  # noqa: S101 - pipes were asked for
        assert self._process.stdout  # noqa: S101
        assert self._process.stderr  # noqa: S101
        self._channel = Channel(self._process.stdout, self._process.stdin, self._child.end_stream())
        self._printed = bytearray()
        # Somebody has to read on: a full pipe would block a vendor that prints, and the worker would look hung.
        self._listener = threading.Thread(target=listen, args=(self._process.stderr, self._printed), daemon=True)
        try:
            threads.start(self._listener, "the thread that reads what a worker prints")
        except LpbenchError as error:
            self.kill()
            raise _unstarted(error) from error
        try:
            self._greet()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The worker's process id, which is its group's and session's too."""
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._ended is None and self._child.ended() is None

    @property
    def stderr_tail(self) -> str:
        """The last lines that the worker and the libraries in it printed."""
        return b"".join(bytes(self._printed).splitlines(keepends=True)[-TAIL:]).decode(errors="replace")

    def request(
        self, request: Request[A], phase: str = "", timeout: float | None = None, hear: Listener | None = None
    ) -> A:
        """Have the runner in the worker do something and return its answer.

        :param phase: What it is asked for, in words, for the outcome if the worker ends; by default the request's own.
        :param timeout: Seconds until the request is taken and, again, until a sign of life: the answer, or progress.
        :param hear: Called with what plugins report of their progress, if the request lets them.
        :raises WorkerError: The worker ended or stopped answering; it is gone afterwards.
        :raises LpbenchError: The worker is well and refuses.
        """
        if self._ended is not None:
            raise self._ended
        seconds = timeout or self.options.timeout
        self._resume()
        try:
            self._channel.send(wire.encode_request(request), timeout=seconds)
            message, block = self._heard(request, seconds, hear)
            if "error" not in message:
                return wire.decode_answer(request, message.get("answer"), block)
        except (ClosedError, SilenceError, ProtocolError) as error:
            raise self._end_of(error, phase or request.phase, seconds) from None
        except KeyboardInterrupt:
            self._abandon()
            raise
        raise wire.decode_error(message["error"])

    def _heard(self, request: Request[Any], seconds: float, hear: Listener | None) -> tuple[Message, bytes]:
        """Return the frame that answers; pass on the progress before it."""
        while True:
            message, block = self._channel.receive(seconds)
            if wire.PROGRESS not in message:
                return message, block
            activity = wire.decode_activity(request, message, block)
            try:
                if hear is not None:
                    hear(activity)
            except Exception:
                self._abandon()
                raise

    def _abandon(self) -> None:
        """End a worker whose answer may still come: nobody may take it for that to another question."""
        self._ended = WorkerError("the worker was interrupted", outcome=RunOutcome("interrupted"))
        self.kill()

    def suspend(self) -> None:
        """Stop the worker's threads where they are until it is asked again.

        An idle thread pool spins for a while, on a core that another worker needs.
        """
        if self._child.ended() is not None:  # its number may be another's; whoever asks it is told how it ended
            return
        with contextlib.suppress(ProcessLookupError):
            # SIGSTOP waits for nothing and changes no setting of an engine, as a shorter spin of its threads would.
            os.killpg(self.pid, signal.SIGSTOP)
            self._suspended = True
            late = time.monotonic() + SUSPEND_TIMEOUT  # a thread that is stuck in a driver cannot be stopped
            while not is_stopped(self.pid) and time.monotonic() < late:
                time.sleep(SUSPEND_STEP)

    def _resume(self) -> None:
        if self._suspended and self._child.ended() is None:
            self._suspended = False
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Let the worker end by itself; kill it if it does not."""
        self._resume()
        self._channel.close_writer()
        try:
            self._child.wait(END_TIMEOUT)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the worker and what it started, at once."""
        self._child.end()
        if self._listener.ident:  # it was started
            self._listener.join(1.0)
        self._channel.close()
        if self._process.stderr:
            with contextlib.suppress(OSError):
                self._process.stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _greet(self) -> None:
        try:
            hello = self._channel.receive_first(START_TIMEOUT)
            self._pid = introduced(hello, self.options.interpreter)
            settings = {"affinity": list(self.options.affinity), "priority": self.options.priority}
            hello = {"hello": VERSION, "environment": dict(self.options.environment), **settings}
            self._channel.send(hello, timeout=START_TIMEOUT)
            answer, _ = self._channel.receive(START_TIMEOUT)
        except (ClosedError, SilenceError, ProtocolError) as error:
            raise self._end_of(error, "starting", START_TIMEOUT) from None
        if "error" in answer:
            raise wire.decode_error(answer["error"])

    def _end_of(self, error: LpbenchError, phase: str, timeout: float) -> WorkerError:
        """Return how the worker ended; it is gone afterwards."""
        try:
            if isinstance(error, SilenceError):
                outcome = RunOutcome("hung", phase, detail=f"no answer in {timeout:g} s")
            elif isinstance(error, ProtocolError):
                outcome = RunOutcome("protocol", phase, detail=error.what)
            else:
                outcome = self._exit(phase)
        finally:  # gone in any case: after half an answer nobody knows what the next frame belongs to
            self.kill()
        hint = self._remedy(outcome, timeout)
        self._ended = WorkerError(f"the worker {outcome}", outcome=outcome, hint=hint)
        return self._ended

    def _remedy(self, outcome: RunOutcome, timeout: float) -> str:
        if outcome.kind == "hung":
            return f"{setting('timeout', 2 * timeout)} allows it more time"
        if outcome.signal == "SIGKILL":
            return FROM_OUTSIDE
        return self._last_line() or "it printed nothing"

    def _last_line(self) -> str:
        return last_words(self.stderr_tail)

    def _exit(self, phase: str) -> RunOutcome:
        status = self._child.wait(END_TIMEOUT)
        if status is None:
            return RunOutcome("exited", phase, detail="it closed its connection")
        if status == guardian.CANNOT_START:
            self._listener.join(1.0)
            return RunOutcome("failed", phase, detail=self._last_line())
        if status >= 0:
            return RunOutcome("exited", phase, detail=f"exit status {status}")
        name = signal_name(-status)
        memory = OUT_OF_MEMORY if name == "SIGKILL" and oom_kills() > self._oom_kills else ""
        return RunOutcome("killed" if name in {"SIGKILL", "SIGTERM"} else "crashed", phase, name, memory)


def listen(stream: IO[bytes], printed: bytearray) -> None:
    """Keep the end of what a worker prints; reads on so that it never blocks.

    :param stream: It is unbuffered, so reading it by lines would take one system call for each byte.
    """
    with contextlib.suppress(OSError, ValueError):  # closed while reading
        while piece := stream.read(PIECE):
            printed += piece
            del printed[:-KEPT]


def _unstarted(error: LpbenchError) -> WorkerError:
    return WorkerError(error.what, outcome=RunOutcome("failed", "starting", detail=error.what), hint=error.hint)
