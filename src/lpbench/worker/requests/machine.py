"""Requests about the machine, and about what plugins find on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lpbench.worker.requests.base import Record, Request


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
