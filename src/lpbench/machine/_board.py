"""The board and what it runs in: model, platform id, memory, virtual machine, container, cgroup limits."""

from __future__ import annotations

import re

from lpbench.machine._facts import Fact, Facts, Root, absent, fact, numbers, whole

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
"""What board models say, and the platform ids of the published tables."""
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
    """Return what of the board must be equal for two results to be compared."""
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
    """Return memory, swap and load at this moment."""
    return {
        "memory_available_bytes": root.read("proc/meminfo", lambda text: _bytes(text, "MemAvailable")),
        "swap_total_bytes": root.read("proc/meminfo", lambda text: _bytes(text, "SwapTotal")),
        "swap_used_bytes": root.read("proc/meminfo", _swap_used),
        "load_average": root.read("proc/loadavg", _loads),
    }


def _board(root: Root) -> Fact:
    told = root.read("proc/device-tree/model")
    if told["value"] is not None:
        return told
    parts = [root.text(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    if any(parts):
        return fact(" ".join(part for part in parts if part), "/sys/class/dmi/id sys_vendor, product_name")
    return absent("neither /proc/device-tree/model nor /sys/class/dmi/id tells it")


def _platform(board: str, architecture: str, virtual: str | None) -> Fact:
    """Return the id for PLATFORM (docs/reference/metrics.md); without underscores, which file names use as separators."""
    arch = architecture.replace("_", "-") or "unknown"
    for pattern, name in _BOARDS:
        found = re.search(pattern, board, re.IGNORECASE)
        if found:
            parts = [part.lower() for part in found.groups() if part]
            return fact(name.format(*parts, arch=arch), "the board's model")
    if virtual and virtual != "none":
        return fact(f"{arch}-vm", "architecture and hypervisor")
    words = re.sub(r"[^a-z0-9]+", "-", board.lower()).strip("-")[:32].strip("-")
    return fact(f"{arch}-{words}" if words else arch, "architecture and the board's model" if words else "architecture")


def _virtual(root: Root, board: str) -> Fact:
    """Return the hypervisor's name, ``unnamed`` where only its presence shows, ``none`` on bare metal."""
    compatible = root.text("proc/device-tree/compatible") or ""
    told = f"{board} {compatible}".lower()
    for words, name in _VENDORS:
        if re.search(rf"\b{re.escape(words)}\b", told):
            return fact(name, "the board's vendor and model")
    for name in ("sys/hypervisor/type", "proc/device-tree/hypervisor/compatible"):
        found = root.text(name)
        if found:
            return fact(found, f"/{name}")
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
    found = next((kind for kind in ("docker", "kubepods", "lxc", "podman") if kind in groups), "none")
    return fact(found, "/proc/1/cgroup, /.dockerenv, /run/.containerenv")


def cgroup_quota(root: Root) -> Fact:
    """Return how many cores' worth of time the control groups allow this process; infinite is absent."""
    found = [
        (share, name) for name in _cgroup_files(root, "cpu.max", "") if (share := _share(root.text(name))) is not None
    ]
    for name in _cgroup_files(root, "", "cpu.cfs_quota_us"):
        period = root.number(name.replace("quota", "period"))
        quota = root.number(name)
        if quota and period and quota > 0 and period > 0:
            found.append((quota / period, name))
    if not found:
        return absent("no control group limits the CPU time")
    share, name = min(found)
    return fact(share, f"/{name}")


def throttled(root: Root) -> dict[str, int]:
    """Return how often, and for how many nanoseconds, the CPU quota has stopped this control group."""
    found = {"periods": 0, "ns": 0}
    for name in _cgroup_files(root, "cpu.stat", "cpu.stat"):
        lines = dict(line.split(None, 1) for line in (root.text(name) or "").splitlines() if " " in line)
        spent = whole(lines.get("throttled_time")) or 1000 * (whole(lines.get("throttled_usec")) or 0)
        found["periods"] = max(found["periods"], whole(lines.get("nr_throttled")) or 0)
        found["ns"] = max(found["ns"], spent)
    return found


def _cpuset(root: Root) -> Fact:
    names = [*_cgroup_files(root, "cpuset.cpus.effective", ""), *_cgroup_files(root, "", "cpuset.effective_cpus")]
    return root.first(names, numbers) if names else absent("no control group tells its cores")


def _memory_limit(root: Root) -> Fact:
    files = [*_cgroup_files(root, "memory.max", ""), *_cgroup_files(root, "", "memory.limit_in_bytes")]
    limits = [(limit, name) for name in files if (limit := root.number(name)) is not None and limit < 1 << 60]
    if not limits:
        return absent("no control group limits the memory")
    limit, name = min(limits)
    return fact(limit, f"/{name}")


def available_memory(root: Root) -> int | None:
    """Return the bytes that processes may still take: the system's, or less where a control group allows less."""
    system = _bytes(root.text("proc/meminfo") or "", "MemAvailable")
    unified = [_left(root, name, "memory.current", "inactive_file") for name in _cgroup_files(root, "memory.max", "")]
    legacy = [
        _left(root, name, "memory.usage_in_bytes", "total_inactive_file")
        for name in _cgroup_files(root, "", "memory.limit_in_bytes")
    ]
    return min((each for each in (system, *unified, *legacy) if each is not None), default=None)


def _left(root: Root, name: str, usage: str, cached: str) -> int | None:
    """Return what a control group leaves free; the files that it keeps in memory can be dropped.

    :param name: The file with its limit; ``usage`` stands beside it, ``cached`` is a line of memory.stat there.
    """
    folder = name.rpartition("/")[0]
    limit, used = root.number(name), root.number(f"{folder}/{usage}")
    if limit is None or used is None:
        return None
    lines = (line.split() for line in (root.text(f"{folder}/memory.stat") or "").splitlines())
    spare = next((whole(line[1]) for line in lines if len(line) > 1 and line[0] == cached), None)
    return max(0, limit - used + (spare or 0))


def _cgroup_files(root: Root, unified: str, legacy: str) -> list[str]:
    """Return the files of this process's control groups and of all above them, nearest first.

    :param unified: The file's name in version 2, or "".
    :param legacy: Likewise in version 1.
    """
    found = []
    for line in (root.text("proc/self/cgroup") or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers and unified:
            found += [f"{top}/{unified}" for top in _above("sys/fs/cgroup", path)]
        elif legacy.partition(".")[0] in controllers.split(",") and legacy:
            found += [f"{top}/{legacy}" for top in _above(f"sys/fs/cgroup/{controllers}", path)]
            found += [f"{top}/{legacy}" for top in _above(f"sys/fs/cgroup/{legacy.partition('.')[0]}", path)]
    return [name for name in dict.fromkeys(found) if root.exists(name)]


def _above(mount: str, path: str) -> list[str]:
    """Return the folder of a group and those above it; a container sees its own group as the mount itself."""
    parts = [part for part in path.split("/") if part and part != ".."]
    return ["/".join([mount, *parts[:length]]) for length in range(len(parts), -1, -1)]


def _share(text: str | None) -> float | None:
    quota, period = (*map(whole, (text or "").split()), None, None)[:2]
    return quota / period if quota and period and quota > 0 and period > 0 else None


def _bytes(text: str, key: str) -> int | None:
    found = re.search(rf"^{key}:\s*(\d{{1,18}}) kB", text, re.MULTILINE)
    return int(found[1]) * _KIB if found else None


def _gib(text: str, key: str) -> float | None:
    """Return memory in GiB, rounded so that another kernel's share of it does not make another machine."""
    found = _bytes(text, key)
    return None if found is None else float(f"{found / _GIB:.1g}") if found < _GIB else float(round(found / _GIB))


def _swap_used(text: str) -> int | None:
    total, free = _bytes(text, "SwapTotal"), _bytes(text, "SwapFree")
    return None if total is None or free is None else max(0, total - free)


def _loads(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split()[:3]] if len(text.split()) > 2 else None  # noqa: PLR2004 - three
    except ValueError:
        return None


def _chosen(text: str) -> str | None:
    found = re.search(r"\[(\w+)\]", text)
    return found[1] if found else None
