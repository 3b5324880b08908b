"""Requests about the machine, and about what plugins find on it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass
from typing import Any

from lpbench.worker.requests.base import Record, Request, refuse_negative


@dataclass(frozen=True)
class AvailableMemory(Request[int | None]):
    """Return the bytes of memory that further workers may take, None where the kernel does not tell."""

    phase = "reading the free memory"


@dataclass(frozen=True)
class BeginInterference(Request[None]):
    """Begin to watch what others do to the machine.

    :param others: Processes that belong to the benchmark.
    """

    phase = "measuring"

    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class EndInterference(Request[Record]):
    """Return what others did since ``BeginInterference``, with the reason why it counts as disturbed."""

    phase = "measuring"


@dataclass(frozen=True)
class RoofRates:
    """How fast the kernels of a roof were, repetition by repetition.

    :param product: Of a matrix product in single precision, GFLOP/s.
    :param streams: Of moving memory, GB/s, by the kernel's name.
    :param numpy: Version of numpy.
    :param blas: The library that computed the product.
    """

    product: tuple[float, ...]
    streams: Mapping[str, tuple[float, ...]]
    numpy: str
    blas: str


@dataclass(frozen=True)
class MeasureRoof(Request[RoofRates]):
    """Measure what the machine computes and moves at most.

    :param threads: Threads that work at the same time.
    :param array_bytes: What is moved through: far more than the caches hold.
    :param seconds: Time for the product, and again for moving memory.
    """

    phase = "measuring the roof"

    threads: int
    array_bytes: int
    seconds: float

    def __post_init__(self) -> None:
        refuse_negative(self, "threads", "array_bytes", "seconds")


@dataclass(frozen=True)
class ReadEnvironment(Request[Record]):
    """Return what ``lpbench.machine`` sees from the process."""

    phase = "reading the environment"


@dataclass(frozen=True)
class Probe(Request[Any]):
    """Call a plugin's probe: it loads the vendor's library and looks for devices."""

    phase = "probing"
    reports = True

    target: str
    name: str
