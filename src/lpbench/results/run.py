"""One run of a configuration and what it consists of: stages, slices, metrics.

Times are integer nanoseconds; metrics carry the glossary's units; what is not known is None with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.results.stats import Interval  # noqa: TC001 - rows of a sweep are read by the annotations
from lpbench.util.outcome import RunOutcome
from lpbench.util.shown import Shown, figure

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

    from lpbench.results.resources import ResourcePass
    from lpbench.results.stats import Summary

PLANNED = RunOutcome()
"""As planned."""
RAW_LIMIT = 20_000
"""Raw samples stored for each run and stage; ``Run.samples`` says how many there were."""


@dataclass(frozen=True, repr=False)
class Metric(Shown):
    """One value of the glossary, or the reason why there is none.

    :param value: In ``unit``; None where it is not known.
    :param n: Measurements that it rests on.
    :param interval: Where its true value lies, in ``unit``; None with a reason in ``interval_reason``.
    :param reason: Why there is no value; ``code`` says so to programs.
    :param source: How it was obtained.
    """

    value: float | None
    unit: str
    n: int = 0
    interval: Interval | None = None
    interval_reason: str = ""
    reason: str = ""
    source: str = ""
    code: str = ""
    interval_code: str = ""

    def in_short(self) -> str:
        """Return the value with its unit and its interval, or why there is none."""
        if self.value is None:
            return f"not known: {self.reason}"
        span = self.interval
        around = f" ({figure(span.lower)} to {figure(span.upper)})" if span else ""
        return f"{figure(self.value)} {self.unit}{around}"


@dataclass(frozen=True)
class Stage:
    """One row of the stage table.

    :param name: ``preprocessing``, ``inference``, ``postprocessing`` or ``total``.
    :param label: What the published table calls it, ``engines/onnxruntime`` say.
    :param plugin: Distribution that does the work, with its version.
    :param data_type: Type of what it hands on, in the glossary's words.
    """

    name: str
    label: str
    plugin: str
    data_type: str = ""


@dataclass(frozen=True)
class Slice:
    """One uninterrupted stretch of a run.

    :param samples: How many were timed.
    :param wall_ns: How long it took, decoding left out.
    :param median_ns: Median of the total.
    :param minimum_ns: Least total.
    :param maximum_ns: Greatest total.
    """

    samples: int
    wall_ns: int
    median_ns: float
    minimum_ns: int
    maximum_ns: int


@dataclass(frozen=True, repr=False)
class Run(Shown):
    """One fresh process: opened, warmed up, measured, closed.

    :param outcome: How it ended.
    :param detail: What the worker or the engine printed about it.
    :param load_ns: Opening the model.
    :param from_cache: Whether that found in a cache what the engine had prepared before; None where it does not say.
    :param build_s: Seconds that preparing it took, in this run or before; None where it is not known.
    :param first_ns: The very first sample, by stage.
    :param warm_up: ``samples`` spent and what ended it.
    :param stopped: Why measuring ended: ``interval``, ``plateau``, ``number``, ``samples``, ``time``, ``interrupted``.
    :param samples: Timed samples.
    :param statistics: Of the wall time by stage, nanoseconds.
    :param cpu: Of the CPU time of all threads by stage, from the pass of its own.
    :param counters: Bytes and counts of the process: memory, foreign switches, page faults.
    :param units: Latency by stage in units of the yardstick, from lockstep slices.
    :param disturbance: What others did to the machine meanwhile: shares, seconds and counts.
    :param flags: What is wrong with it: ``unsteady``, ``autocorrelated``, ``drift``, ``bimodal``, ``disturbed``.
    :param superseded: Whether it was repeated because others disturbed it; it counts no more.
    :param breakdown: Of a sample's time in nanoseconds, where that was asked for: the parts add up.
    :param resources: What it took of the machine, where it was watched.
    :param raw: Nanoseconds by stage, the first ``RAW_LIMIT`` samples.
    """

    index: int
    outcome: RunOutcome = PLANNED
    detail: str = ""
    began: str = ""
    load_ns: int | None = None
    first_ns: Mapping[str, int] = field(default_factory=dict)
    warm_up: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""
    samples: int = 0
    statistics: Mapping[str, Summary] = field(default_factory=dict)
    cpu: Mapping[str, Summary] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    disturbance: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Mapping[str, str], ...] = ()
    superseded: bool = False
    breakdown: Mapping[str, float] = field(default_factory=dict)
    resources: ResourcePass | None = None
    raw: Mapping[str, array[int]] = field(default_factory=dict)
    from_cache: bool | None = None
    build_s: float | None = None

    def in_short(self) -> str:
        """Return how it ended and how much it measured."""
        return f"{self.index}: {self.state}, {self.samples} samples"

    @property
    def state(self) -> str:
        """In words how it ended: ``OK``, ``crashed: SIGSEGV while loading``."""
        return str(self.outcome)


@dataclass(frozen=True)
class Lockstep:
    """Two configurations that took turns in the same runs.

    :param first: Index of the reference among the configurations.
    :param second: Index of the other.
    :param ratios: Second over first, one for each run, by stage: what a verdict rests on.  ``sample`` is the wall time
        of slices divided by their samples, by which numbers of streams that differ are compared.
    :param first_ns: The reference's median in the same slices, likewise, in nanoseconds; empty in older files.
    """

    first: int
    second: int
    ratios: Mapping[str, tuple[float, ...]]
    first_ns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
