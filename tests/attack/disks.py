"""Full disks: each command says so, ends with a documented status, and leaves nothing half-written."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import scene
from tests.attack.kinds import Kind, WrongError

from lpbench.errors import LpbenchError
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

SIZE = 2 << 20
"""Bytes of the disk."""
UNKNOWN = 350_000
"""Bytes that a command writes, where no small disk can be mounted that would tell."""
BLOCK = 4096
NEW_MOUNTS = 0x20000
"""CLONE_NEWNS of unshare(2)."""
STATUSES = (0, 1, 2, 3)
FORMULA = {"inputs": [{"name": "x", "shape": [1, 300]}], "outputs": [{"name": "y", "formula": "double"}]}


class Disks(Kind):
    """Measuring, saving, pulling, converting and writing a plugin or an app on a disk that is nearly full."""

    name: ClassVar[str] = "disk-full"
    needs: ClassVar[tuple[str, ...]] = ("numpy",)
    kills: ClassVar[float] = 0.2
    weight: ClassVar[float] = 6.0
    patience: ClassVar[float] = 300.0
    starts: ClassVar[bool] = True

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._disk = home / "disk"
        self._disk.mkdir()
        self._mounted = _mount(self._disk)
        self._written: dict[str, int] = {}
        self.scene = scene.Scene(home / "scene", self._disk)

    def write(self, random: Random, folder: Path) -> None:
        """Choose a command, and how much of what it writes there is room for."""
        plan = {"command": random.choice(sorted(self._commands())), "share": random.random()}
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Run the command on the full disk, then make room and run another one."""
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        free = int(plan["share"] * self._needed(plan["command"]))
        self._clear()
        before = self.scene.paths()
        with self._filled(free):
            ended = self.scene.run(*self._commands()[plan["command"]], **self._limits(free))
        (folder / "err.txt").write_text(f"{ended.status}\n{ended.out}\n{ended.err}", encoding="utf-8")
        scene.sound(self.scene, ended, STATUSES)
        if ended.status and not ended.err.strip():
            raise WrongError("nothing is said of the full disk")
        scene.sound(self.scene, self.scene.run("results", "--json"), (0,))
        scene.sound(self.scene, self.scene.run("apps", "--json"), (0,))
        self._whole(plan["command"], ended, before)
        scene.nothing_left(self.scene, self.scene.paths())
        if ended.status:  # it met the full disk, and said so
            raise LpbenchError(f"{plan['command']} ended with status {ended.status}")
        return ()

    def _needed(self, command: str) -> int:
        """Return the bytes that a command leaves on the disk when there is room; what it needs meanwhile is more."""
        if not self._mounted:
            return UNKNOWN
        if command not in self._written:
            self._clear()
            before = self._left()
            scene.sound(self.scene, self.scene.run(*self._commands()[command]), (0,))
            self._written[command] = before - self._left()
        return self._written[command]

    def _left(self) -> int:
        facts = os.statvfs(self._disk)
        return facts.f_bavail * facts.f_frsize

    def _commands(self) -> dict[str, list[str]]:
        return {
            "run": [
                "run",
                str(self.scene.app),
                "--engine",
                "steady",
                "--runs",
                "1",
                "--number",
                "20",
                "--no-yardstick",
            ],
            "save": [
                *("run", str(self.scene.app), "--engine", "steady", "--runs", "1", "--number", "20", "--no-yardstick"),
                "-o",
                str(self._disk / "out.json"),
            ],
            "pull": ["pull", "victim-app"],
            "convert": ["convert", str(self._disk / "formula"), "--to", "table"],
            "new-plugin": ["new-plugin", "acme", "--dir", str(self._disk / "acme")],
            "new-app": [
                "new-app",
                str(self._disk / "mine"),
                "--model",
                str(self.scene.app / "model.victim"),
                "--class",
                "signal_processing",
            ],
        }

    def _whole(self, command: str, ended: scene.Ended, before: set[str]) -> None:
        """Require that what the command writes is there as a whole, or not at all."""
        made = {"save": self._disk / "out.json", "new-plugin": self._disk / "acme", "new-app": self._disk / "mine"}
        made["pull"] = self.scene.cache / "lpbench" / "apps" / "victim-app"
        target = made.get(command)
        if target is not None and ended.status in {0, 1} and not target.exists():
            raise WrongError(f"{command} ended with status {ended.status} and wrote nothing\n{ended.err}")
        if target is not None and ended.status == 2 and target.exists():
            raise WrongError(f"{command} failed and left {target.name}\n{ended.err}")
        for path in self.scene.data.rglob("*.json"):
            with contextlib.suppress(ValueError):
                json.loads(path.read_bytes())
                continue
            raise WrongError(f"a result is half-written: {path.stat().st_size} bytes of {path.name}\n{ended.err}")
        hidden = sorted(name for name in self.scene.paths() - before if "/." in name and not name.endswith(".lock"))
        hidden += sorted(path.name for path in self.scene.temporary.iterdir() if not path.name.startswith("lpbench-#"))
        if hidden:
            raise WrongError(f"left half-written after {command}: {hidden[0]}\n{ended.err}")

    def _clear(self) -> None:
        self.scene.clear()
        for name in ("out.json", "acme", "mine", "formula", "filler"):
            path = self._disk / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        (self._disk / "formula").mkdir()
        (self._disk / "formula" / "m.formula").write_text(json.dumps(FORMULA), encoding="utf-8")
        write_app(self._disk / "formula", {"formula": {"file": "m.formula"}})

    @contextlib.contextmanager
    def _filled(self, free: int) -> Any:
        """Leave so much of the disk, where there is one."""
        filler = self._disk / "filler"
        if self._mounted:
            filler.write_bytes(b"\0" * max(0, (self._left() - free) // BLOCK * BLOCK))
        try:
            yield
        finally:
            filler.unlink(missing_ok=True)

    def _limits(self, free: int) -> dict[str, Any]:
        """Return what bounds files where no small disk can be mounted."""
        if self._mounted:
            return {}

        def bound() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (free // 4, free // 4))

        return {"preexec_fn": bound}


def _mount(folder: Path) -> bool:
    """Mount a small disk that only this process and those it starts see; False where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "lpbench-attack", str(folder)]
    try:
        if os.geteuid() or ctypes.CDLL(None).unshare(NEW_MOUNTS):
            return False
        for each in (["mount", "--make-rprivate", "/"], command):
            subprocess.run(each, capture_output=True, check=True)
    except (OSError, AttributeError, subprocess.CalledProcessError):
        return False
    return True


KINDS = (Disks,)
