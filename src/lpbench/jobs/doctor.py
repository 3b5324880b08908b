"""Finds sources of noise on a machine, from a worker that runs as in a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.jobs.measuring import plan
from lpbench.machine import Finding
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import ReadEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 60.0


def doctor(
    *, affinity: Sequence[int] = (), threads: int | None = None
) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """Return the environment of a worker and the sources of noise in its measurements, the worst first.

    :param affinity: Cores that the worker may use, as in ``lpbench.benchmark``; empty means those for ``threads``.
    :param threads: The engine's number of threads.
    :raises LpbenchError: The cores do not exist.
    """
    cores = tuple(affinity) or plan.last_cores([threads])
    with Worker(WorkerOptions(affinity=cores, timeout=TIMEOUT)) as worker:
        environment = worker.request(ReadEnvironment())
    findings = machine.findings(environment)
    return environment, (*_crowded(environment, threads), *findings)


def _crowded(environment: Mapping[str, Any], threads: int | None) -> list[Finding]:
    """Return a finding if there are more threads than cores."""
    cores = environment["subject"]["affinity"].get("value")
    if not cores or threads is None or threads <= len(cores):
        return []
    what = f"{threads} threads on {len(cores)} core{'s' if len(cores) > 1 else ''}"
    cost = "threads share cores: every sample is as slow as the thread that waits longest for its core"
    return [Finding("threads", what, cost, f"--threads {len(cores)}")]
