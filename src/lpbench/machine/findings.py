"""Sources of noise in measurements on a machine, their effects, and their remedies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import either, setting
from lpbench.machine._facts import value_of
from lpbench.util.shown import Shown
from lpbench.util.spans import write_cores
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.machine._facts import Facts

_BUSY = 0.1
"""Load per core at which a machine counts as busy."""
_HOT = 10.0
"""Distance in °C from a trip point below which a machine counts as hot."""
_LITTLE_MEMORY = 256 << 20


@dataclass(frozen=True, repr=False)
class Finding(Shown):
    """A source of noise in measurements on a machine.

    :param name: Short, fixed name, for scripts.
    :param what: What was found, with the value.
    :param cost: Its effect on a measurement.
    :param remedy: The command that fixes it, or other advice.
    """

    name: str
    what: str
    cost: str
    remedy: str

    def in_short(self) -> str:
        """Return its name and what was found."""
        return f"{self.name}: {self.what}"


def findings(environment: Mapping[str, Any]) -> list[Finding]:
    """Return the sources of noise on a machine, the worst first.

    :param environment: The result of ``environment``, for any machine; unknown facts produce no finding.
    """
    facts: Facts = {}
    for part in ("machine", "subject", "state"):
        facts.update(environment.get(part) or {})
    results = [check(lambda key: value_of(facts, key)) for check in _CHECKS]
    return [finding for finding in results if finding]


def _throttled(look: Callable[[str], Any]) -> Finding | None:
    now = [flag for flag in look("throttle_flags") or [] if not flag.endswith("since start")]
    active = [*now, *(look("cooling") or {})]
    if not active:
        return None
    what = f"the machine is throttled now: {', '.join(active)}"
    cost = "latencies rise with heat or low voltage and fall as the machine cools: no two runs agree"
    return Finding(
        "throttled", what, cost, "cool it; on a Raspberry Pi use the official power supply; then measure again"
    )


def _throttled_before(look: Callable[[str], Any]) -> Finding | None:
    past = [flag for flag in look("throttle_flags") or [] if flag.endswith("since start")]
    count = look("throttle_count") or 0
    if not (past or count):
        return None
    what = ", ".join(past) or f"the processor has throttled {amount(count, 'time')} since it started"
    cost = "long runs may be slowed down by heat even if short runs are not"
    return Finding(
        "has-throttled", what, cost, "improve cooling or power; watch the count in the result before and after"
    )


def _thermal(look: Callable[[str], Any]) -> Finding | None:
    room = look("thermal_headroom")
    if room is None or room >= _HOT:
        return None
    cost = "the machine will slow down while it measures"
    return Finding("hot", f"{room:.1f} °C below a thermal trip point", cost, "let it cool down; improve cooling")


def _virtual(look: Callable[[str], Any]) -> Finding | None:
    kind = look("virtualisation")
    if kind in {None, "none"}:
        return None
    name = "virtual machine" if kind == "unnamed" else f"virtual machine ({kind})"
    cost = "other guests take time, cache and memory bandwidth unseen: latencies drift from minute to minute"
    compare = either("lpbench compare --live", "lpbench.compare_live()")
    remedy = f"measure on the machine itself; here, compare in lockstep only: {compare}"
    return Finding("virtual-machine", name, cost, remedy)


def _governor(look: Callable[[str], Any]) -> Finding | None:
    governor = look("governor")
    if governor is None:
        cost = "the frequency cannot be fixed from here, and its effects look like changes of the code"
        return Finding(
            "no-governor", "no frequency governor is visible", cost, "set the governor on the host, if it is yours"
        )
    if governor == "performance":
        return None
    cost = "the frequency follows the load: the first samples after a pause are slower, and runs differ"
    remedy = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    return Finding("governor", f"frequency governor {governor}", cost, remedy)


def _turbo(look: Callable[[str], Any]) -> Finding | None:
    if not look("turbo"):
        return None
    cost = "the frequency depends on heat and on what other cores do: long runs are slower than short ones"
    if look("frequency_driver") in {"intel_pstate", "intel_cpufreq"}:
        remedy = "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    else:
        remedy = "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"
    return Finding("turbo", "turbo is on", cost, remedy)


def _smt(look: Callable[[str], Any]) -> Finding | None:
    if not look("smt"):
        return None
    cost = "two threads share a core: a neighbour's work slows the measured thread"
    return Finding(
        "smt",
        "SMT is on",
        cost,
        f"echo off | sudo tee /sys/devices/system/cpu/smt/control; or {setting('affinity')} with one thread per core",
    )


def _load(look: Callable[[str], Any]) -> Finding | None:
    load, cores = look("load_average"), look("logical_cores") or 1
    if not load or load[0] / cores < _BUSY:
        return None
    cost = "other processes take cores, cache and memory bandwidth from the measured one"
    remedy = "stop what is not needed: ps -eo pcpu,pid,args --sort=-pcpu | head"
    return Finding("load", f"load average {load[0]:.2f} on {amount(cores, 'core')}", cost, remedy)


def _memory(look: Callable[[str], Any]) -> Finding | None:
    used, available = look("swap_used_bytes") or 0, look("memory_available_bytes")
    if not used and (available is None or available >= _LITTLE_MEMORY):
        return None
    what = f"{used / 1e6:.0f} MB of swap are in use" if used else f"only {available / 1e6:.0f} MB of memory are free"
    cost = "pages that were swapped out are read back during a sample, thousands of times slower than memory"
    remedy = "end processes that use much memory, then: sudo swapoff -a && sudo swapon -a"
    return Finding("swap" if used else "memory", what, cost, remedy)


def _quota(look: Callable[[str], Any]) -> Finding | None:
    quota, cores = look("cgroup_cpu_quota"), look("logical_cores")
    if quota is None:
        return None
    what = f"the control group allows {quota:.3g} cores' time" + (f" of {cores}" if cores else "")
    cost = "once the quota is used up, the process is stopped until the next period: long tails"
    return Finding(
        "cgroup-quota", what, cost, "start the container without --cpus; limit it with --cpuset-cpus instead"
    )


def _clusters(look: Callable[[str], Any]) -> Finding | None:
    clusters, affinity = look("clusters") or [], look("affinity")
    used = [cluster for cluster in clusters if affinity is None or set(cluster["cores"]) & set(affinity)]
    if len(used) < 2:  # noqa: PLR2004 - a single kind of core is no problem
        return None
    kinds = ", ".join(f"{cluster['kind'] or 'cores'} {write_cores(cluster['cores'])}" for cluster in used)
    cost = "the scheduler moves the work between fast and slow cores: latencies form two groups"
    return Finding("mixed-cores", f"cores of several kinds: {kinds}", cost, _affinity(used[0]["cores"]))


def _irqbalance(look: Callable[[str], Any]) -> Finding | None:
    if not look("irqbalance"):
        return None
    cost = "interrupts move to the measured core and lengthen the slowest samples"
    return Finding("irqbalance", "irqbalance is running", cost, "sudo systemctl stop irqbalance")


def _affinity(cores: list[int]) -> str:
    return either(f"--affinity {write_cores(cores)}", f"affinity={list(cores)}")


_CHECKS = (
    _throttled,
    _virtual,
    _load,
    _memory,
    _quota,
    _thermal,
    _clusters,
    _governor,
    _turbo,
    _smt,
    _throttled_before,
    _irqbalance,
)
