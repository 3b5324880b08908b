"""Attacks one kind of reader in a child process: follows it, ends it when it hangs, starts it anew when it died."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attack import sandbox
from tests.attack.child import FAILED, NOTE
from tests.attack.kinds import ROOT, kinds
from tests.attack.tally import Failure, Tally, keep

from lpbench.testing import _marked
from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 600.0
"""How long a child may take to make its seeds."""
MARK = "LPBENCH_ATTACK_CHILD"
TRACE_SECONDS = 0.5
SLICE = 0.2
"""Seconds between two looks at the time and at Ctrl-C."""
SEVERAL = 1_000_000
"""Mutants where only the time is bounded."""


@dataclass(frozen=True)
class Order:
    """What to attack, and how much.

    :param mutants: How many; None for as many as the time allows.
    :param only: The one mutant to repeat, or None.
    :param kept: Folder for the files of mutants that failed.
    """

    kind: str
    seed: int
    mutants: int | None
    deadline: float
    kept: Path
    only: int | None = None

    def repeat(self, index: int) -> str:
        """Return the command that repeats one mutant."""
        return f"make attack KINDS={self.kind} SEED={self.seed} MUTANT={index}"


def attack(order: Order, tally: Tally, stop: Callable[[], bool]) -> None:
    """Attack a kind until its mutants or its time are used up.

    :param tally: Is updated meanwhile.
    :param stop: Says whether to end early.
    """
    first = order.only or 0
    end = first + 1 if order.only is not None else order.mutants or SEVERAL
    while first < end and time.monotonic() < order.deadline and not stop() and not tally.note:
        with tempfile.TemporaryDirectory(prefix="lpbench-attack-", ignore_cleanup_errors=True) as home:
            first = _Child(order, Path(home), first, end).follow(tally, stop)


class _Child:
    """A child and what it says.

    :param home: The only folder in which it may write.
    """

    def __init__(self, order: Order, home: Path, first: int, end: int) -> None:
        self._order = order
        self._home = home
        self._next = first
        self._end = end
        self._over = self._hangs = self._started = False
        self._patience = kinds()[order.kind].patience
        self._mark = _marked.new(MARK)
        (home / "tmp").mkdir()
        reader, writer = os.pipe()
        self._reader = reader
        self._log = (home / "log.txt").open("w+b")
        command = [sys.executable, "-m", "tests.attack.child", order.kind, *map(str, (order.seed, first, end, writer))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, pass_fds=[writer], cwd=ROOT,
            env={**_environment(home), **self._mark.variable}, start_new_session=True,
        )  # fmt: skip
        os.close(writer)

    def follow(self, tally: Tally, stop: Callable[[], bool]) -> int:
        """Count what it says until it ends; returns the next mutant's number.

        :raises RuntimeError: It ended before its seeds were made.
        """
        with self._ending():
            for found in self._answers(stop):
                if NOTE in found:
                    tally.note = found[NOTE]
                    return self._end
                self._next = found["index"] + 1
                if found["outcome"] == FAILED:
                    self._failed(tally, found["index"], found["cause"], found["trace"])
                    self._go_on()
                else:
                    tally.count(found["outcome"])
            if self._next < self._end and not self._over:
                self._died(tally)
        return self._next

    def _answers(self, stop: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        rest, late = b"", time.monotonic() + START_SECONDS
        while not self._over:
            ready, _, _ = select.select([self._reader], [], [], SLICE)
            now = time.monotonic()
            self._over = stop() or now > self._order.deadline
            if not ready and now > late and not self._over:
                self._hangs = True
                self._ask_for_stack()
                return
            if ready:
                part = os.read(self._reader, 1 << 16)
                if not part:
                    return
                *lines, rest = (rest + part).split(b"\n")
                yield from filter(None, map(json.loads, lines))
                self._started, late = True, now + self._patience

    def _go_on(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def _ask_for_stack(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._process.pid, signal.SIGUSR1)
        time.sleep(TRACE_SECONDS)

    def _died(self, tally: Tally) -> None:
        """Blame the mutant that the child was at."""
        if not self._hangs:
            self._process.wait()
        self._log.seek(0)
        trace = self._log.read().decode(errors="replace")
        if not self._started:
            raise RuntimeError((trace.strip().splitlines() or ["its process ended"])[-1])
        ended = (
            f"no answer in {self._patience:g} s"
            if self._hangs
            else f"the process {processes.ending(self._process.returncode)}"
        )
        self._failed(tally, self._next, f"{ended}{_innermost(trace)}", trace[-3000:])
        self._next += 1

    def _failed(self, tally: Tally, index: int, cause: str, trace: str) -> None:
        failure = Failure(self._order.kind, cause, trace, self._order.repeat(index))
        if tally.fail(failure) and (self._home / "mutant").is_dir():
            failure.files = keep(self._home / "mutant", self._order.kept / f"{self._order.kind}-{index}")

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._mark.end()  # what it started and did not end
            os.close(self._reader)
            self._log.close()
            assert self._process.stdin
            with contextlib.suppress(OSError):
                self._process.stdin.close()


def _environment(home: Path) -> dict[str, str]:
    folders = {
        "HOME": "home",
        "XDG_CACHE_HOME": "cache",
        "XDG_DATA_HOME": "data",
        "XDG_CONFIG_HOME": "config",
        "TMPDIR": "tmp",
    }
    own = {name: str(home / folder) for name, folder in folders.items()}
    # what the mutants decide shall not depend on how texts are hashed
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    user = {sandbox.CACHE: str(sandbox.users_cache().parent), sandbox.HOME: str(home)}
    return {**os.environ, **own, **fixed, **user}


def _innermost(trace: str) -> str:
    """Return the innermost line of Python in what faulthandler wrote; empty if it wrote none."""
    lines = [line.strip() for line in trace.splitlines() if line.strip().startswith("File ")]
    ours = [line for line in lines if "/lpbench" in line]
    found = (ours or lines)[:1]
    return f" at {found[0].rpartition('/')[2]}" if found else ""
