"""The contract of monitors, which read a resource while samples run, from a process of their own.

A monitor is built for what it watches, entered, asked for samples, and left::

    class Fan(Monitor):
        def sample(self):
            rpm = self.target.files.number("sys/class/hwmon/hwmon0/fan1_input")
            if rpm is None:
                return {"FAN_SPEED": self.target.files.missing("sys/class/hwmon/hwmon0/fan1_input")}
            return {"FAN_SPEED": Reading(rpm, "1/min", "machine", "hwmon0/fan1_input")}

A key is a metric, ``CPU_TEMP``, or a part of one, ``CPU_TEMP/x86_pkg_temp``.  Those of ``METRICS`` have its units.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.util.commands import Commands, Stream, SystemCommands
from lpbench.util.file_tree import FileTree
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "METRICS",
    "SCOPES",
    "Commands",
    "FileTree",
    "MetricRange",
    "Monitor",
    "MonitorTarget",
    "Reading",
    "Readings",
    "Stream",
    "SystemCommands",
    "Unavailable",
]

SCOPES = ("process", "device", "package", "rails", "module", "wall", "machine")
"""What a reading may cover.  ``rails``: the sum of supply rails that are measured, which is less than the module."""
UNLIMITED = 1e15


@dataclass(frozen=True)
class MetricRange:
    """The unit of a metric, and between which values a reading of it can lie."""

    unit: str
    least: float = 0.0
    most: float = UNLIMITED


_CELSIUS = MetricRange("°C", -50.0, 200.0)  # a sensor that is not connected says -263.2, one that is broken 511
_PERCENT = MetricRange("%", 0.0, 100.0)
METRICS: Mapping[str, MetricRange] = {
    "CPU_LOAD": _PERCENT,
    "CPU_MEM": MetricRange("MB"),
    "CPU_MEM_PEAK": MetricRange("MB"),
    "CPU_TEMP": _CELSIUS,
    "CPU_FREQ": MetricRange("MHz"),
    "GPU_LOAD": _PERCENT,
    "GPU_MEM": MetricRange("MB"),
    "GPU_TEMP": _CELSIUS,
    "GPU_FREQ": MetricRange("MHz"),
    "GPU_THROTTLING": MetricRange("1", 0.0, 1.0),
    "NPU_LOAD": _PERCENT,
    "NPU_MEM": MetricRange("MB"),
    "NPU_TEMP": _CELSIUS,
    "TEMPERATURE": _CELSIUS,
    "THROTTLING": MetricRange("1", 0.0, 1.0),
    "MEMORY_BANDWIDTH": MetricRange("MB/s"),
    "POWER_CONSUMPTION": MetricRange("W", 0.0, 1e6),
    "ENERGY": MetricRange("J"),
    "DMIPS": MetricRange("1e6/s"),
    "PAGE_FAULTS": MetricRange("1"),
    "CONTEXT_SWITCHES": MetricRange("1"),
    "IO_READ": MetricRange("MB"),
    "IO_WRITE": MetricRange("MB"),
}
"""The metrics that lpbench knows; 1 MB is 1e6 bytes.  A monitor may give others, under names of its own."""


@dataclass(frozen=True)
class Reading:
    """One value of a metric.

    :param value: In ``unit``.
    :param unit: SI unit or a unit of the glossary, such as ``W``.
    :param scope: What the value covers, of ``SCOPES``.
    :param source: Origin of the value: a file, a counter, a library.
    :param cumulative: Whether it counts up from an unstated start, as energy counters do, so that only its growth says
        something.  The monitor itself follows a counter that wraps around.
    :param at: Seconds on the target's clock when it was taken; None where that is now.
    """

    value: float
    unit: str
    scope: str
    source: str
    cumulative: bool = False
    at: float | None = None


Readings = Mapping[str, Reading | Unavailable | Sequence[Reading]]
"""Readings by metric, or by metric and part; a sequence where a source delivered several since it was last asked."""


@dataclass(frozen=True)
class MonitorTarget:
    """What a monitor watches, and with what.

    :param pid: The process under test; None where only the machine is looked at.
    :param files: The machine's files.
    :param commands: The machine's commands.
    :param interval: Seconds between two samples, about.
    :param clock: Seconds of a clock that never goes back, that of ``Reading.at``.
    """

    pid: int | None = None
    files: FileTree = field(default_factory=FileTree)
    commands: Commands = field(default_factory=SystemCommands)
    interval: float = 0.1
    clock: Callable[[], float] = time.monotonic


class Monitor(abc.ABC):
    """Reads a resource while samples run; entered before the first sample and left after the last.

    It runs in a process of its own, so it may block for as long as its spec's ``deadline`` allows, and one that
    raises, hangs or crashes loses its own metrics alone.

    :param target: What it watches.
    :param config: Its options, of the class that its spec names.
    """

    def __init__(self, target: MonitorTarget, config: Any = None) -> None:
        self.target = target
        self.config = config

    def __enter__(self) -> Self:
        """Open what ``sample`` reads."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        return

    @abc.abstractmethod
    def sample(self) -> Readings:
        """Return what can be read now; ``Unavailable`` with the reason for what cannot.

        A metric that is left out keeps its last reason: a load needs two samples, for example.
        """

    def survey(self) -> Readings:
        """Return what is too costly to sample; called before and after the pass, while nothing is timed."""
        return {}
