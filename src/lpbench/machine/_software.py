"""The operating system and the Python of a measurement: facts that may differ between results and are shown."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.machine._facts import Fact, Facts, Root, absent, fact

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALWAYS = ("lpbench", "numpy")


def subject(root: Root, libraries: Iterable[str]) -> Facts:
    """Return the facts about the software.

    :param libraries: Further distributions whose versions to include.
    """
    return {
        "os": root.first(["etc/os-release", "usr/lib/os-release"], _pretty_name),
        "kernel": _kernel(root),
        "libc": _libc(),
        "python": fact(_python(), "sys.version_info, sys.implementation"),
        "python_build": fact(" ".join(sys.version.split()), "sys.version"),
        "python_bits": fact(64 if sys.maxsize > 1 << 32 else 32, "sys.maxsize"),
        "affinity": affinity(),
        "priority": _priority(),
        **{f"library {name}": _version(name) for name in dict.fromkeys((*_ALWAYS, *libraries))},
    }


def affinity() -> Fact:
    """Return the cores that the threads of this process may run on, all of them together.

    One thread may be kept on a core of its own while the process has several.
    """
    if not hasattr(os, "sched_getaffinity"):
        return absent("this system has no sched_getaffinity")
    cores = set(os.sched_getaffinity(0))
    for thread in Path("/proc/self/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            cores |= os.sched_getaffinity(int(thread.name))
    return fact(sorted(cores), "sched_getaffinity of every thread")


def _priority() -> Fact:
    if not hasattr(os, "getpriority"):
        return absent("this system has no getpriority")
    try:
        return fact(os.getpriority(os.PRIO_PROCESS, 0), "getpriority")
    except OSError as error:
        return absent(f"getpriority: {error}")


def _pretty_name(text: str) -> str | None:
    match = re.search(r"^PRETTY_NAME=(.+)$", text, re.MULTILINE)
    return match[1].strip("\"' \t") if match else None


def _kernel(root: Root) -> Fact:
    release = root.read("proc/sys/kernel/osrelease")
    return release if release["value"] or not root.here else fact(platform.uname().release, "uname")


def _libc() -> Fact:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError, AttributeError):  # other C libraries do not know the name
        version = None
    return (
        fact(version, "confstr CS_GNU_LIBC_VERSION")
        if version
        else absent("the C library is not glibc and reports no version")
    )


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    return f"{sys.implementation.name} {version}{'' if locked else ' free-threaded'}"


def _version(name: str) -> Fact:
    from importlib import metadata  # slow to import

    try:
        return fact(metadata.version(name), "importlib.metadata")
    except (metadata.PackageNotFoundError, ValueError, KeyError):  # a damaged installation, or an empty name
        return absent("not installed")
