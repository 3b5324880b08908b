"""A place for commands that are killed: own folders, an app, plugins, and what is left when they have ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.attack.kinds import ROOT, WrongError
from tests.attack.models import case_models

from lpbench.plugin import registry
from lpbench.testing import _marked
from lpbench.testing.setups import write_app, write_distribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
PLUGINS = {"victims": HERE / "victims", "formulas": ROOT / "tests" / "fakes"}
TRACEBACKS = ("Traceback (most recent call last)", "Exception ignored in")
FINISHED = re.compile(r"^(?P<name>\S+) run (?P<run>\d+)/\d+ ", re.MULTILINE)
"""A line of progress: the runs before that one are finished."""
STAGE = 240.0
"""Seconds that any command may take, on a busy machine too."""
ENGINES = 3


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    :param status: Exit status; negative for a signal.
    """

    status: int
    out: str
    err: str

    def documents(self) -> Any:
        """Return the JSON that it printed.

        :raises WrongError: It is none.
        """
        try:
            return json.loads(self.out)
        except ValueError:
            raise WrongError(
                f"what was printed is not JSON\nstatus {self.status}\n{self.out[:300]}\n{self.err}"
            ) from None


class Scene:
    """Folders, an app for three engines, and an environment.

    :param folder: An empty folder.
    :param place: Where cache and data are, which may be a small disk; by default in the folder.
    """

    def __init__(self, folder: Path, place: Path | None = None) -> None:
        self.folder = folder
        self.mark = _marked.new()
        self.place = place or folder / "place"
        for each in (folder / "site", folder / "home", self.temporary, self.cache, self.data):
            each.mkdir(parents=True, exist_ok=True)
        for name in PLUGINS:
            write_distribution(folder / "site", f"lpbench_{name}", plugin=name)
        self.engines = self._make_app()

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.place / "tmp"

    @property
    def cache(self) -> Path:
        """The user's cache."""
        return self.place / "cache"

    @property
    def data(self) -> Path:
        """The user's data, with the saved results."""
        return self.place / "data"

    @property
    def app(self) -> Path:
        """The app."""
        return self.folder / "app"

    def variables(self) -> dict[str, str]:
        """Return the environment of commands."""
        paths = [*map(str, dict.fromkeys(PLUGINS.values())), str(self.folder / "site")]
        own = {"HOME": self.folder / "home", "TMPDIR": self.temporary}
        own |= {"XDG_CACHE_HOME": self.cache, "XDG_DATA_HOME": self.data}
        quiet = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        return {**os.environ, **{name: str(path) for name, path in own.items()}, **quiet, **self.mark.variable}

    def start(self, *words: str, **how: Any) -> subprocess.Popen[bytes]:
        """Start a command of lpbench; its streams go to files unless ``how`` says otherwise."""
        places: Mapping[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": self._stream("out"),
            "stderr": self._stream("err"),
            **how,
        }
        command = [sys.executable, "-m", "lpbench", *words]
        process = subprocess.Popen(command, env=self.variables(), cwd=self.folder, **places)
        for stream in places.values():
            if hasattr(stream, "close"):
                stream.close()
        return process

    def wait(self, process: subprocess.Popen[bytes], seconds: float = STAGE) -> Ended:
        """Wait for a command.

        :raises WrongError: It does not end.
        """
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise WrongError(f"the command does not end\n{self.said('err')}") from None
        return Ended(status, self.said("out"), self.said("err"))

    def run(self, *words: str, **how: Any) -> Ended:
        """Run a command to its end."""
        return self.wait(self.start(*words, **how))

    def measuring(self, runs: int = 3) -> list[str]:
        """Return the words that measure the app on three engines."""
        how = ["--runs", str(runs), "--number", "40", "--max-time", "40"]
        return ["run", str(self.app), "--engine", ",".join(self.engines), *how]

    def workers(self) -> list[int]:
        """Return the worker processes that live."""
        return [pid for pid in self.mark.pids() if b"lpbench.worker" in _command(pid)]

    def paths(self) -> set[str]:
        """Return what lies in the folders of the user, with any digits for all that have some."""
        found = (
            {path.relative_to(self.folder) for path in self.folder.rglob("*")}
            if self.place.is_relative_to(self.folder)
            else set()
        )
        found |= {Path("place") / path.relative_to(self.place) for path in self.place.rglob("*")}
        return {
            _general(str(path))
            for path in found
            if path.name not in {"out.txt", "err.txt", "__pycache__"} and path.suffix != ".pyc"
        }

    def clear(self) -> None:
        """Empty the folders of the user."""
        for each in (self.temporary, self.cache, self.data):
            shutil.rmtree(each, ignore_errors=True)
            each.mkdir(parents=True)

    def said(self, stream: str) -> str:
        """Return what the last command printed."""
        path = self.folder / f"{stream}.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _stream(self, name: str) -> IO[bytes]:
        return (self.folder / f"{name}.txt").open("wb")

    def _make_app(self) -> list[str]:
        """Write an app for two installed engines that read the same model, and for engines of the victims' plugin."""
        self.app.mkdir()
        (self.folder / "cases").mkdir()
        (self.app / "model.victim").write_bytes(b"victim")
        models: dict[str, Any] = {"victim": {"file": "model.victim"}}
        real: list[str] = []
        source = next(iter(case_models(self.folder / "cases").get("onnx", [])), None)
        if source is not None:
            shutil.copy(source, self.app / "model.onnx")
            models["onnx"] = {"file": "model.onnx"}
            offers = registry.current().all(registry.ENGINES).items()
            real = [name for name, offer in offers if "onnx" in offer.spec.formats and offer.availability()]
        shutil.rmtree(self.folder / "cases")
        write_app(self.app, models, pre={"type": "tensors", "shapes": {"x": [2, 8]}})
        return ["starting", *real[:2], "steady", "second"][:ENGINES]


def sound(scene: Scene, ended: Ended, statuses: Sequence[int]) -> None:
    """Require a documented status and no traceback.

    :raises WrongError: One is not so.
    """
    for word in TRACEBACKS:
        if word in ended.err or word in ended.out:
            last = (ended.err.strip().splitlines() or [""])[-1]
            raise WrongError(f"a traceback: {last[:80]}\n{ended.err}")
    if ended.status not in statuses:
        raise WrongError(f"exit status {ended.status}\n{ended.out[-300:]}\n{ended.err}")


def nothing_left(scene: Scene, usual: set[str]) -> None:
    """Require that no process lives, and that no file is left which an undisturbed command does not leave.

    :raises WrongError: Something is left.
    """
    if left := scene.mark.left():
        scene.mark.end()
        raise WrongError(f"processes are left\n{left}")
    if odd := sorted(scene.paths() - usual):
        raise WrongError(f"files left: {', '.join(odd[:5])}")


def finished(text: str) -> dict[str, int]:
    """Return how many runs of each configuration progress has said are finished."""
    found: dict[str, int] = {}
    for line in FINISHED.finditer(text):
        found[line["name"]] = max(found.get(line["name"], 0), int(line["run"]) - 1)
    return found


def kept(document: Any) -> dict[str, int]:
    """Return how many runs of each configuration a result holds."""
    return {
        each["label"] or each["configuration"]["engine"]: sum(run["samples"] > 0 for run in each["runs"])
        for each in document["configurations"]
    }


def nothing_lost(scene: Scene, said: str) -> None:
    """Require that the newest saved result holds what progress said was finished.

    :raises WrongError: Runs are lost.
    """
    told = {name: runs for name, runs in finished(said).items() if runs}
    listed = scene.run("results", "--json")
    sound(scene, listed, (0,))
    if not told:
        return
    shown = scene.run("show", "last", "--json")
    sound(scene, shown, (0, 2))
    if shown.status:
        raise WrongError(f"finished runs are lost: there is no result\n{told}\n{shown.err}")
    found = kept(shown.documents())
    lost = {name: runs for name, runs in told.items() if found.get(name, 0) < runs}
    if lost:
        raise WrongError(f"finished runs are lost\nprogress said {told}, the result has {found}")


def moment(random: Any, most: float) -> float:
    """Wait until a random moment and return the seconds that were waited."""
    seconds: float = random.random() * most
    time.sleep(seconds)
    return seconds


def _general(text: str) -> str:
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", text)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
