"""Requests that time what is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lpbench.worker.requests.base import Request, refuse_negative


@dataclass(frozen=True)
class FirstSample:
    """The very first sample.

    :param ns: Nanoseconds by stage.
    :param types: The types that flow between stages, by the stage that puts them out.
    :param empty: Shapes of the inputs that hold no value, by name; in a chain, the component's name stands before it.
    """

    ns: Mapping[str, int]
    types: Mapping[str, str]
    empty: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        if min(self.ns.values(), default=0) < 0:
            raise ValueError("ns: the clock went backwards")


@dataclass(frozen=True)
class RunFirstSample(Request[FirstSample]):
    """Run the first sample."""

    phase = "running the first sample"
    reports = True


@dataclass(frozen=True)
class Slice:
    """An uninterrupted stretch of samples.

    :param wall_ns: What it took, decoding left out.
    :param cpu_ns: CPU time of all threads meanwhile, decoding left out.
    :param switches: Times that the process was preempted; None where the system does not count.
    :param faults: Page faults that read from a disk; None likewise.
    :param rss_bytes: Resident memory afterwards.
    :param block: Clock reads: little-endian 64-bit integers, ``stages.reads_of`` the components for each sample.
    """

    wall_ns: int
    cpu_ns: int
    switches: int | None
    faults: int | None
    rss_bytes: int
    block: bytes = b""

    def __post_init__(self) -> None:
        refuse_negative(self, "wall_ns", "cpu_ns", "switches", "faults", "rss_bytes")


@dataclass(frozen=True)
class MeasureSlice(Request[Slice]):
    """Time samples, or batches of them."""

    phase = "measuring"

    count: int


@dataclass(frozen=True)
class ClockReads:
    """Clock reads alone, as those of a ``Slice``."""

    block: bytes = b""


@dataclass(frozen=True)
class MeasureCpuSlice(Request[ClockReads]):
    """Take the CPU time of all threads; a pass of its own, since its clock is slow."""

    phase = "taking CPU time"

    count: int


@dataclass(frozen=True)
class PinnedThreads:
    """Threads that compute, and the cores that they are kept on; no cores where they were left alone."""

    threads: int
    cores: tuple[int, ...]


@dataclass(frozen=True)
class PinThreads(Request[PinnedThreads]):
    """Keep each thread that computes on a core of its own, where there are as many as cores.

    :param count: Samples to compute, which shows the threads.
    """

    phase = "pinning threads"

    count: int


@dataclass(frozen=True)
class BreakDownLatency(Request[Mapping[str, float]]):
    """Break the latency down; the answer holds nanoseconds by part, which add up to a sample's time."""

    phase = "explaining"

    seconds: float


@dataclass(frozen=True)
class StagePeak:
    """Memory of the process in bytes: its high-water mark during a stage, and by how much that was above the start."""

    peak_bytes: int
    increase_bytes: int

    def __post_init__(self) -> None:
        refuse_negative(self, "peak_bytes", "increase_bytes")


@dataclass(frozen=True)
class StagePeaks:
    """Memory by stage, the most of some samples.

    :param reason: Why there is none.
    """

    stages: Mapping[str, StagePeak]
    reason: str = ""


@dataclass(frozen=True)
class MeasureStageMemory(Request[StagePeaks]):
    """Run samples stage by stage, and note the memory that each takes; nothing is timed."""

    phase = "measuring memory"

    count: int
