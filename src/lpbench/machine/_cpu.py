"""The processor: model, cores, clusters, caches, frequencies, governor, turbo."""

from __future__ import annotations

import platform
from collections import Counter
from typing import Any

from lpbench.machine._facts import Fact, Facts, Root, absent, fact
from lpbench.util.file_tree import numbers, whole

_CPUS = "sys/devices/system/cpu"
_MOST_READ = 8
"""Most cores whose current frequency is read: older kernels wait 20 ms for each."""
_MAKERS = {
    0x41: "ARM",
    0x42: "Broadcom",
    0x43: "Cavium",
    0x46: "Fujitsu",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x50: "APM",
    0x51: "Qualcomm",
    0x61: "Apple",
    0xC0: "Ampere",
}
"""Implementer codes of the ARM architecture's main ID register."""
_ARM_PARTS = {
    0xC05: "Cortex-A5",
    0xC07: "Cortex-A7",
    0xC08: "Cortex-A8",
    0xC09: "Cortex-A9",
    0xC0F: "Cortex-A15",
    0xD01: "Cortex-A32",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD42: "Cortex-A78AE",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}
_NVIDIA_PARTS = {0x000: "Denver", 0x003: "Denver 2", 0x004: "Carmel"}
_PARTS = {0x41: _ARM_PARTS, 0x4E: _NVIDIA_PARTS}


def machine(root: Root) -> Facts:
    """Return the facts about the processor that must be equal for two results to be comparable."""
    online = cpus(root)
    entries = _cpuinfo(root)
    return {
        "architecture": _architecture(root),
        "cpu_model": _model(entries),
        "logical_cores": fact(len(online), f"/{_CPUS}/online") if online else absent(f"/{_CPUS}/online lists no cores"),
        "cores": _cores(root, online),
        "smt": _smt(root, online),
        "clusters": _clusters(root, online, entries),
        "caches": _caches(root),
        "governor": _common(root, online, "scaling_governor"),
        "frequency_driver": _common(root, online, "scaling_driver"),
        "frequency_limits_khz": _limits(root, online),
        "turbo": _turbo(root),
        "isolated_cores": _isolated(root),
    }


def state(root: Root) -> Facts:
    """Return the facts about the processor that change by themselves."""
    return {"frequency_mhz": _frequency(root, cpus(root))}


def cpus(root: Root) -> list[int]:
    """Return the kernel's numbers of the online cores; empty if they are not known."""
    return numbers(root.text(f"{_CPUS}/online") or "") or []


def _architecture(root: Root) -> Fact:
    architecture = root.read("proc/sys/kernel/arch")  # since Linux 6.1
    return architecture if architecture["value"] or not root.here else fact(platform.uname().machine, "uname")


def _cpuinfo(root: Root) -> list[dict[str, str]]:
    """Return the entries of /proc/cpuinfo; facts about the whole board form their own entry."""
    blocks = (root.text("proc/cpuinfo") or "").replace("\t", "").split("\n\n")
    pairs = [[line.partition(":") for line in block.splitlines() if ":" in line] for block in blocks]
    return [{key.strip(): value.strip() for key, _, value in block} for block in pairs if block]


def _model(entries: list[dict[str, str]]) -> Fact:
    """Return the model's name; ARM cores by part number, because the kernel names them only "ARMv8 Processor"."""
    named = Counter(name for name in map(_arm_name, entries) if name)
    if named:
        names = " + ".join(f"{count}x {name}" for name, count in sorted(named.items()))
        return fact(names, "/proc/cpuinfo CPU implementer, CPU part")
    for key in ("model name", "cpu model", "uarch", "cpu"):
        name = next((entry[key] for entry in entries if entry.get(key, "").strip("0123456789")), None)
        if name:
            return fact(" ".join(name.split()), f"/proc/cpuinfo {key}")
    return absent("/proc/cpuinfo names no model" if entries else "/proc/cpuinfo cannot be read")


def _arm_name(entry: dict[str, str]) -> str | None:
    maker, part = (_hexadecimal(entry.get(key)) for key in ("CPU implementer", "CPU part"))
    if maker is None or part is None:
        return None
    return _PARTS.get(maker, {}).get(part) or f"{_MAKERS.get(maker, hex(maker))} {part:#05x}"


def _hexadecimal(text: str | None) -> int | None:
    try:
        return int(text or "", 16)
    except ValueError:
        return None


def _siblings(root: Root, cpu: int) -> str | None:
    return root.text(f"{_CPUS}/cpu{cpu}/topology/thread_siblings_list")


def _cores(root: Root, online: list[int]) -> Fact:
    groups = {_siblings(root, cpu) for cpu in online}
    if None in groups or not groups:
        return absent("the kernel reports no thread siblings")
    return fact(len(groups), f"/{_CPUS}/cpu*/topology/thread_siblings_list")


def _smt(root: Root, online: list[int]) -> Fact:
    active = root.read(f"{_CPUS}/smt/active", {"1": True, "0": False}.get)
    if active["value"] is not None:
        return active
    groups = [numbers(text) for text in (_siblings(root, cpu) for cpu in online) if text]
    if not groups:
        return absent(f"{active['reason']}; the kernel reports no thread siblings")
    return fact(any(len(group or ()) > 1 for group in groups), f"/{_CPUS}/cpu*/topology/thread_siblings_list")


def _clusters(root: Root, online: list[int], entries: list[dict[str, str]]) -> Fact:
    """Return the kinds of cores, fastest first: one on most machines, several on big.LITTLE and hybrid ones.

    Cores whose speeds differ by about a tenth or less are one kind: many processors run one core slightly faster.
    """
    hybrid = _hybrid(root)
    if hybrid:
        return fact(hybrid, "/sys/devices/cpu_core/cpus, /sys/devices/cpu_atom/cpus")
    if not online:
        return absent(f"/{_CPUS}/online lists no cores")
    names = {whole(entry.get("processor")): _arm_name(entry) for entry in entries}
    speeds = {cpu: _speed(root, cpu) for cpu in online}
    top = max(speeds.values()) or 1
    kinds: dict[tuple[int, str], list[int]] = {}
    for cpu, speed in speeds.items():
        kinds.setdefault((round(10 * speed / top), names.get(cpu) or ""), []).append(cpu)
    clusters = [{"cores": cores, "kind": name or None} for (_, name), cores in sorted(kinds.items(), reverse=True)]
    return fact(clusters, f"/{_CPUS}/cpu*/cpu_capacity, cpuinfo_max_freq, /proc/cpuinfo")


def _speed(root: Root, cpu: int) -> int:
    names = (f"{_CPUS}/cpu{cpu}/cpu_capacity", f"{_CPUS}/cpu{cpu}/cpufreq/cpuinfo_max_freq")
    return next((speed for speed in map(root.number, names) if speed and speed > 0), 0)


def _hybrid(root: Root) -> list[dict[str, Any]]:
    """Return the performance and efficiency cores of an Intel hybrid processor."""
    kinds = {"performance": "cpu_core", "efficiency": "cpu_atom"}
    by_kind = {kind: numbers(root.text(f"sys/devices/{folder}/cpus") or "") for kind, folder in kinds.items()}
    return [{"cores": cores, "kind": kind} for kind, cores in by_kind.items() if cores] if all(by_kind.values()) else []


def _caches(root: Root) -> Fact:
    caches = {}
    for folder in root.names(f"{_CPUS}/cpu0/cache", "index*"):
        level, kind, size = (root.text(f"{folder}/{name}") for name in ("level", "type", "size"))
        if level and size:
            caches[f"L{level}{ {'Data': 'd', 'Instruction': 'i'}.get(kind or '', '') }"] = size
    return fact(caches, f"/{_CPUS}/cpu0/cache") if caches else absent(f"/{_CPUS}/cpu0/cache lists no caches")


def last_level_cache(root: Root) -> int | None:
    """Return the bytes of all caches of the last level together; None if the kernel does not report them."""
    sizes: dict[tuple[int, str], int] = {}
    for cpu in cpus(root):
        for folder in root.names(f"{_CPUS}/cpu{cpu}/cache", "index*"):
            level, size = root.number(f"{folder}/level"), _kib(root.text(f"{folder}/size"))
            if level and size:
                sizes[level, root.text(f"{folder}/shared_cpu_list") or str(cpu)] = size
    last = max((level for level, _ in sizes), default=0)
    return 1024 * sum(size for (level, _), size in sizes.items() if level == last) or None


def _kib(text: str | None) -> int | None:
    """Return the number of a size as the kernel writes it, ``512K``."""
    return whole(text[:-1]) if text and text.endswith("K") else None


def _common(root: Root, online: list[int], name: str) -> Fact:
    """Return the content of a cpufreq file; all different contents, joined by commas, if the cores differ."""
    texts = [root.text(f"{_CPUS}/cpu{cpu}/cpufreq/{name}") for cpu in online]
    distinct = sorted({text for text in texts if text})
    if not distinct:
        return absent(
            f"no core has cpufreq/{name}: the kernel, or the host of this virtual machine, sets the frequency"
        )
    return fact(", ".join(distinct), f"/{_CPUS}/cpu*/cpufreq/{name}")


def _limits(root: Root, online: list[int]) -> Fact:
    """Return the lowest and the highest frequency that the settings allow on any core."""
    ends = [[root.number(f"{_CPUS}/cpu{cpu}/cpufreq/scaling_{end}_freq") for cpu in online] for end in ("min", "max")]
    lows, highs = ([khz for khz in end if khz is not None] for end in ends)
    if not lows or not highs:
        return absent("no core has cpufreq/scaling_min_freq and scaling_max_freq")
    return fact([min(lows), max(highs)], f"/{_CPUS}/cpu*/cpufreq/scaling_min_freq, scaling_max_freq")


def _turbo(root: Root) -> Fact:
    """Return whether cores may temporarily run faster than their nominal frequency."""
    turbo = root.read(f"{_CPUS}/intel_pstate/no_turbo", {"0": True, "1": False}.get)
    boost = f"{_CPUS}/cpufreq/boost"
    return turbo if turbo["value"] is not None else root.read(boost, {"1": True, "0": False}.get)


def _isolated(root: Root) -> Fact:
    name = f"{_CPUS}/isolated"
    if not root.exists(name):
        return absent(f"there is no /{name}")
    return fact(numbers(root.text(name) or "") or [], f"/{name}")


def _frequency(root: Root, online: list[int]) -> Fact:
    """Return the current frequency of the first cores in MHz, by core."""
    current = {cpu: root.number(f"{_CPUS}/cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in online[:_MOST_READ]}
    known = {str(cpu): khz / 1000 for cpu, khz in current.items() if khz}
    if known:
        return fact(known, f"/{_CPUS}/cpu*/cpufreq/scaling_cur_freq")
    stated = {entry.get("processor", ""): _decimal(entry.get("cpu MHz")) for entry in _cpuinfo(root)}
    nominal = {cpu: mhz for cpu, mhz in list(stated.items())[:_MOST_READ] if cpu and mhz}
    reason = "neither cpufreq nor /proc/cpuinfo states the frequency"
    return fact(nominal, "/proc/cpuinfo cpu MHz") if nominal else absent(reason)


def _decimal(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
