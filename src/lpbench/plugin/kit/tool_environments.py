"""Tools that converters use, kept out of the user's environment.

Each lives in the cache under ``tools``: files of one pinned package, or a virtual
environment of pinned packages.  It is made once, whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConversionError, PullError
from lpbench.plugin.kit import downloads
from lpbench.util import archives, atomic_folders, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Progress = Callable[[str, int, float], None]
    """Called with what is being done (``wait`` for another process, ``fetch``, ``install``), bytes and seconds."""

TIMEOUT = 1800.0
"""Seconds for making an environment; pip has shorter limits of its own for a line that went silent."""
ASKING = 20.0
"""Seconds that a Python may take to say its version."""
QUESTION = "import ensurepip, sys, venv; print(*sys.version_info[:2])"
"""Debian splits ensurepip off, and without it an environment gets no pip."""
PLACES = ("~/.pyenv/versions/*/bin/python", "~/.local/share/uv/python/*/bin/python")
"""Where version managers keep Pythons that are not on the path."""
FULL = os.strerror(errno.ENOSPC)
ELSEWHERE = "XDG_CACHE_HOME puts the cache elsewhere"
ALONE = {
    **dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PIP_CONSTRAINT", "PIP_TARGET", "PIP_USER"), ""),
    "PYTHONDONTWRITEBYTECODE": "",  # else every conversion compiles all modules of its tool
}
"""Variables by which the user's environment would reach into a tool's; Python and pip ignore empty ones."""


@dataclass(frozen=True)
class Tool:
    """A virtual environment that a tool needs for itself.

    :param name: Of the folder.
    :param requirements: Every distribution with its version, those that others need among them: nothing else is
        installed.
    :param pythons: Versions that all of them have wheels for, the preferred one first.
    :param size: Bytes that it takes while it is made, so that a full disk is told before.
    """

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[tuple[int, int], ...]
    size: int


def environment(tool: Tool, *, progress: Progress = lambda *_: None) -> Path:
    """Return the Python of a tool's environment, making it unless it is there.

    :raises ConversionError: No Python fits, the registry cannot be reached, the disk is full, or pip failed.
    """
    parent = atomic_folders.cache_folder() / "tools"
    target = parent / _key(tool.name, tool)
    python = target / "bin" / "python"

    def make(stage: Path) -> Path:
        return _environment(tool, stage, progress)

    # a link: it is no file any more once the Python that it leads to was removed
    _once(parent, target.name, python.is_file, make, progress)
    return python


def unpacked(package: downloads.Package, *, progress: Progress = lambda *_: None) -> Path:
    """Return the folder that holds the members of a pinned wheel, fetching and unpacking it unless it is there.

    What is executable in the wheel is executable in the folder.

    :raises ConversionError: It cannot be fetched, is not the file that is pinned, or the disk is full.
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
    """Return a folder's name: another one for another definition, and for another kind of machine."""
    import hashlib
    import json
    import platform

    content = json.dumps([platform.machine(), asdict(definition)], sort_keys=True)
    return f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _once(parent: Path, name: str, there: Callable[[], bool], make: Callable[[Path], Path], progress: Progress) -> None:
    """Have ``make`` build a folder in a staging folder and put it in its place, unless another process did."""
    if there():
        return
    try:
        with atomic_folders.locked(parent, name, waiting=lambda: progress("wait", 0, 0.0)):
            if not there():
                atomic_folders.sweep(parent, held=name)
                with atomic_folders.staging(parent, name) as stage:
                    new = make(stage)
                    os.sync()  # at once, which takes a third of the time that it takes file by file
                    atomic_folders.install(new, parent / name, stage)
    except PullError as error:
        raise ConversionError(error.what, where=error.where, hint=error.hint) from error
    except OSError as error:
        where = str(error.filename or parent)
        raise ConversionError(error.strerror or str(error), where=where, hint=ELSEWHERE) from error


def _executable(archive: Path, members: Mapping[str, str]) -> list[str]:
    """Return under which names the members stand that are executable in a wheel."""
    import zipfile

    with zipfile.ZipFile(archive) as opened:
        modes = {info.filename: info.external_attr >> 16 for info in opened.infolist()}
    return [name for member, name in members.items() if modes[member] & 0o111]


def _environment(tool: Tool, stage: Path, progress: Progress) -> Path:
    """Return a new environment in ``stage``; only ``python -m`` works in it, since it will be moved."""
    base = _python(tool)
    _check_space(tool, stage)
    new, wanted = stage / "new", stage / "requirements.txt"
    wanted.write_text("".join(f"{each}\n" for each in tool.requirements), "utf-8")
    (stage / "tmp").mkdir()
    pip = [str(new / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    # modules are compiled when they are first imported, and most never are
    options = ["--no-deps", "--only-binary=:all:", "--no-compile", "--requirement", str(wanted)]
    _run(tool, [base, "-m", "venv", str(new)], stage, progress)
    _run(tool, [*pip, *options], stage, progress)
    return new


def _check_space(tool: Tool, stage: Path) -> None:
    import shutil

    free = shutil.disk_usage(stage).free
    if free < tool.size:
        raise ConversionError(
            f"the environment of {tool.name} takes {tool.size / 1e6:.0f} MB; {free / 1e6:.0f} MB are free",
            where=str(atomic_folders.cache_folder()),
            hint=ELSEWHERE,
        )


def _run(tool: Tool, command: list[str], stage: Path, progress: Progress) -> None:
    """Run one step of making an environment."""
    log = stage / "log"
    try:
        status = processes.run(
            command,
            log=log,
            timeout=TIMEOUT,
            environment={**ALONE, "TMPDIR": str(stage / "tmp")},
            tick=lambda seconds: progress("install", 0, seconds),
            own_group=False,
        )
    except TimeoutError as error:
        raise ConversionError(
            f"making the environment of {tool.name} {error}", hint=downloads.CLIENTS["pip"].hint
        ) from error
    if status != 0:
        raise _explained(tool, log, status, stage)


def _explained(tool: Tool, log: Path, status: int, stage: Path) -> ConversionError:
    """Return why a step failed, from its words."""
    client = downloads.CLIENTS["pip"]
    words = log.read_text("utf-8", "replace")
    said = " ".join((processes.last_line(log) or processes.ending(status)).replace(f"{stage}/", "").split())
    if FULL in words:
        return ConversionError(f"the environment of {tool.name}: {FULL}", where=str(stage.parent), hint=ELSEWHERE)
    unreachable = " (the registry cannot be reached)" if client.unreachable in words else ""
    return ConversionError(f"the environment of {tool.name} cannot be made: {said}{unreachable}", hint=client.hint)


def _python(tool: Tool) -> str:
    """Return a Python that a tool runs on: this one if it fits, else the one that the tool likes best.

    :raises ConversionError: There is none; the hint says what to install.
    """
    if sys.version_info[:2] in tool.pythons and _asked(sys.executable) in tool.pythons:
        return sys.executable
    found = {python: _asked(python) for python in _candidates(tool.pythons)}
    for version in tool.pythons:
        for python, said in found.items():
            if said == version:
                return python
    wanted = " or ".join(".".join(map(str, version)) for version in tool.pythons)
    one = ".".join(map(str, tool.pythons[0]))
    what = f"{tool.name} needs Python {wanted}, and there is none; this is {sys.version.split()[0]}"
    hint = f"install one beside it: pyenv install {one}, uv python install {one}, or apt install python{one}-venv"
    raise ConversionError(what, hint=hint)


def _candidates(versions: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Yield programs that may be a Python of one of these versions, each once."""
    import glob
    import shutil

    root = os.environ.get("PYENV_ROOT", "")
    patterns = [*([f"{glob.escape(root)}/versions/*/bin/python"] if root else []), *PLACES]
    named = [shutil.which(f"python{major}.{minor}") for major, minor in versions]
    kept = [path for each in patterns for path in glob.glob(str(Path(each).expanduser()))]  # noqa: PTH207 - absolute
    seen = set[str]()
    for python in (*filter(None, named), *kept):
        if (real := os.path.realpath(python)) not in seen:
            seen.add(real)
            yield python


def _asked(python: str) -> tuple[int, ...]:
    """Return the version that a Python says it is, nothing if it does not run or cannot make environments."""
    import subprocess

    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        done = subprocess.run(
            [python, "-c", QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ASKING,
            check=True,
            env={**os.environ, **ALONE},
        )
        return tuple(map(int, done.stdout.split()))
    return ()
