"""A control group (cgroup v2) of its own for one process: the kernel then counts its memory apart, page cache included.

Allowed where this user may make groups beside or below its own: as root, in a container with a writable hierarchy, or
in a session of systemd that is delegated to the user.  Source: Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HIERARCHY = "sys/fs/cgroup"
COUNTED = "memory.peak"
"""The file that shows that the kernel counts memory in a group; Linux 5.19 and later."""


@dataclass(frozen=True)
class OwnCgroup:
    """A group that was made for one process."""

    folder: Path

    def remove(self) -> None:
        """Remove the group; it is empty once its process has ended."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def own_cgroup(pid: int, root: Path = Path("/"), make: Callable[[Path], None] = os.mkdir) -> OwnCgroup | Unavailable:
    """Move a process into a new group and return the group, or why that is not allowed.

    :param pid: A process that has not yet taken much memory: what it has stays with its former group.
    :param make: Makes a group: a folder that the kernel fills.
    """
    why = Unavailable("this machine has no cgroup v2 that counts memory", "not-here")
    for place in _places(pid, root):
        group = OwnCgroup(place / f"lpbench-{pid}")
        try:
            make(group.folder)
        except OSError as error:
            why = Unavailable(f"no group can be made in {place}: {error.strerror}", "no-permission")
            continue
        try:
            if (group.folder / COUNTED).exists():
                (group.folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
                return group
        except OSError as error:
            why = Unavailable(f"the worker cannot be moved to {group.folder}: {error.strerror}", "no-permission")
        group.remove()
    return why


def _places(pid: int, root: Path) -> Iterator[Path]:
    """Yield the group of a process and the one above it: groups with processes may have none below that count."""
    try:
        lines = (root / "proc" / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::/")), None)
    if own is None or ".." in Path(own).parts:  # outside what this process sees
        return
    top = root / HIERARCHY
    group = top / own.lstrip("/")
    yield group
    if group != top:
        yield group.parent
