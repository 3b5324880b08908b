"""Measures some configurations of an algorithm in turns: each round runs every one of them in a worker of its own."""

from __future__ import annotations

import json
import math
import statistics
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, ResultError
from lpbench.jobs.sweep._plan import CONFIGURATION_S
from lpbench.jobs.sweep._queue import Outcome
from lpbench.plugin.algorithm import MEMORY, TIME
from lpbench.results import stats
from lpbench.results.run import Metric
from lpbench.results.sweep import FAILED, MEASURED, Found
from lpbench.util import atomic_folders, processes
from lpbench.util.dataclass_config import build
from lpbench.util.json_files import read_json
from lpbench.util.jsonable import to_jsonable
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable
from lpbench.worker.algorithms.messages import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.jobs.sweep._algorithm import SweptAlgorithm
    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.jobs.sweep._queue import Entry
    from lpbench.worker.algorithms.messages import Request

ROUNDS = 8
"""Runs of a configuration where nothing else was asked for."""
MEGABYTE = 1e6
MEMORY_MB = 8192.0
LARGEST = 64 << 20
"""Bytes of an answer."""
ALIKE = "the same in every run"
"""Why a mean has no interval."""
WORDS = 300
"""Characters of what a worker printed last that a reason repeats."""


@dataclass
class _Runs:
    """The runs of one configuration so far, or why there will be no more."""

    figures: list[Figures] = field(default_factory=list)
    reason: str = ""
    seconds: float = 0.0


def measure(
    algorithm: SweptAlgorithm, entries: Sequence[Entry], plan: SweepPlan, tick: Callable[[Entry, float], None]
) -> list[Outcome]:
    """Measure configurations in turns, and return how each ended.

    Every round begins with another configuration, so that what drifts with the machine meets all of them alike.

    :param tick: Called with the configuration that runs and the share of the rounds that is done.
    """
    runs = [_Runs() for _ in entries]
    rounds = plan.runs or ROUNDS
    for number in range(rounds):
        order = [(at + number) % len(entries) for at in range(len(entries))]
        for at in order:
            if not _enough(runs[at], plan):
                _once(algorithm, entries[at], plan, runs[at], partial(tick, entries[at], number / rounds))
    return [_outcome(algorithm, each) for each in runs]


def _enough(runs: _Runs, plan: SweepPlan) -> bool:
    """Say whether a configuration needs no further run: it failed, or its time is spent and its interval known."""
    spent = plan.runs is None and runs.seconds > (plan.max_time or CONFIGURATION_S)
    return bool(runs.reason) or (spent and len(runs.figures) >= stats.FEWEST_RUNS)


def _once(algorithm: SweptAlgorithm, entry: Entry, plan: SweepPlan, runs: _Runs, tick: Callable[[], None]) -> None:
    """Run a configuration once more."""
    memory = int((plan.memory or MEMORY_MB) * MEGABYTE)
    request = replace(algorithm.request, values=entry.asked.values, memory=memory)
    began = time.monotonic()
    try:
        with atomic_folders.temporary("algorithm") as folder:
            runs.figures.append(_run(request, folder, plan.timeout, tick))
    except LpbenchError as error:
        parts = (f"{error.where}: {error.what}" if error.where else error.what, error.hint)
        runs.reason = " ".join("; ".join(filter(None, parts)).split())
    runs.seconds += time.monotonic() - began


def _run(request: Request, folder: Path, timeout: float, tick: Callable[[], None]) -> Figures:
    """Have a worker run a configuration.

    :raises LpbenchError: It crashed, hung, took too much memory, or what it answers is no measurement.
    """
    asked, answered, log = folder / "request", folder / "answer", folder / "log"
    asked.write_text(json.dumps(to_jsonable(request)), encoding="utf-8")
    command = processes.python("-m", "lpbench.worker.algorithms", str(asked), str(answered))
    try:
        status = processes.run(command, log=log, timeout=timeout, tick=lambda _: tick())
    except TimeoutError as error:
        raise _failed(f"hung: it {error}", log) from error
    if status or not answered.is_file():
        raise _failed(processes.ending(status) if status else "ended without an answer", log)
    document: Mapping[str, Any] = read_json(answered, limit=LARGEST, error=ResultError)
    if "error" in document:
        raise _refusal(document["error"], request)
    figures = build(Figures, document["figures"])
    if len(figures.seconds) != request.instances or not all(each > 0 for each in figures.seconds):
        raise ResultError("its times are none")
    return figures


def _failed(outcome: str, log: Path) -> LpbenchError:
    said = processes.last_line(log)[:WORDS]
    return LpbenchError(outcome, hint=f"the last line it printed: {said}" if said else "")


def _refusal(error: Mapping[str, Any], request: Request) -> LpbenchError:
    """Return the error that a worker answered with."""
    if error["memory"]:
        return LpbenchError(f"needs more than {request.memory / MEGABYTE:g} MB of memory")
    kind = "" if error["kind"].endswith(("LpbenchError", "ConfigError", "PluginError")) else f"{error['kind']}: "
    return LpbenchError(f"{kind}{error['what']}"[:WORDS], where=error["where"], hint=error["hint"])


def _outcome(algorithm: SweptAlgorithm, runs: _Runs) -> Outcome:
    if runs.reason:
        return Outcome(FAILED, runs.reason)
    figures = runs.figures
    metrics = {
        TIME.name: _time([statistics.fmean(each.seconds) for each in figures], algorithm.signature.instances),
        MEMORY.name: _memory([each.memory_bytes for each in figures]),
    }
    for target in algorithm.signature.targets:
        metrics[target.name] = _stated([each.targets[target.name] for each in figures], target.unit)
    return Outcome(MEASURED, found=Found(metrics=metrics))


def _time(runs: Sequence[float], instances: int) -> Metric:
    """Return the geometric mean of the runs' times, as the latency of apps is summarised."""
    over = f", each the mean of {instances} instances" if instances > 1 else ""
    metric = Metric(
        statistics.geometric_mean(runs), TIME.unit, len(runs), source=f"geometric mean of {len(runs)} runs{over}"
    )
    return _with(metric, stats.across_runs(runs))


def _stated(runs: Sequence[Sequence[float | None]], unit: str) -> Metric:
    """Return the mean of what an algorithm states of its instances in each run."""
    lacking = max(run.count(None) for run in runs)
    if lacking:
        why = f"not defined for {lacking} of {amount(len(runs[0]), 'instance')}"
        return Metric(None, unit, reason=why, code="undefined")
    return _mean([statistics.fmean(each for each in run if each is not None) for run in runs], unit)


def _memory(runs: Sequence[int | None]) -> Metric:
    known = [each / MEGABYTE for each in runs if each is not None]
    if not known:
        why = "neither the system tells the peak, nor did the program run long enough to be watched"
        return Metric(None, MEMORY.unit, reason=why, code="not-read")
    return _mean(known, MEMORY.unit)


def _mean(runs: Sequence[float], unit: str) -> Metric:
    """Return the mean of runs with Student's interval, which runs that are all alike do not have."""
    metric = Metric(math.fsum(runs) / len(runs), unit, len(runs), source=f"mean of {len(runs)} runs")
    if len(set(runs)) == 1:
        return replace(metric, value=runs[0], interval_reason=ALIKE, interval_code="undefined")
    return _with(metric, stats.difference_interval(runs))


def _with(metric: Metric, span: stats.Interval | Unavailable) -> Metric:
    if isinstance(span, Unavailable):
        return replace(metric, interval_reason=span.reason, interval_code=span.code)
    return replace(metric, interval=span)
