"""What would make a machine noisy, seen by a worker that runs as those of a benchmark would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.jobs.measuring import plan
from lpbench.machine import Finding
from lpbench.worker.client import Worker, WorkerOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 60.0


def doctor(*, affinity: Sequence[int] = (), threads: int | None = None) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return the environment of a worker and what would make its measurements noisy, the worst first.

    :param affinity: Cores that it may use, as ``lpbench.benchmark`` takes them; none means those of ``threads``.
    :param threads: How many threads the engine will have.
    :raises LpbenchError: There are no such cores.
    """
    cores = tuple(affinity) or plan.last_cores([threads])
    with Worker(WorkerOptions(affinity=cores, timeout=TIMEOUT)) as worker:
        environment, _ = worker.ask("environment", "reading the environment")
    found = machine.findings(environment)
    return environment, (*_crowded(environment, threads), *found)


def _crowded(environment: dict[str, Any], threads: int | None) -> list[Finding]:
    """Return a finding where there are more threads than cores for them."""
    cores = environment["subject"]["affinity"].get("value")
    if not cores or threads is None or threads <= len(cores):
        return []
    what = f"{threads} threads on {len(cores)} core{'s' if len(cores) > 1 else ''}"
    cost = "threads wait for each other's core: every sample is as slow as the unluckiest of them"
    return [Finding("threads", what, cost, f"--threads {len(cores)}")]
