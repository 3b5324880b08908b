"""Dead streams: closed, full, and read by nobody; commands end with a documented status and save what they measured."""

from __future__ import annotations

import contextlib
import json
import os
from typing import IO, TYPE_CHECKING, Any, ClassVar

from tests.attack import scene
from tests.attack.kinds import STATUSES, Kind, WrongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from random import Random

STATES = ("well", "closed", "full", "unread", "broken")
"""What a stream leads to: a file, nothing, a full device, a pipe that nobody reads, a pipe whose reader has gone."""
FULL = "/dev/full"
NAMES = ("stdout", "stderr")


class Streams(Kind):
    """Standard output and error in every state, for commands that answer and for one that measures."""

    name: ClassVar[str] = "dead-streams"
    needs: ClassVar[tuple[str, ...]] = ("numpy",)
    kills: ClassVar[float] = 0.2
    weight: ClassVar[float] = 6.0
    patience: ClassVar[float] = 200.0
    starts: ClassVar[bool] = True

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.scene = scene.Scene(home)
        scene.sound(self.scene, self.scene.run(*self._run()), (0,))
        self._saved = self.scene.data / "saved.json"
        (result,) = (self.scene.data / "lpbench" / "results").glob("*.json")
        self._saved.write_bytes(result.read_bytes())
        self.usual = self.scene.paths()

    def write(self, random: Random, folder: Path) -> None:
        """Choose a command and the state of each stream."""
        states = {name: random.choice(STATES) for name in NAMES}
        if set(states.values()) == {"well"}:
            states["stdout"] = random.choice(STATES[1:])
        plan = {
            "command": random.choice(sorted(self._commands())),
            **states,
            "stdin": random.choice(("well", "closed")),
        }
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Run the command with these streams."""
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        words = self._commands()[plan["command"]]
        with contextlib.ExitStack() as stack:
            streams = {
                name: stack.enter_context(_stream(plan[name], self.scene.folder / f"{name[3:]}.txt")) for name in NAMES
            }
            closed = [at for at, name in enumerate(("stdin", *NAMES)) if plan[name] == "closed"]
            ended = self.scene.wait(self.scene.start(*words, **streams, preexec_fn=_closer(closed)))
        (folder / "ended.txt").write_text(f"{ended.status}\n{ended.out}\n{ended.err}", encoding="utf-8")
        scene.sound(self.scene, ended, tuple(STATUSES))
        self._saved_all_the_same(plan, ended)
        scene.nothing_left(self.scene, self.usual)
        return ()

    def _saved_all_the_same(self, plan: dict[str, Any], ended: scene.Ended) -> None:
        """Require that what was measured is kept, whoever listened."""
        results = self.scene.data / "lpbench" / "results"
        if plan["command"] == "run" and not list(results.glob("*.json")):
            raise WrongError(
                f"the result is not saved with {plan['stdout']} output and {plan['stderr']} errors\n{ended.err}"
            )
        for path in results.glob("*.json"):
            path.unlink()

    def _run(self) -> list[str]:
        return ["run", str(self.scene.app), "--engine", "steady", "--runs", "2", "--number", "20", "--no-yardstick"]

    def _commands(self) -> dict[str, list[str]]:
        saved, app = str(self.scene.data / "saved.json"), str(self.scene.app)
        return {
            "run": self._run(),
            "show": ["show", saved, "-v"],
            "json": ["show", saved, "--json"],
            "compare": ["compare", saved, saved],
            "results": ["results"],
            "validate": ["validate", app],
            "plugins": ["plugins", "-v"],
            "engines": ["engines"],
            "apps": ["apps"],
            "help": ["run", "--help"],
            "wrong": ["run", "--nonsense"],
            "version": ["--version"],
        }


@contextlib.contextmanager
def _stream(state: str, path: Path) -> Iterator[IO[bytes] | int]:
    """Give a stream in a state; what is written to one that is well goes to a file."""
    path.unlink(missing_ok=True)
    if state in {"unread", "broken"}:
        reader, writer = os.pipe()
        if state == "broken":
            os.close(reader)
        with os.fdopen(writer, "wb", closefd=True) as stream:
            yield stream
        if state == "unread":
            os.close(reader)
    else:
        with open(FULL if state == "full" else path, "wb") as stream:  # noqa: PTH123 - a device or a file
            yield stream


def _closer(closed: list[int]) -> Callable[[], None]:
    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    return close


KINDS = (Streams,)
