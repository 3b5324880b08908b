"""A heating curve: one configuration alone, without a pause, and what became of its latency.

Seconds are those since the curve began, times of samples nanoseconds, ``…_ms`` milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.resources import MonitorLoss, Resource  # noqa: TC001 - reading a document asks for their types
from lpbench.results.stats import Interval  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SLICES = 2000
"""Slices of a curve that are kept; neighbours are merged once there are more."""
SIGNALS = ("CPU_FREQ", "CPU_TEMP", "THROTTLING", "GPU_FREQ", "GPU_TEMP", "GPU_THROTTLING", "NPU_TEMP")
"""What tells heat and throttling."""
WATCHED = (*SIGNALS, "POWER_CONSUMPTION")
"""Metrics that are kept over time."""
BEGAN, SLOWER, NONE, NOT_KNOWN = "began", "slower, cause not known", "none", "not known"
"""What ``Sustained.throttling`` says."""


@dataclass(frozen=True)
class HeatSlice:
    """A stretch of a curve: a slice of about 0.2 s, or several that were merged.

    :param at: When it began.
    :param samples: How many were timed.
    :param wall_s: How long they took, decoding left out.
    :param median_ns: Median of the total; of merged slices the mean of their medians, each with its samples' weight.
    :param minimum_ns: Least total.
    :param maximum_ns: Greatest total.
    """

    at: float
    samples: int
    wall_s: float
    median_ns: float
    minimum_ns: int
    maximum_ns: int


@dataclass(frozen=True)
class Heat:
    """What a curve shows.

    :param throttling: ``began``, ``slower, cause not known``, ``none`` or ``not known``.
    :param reasons: What that rests on, a line each.
    :param began_s: When the latency rose for good; None where it did not.
    :param before_ms: Median latency before; None where it did not rise.
    :param early_ms: Median latency of the first minute, or of the first tenth of a shorter curve.
    :param steady_ms: Median latency of the last third.
    :param steady_interval: Where the steady latency lies, in milliseconds: order statistics over slices.
    :param steady_reason: Why there is no interval.
    :param steady: Whether the latency no longer drifts in the last third; None where there are too few slices.
    :param drift: By what share the last third rises or falls from its first half to its second, 0 where it is steady.
    """

    throttling: str = NOT_KNOWN
    reasons: tuple[str, ...] = ()
    began_s: float | None = None
    before_ms: float | None = None
    early_ms: float | None = None
    steady_ms: float | None = None
    steady_interval: Interval | None = None
    steady_reason: str = ""
    steady: bool | None = None
    drift: float = 0.0


@dataclass(frozen=True)
class Sustained:
    """One configuration's heating curve.

    :param seconds: How long it was to run.
    :param lasted_s: How long it ran.
    :param ended: ``time``, ``interrupted`` or ``failed``; ``reason`` says why it failed.
    :param began: Date and time.
    :param first_temperature: Of the CPU before the first curve of the benchmark, °C; None with a reason.
    :param start_temperature: Of the CPU when this curve began, likewise.
    :param temperature_reason: Why it is not known.
    :param rest_s: How long the machine rested before.
    :param rest_ended: ``cooled``: within 2 °C of the first; ``limit``: the longest rest was over; ``fixed``: the
        temperature was not known.
    :param slices: At most ``MOST_SLICES``.
    :param merged: How many measured slices each of them holds, but for the last.
    :param interval_s: Between two samples of the monitors.
    :param resources: Those of ``WATCHED`` that monitors told or could not tell.
    :param losses: Monitors that were left out.
    :param disturbed: What others did to the machine meanwhile, where that counts as a disturbance.
    :param heat: What it shows.
    """

    seconds: float
    lasted_s: float = 0.0
    ended: str = "time"
    reason: str = ""
    began: str = ""
    first_temperature: float | None = None
    start_temperature: float | None = None
    temperature_reason: str = ""
    rest_s: float = 0.0
    rest_ended: str = ""
    slices: tuple[HeatSlice, ...] = ()
    merged: int = 1
    interval_s: float = 0.0
    resources: tuple[Resource, ...] = ()
    losses: tuple[MonitorLoss, ...] = ()
    disturbed: str = ""
    heat: Heat = Heat()

    def by_name(self) -> dict[str, Resource]:
        """Return the resources that count, by metric and part."""
        return {each.name: each for each in self.resources if not each.second}

    @property
    def samples(self) -> int:
        """How many samples were timed."""
        return sum(each.samples for each in self.slices)


def merge(slices: Sequence[HeatSlice]) -> HeatSlice:
    """Return neighbours as one."""
    samples = sum(each.samples for each in slices)
    return HeatSlice(
        at=slices[0].at,
        samples=samples,
        wall_s=sum(each.wall_s for each in slices),
        median_ns=sum(each.median_ns * each.samples for each in slices) / samples,
        minimum_ns=min(each.minimum_ns for each in slices),
        maximum_ns=max(each.maximum_ns for each in slices),
    )
