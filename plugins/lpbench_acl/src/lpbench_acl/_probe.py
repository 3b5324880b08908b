"""Finds NPUs by copying bytes there and back; runs in a child process, because drivers may crash.

No model is run: it would have to be compiled for the NPU first, which takes ATC long where it is installed at all.
"""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.resources import Resources
from lpbench_acl import _cann
from lpbench_acl._codes import LISTED
from lpbench_acl._obstacles import driver_version, obstacles
from lpbench_acl.config import AclConfig

if TYPE_CHECKING:
    from lpbench.plugin.kit.device_tensors import Allocator
    from lpbench_acl._lane import Lane
    from lpbench_acl._runtime import Runtime

SENT = bytes(range(256))
LOOK = "npu-smi info shows what the driver says of the NPUs; CANN writes its log to ~/ascend/log"


@dataclass
class _Found:
    """What the probe finds, as lpbench asks for it."""

    root: Path
    devices: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def refuse(self, unit: str, error: EngineError) -> None:
        """Note why a device is not usable: what AscendCL says, and what of the machine explains it."""
        causes = list(obstacles(self.root))
        self.unusable[unit] = "; ".join([error.what, *(cause.what for cause in causes)])
        self.hints[unit] = "; ".join(filter(None, (*(cause.hint for cause in causes), error.hint))) or LOOK


def probe(root: Path = Path("/")) -> dict[str, Any]:
    """Return ``version``, usable ``devices`` with their ``names``, and ``unusable`` ones with reason and hint.

    :param root: Where the files lie that tell what is in the way.
    """
    found = _Found(root)
    try:
        _look(found)
    except EngineError as error:
        found.refuse("npu", error)
    return {
        "version": _cann.version(),
        "driver": driver_version(root),
        "devices": found.devices,
        "names": found.names,
        "unusable": found.unusable,
        "hints": found.hints,
    }


def _look(found: _Found) -> None:
    """Try every NPU.

    :raises EngineError: AscendCL does not start, or there is no NPU.
    """
    from lpbench_acl._runtime import runtime

    here = runtime()
    count = here.count()
    if not count:
        raise EngineError("AscendCL finds no NPU", hint=LISTED)
    for number in range(count):
        _try(found, f"npu:{number}", here)


def _try(found: _Found, unit: str, here: Runtime) -> None:
    from lpbench_acl._lane import Lane

    resources = Resources()
    try:
        _copy(Lane(here, AclConfig(device=unit), resources), resources)
        resources.close()
    except EngineError as error:
        with contextlib.suppress(EngineError):  # the first error is the one to know
            resources.close()
        found.refuse(unit, error)
    else:
        found.devices.append(unit)
        found.names[unit] = here.soc()


def _copy(lane: Lane, resources: Resources) -> None:
    """Send bytes to the NPU and back on a stream, as a run does.

    :raises EngineError: A call fails, or other bytes come back.
    """
    from lpbench_acl._lane import DeviceMemory, HostMemory

    def taken(memory: Allocator) -> int:
        address = memory.allocate(size)
        resources.add(partial(memory.free, address))
        return address

    host, device, size = HostMemory(lane), DeviceMemory(lane), len(SENT)
    sent, kept, back = taken(host), taken(device), taken(host)
    ctypes.memmove(sent, SENT, size)
    there, home = lane.directions
    lane.calls.call("rt.memcpy_async", kept, size, sent, size, there, lane.stream)
    lane.calls.call("rt.memcpy_async", back, size, kept, size, home, lane.stream)
    lane.wait()
    if ctypes.string_at(back, size) != SENT:
        raise EngineError("what was copied to the NPU and back is not what was sent", hint=LOOK)
