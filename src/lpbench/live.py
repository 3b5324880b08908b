"""Configurations measured in lockstep and compared on the spot: the verdict that a drifting machine cannot fake."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from lpbench.bench import benchmark
from lpbench.comparison import Compared
from lpbench.timing import TOTAL
from lpbench.verdicts import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.app import App
    from lpbench.result import Lockstep, Result

RUNS = 10
"""One verdict in twenty may be UNCLEAR on a machine whose ratios differ by 1 % from run to run; eight are too few."""


def compare_live(
    app: str | Path | App,
    engines: Sequence[str],
    *,
    runs: int = RUNS,
    **options: Any,  # noqa: ANN401 - handed on
) -> tuple[Result, tuple[Compared, ...]]:
    """Measure several engines in turns and return the result with a verdict on each beside the first.

    :param engines: Two or more, with options of their own where they have any: ``onnxruntime:threads=2``.
    :param options: As ``lpbench.benchmark`` takes them.
    """
    result = benchmark(app, engine=list(engines), runs=runs, **options)
    return result, compare_lockstep(result)


def compare_lockstep(result: Result, *, margin: float = 0.01) -> tuple[Compared, ...]:
    """Return the verdicts on configurations that took turns, each beside the first.

    :param margin: What counts as no difference, as a share.
    """
    return tuple(_compare(result, pair, margin) for pair in result.lockstep)


def _compare(result: Result, pair: Lockstep, margin: float) -> Compared:
    first, second = result.configurations[pair.first], result.configurations[pair.second]
    stages = {stage: verdict(found, margin) for stage, found in pair.ratios.items()}
    medians = {
        stage: (statistics.fmean(first.run_medians(stage)), statistics.fmean(second.run_medians(stage)))
        for stage in stages
    }
    ordered = {stage: stages[stage] for stage in (TOTAL, *(each for each in stages if each != TOTAL))}
    return Compared(first.asked, second.asked, ordered, medians)
