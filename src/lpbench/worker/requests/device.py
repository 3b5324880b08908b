"""Requests about what an engine itself knows of its device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lpbench.worker.requests.base import Request


@dataclass(frozen=True)
class DeviceMemory:
    """Device memory of one session, as its engine counts it.

    :param by_use: Bytes: ``weights``, ``activations``, ``workspace``, ``total`` and others of the engine's own; None
        where it tells none.
    :param reason: Why there are none; else empty.
    """

    by_use: Mapping[str, int] | None
    reason: str = ""

    def __post_init__(self) -> None:
        if min((self.by_use or {}).values(), default=0) < 0:
            raise ValueError("by_use: found bytes below 0")


@dataclass(frozen=True)
class ReadDeviceMemory(Request[Mapping[str, DeviceMemory]]):
    """Ask each session for the device memory that its engine knows of.

    The answer has a chain's components by name, and a single component under an empty one; of parallel streams it is
    that of the first.  An engine that fails to tell says why in the ``reason``: the request does not fail.
    """

    phase = "reading the device's memory"
