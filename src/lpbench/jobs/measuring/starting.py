"""Starts what a target is measured in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import WorkerError
from lpbench.util.outcome import RunOutcome
from lpbench.worker.client import Worker
from lpbench.worker.in_process import InProcessClient
from lpbench.worker.runner import Runner

if TYPE_CHECKING:
    from lpbench.jobs.engine_choice import Target
    from lpbench.jobs.measuring.plan import Plan
    from lpbench.worker.requests import RunnerClient


def start(plan: Plan, target: Target) -> RunnerClient:
    """Return a worker, or a runner in this process.

    :raises LpbenchError: The system does not start it.
    """
    if not plan.isolate:
        return InProcessClient(Runner(target.instance, target.instance_config))
    where = target.interpreter
    if where and (lost := where.gone()):
        what = f"the environment {target.configuration.environment} is gone: {lost} does not exist any more"
        raise WorkerError(what, outcome=RunOutcome("failed", "starting", detail=what))
    options = dataclasses.replace(plan.worker, affinity=target.configuration.affinity, interpreter=where)
    return Worker(dataclasses.replace(options, environment={**target.environment(), **options.environment}))
