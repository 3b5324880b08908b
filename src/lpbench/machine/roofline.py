"""The roof of a machine: the most that its processor computes and its memory moves, measured and kept.

The roofline model (Williams, Waterman and Patterson, Communications of the ACM 52(4), 2009) bounds the speed of any
work by two ceilings: ``attainable = min(peak, intensity * bandwidth)``, where the intensity is the work's operations
per byte that it moves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 - the reader of the cache evaluates the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.util.jsonable import to_jsonable
from lpbench.util.shown import Sheet, Shown, figure, several
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

PRECISION = "F32"
"""Precision of the product whose rate is the peak."""
MINUTES = len("2026-11-30T20:37")
WIDE = 0.1
"""Spread of the runs' best rates from which on a ceiling is doubtful."""


@dataclass(frozen=True)
class Ceiling:
    """The best rate that one kind of work reached, run by run.

    :param runs: The best repetition of each run, a fresh process: GFLOP/s of work that computes, GB/s of work that
        moves memory.
    :param repetitions: Timed repetitions in all runs together.
    """

    runs: tuple[float, ...]
    repetitions: int

    def __post_init__(self) -> None:
        if not self.runs or not all(0 < rate < math.inf for rate in self.runs):
            raise ValueError(f"runs: found {self.runs}; expected rates above 0")

    @property
    def best(self) -> float:
        """The greatest rate of all repetitions: the ceiling itself."""
        return max(self.runs)

    @property
    def lowest(self) -> float:
        """The least of the runs' best rates; of six runs, it and ``best`` enclose their median with 97 % confidence."""
        return min(self.runs)

    @property
    def spread(self) -> float:
        """How far below the best run the worst one was, 0 to 1."""
        return 1 - self.lowest / self.best

    def __str__(self) -> str:
        return f"{figure(self.best)} ({figure(self.lowest)})"


@dataclass(frozen=True)
class ThreadRoof:
    """The two ceilings of a number of threads.

    :param cores: The cores that they ran on, as those of a benchmark would; empty where the system binds none.
    :param product: Rate of a matrix product of single precision, GFLOP/s, two operations per multiply-accumulate.
    :param streams: Rates of moving memory far beyond the caches, GB/s, by what was done: ``read``, ``copy``, ``add``;
        bytes as the program reads and writes them (STREAM, McCalpin 1995).
    :param array_bytes: What was moved through.
    :param disturbances: What others did meanwhile, for each run that they disturbed.
    :param measured: When, in UTC.
    """

    threads: int
    cores: tuple[int, ...]
    product: Ceiling
    streams: Mapping[str, Ceiling]
    array_bytes: int
    disturbances: tuple[str, ...] = ()
    measured: str = ""

    def __post_init__(self) -> None:
        if not self.streams:
            raise ValueError("streams: found none; expected at least one")

    def peak(self, precision: str = PRECISION) -> Ceiling | Unavailable:
        """Return the most operations per second in a precision, GFLOP/s, or why that is not known."""
        if precision == PRECISION:
            return self.product
        why = f"the roof is measured with numpy, which has no fast product in {precision}"
        return Unavailable(why, "not-supported", f"the roof of {PRECISION} is the nearest that is known")

    @property
    def stream(self) -> str:
        """The fastest way of moving memory."""
        return max(self.streams, key=lambda name: self.streams[name].best)

    @property
    def bandwidth(self) -> Ceiling:
        """The most bytes that are moved per second, GB/s."""
        return self.streams[self.stream]

    @property
    def ridge(self) -> float:
        """Operations per byte from which on the processor is the limit, not the memory."""
        return self.product.best / self.bandwidth.best

    def attainable(self, intensity: float) -> float:
        """Return the most operations per second of work, GFLOP/s.

        :param intensity: Its operations per byte that it moves.
        """
        return min(self.product.best, intensity * self.bandwidth.best)

    def in_short(self) -> str:
        """Return the two ceilings."""
        return f"{figure(self.product.best)} GFLOP/s {figure(self.bandwidth.best)} GB/s"

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the ceilings may be too low; empty where nothing says so."""
        found = []
        if self.disturbances:
            runs = amount(len(self.disturbances), "run")
            found.append(f"{runs} of {len(self.product.runs)} were disturbed: {self.disturbances[0]}")
        ceilings = {"matrix product": self.product, "memory": self.bandwidth}
        found += [
            f"the best rates of the {name}'s runs lie {each.spread:.0%} apart"
            for name, each in ceilings.items()
            if each.spread > WIDE
        ]
        return tuple(found)


@dataclass(frozen=True, repr=False)
class Roof(Shown):
    """The roof of one machine.

    :param machine: Digest of the facts that must be equal for it to hold, as ``lpbench.machine.hashes`` gives it.
    :param numpy: Version of numpy.
    :param blas: The library that computed the matrix product.
    :param points: By number of threads, ascending.
    :param unkept: Why it could not be kept for later; empty where it was.
    """

    machine: str
    numpy: str
    blas: str
    points: tuple[ThreadRoof, ...] = ()
    unkept: str = field(default="", compare=False)

    def at(self, threads: int) -> ThreadRoof | Unavailable:
        """Return the ceilings of a number of threads, or that they were not measured."""
        found = next((point for point in self.points if point.threads == threads), None)
        return found or Unavailable(f"the roof of {amount(threads, 'thread')} was not measured", "not-read")

    def with_points(self, points: Sequence[ThreadRoof]) -> tuple[ThreadRoof, ...]:
        """Return its ceilings with others added, or in place of those of the same number of threads."""
        merged = {point.threads: point for point in (*self.points, *points)}
        return tuple(merged[threads] for threads in sorted(merged))

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON, with what follows from its rates."""
        return {**to_jsonable(self), "points": [_document(point) for point in self.points]}

    def in_short(self) -> str:
        """Return the ceilings of each number of threads."""
        return several([f"{amount(point.threads, 'thread')} {point.in_short()}" for point in self.points])

    def sheet(self) -> Sheet:
        """Return a row for each number of threads."""
        header = ("threads", f"{PRECISION} GFLOP/s", "memory GB/s", "ridge FLOP/B", "measured")
        rows = [
            (
                str(point.threads),
                str(point.product),
                f"{point.bandwidth} {point.stream}",
                figure(point.ridge),
                point.measured[:MINUTES].replace("T", " "),
            )
            for point in self.points
        ]
        return Sheet((), header, rows, self.notes())

    def notes(self) -> list[str]:
        """Return what it rests on, and why it may be too low."""
        doubts = [
            f"{amount(point.threads, 'thread')}: {'; '.join(point.doubts)}" for point in self.points if point.doubts
        ]
        best = "the best repetition of all runs, in brackets that of the worst run"
        library = f"matrix product by numpy {self.numpy}, {self.blas}"
        unkept = [f"it is not kept: {self.unkept}"] if self.unkept else []
        return [f"{best} · {library}", *(f"doubtful: {doubt}" for doubt in doubts), *unkept]


def _document(point: ThreadRoof) -> dict[str, Any]:
    derived = {
        "peak_gflops": point.product.best,
        "bandwidth_gbs": point.bandwidth.best,
        "ridge_flop_per_byte": point.ridge,
        "doubts": list(point.doubts),
    }
    return {**derived, **to_jsonable(point)}
