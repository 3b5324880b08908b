"""Signals at random moments of a benchmark of three engines: nothing is lost, nothing is left, nothing is garbled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import scene
from tests.attack.kinds import CrashedError, Kind, WrongError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

    from tests.attack.scene import Ended

WORKER_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT)
PARENT_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
GAP = 1.5
"""Most seconds between two Ctrl-C."""
WORKER_WAIT = 20.0
DONE, NOTHING = 0, 3
LOCKSTEP = ("--max-time", "3")


class Kills(Kind):
    """Base of the kinds that kill something while a benchmark runs."""

    needs: ClassVar[tuple[str, ...]] = ("numpy",)
    kills: ClassVar[float] = 1.0
    weight: ClassVar[float] = 12.0
    patience: ClassVar[float] = 300.0
    starts: ClassVar[bool] = True

    def __init__(self, home: Path) -> None:
        """Run once undisturbed: how long that takes, and what it leaves."""
        super().__init__(home)
        self.scene = scene.Scene(home)
        begun = time.monotonic()
        scene.sound(self.scene, self.scene.run(*self.scene.measuring()), (DONE,))
        self.seconds = time.monotonic() - begun
        for words in (("results", "--json"), ("show", "last", "--json")):
            scene.sound(self.scene, self.scene.run(*words), (DONE,))
        self.usual = self.scene.paths()
        self.scene.mark.end()

    def plan(self, random: Random) -> dict[str, Any]:
        """Return what is done to the benchmark."""
        raise NotImplementedError

    def blow(self, plan: dict[str, Any], process: subprocess.Popen[bytes]) -> bool:
        """Do it; say whether it hit.

        :raises TimeoutError: The command had ended.
        """
        raise NotImplementedError

    def judge(self, plan: dict[str, Any], ended: Ended) -> None:
        """Require what must be so after it."""
        raise NotImplementedError

    def write(self, random: Random, folder: Path) -> None:
        """Write what is done, when, and to what kind of benchmark."""
        plan = {"moment": random.random(), "lockstep": random.random() < 0.5, **self.plan(random)}
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Measure, do it, and look."""
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self.scene.clear()
        words = self.scene.measuring()
        process = self.scene.start(
            *(words[:-4] if plan["lockstep"] else words), *(LOCKSTEP if plan["lockstep"] else ())
        )
        hit = False
        with contextlib.suppress(TimeoutError):
            _wait(process, plan["moment"] * self.seconds)
            hit = self.blow(plan, process)
        ended = self.scene.wait(process, self.patience / 2)
        (folder / "err.txt").write_text(ended.err, encoding="utf-8")
        self.judge(plan, ended)
        scene.nothing_lost(self.scene, ended.err)
        scene.nothing_left(self.scene, self.usual)
        if hit:
            raise CrashedError
        return ()


class Workers(Kills):
    """A worker is killed: the others go on, and their runs are kept."""

    name: ClassVar[str] = "kill-worker"

    def plan(self, random: Random) -> dict[str, Any]:
        """Choose a signal, and a worker by its place among those that live."""
        return {"signal": random.choice(WORKER_SIGNALS).name, "which": random.random()}

    def blow(self, plan: dict[str, Any], process: subprocess.Popen[bytes]) -> bool:
        """Kill a worker, the first that lives if none does at the moment."""
        late = time.monotonic() + WORKER_WAIT
        while not (pids := self.scene.workers()) and process.poll() is None and time.monotonic() < late:
            time.sleep(0.01)
        return bool(pids) and _send(sorted(pids)[int(plan["which"] * len(pids))], plan["signal"])

    def judge(self, plan: dict[str, Any], ended: Ended) -> None:
        """Require a result with all runs of all configurations but at most one."""
        scene.sound(self.scene, ended, (DONE, NOTHING))
        shown = self.scene.run("show", "last", "--json")
        scene.sound(self.scene, shown, (DONE,))
        document = shown.documents()
        hurt = [
            each["label"]
            for each in document["configurations"]
            if any(run["outcome"]["kind"] != "ok" for run in each["runs"])
        ]
        empty = [
            each["label"] for each in document["configurations"] if not any(run["samples"] for run in each["runs"])
        ]
        if len({*hurt, *empty}) > 1:
            raise WrongError(f"one worker was killed, and several configurations suffered\n{hurt} {empty}\n{ended.err}")


class Parents(Kills):
    """The command itself is killed: finished runs are kept, its workers and what they started end."""

    name: ClassVar[str] = "kill-parent"

    def plan(self, random: Random) -> dict[str, Any]:
        """Choose a signal."""
        return {"signal": random.choice(PARENT_SIGNALS).name}

    def blow(self, plan: dict[str, Any], process: subprocess.Popen[bytes]) -> bool:
        """Kill it."""
        return _send(process.pid, plan["signal"])

    def judge(self, plan: dict[str, Any], ended: Ended) -> None:
        """Require the signal's exit status, or that of a command that had ended."""
        number = int(signal.Signals[plan["signal"]])
        scene.sound(self.scene, ended, (DONE, -number, 128 + number))


class Interrupts(Kills):
    """Ctrl-C, and again while the first one is being dealt with."""

    name: ClassVar[str] = "ctrl-c-twice"
    kills: ClassVar[float] = 0.4

    def plan(self, random: Random) -> dict[str, Any]:
        """Choose how long the second one waits."""
        return {"gap": random.random() ** 2 * GAP}

    def blow(self, plan: dict[str, Any], process: subprocess.Popen[bytes]) -> bool:
        """Press it twice."""
        _send(process.pid, "SIGINT")
        _wait(process, plan["gap"])
        return _send(process.pid, "SIGINT")

    def judge(self, plan: dict[str, Any], ended: Ended) -> None:
        """Require the exit status of Ctrl-C, or that of a command that had ended."""
        scene.sound(self.scene, ended, (DONE, 130))


def _send(pid: int, name: str) -> bool:
    """Send a signal; say whether there was somebody to send it to."""
    try:
        os.kill(pid, signal.Signals[name])
    except ProcessLookupError:
        return False
    return True


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait so long, or until the process ends, which is a TimeoutError: there is nothing left to kill."""
    late = time.monotonic() + seconds
    while time.monotonic() < late:
        if process.poll() is not None:
            raise TimeoutError
        time.sleep(0.005)


KINDS = (Workers, Parents, Interrupts)
