"""The parent's end of a sampler: starts it, hears its reports, and starts it again without a monitor that fails."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import ConfigError, LpbenchError
from lpbench.util import dataclass_config, threads
from lpbench.util.jsonable import to_jsonable
from lpbench.util.processes import Child, ending, python
from lpbench.worker.client import listen
from lpbench.worker.protocol import Channel, ClosedError, ProtocolError, SilenceError
from lpbench.worker.sampler.messages import Assignment, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from lpbench.worker.sampler.messages import Command

LOAD_TIMEOUT = 60.0
"""Seconds that importing a monitor may take: its library may be large."""
WAIT_TIMEOUT = 60.0
"""Seconds between two samples after which a sampler that calls no monitor counts as hung."""
IDLE_TIMEOUT = 86_400.0
MOST_RESTARTS = 3
"""Times that a sampler is started again although no monitor is to blame."""


@dataclass(frozen=True)
class Loss:
    """A monitor that was left out.

    :param monitor: Its name; empty if the sampler itself was lost.
    :param reason: What it did.
    :param at: Seconds on the sampler's clock when it was last heard of.
    :param gap: Seconds until the other monitors were sampled again; 0 if they went on.
    """

    monitor: str
    reason: str
    at: float
    gap: float = 0.0


class Sampler:
    """A live sampler; a context manager that ends it.

    Reports are heard in a thread: samples arrive while the caller waits for a worker.

    :param deadlines: By monitor: seconds that a call of it may take.
    :param take: Called in that thread with each report that holds readings.
    :raises LpbenchError: The system does not start it.
    """

    def __init__(self, assignment: Assignment, deadlines: Mapping[str, float], take: Callable[[Report], None]) -> None:
        self._assignment, self._deadlines, self._take = assignment, deadlines, take
        self.losses: list[Loss] = []
        self._calling, self._step, self._heard = "", "", time.monotonic()
        self._sampling = self._over = False
        self._pending: str = "enter"
        self._restarts = 0
        self._gap: int | None = None
        self._changed = threading.Condition()
        self._start()
        self._listener = threading.Thread(target=self._hear, daemon=True)
        threads.start(self._listener, "the thread that hears a sampler")
        self._wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self, command: Command) -> None:
        """Have the sampler do something, and wait until it has done so; nothing happens where no monitor is left."""
        with self._changed:
            if self._over:
                return
            self._pending = command
            if command in {"sample", "pause"}:
                self._sampling = command == "sample"
            self._send(command)
        self._wait()

    def close(self) -> None:
        """Leave the monitors and end the sampler."""
        with contextlib.suppress(LpbenchError):
            self.command("leave")
        with self._changed:
            self._over = True
        self._child.end()
        self._listener.join(WAIT_TIMEOUT)

    def _wait(self) -> None:
        """Wait until nothing is pending; the listener sees to it that this ends."""
        with self._changed:
            while self._pending and not self._over:
                self._changed.wait()

    def _start(self) -> None:
        pipe = subprocess.PIPE
        self._child = Child(python("-m", "lpbench.worker.sampler"), what="a sampler", streams=(pipe, pipe, pipe))
        process = self._child.process
        assert process.stdin  # noqa: S101 - pipes were asked for
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        self._channel = Channel(process.stdout, process.stdin, self._child.end_stream())
        self._printed = bytearray()
        reader = threading.Thread(target=listen, args=(process.stderr, self._printed), daemon=True)
        threads.start(reader, "the thread that reads what a sampler prints")
        with contextlib.suppress(ClosedError):  # it is heard how it ended
            self._channel.send(to_jsonable(self._assignment), timeout=LOAD_TIMEOUT)

    def _send(self, command: str) -> None:
        with contextlib.suppress(ClosedError, SilenceError):  # it is heard how it ended
            self._channel.send({"command": command}, timeout=LOAD_TIMEOUT)

    def _hear(self) -> None:
        while not self._over:
            self._hear_one()
        self._release()

    def _hear_one(self) -> None:
        try:
            message, _ = self._channel.receive(self._patience())
            self._note(dataclass_config.build(Report, message, where="a sampler's report"))
        except (SilenceError, ClosedError, ProtocolError, ConfigError) as error:
            if not self._over:
                self._recover(error)

    def _release(self) -> None:
        with self._changed:
            self._over, self._pending = True, ""
            self._changed.notify_all()

    def _patience(self) -> float:
        """Return how long the sampler may be silent now."""
        if self._step == "load":
            return LOAD_TIMEOUT
        if self._calling:
            return self._deadlines.get(self._calling, LOAD_TIMEOUT)
        return WAIT_TIMEOUT if self._pending or self._sampling else IDLE_TIMEOUT

    def _note(self, report: Report) -> None:
        self._heard = time.monotonic()
        self._calling, self._step = report.calling, report.step
        if report.failure:
            self._lose(Loss(report.monitor, report.failure, self._heard))
        elif report.monitor:
            self._close_gap()
            self._take(report)
        if report.done:
            with self._changed:
                self._settle(report.done)
                self._changed.notify_all()

    def _settle(self, done: str) -> None:
        """Note that a command is carried out; a sampler that was started again is asked again what the last one was."""
        if done == self._pending:
            self._pending = ""
        elif done == "enter" and self._pending:
            self._send(self._pending)
        elif done == "enter" and self._sampling:
            self._send("sample")

    def _close_gap(self) -> None:
        """Note how long nothing was sampled, at the loss with which that began."""
        if self._gap is not None:
            loss = self.losses[self._gap]
            self.losses[self._gap] = dataclasses.replace(loss, gap=self._heard - loss.at)
            self._gap = None

    def _lose(self, loss: Loss) -> None:
        self.losses.append(loss)
        kept = tuple(each for each in self._assignment.monitors if each.name != loss.monitor)
        self._assignment = dataclasses.replace(self._assignment, monitors=kept)

    def _recover(self, error: LpbenchError) -> None:
        """Note why the sampler is lost, and start another without the monitor that was called."""
        self._gap = len(self.losses) if self._gap is None else self._gap
        self._lose(Loss(self._calling, self._reason(error), self._heard))
        self._restarts += not self._calling
        self._child.end()
        self._channel.close()
        if not self._assignment.monitors or self._restarts > MOST_RESTARTS:
            self._release()
            return
        self._calling, self._step = "", "load"
        try:
            self._start()
        except LpbenchError as failure:
            self._lose(Loss("", str(failure.what), self._heard))
            self._release()
        if self._over:  # it was closed meanwhile
            self._child.end()

    def _reason(self, error: LpbenchError) -> str:
        """Return in words how the sampler was lost."""
        step = self._step or "waiting"
        if isinstance(error, SilenceError):
            return f"{step} gave no answer in {self._patience():g} s"
        if isinstance(error, ClosedError):
            status = self._child.wait(WAIT_TIMEOUT)
            return f"{step} ended the sampler: {'it hangs' if status is None else ending(status)}"
        return f"{step}: {error.what}"
