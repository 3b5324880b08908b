"""Load and memory of Ascend NPUs as AscendCL tells them, where npu-smi does not.

The memory of an NPU is told to those alone who have a context on it, and a context takes some of it: where npu-smi
answers, which needs none, nothing is opened.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.resources import Resources
from lpbench.plugin.kit.untrusted import brief
from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_acl._calls import AclError
from lpbench_acl._memory import device_memory
from lpbench_acl._runtime import runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_acl._runtime import Runtime

    Told = Mapping[str, float | Unavailable]
    """Values by part."""

GIVEN = ("NPU_LOAD", "NPU_MEM")
MOST = 16
"""NPUs that are watched: those of a server."""
PARTIAL = Unavailable("", "not-supported")
"""Of more NPUs, figures of some would look like those of all."""
UNITS = {"cube_utilization": "", "vector_utilization": "/vector", "aicpu_utilization": "/aicpu"}
"""What AscendCL tells the load of, as a part of its NPU; the cube units are the AI cores."""
LACKING = -1
"""The load of a unit that the chip does not have."""
FAILED = Unavailable("", "failed")
KINDS = {
    None: Unavailable("", "not-supported"),  # this CANN lacks the call
    200001: Unavailable("", "not-supported"),
    207004: Unavailable("", "not-here"),
    207006: Unavailable("", "no-permission"),
}
"""What AscendCL's codes say of a value that is missing."""
BYTES_PER_MB = 1e6
OTHER = Unavailable("AscendCL tells of the machine that it runs on, not of a recorded one", "other-machine")
NPU_SMI = ("npu-smi", "info")
ANSWER_S = 4.0
"""Seconds that npu-smi may take."""
ROW = re.compile(r"^\|\s*\d+\s", re.MULTILINE)
"""Matches a row of npu-smi's table; what it prints instead of one are errors."""
TOLD = Unavailable("npu-smi tells it, without a context on the NPU that is measured")
NO_MEMORY = Unavailable("AscendCL tells no memory of this NPU", "not-supported")


class AclMonitor(Monitor):
    """Reads every NPU that AscendCL sees."""

    def __init__(self, target: MonitorTarget, config: object = None) -> None:
        super().__init__(target, config)
        self._npus: list[_Npu] = []
        self._resources = Resources()
        self._why = Unavailable("AscendCL is not started")
        self._partial: Unavailable | None = None

    def __enter__(self) -> Self:
        """Start AscendCL and open the NPUs, unless npu-smi tells of them."""
        if not self.target.files.here:
            self._why = OTHER
            return self
        table = self.target.commands.run(*NPU_SMI, timeout=ANSWER_S)
        if isinstance(table, str) and ROW.search(table):
            self._why = TOLD
            return self
        try:
            here = runtime()
            self._why = Unavailable("AscendCL finds no NPU", "not-here")
            count = here.count()
            self._npus = [_Npu(here, number, self._resources) for number in range(min(count, MOST))]
            if count > MOST:
                self._partial = replace(PARTIAL, reason=f"AscendCL finds {count} NPUs, of which {MOST} are watched")
        except EngineError as error:
            self._why = _explained(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the NPUs."""
        self._npus, self._partial = [], None
        with contextlib.suppress(EngineError):  # a reader of figures can do nothing about it
            self._resources.close()

    def sample(self) -> Readings:
        """Return both metrics over all NPUs, and of each as parts."""
        if not self._npus:
            return dict.fromkeys(GIVEN, self._why)
        loads = {part: load for npu in self._npus for part, load in npu.loads().items()}
        used = {npu.part: npu.used() for npu in self._npus}
        return {
            "NPU_LOAD": self._partial or _mean({npu.part: loads[npu.part] for npu in self._npus}),
            "NPU_MEM": self._partial or _sum(used),
            **{f"NPU_LOAD/{part}": _load(load) for part, load in _known(loads).items()},
            **{f"NPU_MEM/{part}": _memory(size) for part, size in _known(used).items()},
        }


class _Npu:
    """An NPU, with a context on it if it can be opened.

    :param resources: Takes over what is acquired.
    """

    def __init__(self, here: Runtime, number: int, resources: Resources) -> None:
        self.part, self._number = f"npu{number}", number
        self._calls = here.calls
        self._trouble: Unavailable | None = None
        try:
            here.use(number)
            resources.add(partial(here.leave, number))
            self._context = self._calls.handle("rt.create_context", number)
            resources.add(self._calls.prepared("rt.destroy_context", self._context))
        except EngineError as error:
            self._trouble = _explained(error)

    def loads(self) -> dict[str, float | Unavailable]:
        """Return the loads in % by part: that of the AI cores, and those of units that the chip has."""
        try:
            told = self._calls.call("rt.get_device_utilization_rate", self._number)
        except EngineError as error:
            return {self.part: _explained(error)}
        values = told if isinstance(told, dict) else {}
        found = {self.part + part: values.get(name) for name, part in UNITS.items()}
        return {part: _percent(value) for part, value in found.items() if part == self.part or value != LACKING}

    def used(self) -> float | Unavailable:
        """Return the memory in use by all programs, in bytes."""
        if self._trouble:
            return self._trouble
        try:
            self._calls.call("rt.set_context", self._context)
            told = device_memory(self._calls)
        except EngineError as error:
            return _explained(error)
        return float(told[1] - told[0]) if told and told[0] <= told[1] else NO_MEMORY


def _percent(value: object) -> float | Unavailable:
    if isinstance(value, int) and 0 <= value <= 100:  # noqa: PLR2004 - %
        return float(value)
    return Unavailable(f"AscendCL tells a load of {brief(value)}, which is no share in %", "not-supported")


def _explained(error: EngineError) -> Unavailable:
    """Return why a value is missing."""
    if not isinstance(error, AclError):
        return Unavailable(error.what, "not-installed", error.hint)
    return replace(KINDS.get(error.code, FAILED), reason=error.what, hint=error.hint)


def _known(told: Told) -> dict[str, float]:
    return {part: value for part, value in told.items() if not isinstance(value, Unavailable)}


def _reasons(told: Told) -> Iterator[Unavailable]:
    return (value for value in told.values() if isinstance(value, Unavailable))


def _mean(loads: Told) -> Reading | Unavailable:
    """Return the mean over the NPUs that tell their load."""
    known = _known(loads).values()
    return _load(sum(known) / len(known)) if known else next(_reasons(loads))


def _sum(used: Told) -> Reading | Unavailable:
    """Return the memory in use of all NPUs; that of some would look like that of all."""
    return next(_reasons(used), None) or _memory(sum(_known(used).values()))


def _load(value: float) -> Reading:
    return Reading(value, "%", "device", "AscendCL, aclrtGetDeviceUtilizationRate")


def _memory(value: float) -> Reading:
    return Reading(value / BYTES_PER_MB, "MB", "device", "AscendCL, aclrtGetMemInfo")
