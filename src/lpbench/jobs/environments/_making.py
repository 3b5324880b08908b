"""Makes, lists and removes Python environments with this lpbench and one library of another version."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.about import version
from lpbench.errors import LpbenchError, nearest
from lpbench.jobs.environments._asking import Environments
from lpbench.jobs.environments._places import WRITTEN, checked_name, folder, made, made_place
from lpbench.jobs.environments._wheels import pack
from lpbench.plugin import registry
from lpbench.plugin.distributions import installed_packages
from lpbench.plugin.kit import downloads
from lpbench.plugin.kit.tool_environments import ALONE, FULL, find_python
from lpbench.util import atomic_folders, processes
from lpbench.util.json_files import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Tick = Callable[[float], None]

REQUIREMENT = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)((?:\[[A-Za-z0-9,._-]+\])?[ A-Za-z0-9.,*+!<>=~_-]*)"
)
"""A distribution with its versions; no path, no address and no option of pip."""
TIMEOUT = 1800.0
UNSOLVABLE = ("ResolutionImpossible", "conflicting dependencies", "No matching distribution found")
"""What pip says where no versions fit."""
OURS = "lpbench"


@dataclass(frozen=True)
class Made:
    """An environment that ``lpbench env create`` has made.

    :param libraries: What it was made with, as it was asked for.
    :param python: Version of its Python, ``lpbench`` that of its lpbench.
    :param loosened: Whether its other packages may have other versions than those of the environment that made it.
    """

    name: str
    path: str
    libraries: tuple[str, ...]
    python: str
    lpbench: str
    created: str
    loosened: bool


def create(name: str, libraries: Sequence[str], *, python: str = "", tick: Tick = lambda _: None) -> Made:
    """Make an environment with this lpbench, the libraries, and the plugins of their engines and of processors.

    Other packages get the versions that are installed here, so that only the libraries differ; where that is not
    possible, those that fit.

    :param libraries: Requirements such as ``onnxruntime==1.30.*``; the first is an engine's library.
    :param python: A version such as ``3.13``, or the path of a Python; empty is this one.
    :param tick: Called with the seconds since a step began.
    :raises LpbenchError: There is one of that name, no engine uses such a library, or pip fails.
    """
    parent = folder()
    _refuse_taken(checked_name(name))
    asked = [_requirement(text) for text in libraries]
    engine, plugins = _plugins([library for library, _ in asked])
    base = _python(python)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        atomic_folders.sweep(parent)
        with _held(parent, name), atomic_folders.staging(parent, name) as stage:
            _refuse_taken(name)  # it may have been made in the meantime
            pip = _Pip(base, stage, tick)
            pip.make()
            wheels = [str(pack(each, package, stage)) for each, package in plugins]
            loosened = pip.install([*wheels, *libraries], _pinned([library for library, _ in asked]))
            found = _verified(pip.new, engine)
            record = {"libraries": list(libraries), "python": found, "lpbench": version(), "loosened": loosened}
            record["created"] = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
            (pip.new / WRITTEN).write_text(json.dumps(record), encoding="utf-8")
            _move(pip.new, parent / name)
    except OSError as error:
        where = str(error.filename or parent)
        raise LpbenchError(error.strerror or str(error), where=where, hint="set XDG_CACHE_HOME to move it") from error
    return read(name)


def _refuse_taken(name: str) -> None:
    if name in made():
        raise LpbenchError(f'there is an environment "{name}" already', hint=f"lpbench env remove {name}")


def _held(parent: Path, name: str) -> contextlib.AbstractContextManager[None]:
    """Hold a name against other processes.

    :raises LpbenchError: One of them is making an environment of that name.
    """

    def refuse() -> None:
        raise LpbenchError(
            f'another process is making the environment "{name}"', hint="wait for it, or take another name"
        )

    return atomic_folders.locked(parent, name, waiting=refuse)


def read(name: str) -> Made:
    """Return an environment that was made.

    :raises LpbenchError: There is none of that name.
    """
    place = made_place(name)
    known: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, LpbenchError):  # damaged: what it is made of stays unknown
        known = dict(parse_json((place / WRITTEN).read_bytes()))
    texts = {key: str(known.get(key, "")) for key in ("python", "lpbench", "created")}
    libraries = tuple(map(str, known.get("libraries") or ()))
    return Made(name, str(place), libraries, **texts, loosened=known.get("loosened") is True)


def every() -> list[Made]:
    """Return the environments that were made, by name."""
    return [read(name) for name in made()]


def remove(name: str) -> None:
    """Remove an environment that was made.

    :raises LpbenchError: There is none of that name.
    """
    place = made_place(name)
    with atomic_folders.staging(place.parent, name) as stage:
        place.rename(stage / "old")  # in one step: nothing half removed has its name


def _requirement(text: str) -> tuple[str, str]:
    """Return the name and the versions of a requirement.

    :raises LpbenchError: It is none, or is a path, an address or an option of pip.
    """
    match = REQUIREMENT.fullmatch(text)
    if match is None:
        raise LpbenchError(f'"{text}" is not a library with its version', hint="write --with onnxruntime==1.30.*")
    return _normal(match[1]), match[2]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _plugins(libraries: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the first library's engine, and the distributions with their packages that the environment needs.

    :raises LpbenchError: No engine uses one of the libraries.
    """
    known = registry.current()
    users = {
        _normal(each): offer for offer in known.all(registry.ENGINES).values() for each in offer.spec.distributions
    }
    engines = [users[each] for each in libraries if each in users]
    if not engines:
        first = libraries[0] if libraries else ""
        hint = nearest(first, users)
        raise LpbenchError(f'no engine that is installed here uses a library "{first}"', where="--with", hint=hint)
    kinds: tuple[registry.Kind[Any], ...] = (registry.PREPROCESSORS, registry.POSTPROCESSORS, registry.METRICS)
    helpers = [offer for kind in kinds for offer in known.all(kind).values() if offer.distribution]
    needed = {offer.plugin: offer.distribution.rpartition(" ")[0] for offer in (*engines, *helpers)}
    modules = {plugin: getattr(known.manager.get_plugin(plugin), "__name__", "") for plugin in needed}
    packages = [(name, modules[plugin].partition(".")[0]) for plugin, name in needed.items()]
    return engines[0].spec.name, [(OURS, OURS), *packages]


def _pinned(libraries: Sequence[str]) -> str:
    """Return constraints for pip: what is installed here, but for the libraries and for lpbench's own."""
    left_out = {*libraries, "pip"}
    packages = installed_packages().items()
    return "".join(f"{name}=={each}\n" for name, each in packages if name not in left_out and not name.startswith(OURS))


def _python(asked: str) -> str:
    """Return the Python of which the environment is made."""
    if re.fullmatch(r"3\.\d+", asked):
        return find_python((3, int(asked[2:])))
    if asked and not shutil.which(asked):
        raise LpbenchError("no such Python", where=asked, hint="--python takes 3.13, say, or the path of a Python")
    return asked or sys.executable


def _verified(place: Path, engine: str) -> str:
    """Return the version of Python in a new environment, once its engine was found ready."""
    with Environments() as environments:
        found = environments.get(str(place))
        found.offer(engine)
        return found.interpreter.version


def _move(new: Path, place: Path) -> None:
    """Move an environment, whose scripts say in the text of each where it is."""
    before, after = os.fsencode(new), os.fsencode(place)
    for script in (new / "bin").iterdir():
        if not script.is_symlink() and before in (text := script.read_bytes()):
            script.write_bytes(text.replace(before, after))
    new.rename(place)


class _Pip:
    """Makes one environment in a staging folder and installs into it."""

    def __init__(self, base: str, stage: Path, tick: Tick) -> None:
        self.new = stage / "new"
        self._base, self._stage, self._tick = base, stage, tick

    def make(self) -> None:
        """Make an environment with pip alone."""
        self._run([self._base, "-I", "-m", "venv", str(self.new)])

    def install(self, requirements: Sequence[str], constraints: str) -> bool:
        """Install, and return whether that took other versions than the constraints say."""
        file = self._stage / "constraints.txt"
        file.write_text(constraints, encoding="utf-8")
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
        pip = [str(self.new / "bin" / "python"), "-I", "-m", "pip", "install", *quiet]
        try:
            self._run([*pip, "--constraint", str(file), *requirements])
        except LpbenchError:
            if not unsolvable((self._stage / "log").read_text("utf-8", "replace")):
                raise
            self._run([*pip, *requirements])
            return True
        return False

    def _run(self, command: list[str]) -> None:
        log = self._stage / "log"
        environment = {**ALONE, "TMPDIR": str(self._stage)}
        try:
            status = processes.run(command, log=log, timeout=TIMEOUT, tick=self._tick, environment=environment)
        except TimeoutError as error:
            raise LpbenchError(f"the environment cannot be made: it {error}") from error
        if status:
            raise _explained(log, status)


def unsolvable(output: str) -> bool:
    """Say whether pip found that no versions fit together, and not that something else went wrong."""
    reached = downloads.CLIENTS["pip"].unreachable not in output
    return reached and any(words in output for words in UNSOLVABLE)


def _explained(log: Path, status: int) -> LpbenchError:
    """Return the error of a failed step, from its output."""
    client, output = downloads.CLIENTS["pip"], log.read_text("utf-8", "replace")
    if FULL in output:
        return LpbenchError(f"the environment cannot be made: {FULL}", hint="set XDG_CACHE_HOME to move the cache")
    told = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    message = next(iter(told), "") or processes.last_line(log) or processes.ending(status)
    unreachable = " (the registry cannot be reached)" if client.unreachable in output else ""
    return LpbenchError(f"the environment cannot be made: {message}{unreachable}", hint=client.hint)
