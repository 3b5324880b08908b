"""What would make a machine noisy, what each costs, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.machine._facts import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.machine._facts import Facts

_BUSY = 0.1
"""Load per core from which a machine counts as busy."""
_HOT = 10.0
"""Degrees below a trip point from which a machine counts as hot."""
_LITTLE_MEMORY = 256 << 20


@dataclass(frozen=True)
class Finding:
    """Something that makes measurements of this machine noisy.

    :param name: Short and fixed, for scripts.
    :param what: What was found, with the value.
    :param cost: What it does to a measurement.
    :param remedy: The command that mends it, or what else to do.
    """

    name: str
    what: str
    cost: str
    remedy: str


def findings(environment: Mapping[str, Any]) -> list[Finding]:
    """Return what would make the machine noisy, the worst first.

    :param environment: As ``environment`` gives it, of any machine; what is not known gives no finding.
    """
    facts: Facts = {}
    for part in ("machine", "subject", "state"):
        facts.update(environment.get(part) or {})
    found = [check(lambda key: value_of(facts, key)) for check in _CHECKS]
    return [each for each in found if each]


def _throttled(look: Callable[[str], Any]) -> Finding | None:
    now = [flag for flag in look("throttle_flags") or [] if not flag.endswith("since start")]
    active = [*now, *(look("cooling") or {})]
    if not active:
        return None
    what = f"the machine is slowed down now: {', '.join(active)}"
    cost = "latencies rise with heat or falling voltage, and fall when it cools: no two runs agree"
    return Finding(
        "throttled", what, cost, "cool it; on a Raspberry Pi use the official power supply; then measure again"
    )


def _throttled_before(look: Callable[[str], Any]) -> Finding | None:
    past = [flag for flag in look("throttle_flags") or [] if flag.endswith("since start")]
    count = look("throttle_count") or 0
    if not (past or count):
        return None
    what = ", ".join(past) or f"the processor has throttled {count} times since it started"
    cost = "long runs may be slowed down by heat although short ones are not"
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
    remedy = "measure on the machine itself; here, compare in lockstep only: lpbench compare --live"
    return Finding("virtual-machine", name, cost, remedy)


def _governor(look: Callable[[str], Any]) -> Finding | None:
    governor = look("governor")
    if governor is None:
        cost = "the frequency cannot be fixed from here, nor told from a change of the code"
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
        "echo off | sudo tee /sys/devices/system/cpu/smt/control; or --affinity with one thread per core",
    )


def _load(look: Callable[[str], Any]) -> Finding | None:
    load, cores = look("load_average"), look("logical_cores") or 1
    if not load or load[0] / cores < _BUSY:
        return None
    cost = "other processes take cores, cache and memory bandwidth from the measured one"
    remedy = "stop what is not needed: ps -eo pcpu,pid,args --sort=-pcpu | head"
    return Finding("load", f"load average {load[0]:.2f} on {cores} cores", cost, remedy)


def _memory(look: Callable[[str], Any]) -> Finding | None:
    used, available = look("swap_used_bytes") or 0, look("memory_available_bytes")
    if not used and (available is None or available >= _LITTLE_MEMORY):
        return None
    what = f"{used / 1e6:.0f} MB of swap are in use" if used else f"only {available / 1e6:.0f} MB of memory are free"
    cost = "memory that was moved out comes back during a sample, thousands of times slower than memory"
    return Finding(
        "swap" if used else "memory", what, cost, "end what uses memory, then: sudo swapoff -a && sudo swapon -a"
    )


def _quota(look: Callable[[str], Any]) -> Finding | None:
    quota, cores = look("cgroup_cpu_quota"), look("logical_cores")
    if quota is None:
        return None
    what = f"the control group allows {quota:.3g} cores' time" + (f" of {cores}" if cores else "")
    cost = "once the quota is spent the process stands still until the next period: long tails"
    return Finding(
        "cgroup-quota", what, cost, "start the container without --cpus; limit it with --cpuset-cpus instead"
    )


def _clusters(look: Callable[[str], Any]) -> Finding | None:
    clusters, affinity = look("clusters") or [], look("affinity")
    used = [each for each in clusters if affinity is None or set(each["cores"]) & set(affinity)]
    if len(used) < 2:  # noqa: PLR2004 - one kind of core makes no difference
        return None
    kinds = ", ".join(f"{each['kind'] or 'cores'} {_range(each['cores'])}" for each in used)
    cost = "the scheduler moves the work between fast and slow cores: two heaps of latencies"
    return Finding("mixed-cores", f"cores of several kinds: {kinds}", cost, f"--affinity {_range(used[0]['cores'])}")


def _irqbalance(look: Callable[[str], Any]) -> Finding | None:
    if not look("irqbalance"):
        return None
    cost = "interrupts move to the measured core and lengthen the slowest samples"
    return Finding("irqbalance", "irqbalance is running", cost, "sudo systemctl stop irqbalance")


def _range(cores: list[int]) -> str:
    """Return cores as the command line takes them: 0-3, or 0,2."""
    whole = cores == list(range(cores[0], cores[-1] + 1))
    return f"{cores[0]}-{cores[-1]}" if whole and len(cores) > 1 else ",".join(map(str, cores))


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
