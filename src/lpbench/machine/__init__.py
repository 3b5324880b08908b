"""The measuring machine: its properties, its state, and what would make measurements on it noisy.

Supports Linux on x86 and ARM, without root privileges.  Everything is read from files below a
root folder, so that a tree of files can represent another machine.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.machine import _board, _cpu, _software, _thermal
from lpbench.machine._facts import Facts, Root, fact, value_of
from lpbench.machine.findings import Finding, findings
from lpbench.machine.load import Disturbance, Snapshot, between, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Disturbance",
    "Finding",
    "Snapshot",
    "available_memory",
    "between",
    "differing",
    "environment",
    "findings",
    "hashes",
    "last_level_cache",
    "platform",
    "snapshot",
    "usable_cores",
    "value_of",
]


def environment(
    subject: Mapping[str, Any] | None = None, libraries: Iterable[str] = (), root: Path = Path("/")
) -> dict[str, Any]:
    """Return the facts about the machine, each as ``{"value", "source"}`` or ``{"value": None, "reason"}``.

    ``machine``: facts that must be equal for two results to be comparable.  ``subject``: facts that may differ and are
    shown.  ``state``: facts that change by themselves.  ``hashes``: a hash of machine and one of subject.

    :param subject: Facts that the caller adds to the subject: engine version, precision, app; plain values get the
        source ``given``.
    :param libraries: Distributions whose versions belong to the subject, besides lpbench and numpy.
    :param root: The root of the file system to read; facts about Python and the process are always those of this one.
    """
    tree = Root(root)
    processor = _cpu.machine(tree)
    machine = {**_board.machine(tree, value_of(processor, "architecture")), **processor}
    facts = {**_software.subject(tree, libraries), **_given(subject or {})}
    state = {**_board.state(tree), **_cpu.state(tree), **_thermal.state(tree), "irqbalance": _irqbalance(tree)}
    return {"machine": machine, "subject": facts, "state": state, "hashes": hashes(machine, facts)}


def hashes(machine: Facts, subject: Facts) -> dict[str, str]:
    """Return the SHA-256 of the values of machine and subject, without their sources."""
    return {"machine": _digest(machine), "subject": _digest(subject)}


def platform(root: Path = Path("/")) -> str:
    """Return the platform id of the machine, as results have it."""
    tree = Root(root)
    board = _board.machine(tree, value_of(_cpu.machine(tree), "architecture"))
    return str(value_of(board, "platform"))


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of memory available to processes, or None if the kernel does not report them."""
    return _board.available_memory(Root(root))


def last_level_cache(root: Path = Path("/")) -> int | None:
    """Return the bytes of all caches of the last level together, or None if the kernel does not report them."""
    return _cpu.last_level_cache(Root(root))


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many cores this process can use at a time: those of its affinity, or of the control group's quota."""
    allowed = value_of({"affinity": _software.affinity()}, "affinity")
    cores = len(allowed) if allowed else os.cpu_count() or 1
    quota = _board.cgroup_quota(Root(root)).get("value")
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def differing(one: Mapping[str, Any], other: Mapping[str, Any], part: str = "machine") -> dict[str, tuple[Any, Any]]:
    """Return the keys of ``part`` whose values differ between two environments, with both values.

    A key that one of them lacks has the value None for it.
    """
    sides = one.get(part) or {}, other.get(part) or {}
    keys = sorted({key for side in sides for key in side})
    pairs = {key: (value_of(sides[0], key), value_of(sides[1], key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if _plain(pair[0]) != _plain(pair[1])}


def _given(subject: Mapping[str, Any]) -> Facts:
    return {key: value if _is_fact(value) else fact(value, "given") for key, value in subject.items()}


def _is_fact(value: object) -> bool:
    return isinstance(value, dict) and value.keys() in ({"value", "source"}, {"value", "reason"})


def _digest(facts: Facts) -> str:
    return hashlib.sha256(_plain({key: value_of(facts, key) for key in facts}).encode()).hexdigest()


def _plain(value: object) -> str:
    """Return canonical JSON, so that a value equals itself after it was saved to a result file and loaded again."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def _irqbalance(root: Root) -> dict[str, Any]:
    names = {root.text(name) for name in root.names("proc", "[0-9]*/comm")}
    return fact("irqbalance" in names, "/proc/*/comm")
