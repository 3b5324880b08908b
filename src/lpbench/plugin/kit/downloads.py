"""Fetches one exact file from a package registry with an installed client, and checks its sha256.

Downloads are cached by their sha256, so that a package is fetched only once and
everything works offline afterwards.
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
"""Time limit of one download in seconds; the clients have their own, shorter limits for a stalled connection."""

WHEEL_PYTHON = "3.11"
"""The Python version for which wheels of any Python 3 are requested, so that the running one does not matter."""


@dataclass(frozen=True)
class Package:
    """One exact file of a package registry and the members to extract from it.

    :param kind: The registry's client: a key of ``CLIENTS``.
    :param name: Name of the package in the registry.
    :param version: Exact version of the package.
    :param file: Name of the file.  A wheel's name states Python, ABI and platform; these are requested
        regardless of the running machine.
    :param sha256: SHA-256 of the file, in hexadecimal.
    :param size: Size of the file in bytes.
    :param licence: SPDX expression, or a description if no expression exists.
    :param members: Maps each path inside the file to the name under which the recipe finds it.
    :param notice: Path inside the file of the licence text, which is copied into the app.
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

    :param availability: Returns whether the program is installed.
    :param command: Returns the command line that fetches a package's file into a folder.
    :param temporary: Environment variables that set the folder for its temporary files.
    :param said: Returns the error message from its log file; empty if the log has none.
    :param unreachable: Part of its output when the registry cannot be reached.
    :param hint: What to do if it fails.
    """

    availability: Callable[[], Availability]
    command: Callable[[Package, Path], list[str]]
    temporary: tuple[str, ...]
    said: Callable[[Path], str]
    unreachable: str
    hint: str


def fetch(package: Package, stage: Path, *, progress: Callable[[str, int, float], None]) -> Path:
    """Return the package's file in the cache, fetching it unless the cache has an intact copy.

    :param stage: A staging folder on the cache's file system, for unfinished files.
    :param progress: Called with the step (``wait`` for another process, ``fetch``), bytes so far and seconds.
    :raises PullError: The client failed, or fetched a different file.
    """
    downloads = atomic_folders.cache_folder() / "downloads"
    target = _cached(package)
    with atomic_folders.locked(downloads, package.sha256, waiting=lambda: progress("wait", 0, 0.0)):
        if target.is_file() and file_digest(target) == package.sha256:
            return target
        progress("fetch", 0, 0.0)
        file = _download(package, stage, lambda done, seconds: progress("fetch", done, seconds))
        _check(package, file)
        file.replace(target)
    return target


def availability(package: Package) -> Availability:
    """Return whether the file can be provided: it is in the cache, or its client is installed."""
    if _cached(package).is_file():
        return READY
    if package.kind not in CLIENTS:
        reason = f"{package}: no client for packages of kind {package.kind!r}"
        return Availability(State.UNSUPPORTED, reason, "a newer lpbench may have one")
    return CLIENTS[package.kind].availability()


def missing_bytes(package: Package) -> int:
    """Return the bytes to fetch over the network; 0 if the file is in the cache."""
    return 0 if _cached(package).is_file() else package.size


def _cached(package: Package) -> Path:
    return atomic_folders.cache_folder() / "downloads" / f"{package.sha256}-{package.file}"


def _download(package: Package, stage: Path, progress: Callable[[int, float], None]) -> Path:
    """Have the client fetch the file into ``stage``; return its path."""
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
            # in the staging folder, so that progress is visible and the files are removed with it
            environment=dict.fromkeys(client.temporary, str(temporary)),
            tick=lambda seconds: progress(atomic_folders.size(folder) or atomic_folders.size(temporary), seconds),
        )
    except TimeoutError as error:
        raise PullError(f"{package}: {package.kind} {error}", hint=client.hint) from error
    if status != 0:
        message = client.said(log) or processes.ending(status)
        reached = client.unreachable not in log.read_text("utf-8", "replace")
        raise PullError(
            f"{package}: {package.kind} failed: {message}{'' if reached else ' (the registry cannot be reached)'}",
            hint=client.hint,
        )
    return _only(package, folder)


def _only(package: Package, folder: Path) -> Path:
    names = sorted(path.name for path in folder.iterdir())
    if names != [package.file]:
        raise PullError(
            f"{package}: {package.kind} fetched {', '.join(names) or 'nothing'} instead of {package.file}",
            hint="this registry serves different files from those that the entry names; check its configuration",
        )
    return folder / package.file


def _check(package: Package, path: Path) -> None:
    digest = file_digest(path)
    if digest != package.sha256:
        what = f"{package}: {package.file} is not the file that the entry names: sha256 {digest}, not {package.sha256}"
        hint = "nothing was kept; find out why this registry serves a different file under this name"
        raise PullError(what, hint=hint)


def _pip_availability() -> Availability:
    import importlib.util

    if importlib.util.find_spec("pip"):
        return READY
    hint = f"{sys.executable} -m ensurepip, or install pip the way this Python was installed"
    return Availability(State.MISSING, "this Python has no pip", hint)


def _pip_command(package: Package, folder: Path) -> list[str]:
    """Return pip's command line for one wheel, independent of the running Python and machine.

    A wheel's name ends with its Python, ABI and platform tags, each a list joined by dots:
    packaging.python.org, "Binary distribution format".
    """
    python, abi, platform = package.file.removesuffix(".whl").rsplit("-", 3)[1:]
    tag = python.split(".")[-1]
    minor = tag[3:]
    return [
        *processes.python("-m", "pip", "download"),
        *("--no-deps", "--only-binary=:all:"),
        *(word for name in platform.split(".") for word in ("--platform", name)),
        *("--implementation", tag[:2], "--python-version", f"{tag[2]}.{minor}" if minor else WHEEL_PYTHON),
        *(word for name in abi.split(".") for word in ("--abi", name)),
        *("--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(folder)),
        f"{package.name}=={package.version}",
    ]


def _npm_availability() -> Availability:
    if processes.program("npm"):
        return READY
    return Availability(State.MISSING, "npm is not installed", "apt install npm, or Node.js from nodejs.org")


def _npm_command(package: Package, folder: Path) -> list[str]:
    """Return npm's command line for one tarball; it installs nothing and runs no scripts."""
    return [
        *("npm", "pack", f"{package.name}@{package.version}", "--ignore-scripts"),
        # ignore a project in the working directory: do not read its .npmrc or pack its workspaces
        *("--prefix", str(folder), "--pack-destination", str(folder)),
        *("--loglevel=error", "--no-update-notifier", "--logs-max=0"),
    ]


def _npm_said(log: Path) -> str:
    """Return the first sentence of npm's error message, which follows error codes and precedes advice."""
    import re

    sentence = re.compile(r"npm (?:error|ERR!) (?!(?:code|errno|syscall) )(.*\S)")
    matches = map(sentence.match, log.read_text("utf-8", "replace").splitlines())
    return next((match[1] for match in matches if match), "") or processes.last_line(log)


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
"""The clients, by the ``kind`` of a package."""
