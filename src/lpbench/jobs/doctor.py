"""Finds sources of noise on a machine, from a worker that runs as in a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench import machine
from lpbench.errors import setting
from lpbench.jobs.measuring.cores import last_cores
from lpbench.machine import Finding
from lpbench.util.arguments import checked
from lpbench.util.shown import Sheet, Shown, several
from lpbench.util.text import amount
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import ReadEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 60.0


class _Found(NamedTuple):
    """What a worker sees of the machine, and what would make measurements noisy."""

    environment: Mapping[str, Any]
    findings: tuple[Finding, ...]


class Diagnosis(Shown, _Found):
    """The environment of a worker and the sources of noise, the worst first."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the names of the findings."""
        return several([each.name for each in self.findings]) or "no source of noise was found"

    def sheet(self) -> Sheet:
        """Return a row for each finding."""
        rows = [(each.name, each.what, each.cost, each.remedy) for each in self.findings]
        lines = () if rows else ("no source of noise was found on this machine",)
        return Sheet(lines, ("finding", "what", "cost", "fix") if rows else (), rows)


@checked
def doctor(*, affinity: Sequence[int] = (), threads: int | None = None) -> Diagnosis:
    """Return the environment of a worker and the sources of noise in its measurements, the worst first.

    They can be taken apart: ``environment, findings = lpbench.doctor()``.

    :param affinity: Cores that the worker may use, as in ``lpbench.benchmark``; empty means those for ``threads``.
    :param threads: The engine's number of threads.
    :raises LpbenchError: The cores do not exist.
    """
    cores = tuple(affinity) or last_cores([threads])
    with Worker(WorkerOptions(affinity=cores, timeout=TIMEOUT)) as worker:
        environment = worker.request(ReadEnvironment())
    findings = machine.findings(environment)
    return Diagnosis(environment, (*_crowded(environment, threads), *findings))


def _crowded(environment: Mapping[str, Any], threads: int | None) -> list[Finding]:
    """Return a finding if there are more threads than cores."""
    cores = environment["subject"]["affinity"].get("value")
    if not cores or threads is None or threads <= len(cores):
        return []
    what = f"{threads} threads on {amount(len(cores), 'core')}"
    cost = "threads share cores: every sample is as slow as the thread that waits longest for its core"
    return [Finding("threads", what, cost, setting("threads", len(cores)))]
