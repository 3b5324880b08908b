"""How long a benchmark will take: whether it fits the time that it may take, and what is left of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.jobs.measuring.interleave import LEAST_SAMPLES, ROUNDS
from lpbench.jobs.measuring.pilot import PILOT
from lpbench.jobs.measuring.recording import CPU_PASS_S, CPU_PASS_SAMPLES, SLICE_S
from lpbench.util.text import amount
from lpbench.worker.samples import GENERATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import RunBudget

LATE = 1.15
"""The time limit is a goal: a run that would end this much later is not begun, and nothing is said of less."""
MILLISECONDS_BELOW, WHOLE_FROM = 0.1, 9.5


@dataclass(frozen=True)
class Opened:
    """What the first run of a target shows before anything is timed.

    :param prepare_s: Seconds to start, load and warm up.
    :param sample_s: Seconds of a sample, or of a batch.
    :param batch: Samples that go through together.
    """

    prepare_s: float
    sample_s: float
    batch: int = 1


class Forecast:
    """Predicts from what was seen so far; a round is one run of every target.

    :param targets: How many take part.
    """

    def __init__(self, plan: Plan, targets: int) -> None:
        self._plan = plan
        self._count = max(1, targets)
        self._opened: dict[str, Opened] = {}
        self._rounds: list[tuple[RunBudget, float]] = []

    def add_opened(self, label: str, opened: Opened) -> None:
        """Take in what a target's first run shows."""
        self._opened.setdefault(label, opened)

    def add_round(self, budget: RunBudget, seconds: float) -> None:
        """Take in how long a round took."""
        self._rounds.append((budget, seconds))

    def left_s(self, budgets: Sequence[RunBudget], spent_s: float) -> float | None:
        """Return the seconds left; None until every target was loaded, since its time to load is not known before."""
        if not self._rounds and len(self._opened) < self._count:
            return None
        over_s = sum(seconds for _, seconds in self._rounds)
        left_s = sum(map(self._round_s, budgets[len(self._rounds) :])) - (spent_s - over_s)
        if self._plan.adaptive and len(self._rounds) < PILOT:  # how many runs there will be, the time decides
            left_s = min(left_s, max(self._plan.max_time, PILOT * self._round_s(budgets[0])) - spent_s)
        return max(0.0, left_s)

    def overrun(self) -> str:
        """Return in words that the time limit cannot be kept, and why; empty while it seems that it can."""
        limit_s, shortest_s = self._plan.max_time, self.shortest_s()
        if not self.limited or shortest_s <= LATE * limit_s:
            return ""
        runs = self._fewest_runs()
        few = " (fewer give no interval)" if self._plan.adaptive else ""
        opened = self._opened.values()
        prepare_s = statistics.fmean(each.prepare_s for each in opened)
        sample_s = statistics.fmean(each.sample_s for each in opened)
        of = f" of each of {self._count} engines" if self._count > 1 else ""
        return (
            f"{limit_s:g} s are not enough: the shortest benchmark takes about {_words(shortest_s)}, "
            f"{amount(runs, 'run')}{of}{few}, each with {_words(prepare_s)} to start, load and warm up, "
            f"and {_words(sample_s)} a sample"
        )

    @property
    def limited(self) -> bool:
        """Whether there is a time limit to keep: a number of runs or of inferences goes before one that is implied."""
        return self._plan.adaptive or self._plan.settings.max_time is not None

    def shortest_s(self) -> float:
        """Return the seconds of the shortest benchmark, 0 while nothing is known."""
        if not self._opened:
            return 0.0
        budgets = self._plan.budgets[: self._fewest_runs()]
        over_s = sum(seconds for _, seconds in self._rounds[: len(budgets)])
        return over_s + sum(self._round_s(each, shortest=True) for each in budgets[len(self._rounds) :])

    def _fewest_runs(self) -> int:
        return PILOT if self._plan.adaptive else len(self._plan.budgets)

    def _round_s(self, budget: RunBudget, *, shortest: bool = False) -> float:
        """Return the seconds of a round, by those that are over if there are any."""
        if not self._rounds:
            return self._model_s(budget, shortest=shortest)
        known_s = sum(seconds for _, seconds in self._rounds)
        return self._model_s(budget) * known_s / sum(self._model_s(each) for each, _ in self._rounds)

    def _model_s(self, budget: RunBudget, *, shortest: bool = False) -> float:
        opened = list(self._opened.values())
        if not opened:
            return 1.0  # every target failed: rounds are alike
        share = self._count / len(opened)
        return share * sum(self._target_s(each, budget, shortest=shortest) for each in opened)

    def _target_s(self, opened: Opened, budget: RunBudget, *, shortest: bool) -> float:
        """Return the seconds of one target's run with its part of the turns."""
        sample_s = opened.sample_s
        alone_s = budget.least_s if shortest else budget.most_s
        alone_s = budget.number * sample_s if budget.number else max(alone_s, sample_s, min(SLICE_S, budget.most_s))
        cpu_s = max(CPU_PASS_S, CPU_PASS_SAMPLES[0] * sample_s)
        predictions = -(-(len(self._plan.samples) or GENERATED) // opened.batch)
        predicted_s = predictions * sample_s / max(1, len(self._plan.budgets))
        extra_s = budget.explain_s + budget.watch_s
        return opened.prepare_s + alone_s + cpu_s + predicted_s + extra_s + self._turns_s(sample_s, budget)

    def _turns_s(self, sample_s: float, budget: RunBudget) -> float:
        others = self._count > 1 or not self._plan.yardstick_reason
        if self._plan.lockstep_reason or not others:
            return 0.0
        return max(budget.lockstep_s, (1 + ROUNDS[0]) * (LEAST_SAMPLES + 1) * sample_s)  # one more pins the threads


def _words(seconds: float) -> str:
    """Return a time with its unit, two or three digits, and no exponent."""
    if seconds < MILLISECONDS_BELOW:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.0f} s" if seconds >= WHOLE_FROM else f"{seconds:.2g} s"
