"""What is going to be measured: every question answered before the first worker starts."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.jobs.engine_choice import open_request
from lpbench.jobs.measuring.recording import RunBudget
from lpbench.results import stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.app.dataset import Labelled
    from lpbench.app.model import App
    from lpbench.jobs.engine_choice import Target
    from lpbench.worker.client import WorkerOptions

RUNS = 8
"""Fresh processes: a verdict needs at least eight (method, rule 12)."""
SAMPLES_A_RUN = 6
"""No interval of the median exists below six samples, so a small ``number`` gets fewer runs."""


LOCKSTEP_S = 0.2
"""Turns with the yardstick, each run and worker."""
COMPARING_S = 0.9
"""Turns of configurations that will be compared, likewise: a ratio's error falls with their length."""
EXPLAIN_S = 0.8
"""Taking the latency apart, each run and engine; on top of the time that was asked for."""
COMPARED = 1.4
"""Share of what is timed alone that turns take where configurations are compared: the verdicts rest on them."""
TIMED = 0.35
"""Share of the time that is spent timing alone, and as much in turns; starting and warm-up take the rest."""


@dataclass(frozen=True)
class Effort:
    """How much is to be measured.

    :param number: Inferences in all; None measures until the interval is narrow or the time is over.
    :param runs: None lets a pilot decide.
    :param percentile: A percentile that is to be known, in percent.
    :param max_time: Seconds, as a goal.
    :param configurations: How many are measured side by side.
    :param explain: Whether the latency is taken apart.
    :param alone: Seconds for which a run is timed alone; None takes its share of ``max_time``.
    """

    number: int | None = None
    runs: int | None = None
    percentile: float | None = None
    max_time: float = 13.0
    configurations: int = 1
    explain: bool = False
    alone: float | None = None


@dataclass(frozen=True)
class Plan:
    """A benchmark, ready to be carried out.

    :param limits: Of each run, in order; where ``adaptive``, the pilot decides how many there are in the end.
    :param lockstep: Whether live workers take turns; else ``lockstep_reason``.
    :param yardstick: Whether the kernel takes turns with them; else ``yardstick_reason``.
    :param retry: Whether a run that others disturbed is repeated.
    :param batch: Samples that a model takes at a time; what is timed is a batch.
    :param streams: Sessions side by side.
    :param draw: Folder for pictures of what is found; of several targets, each has a folder in it.
    """

    app: App
    targets: tuple[Target, ...]
    samples: tuple[Path, ...]
    limits: tuple[RunBudget, ...]
    worker: WorkerOptions
    isolate: bool
    max_time: float
    shapes: Mapping[str, Sequence[int]]
    seed: int
    adaptive: bool = False
    lockstep: bool = True
    lockstep_reason: str = ""
    yardstick: bool = True
    yardstick_reason: str = ""
    retry: bool = False
    batch: int = 1
    streams: int = 1
    draw: Path | None = None

    def request(self, target: Target) -> dict[str, Any]:
        """Return the arguments of ``Runner.open``."""
        return {
            **open_request(self.app, target, self.samples, shapes=self.shapes, seed=self.seed),
            "batch": self.batch,
            "streams": self.streams,
            "draw": str(self._pictures(target) or ""),
        }

    def _pictures(self, target: Target) -> Path | None:
        if self.draw is None or len(self.targets) == 1:
            return self.draw
        same = [each for each in self.targets if each.name == target.name]
        return self.draw / (target.name if len(same) == 1 else f"{target.name}-{same.index(target) + 1}")


def judged_first(
    limits: Sequence[RunBudget], labelled: Sequence[Labelled], metrics: Sequence[str]
) -> tuple[RunBudget, ...]:
    """Return the limits with quality judged in the first run."""
    first, *others = limits
    return (dataclasses.replace(first, labelled=tuple(labelled), metrics=tuple(metrics)), *others)


def limits(asked: Effort) -> tuple[RunBudget, ...]:
    """Return the limits of each run.

    :raises LpbenchError: Fewer than one run or one sample a run.
    """
    _refuse_none(asked)
    explain_s = EXPLAIN_S if asked.explain else 0.0
    need = stats.percentile_need(asked.percentile) if asked.percentile else SAMPLES_A_RUN
    if asked.number is None:
        count = asked.runs or RUNS
        lockstep = LOCKSTEP_S if asked.configurations == 1 else COMPARING_S
        share = TIMED * asked.max_time / count
        turned = 1.0 if asked.configurations == 1 else 2.0 if asked.alone else COMPARED
        alone = asked.alone or min(2.0, share * (2 - turned) / asked.configurations)
        turns = share * turned / (asked.configurations + 1)
        one = RunBudget(
            need=max(SAMPLES_A_RUN, -(-need // count)),
            least_s=min(RunBudget.least_s, alone),
            most_s=alone,
            lockstep_s=min(lockstep, turns),
            explain_s=explain_s,
        )
        return (one,) * count
    count = asked.runs or max(1, min(RUNS, asked.number // SAMPLES_A_RUN))
    each, rest = divmod(asked.number, count)
    return tuple(RunBudget(number=each + (index < rest), explain_s=explain_s) for index in range(count))


def time_for(configurations: int, percentile: float | None) -> float:
    """Return the seconds that measuring may take where nothing else was asked for."""
    return 60.0 if percentile else 13.0 * max(1, configurations)


def cores_for(targets: Sequence[Target]) -> tuple[int, ...]:
    """Return the cores to pin workers to where none were asked for: as many as threads, the last ones.

    The same for every worker, since two that may move measure where they were put (method, rule 2);
    the last ones, because the system likes the first for itself.  Without a number of threads, all.
    """
    return last_cores([target.options.get("threads") for target in targets if target.refusal is None])


def last_cores(threads: Sequence[object]) -> tuple[int, ...]:
    """Return the last cores of this process, as many as the greatest of ``threads``; none where one is not known."""
    allowed = sorted(os.sched_getaffinity(0))
    known = [each for each in threads if isinstance(each, int) and 0 < each <= len(allowed)]
    return tuple(allowed[-max(known) :]) if known and len(known) == len(threads) else ()


def _refuse_none(asked: Effort) -> None:
    runs = max(1, asked.runs or 1)
    if asked.number is not None and asked.number < runs:
        raise LpbenchError(
            f"{asked.number} inferences are fewer than {runs} runs",
            hint="--number counts the inferences of all runs together",
        )
    if asked.runs is not None and asked.runs < 1:
        raise LpbenchError(f"{asked.runs} runs are none", hint="--runs takes 1 or more")
