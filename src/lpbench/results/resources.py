"""What a process took of the machine while it was watched: values of results, without how they were got.

Seconds are those since the pass began; metrics have the glossary's names and units.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - reading a document asks for the annotations
from dataclasses import dataclass, field

MOST_POINTS = 2000
"""Points of a time series that are kept."""


@dataclass(frozen=True)
class TimeSeries:
    """Values over time; of more than ``MOST_POINTS``, means of neighbours.

    :param seconds: When each was taken.
    :param values: Of a cumulative metric, its growth since the first.
    """

    seconds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Resource:
    """One metric, or a part of one, by one monitor, during a resource pass.

    :param name: ``CPU_TEMP``, or ``CPU_TEMP/x86_pkg_temp``.
    :param monitor: Who gave it; empty where no monitor did.
    :param scope: What it covers: process, device, package, rails, module, wall, machine.
    :param n: Readings while samples ran.
    :param mean: Over time, while samples ran; of a cumulative metric its growth per second.  None with a reason.
    :param minimum: Of the readings.
    :param maximum: Likewise.
    :param growth: Of a cumulative metric while samples ran.
    :param idle: Mean before and after, while the process was suspended.
    :param second: Whether another monitor's values count for this metric, and these stand beside them.
    :param reason: Why there is no value; ``code`` says so to programs.
    :param hint: What the user can do about it.
    """

    name: str
    unit: str = ""
    monitor: str = ""
    scope: str = ""
    source: str = ""
    n: int = 0
    mean: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    growth: float | None = None
    idle: float | None = None
    second: bool = False
    series: TimeSeries = field(default_factory=TimeSeries)
    reason: str = ""
    code: str = ""
    hint: str = ""

    @property
    def metric(self) -> str:
        """The metric's name without the part."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class StageMemory:
    """Memory of the process during one stage, in bytes, the most of several samples.

    :param peak_bytes: High-water mark of resident memory.
    :param increase_bytes: By how much that was above the resident memory before the stage.
    """

    peak_bytes: int
    increase_bytes: int


@dataclass(frozen=True)
class MonitorLoss:
    """A monitor that was left out.

    :param monitor: Its name; empty where the sampler itself was lost.
    :param reason: What it did.
    :param gap: Seconds during which no monitor sampled.
    """

    monitor: str
    reason: str
    gap: float = 0.0


@dataclass(frozen=True)
class WatchedSlice:
    """A slice of samples in the resource pass.

    :param at: When it began.
    :param samples: How many were timed.
    :param median_ns: Of their total.
    :param sampled: Whether monitors sampled meanwhile.
    """

    at: float
    samples: int
    median_ns: float
    sampled: bool


@dataclass(frozen=True)
class ResourcePass:
    """What one run took of the machine.

    :param seconds: How long samples ran while monitors sampled without a pause.
    :param idle_s: How long the process was suspended, before and after together.
    :param interval_s: Between two samples of the monitors.
    :param samples: Inferences in those seconds.
    :param slow_down: Time of a sample with monitors over that without, from turns; None with a reason.
    :param stages: Memory by stage; empty with a reason.
    :param device_bytes: What the engine knows of the device's memory that it holds.
    """

    seconds: float = 0.0
    idle_s: float = 0.0
    interval_s: float = 0.0
    samples: int = 0
    slow_down: float | None = None
    slow_down_reason: str = ""
    resources: tuple[Resource, ...] = ()
    slices: tuple[WatchedSlice, ...] = ()
    losses: tuple[MonitorLoss, ...] = ()
    stages: Mapping[str, StageMemory] = field(default_factory=dict)
    stages_reason: str = ""
    device_bytes: Mapping[str, int] = field(default_factory=dict)

    def by_name(self) -> dict[str, Resource]:
        """Return the resources that count, by metric and part."""
        return {each.name: each for each in self.resources if not each.second}
