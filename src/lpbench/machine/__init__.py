"""The machine that measures: what it is, what state it is in, and what would make it noisy.

Linux on x86 and ARM, without root.  Everything is read from files below a root folder, so that
a tree of files can stand for another machine.
"""

from __future__ import annotations

import hashlib
import json
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
    "snapshot",
]


def environment(
    subject: Mapping[str, Any] | None = None, libraries: Iterable[str] = (), root: Path = Path("/")
) -> dict[str, Any]:
    """Return what is known of the machine, each fact as ``{"value", "source"}`` or ``{"value": None, "reason"}``.

    ``machine``: what must be equal before two results are compared.  ``subject``: what may differ and is shown.
    ``state``: what changes by itself.  ``hashes``: one each of machine and subject.

    :param subject: Facts that the caller adds to the subject: engine version, precision, app; plain values are taken
        as given by the caller.
    :param libraries: Distributions whose versions belong to the subject, besides lpbench and numpy.
    :param root: The file system that is looked at; Python and the process are always this one.
    """
    tree = Root(root)
    processor = _cpu.machine(tree)
    machine = {**_board.machine(tree, value_of(processor, "architecture")), **processor}
    known = {**_software.subject(tree, libraries), **_given(subject or {})}
    state = {**_board.state(tree), **_cpu.state(tree), **_thermal.state(tree), "irqbalance": _irqbalance(tree)}
    return {"machine": machine, "subject": known, "state": state, "hashes": hashes(machine, known)}


def hashes(machine: Facts, subject: Facts) -> dict[str, str]:
    """Return the SHA-256 of the values of machine and subject; where they were read does not count."""
    return {"machine": _digest(machine), "subject": _digest(subject)}


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that processes may still take here, None where the kernel does not tell."""
    return _board.available_memory(Root(root))


def differing(one: Mapping[str, Any], other: Mapping[str, Any], part: str = "machine") -> dict[str, tuple[Any, Any]]:
    """Return the keys of ``part`` whose values differ between two environments, with both values.

    A key that one of them lacks has the value None there.
    """
    sides = one.get(part) or {}, other.get(part) or {}
    keys = sorted({key for side in sides for key in side})
    pairs = {key: (value_of(sides[0], key), value_of(sides[1], key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if _plain(pair[0]) != _plain(pair[1])}


def _given(subject: Mapping[str, Any]) -> Facts:
    return {key: each if _is_fact(each) else fact(each, "given") for key, each in subject.items()}


def _is_fact(each: object) -> bool:
    return isinstance(each, dict) and each.keys() in ({"value", "source"}, {"value", "reason"})


def _digest(facts: Facts) -> str:
    return hashlib.sha256(_plain({key: value_of(facts, key) for key in facts}).encode()).hexdigest()


def _plain(value: object) -> str:
    """Return canonical JSON, so that a value and what a result file gives back are the same."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def _irqbalance(root: Root) -> dict[str, Any]:
    names = {root.text(name) for name in root.names("proc", "[0-9]*/comm")}
    return fact("irqbalance" in names, "/proc/*/comm")
