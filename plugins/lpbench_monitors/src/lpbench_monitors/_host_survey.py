"""Memory that is too costly to ask for while samples run, or that no sample changes.

PSS and USS come from /proc/PID/smaps_rollup (Documentation/ABI/testing/procfs-smaps_rollup), which walks the page
tables under a lock; memory of a control group from memory.current and memory.peak, the latter since Linux 5.19
(Documentation/admin-guide/cgroup-v2.rst).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench_monitors._proc import MB_PER_KIB, count, named_counts

if TYPE_CHECKING:
    from lpbench.plugin.monitor import FileTree

PSS, USS, GROUP, GROUP_PEAK = "CPU_MEM/PSS", "CPU_MEM/USS", "CPU_MEM/cgroup", "CPU_MEM_PEAK/cgroup"
PTRACE_HINT = "run lpbench as the user of the process, or with CAP_SYS_PTRACE"
_USS = ("Private_Clean", "Private_Dirty")
GROUPS = "sys/fs/cgroup"


def unreadable(files: FileTree, name: str) -> Unavailable:
    """Return why a file of /proc/PID gives no value; some may be opened by everybody and read by few."""
    reason = files.missing(name)
    if reason.code == "not-here" or files.text(name) is not None:
        return reason
    return Unavailable(f"/{name} may not be read by this user", "no-permission", PTRACE_HINT)


def shares(files: FileTree, pid: int) -> dict[str, Reading | Unavailable]:
    """Return the process's proportional and unique set sizes in MB."""
    name = f"proc/{pid}/smaps_rollup"
    sizes = named_counts(files.text(name), ("Pss", *_USS))
    if len(sizes) < len(("Pss", *_USS)):
        return dict.fromkeys((PSS, USS), unreadable(files, name))
    uss = sum(sizes[part] for part in _USS) * MB_PER_KIB
    return {
        PSS: Reading(sizes["Pss"] * MB_PER_KIB, "MB", "process", f"/{name} Pss"),
        USS: Reading(uss, "MB", "process", f"/{name} {' + '.join(_USS)}"),
    }


def group_memory(files: FileTree, pid: int) -> dict[str, Reading | Unavailable]:
    """Return the memory of the process's control group in MB, and its highest, where it holds nothing else."""
    folder = _own_group(files, pid)
    if isinstance(folder, Unavailable):
        return dict.fromkeys((GROUP, GROUP_PEAK), folder)
    return {GROUP: _bytes(files, f"{folder}/memory.current"), GROUP_PEAK: _bytes(files, f"{folder}/memory.peak")}


def _own_group(files: FileTree, pid: int) -> str | Unavailable:
    path = _group(files.text(f"proc/{pid}/cgroup"))
    if path is None:
        return Unavailable("the process is in no control group of version 2 that can be seen from here", "not-here")
    folder = f"{GROUPS}{path.rstrip('/')}"
    if not files.exists(f"{folder}/cgroup.procs"):
        return files.missing(f"{folder}/cgroup.procs")
    members = (files.text(f"{folder}/cgroup.procs") or "").split()
    below = named_counts((files.text(f"{folder}/cgroup.stat") or "").replace(" ", ":"), ["nr_descendants"])
    if members != [str(pid)] or any(below.values()):
        return Unavailable("the process shares its control group with others", "not-supported")
    return folder


def _group(text: str | None) -> str | None:
    """Return a process's path below the mount point of version 2."""
    paths = [line[3:] for line in (text or "").splitlines() if line.startswith("0::/")]
    return paths[0] if paths and paths[0].isprintable() and ".." not in paths[0].split("/") else None


def _bytes(files: FileTree, name: str) -> Reading | Unavailable:
    size = count(files.text(name) or "")
    return files.missing(name) if size is None else Reading(size / 1e6, "MB", "process", f"/{name}")
