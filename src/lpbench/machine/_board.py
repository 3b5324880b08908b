"""The board and its environment: model, platform id, memory, virtual machine, container, cgroup limits."""

from __future__ import annotations

import re

from lpbench.machine._facts import Fact, Facts, Root, absent, fact
from lpbench.util.file_tree import numbers, whole

_GIB = 1 << 30
_KIB = 1024
_CLOCKS = "sys/devices/system/clocksource/clocksource0"
_BOARDS = (
    (r"raspberry pi zero 2", "rpi-zero2"),
    (r"raspberry pi compute module (\d)", "rpi-cm{0}"),
    (r"raspberry pi (\d)", "rpi{0}"),
    (r"jetson agx orin", "jetson-orin-agx"),
    (r"jetson orin (nx|nano)|orin (nx|nano)", "jetson-orin-{0}"),
    (r"jetson xavier nx|xavier nx", "jetson-xav-nx"),
    (r"jetson[- ]agx|agx xavier", "jetson-xav-agx"),
    (r"jetson nano 2gb", "jetson-nano2"),
    (r"jetson nano", "jetson-nano"),
    (r"jetson[- ]tx(\d)", "jetson-tx{0}"),
    (r"i\.?mx ?8m ?-?(nano|mini|plus|quad)", "imx8m-{0}"),
    (r"stm32mp(\d)", "stm32mp{0}"),
    (r"atlas ?(\d+)", "atlas{0}"),
    (r"\bnuc", "{arch}-nuc"),
)
"""Patterns of board models, and the platform ids of the published tables."""
_VENDORS = (
    ("qemu", "qemu"),
    ("kvm", "kvm"),
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("xen", "xen"),
    ("amazon ec2", "amazon"),
    ("google compute engine", "google"),
    ("microsoft corporation virtual machine", "hyper-v"),
    ("parallels", "parallels"),
    ("bochs", "bochs"),
    ("firecracker", "firecracker"),
    ("linux,dummy-virt", "qemu"),
)
_CONTAINERS = {".dockerenv": "docker", "run/.containerenv": "podman", "run/systemd/container": "systemd"}


def machine(root: Root, architecture: str | None) -> Facts:
    """Return the facts about the board that must be equal for two results to be comparable."""
    board = _board(root)
    virtual = _virtual(root, board["value"] or "")
    quota, cpuset = cgroup_quota(root), _cpuset(root)
    return {
        "platform": _platform(board["value"] or "", architecture or "", virtual["value"]),
        "board": board,
        "memory_gib": root.read("proc/meminfo", lambda text: _gib(text, "MemTotal")),
        "virtualisation": virtual,
        "container": _container(root),
        "cgroup_cpu_quota": quota,
        "cgroup_cpuset": cpuset,
        "cgroup_memory_limit": _memory_limit(root),
        "clock_source": root.read(f"{_CLOCKS}/current_clocksource"),
        "transparent_huge_pages": root.read("sys/kernel/mm/transparent_hugepage/enabled", _chosen),
    }


def state(root: Root) -> Facts:
    """Return the current memory, swap and load."""
    return {
        "memory_available_bytes": root.read("proc/meminfo", lambda text: _bytes(text, "MemAvailable")),
        "swap_total_bytes": root.read("proc/meminfo", lambda text: _bytes(text, "SwapTotal")),
        "swap_used_bytes": root.read("proc/meminfo", _swap_used),
        "load_average": root.read("proc/loadavg", _loads),
    }


def _board(root: Root) -> Fact:
    model = root.read("proc/device-tree/model")
    if model["value"] is not None:
        return model
    parts = [root.text(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    if any(parts):
        return fact(" ".join(part for part in parts if part), "/sys/class/dmi/id sys_vendor, product_name")
    return absent("neither /proc/device-tree/model nor /sys/class/dmi/id names the board")


def _platform(board: str, architecture: str, virtual: str | None) -> Fact:
    """Return the id for PLATFORM (docs/reference/metrics.md), without underscores, which separate file name parts."""
    arch = architecture.replace("_", "-") or "unknown"
    for pattern, name in _BOARDS:
        match = re.search(pattern, board, re.IGNORECASE)
        if match:
            parts = [part.lower() for part in match.groups() if part]
            return fact(name.format(*parts, arch=arch), "the board's model")
    if virtual and virtual != "none":
        return fact(f"{arch}-vm", "architecture and hypervisor")
    words = re.sub(r"[^a-z0-9]+", "-", board.lower()).strip("-")[:32].strip("-")
    return fact(f"{arch}-{words}" if words else arch, "architecture and the board's model" if words else "architecture")


def _virtual(root: Root, board: str) -> Fact:
    """Return the hypervisor's name; ``unnamed`` if only its presence is known, ``none`` on bare metal."""
    compatible = root.text("proc/device-tree/compatible") or ""
    description = f"{board} {compatible}".lower()
    for words, name in _VENDORS:
        if re.search(rf"\b{re.escape(words)}\b", description):
            return fact(name, "the board's vendor and model")
    for name in ("sys/hypervisor/type", "proc/device-tree/hypervisor/compatible"):
        hypervisor = root.text(name)
        if hypervisor:
            return fact(hypervisor, f"/{name}")
    if "microsoft" in (root.text("proc/sys/kernel/osrelease") or "").lower():
        return fact("wsl", "/proc/sys/kernel/osrelease")
    return _virtual_by_processor(root)


def _virtual_by_processor(root: Root) -> Fact:
    info = root.text("proc/cpuinfo")
    if info is None:
        return absent("/proc/cpuinfo cannot be read, and nothing else names a hypervisor")
    if not re.search(r"^flags\s*:.*\bhypervisor\b", info, re.MULTILINE):
        return fact("none", "/proc/cpuinfo flags, DMI, device tree")
    clocks = root.text(f"{_CLOCKS}/available_clocksource") or ""
    for clock, name in (("kvm", "kvm"), ("hyperv", "hyper-v"), ("xen", "xen")):
        if clock in clocks:
            return fact(name, f"/proc/cpuinfo flags, /{_CLOCKS}/available_clocksource")
    return fact("unnamed", "/proc/cpuinfo flags")


def _container(root: Root) -> Fact:
    for name, kind in _CONTAINERS.items():
        if root.exists(name):
            return fact(kind, f"/{name}")
    groups = root.text("proc/1/cgroup") or ""
    container = next((kind for kind in ("docker", "kubepods", "lxc", "podman") if kind in groups), "none")
    return fact(container, "/proc/1/cgroup, /.dockerenv, /run/.containerenv")


def cgroup_quota(root: Root) -> Fact:
    """Return the CPU quota of this process's control groups in cores; absent if there is no limit."""
    quotas = [
        (share, name) for name in _cgroup_files(root, "cpu.max", "") if (share := _share(root.text(name))) is not None
    ]
    for name in _cgroup_files(root, "", "cpu.cfs_quota_us"):
        period = root.number(name.replace("quota", "period"))
        quota = root.number(name)
        if quota and period and quota > 0 and period > 0:
            quotas.append((quota / period, name))
    if not quotas:
        return absent("no control group limits the CPU time")
    share, name = min(quotas)
    return fact(share, f"/{name}")


def throttled(root: Root) -> dict[str, int]:
    """Return how often, and for how many nanoseconds, the CPU quota has throttled this control group."""
    total = {"periods": 0, "ns": 0}
    for name in _cgroup_files(root, "cpu.stat", "cpu.stat"):
        lines = dict(line.split(None, 1) for line in (root.text(name) or "").splitlines() if " " in line)
        spent = whole(lines.get("throttled_time")) or 1000 * (whole(lines.get("throttled_usec")) or 0)
        total["periods"] = max(total["periods"], whole(lines.get("nr_throttled")) or 0)
        total["ns"] = max(total["ns"], spent)
    return total


def _cpuset(root: Root) -> Fact:
    names = [*_cgroup_files(root, "cpuset.cpus.effective", ""), *_cgroup_files(root, "", "cpuset.effective_cpus")]
    return root.first(names, numbers) if names else absent("no control group states its cores")


def _memory_limit(root: Root) -> Fact:
    files = [*_cgroup_files(root, "memory.max", ""), *_cgroup_files(root, "", "memory.limit_in_bytes")]
    limits = [(limit, name) for name in files if (limit := root.number(name)) is not None and limit < 1 << 60]
    if not limits:
        return absent("no control group limits the memory")
    limit, name = min(limits)
    return fact(limit, f"/{name}")


def available_memory(root: Root) -> int | None:
    """Return the bytes of memory available to processes: the system's, or fewer if a control group limits them."""
    system = _bytes(root.text("proc/meminfo") or "", "MemAvailable")
    unified = [_left(root, name, "memory.current", "inactive_file") for name in _cgroup_files(root, "memory.max", "")]
    legacy = [
        _left(root, name, "memory.usage_in_bytes", "total_inactive_file")
        for name in _cgroup_files(root, "", "memory.limit_in_bytes")
    ]
    return min((left for left in (system, *unified, *legacy) if left is not None), default=None)


def _left(root: Root, name: str, usage: str, cached: str) -> int | None:
    """Return the bytes that a control group's limit leaves free; its cached files count as free.

    :param name: The file with the limit.
    :param usage: The file with the usage, in the same folder.
    :param cached: The line of memory.stat, in the same folder, with the cached files.
    """
    folder = name.rpartition("/")[0]
    limit, used = root.number(name), root.number(f"{folder}/{usage}")
    if limit is None or used is None:
        return None
    lines = (line.split() for line in (root.text(f"{folder}/memory.stat") or "").splitlines())
    spare = next((whole(line[1]) for line in lines if len(line) > 1 and line[0] == cached), None)
    return max(0, limit - used + (spare or 0))


def _cgroup_files(root: Root, unified: str, legacy: str) -> list[str]:
    """Return the files of this process's control groups and of their ancestors, nearest first.

    :param unified: The file's name in cgroup version 2, or "".
    :param legacy: The file's name in cgroup version 1, or "".
    """
    names = []
    for line in (root.text("proc/self/cgroup") or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers and unified:
            names += [f"{top}/{unified}" for top in _ancestors("sys/fs/cgroup", path)]
        elif legacy.partition(".")[0] in controllers.split(",") and legacy:
            names += [f"{top}/{legacy}" for top in _ancestors(f"sys/fs/cgroup/{controllers}", path)]
            names += [f"{top}/{legacy}" for top in _ancestors(f"sys/fs/cgroup/{legacy.partition('.')[0]}", path)]
    return [name for name in dict.fromkeys(names) if root.exists(name)]


def _ancestors(mount: str, path: str) -> list[str]:
    """Return the folders of a group and its ancestors up to the mount, where a container sees its own group."""
    parts = [part for part in path.split("/") if part and part != ".."]
    return ["/".join([mount, *parts[:length]]) for length in range(len(parts), -1, -1)]


def _share(text: str | None) -> float | None:
    quota, period = (*map(whole, (text or "").split()), None, None)[:2]
    return quota / period if quota and period and quota > 0 and period > 0 else None


def _bytes(text: str, key: str) -> int | None:
    match = re.search(rf"^{key}:\s*(\d{{1,18}}) kB", text, re.MULTILINE)
    return int(match[1]) * _KIB if match else None


def _gib(text: str, key: str) -> float | None:
    """Return memory in GiB, rounded so that the kernel's own share of it does not change the machine's hash."""
    size = _bytes(text, key)
    return None if size is None else float(f"{size / _GIB:.1g}") if size < _GIB else float(round(size / _GIB))


def _swap_used(text: str) -> int | None:
    total, free = _bytes(text, "SwapTotal"), _bytes(text, "SwapFree")
    return None if total is None or free is None else max(0, total - free)


def _loads(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split()[:3]] if len(text.split()) > 2 else None  # noqa: PLR2004 - three
    except ValueError:
        return None


def _chosen(text: str) -> str | None:
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else None
