"""Configurations measured in lockstep and compared on the spot: the verdict that a drifting machine cannot fake."""

from __future__ import annotations

import inspect
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.errors import LpbenchError, either
from lpbench.jobs.engine_choice import ALL
from lpbench.jobs.measuring.session import measure, saved
from lpbench.results.comparison import INTERLEAVED, LOCKSTEP, Compared, Comparisons, beside, without_proof_of
from lpbench.results.names import names_of
from lpbench.results.per_sample import Basis, unequal_work
from lpbench.results.settings import RunSettings, documented
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.turns import pair_medians
from lpbench.results.verdicts import added_runs, check_margin, judged, verdict
from lpbench.util.arguments import checked
from lpbench.util.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App
    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Lockstep, Run
    from lpbench.results.verdicts import Comparison

RUNS = 8
"""The fewest that SAME takes: what is left of the time makes each run's turns longer."""
SHARP, SHARP_RUNS, SHARP_S = 0.01, 12, 20.0
"""A margin below this one takes more processes, over which the interval is computed, and more seconds for each side."""
ALONE_S = 0.15
"""A verdict rests on the turns; timing alone only gives the latencies that stand beside it."""


@checked
@documented
def compare_live(  # noqa: PLR0913 - every setting by its name, for completion and type checkers
    app: str | Path | App,
    engines: str | Sequence[str],
    *,
    margin: float = 0.01,
    device: str | None = None,
    threads: int | None = None,
    options: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    number: int | None = None,
    runs: int | None = None,
    percentile: float | None = None,
    affinity: Sequence[int] = (),
    priority: int | None = None,
    timeout: float = 300.0,
    isolate: bool | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    max_time: float | None = None,
    yardstick: bool = False,
    retry_disturbed: bool = False,
    explain: bool = False,
    profile: bool = False,
    alone: float = ALONE_S,
    variant: str = "",
    tile: str | tuple[int, int] | None = None,
    batch: int = 1,
    streams: int = 1,
    convert: bool = False,
    quality: bool | str | Sequence[str] = False,
    resources: bool = False,
    monitors: Mapping[str, Mapping[str, Any]] | None = None,
    sustain: float | None = None,
    draw: str | Path | None = None,
    save: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> LiveComparison:
    """Measure several engines in interleaved slices and return the result with a verdict on each beside the first.

    What is returned can be taken apart: ``result, compared = lpbench.compare_live(…)``.

    Where they cannot be alive together their runs are interleaved; ``Result.lockstep_reason`` says why.

    :param engines: Two or more, with options of their own where they have any: ``onnxruntime:threads=2``; the same
        one twice shows how steady the comparison is.  ``onnxruntime@PLACE`` runs in another Python environment, a
        folder or ``env:NAME``; ``onnxruntime:app=OTHER`` runs another app or model file.
    :param margin: What counts as no difference, as a share.  Below 1 %, 12 runs and 20 s for each engine are the
        defaults, else 8 and 13 s.
    :param save: Save the result like those of the command line; ``lpbench.last()`` reads it again.
    :param progress: Called a few times a second.
    :raises Interrupted: Ctrl-C; its ``result`` is what was measured until then.
    :raises LpbenchError: There are fewer than two engines, or the app cannot be used.
    :raises OutOfRangeError: The margin is not above 0.
    """
    settings = live_settings({**locals(), "engine": engines}, margin)
    result = saved(save, lambda journal: measure(app, settings, progress=progress, journal=journal))
    return LiveComparison(result, compare_measured(result, margin=margin))


def live_settings(given: Mapping[str, Any], margin: float) -> RunSettings:
    """Return the settings of a comparison; those that are not given are as in ``compare_live``.

    :raises LpbenchError: There are fewer than two engines.
    :raises OutOfRangeError: The margin is not above 0.
    """
    check_margin(margin)  # before minutes are spent on measuring
    parameters = inspect.signature(compare_live).parameters
    defaults = {name: each.default for name, each in parameters.items() if each.default is not each.empty}
    named = given.get("engine") or ()
    engines = (named,) if isinstance(named, str) else tuple(named)
    if len(engines) < 2 and list(engines) != [ALL]:  # noqa: PLR2004 - a comparison takes two
        another = either("; or two apps: --app BEFORE --app AFTER", "")
        raise LpbenchError(
            f"a comparison takes two engines; found {', '.join(engines) or 'none'}",
            hint=f"name each, with options of its own: onnxruntime onnxruntime:threads=2{another}",
        )
    return RunSettings.of({**defaults, **_effort(given, margin, len(engines)), "engine": engines})


def _effort(given: Mapping[str, Any], margin: float, engines: int) -> dict[str, Any]:
    """Return what was given with the runs and the time that a margin takes, where these were not given."""
    sharp = margin < SHARP
    runs = given.get("runs") or (SHARP_RUNS if sharp else RUNS)
    max_time = given.get("max_time") or (SHARP_S * engines if sharp else None)
    return {**given, "runs": runs, "max_time": max_time}


class _Found(NamedTuple):
    """What was measured, and the verdicts on it."""

    result: Result
    compared: Comparisons


class LiveComparison(Shown, _Found):
    """The result and the comparisons of what was measured just now."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the verdicts."""
        return self.compared.in_short()


def compare_measured(result: Result, *, margin: float = 0.01) -> Comparisons:
    """Return the verdicts on configurations that were measured together, each beside the first.

    Ratios of lockstep slices where they took turns, else of runs that followed one another.

    :param margin: What counts as no difference, as a share.
    """
    every = (_of_one(result, pair) for pair in result.lockstep)
    turns = {pair.second: pair for pair in every if pair.ratios.get(TOTAL)}
    names = names_of(result.configurations)
    measured = [at for at, each in enumerate(result.configurations) if each.measured]
    first = next(iter(turns.values())).first if turns else next(iter(measured), 0)

    def against_first(at: int) -> Compared:
        pair = names[first], names[at]
        if at in turns:
            found = _in_turns(result, turns[at], pair, margin)
        else:
            found = _one_by_one(result, (first, at), pair, margin)
        return without_proof_of(found, result.configurations[first], result.configurations[at])

    return Comparisons(
        against_first(at)
        for at in measured
        if at != first and (at in turns or TOTAL in _run_times(result, (first, at)))
    )


def _in_turns(result: Result, pair: Lockstep, names: tuple[str, str], margin: float) -> Compared:
    first, second = result.configurations[pair.first], result.configurations[pair.second]
    added = _added(result, len(pair.ratios[TOTAL]))
    turns = pair_medians(pair)
    # Files of before have no times of turns.
    known = {stage: turns.get(stage) or _alone(first, second, stage) for stage in (TOTAL, *STAGES)}
    medians = {stage: times for stage, times in known.items() if times and pair.ratios.get(stage)}
    found = {stage: verdict(pair.ratios[stage], margin, added=added) for stage in medians}
    stages, withheld = judged(found, medians)
    return Compared(
        *names,
        stages,
        medians,
        LOCKSTEP,
        withheld=withheld,
        **_beside(first, second, result),
    )


def _one_by_one(result: Result, pair: tuple[int, int], names: tuple[str, str], margin: float) -> Compared:
    """Compare two whose runs followed one another: each run's units of the yardstick, or times where there are none."""
    first, second = (result.configurations[at] for at in pair)
    runs = _common(result, pair)
    times = _run_times(result, pair)
    basis = _basis(first, second)
    batches = first.configuration.batch, second.configuration.batch
    units = _figures(
        [(basis.of_one(one.units, batches[0]), basis.of_one(other.units, batches[1])) for one, other in runs]
    )
    added = _added(result, len(runs))
    raw_medians = {stage: _means(*both) for stage, both in times.items()}
    raw, withheld = judged(_verdicts(times, margin, added), raw_medians)
    if TOTAL not in units:
        reason = str(result.yardstick.get("reason") or "not every run was interleaved with the yardstick")
        return Compared(
            *names,
            raw,
            raw_medians,
            INTERLEAVED,
            raw_reason=reason,
            withheld=withheld,
            **_beside(first, second, result),
        )
    ns = float(result.yardstick.get("ns") or 1.0)
    medians = {stage: _means(*([ns * each for each in side] for side in both)) for stage, both in units.items()}
    stages, withheld = judged(_verdicts(units, margin, added), medians)
    return Compared(
        *names,
        stages,
        medians,
        INTERLEAVED,
        raw=raw,
        raw_medians=raw_medians,
        withheld=withheld,
        **_beside(first, second, result),
    )


def _alone(first: Configuration, second: Configuration, stage: str) -> tuple[float, float] | None:
    """Return the means of the times of a stage alone, nanoseconds; None where one has none."""
    one, other = first.run_medians(stage), second.run_medians(stage)
    return (statistics.fmean(one), statistics.fmean(other)) if one and other else None


def _added(result: Result, runs: int) -> int:
    return added_runs(runs, planned=result.settings.adaptive)


def _common(result: Result, pair: tuple[int, int]) -> list[tuple[Run, Run]]:
    """Return the runs that two configurations have in common."""
    first, second = ({run.index: run for run in result.configurations[at].counted} for at in pair)
    return [(first[index], second[index]) for index in sorted(first.keys() & second.keys())]


Figures = dict[str, tuple[list[float], list[float]]]
"""Figures of the same runs by stage, first's and second's."""


def _figures(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> Figures:
    """Return the figures of each stage that takes time in every run."""
    found = {
        stage: ([one.get(stage, 0.0) for one, _ in pairs], [other.get(stage, 0.0) for _, other in pairs])
        for stage in (TOTAL, *STAGES)
    }
    return {stage: both for stage, both in found.items() if pairs and min(map(min, both)) > 0}


def _verdicts(figures: Figures, margin: float, added: int) -> dict[str, Comparison]:
    return {
        stage: verdict([late / soon for soon, late in zip(*both, strict=True)], margin, added=added)
        for stage, both in figures.items()
    }


def _run_times(result: Result, pair: tuple[int, int]) -> Figures:
    """Return the times of the runs that two configurations have in common, nanoseconds."""
    first, second = (result.configurations[at] for at in pair)
    basis, batches = _basis(first, second), (first.configuration.batch, second.configuration.batch)
    return _figures(
        [(basis.of_run(one, batches[0]), basis.of_run(other, batches[1])) for one, other in _common(result, pair)]
    )


def _of_one(result: Result, pair: Lockstep) -> Lockstep:
    """Return what two configurations are compared by: ratios of a sample where batches or streams differ."""
    first, second = (result.configurations[at] for at in (pair.first, pair.second))
    return _basis(first, second).of_pair(pair, (first.configuration.batch, second.configuration.batch))


def _basis(first: Configuration, second: Configuration) -> Basis:
    return Basis.of([first.configuration, second.configuration])


def _beside(first: Configuration, second: Configuration, result: Result) -> dict[str, Any]:
    """Return what stands beside the verdicts, and what the two were asked to do where that differs."""
    work = unequal_work(first.configuration, second.configuration)
    settings = [] if work else [result.settings]  # percentiles are those of a batch
    return {**beside(first, second, *settings), "workload": work, "per_sample": bool(work)}


def _means(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Return geometric means: their quotient is that of the runs' ratios."""
    return statistics.geometric_mean(first), statistics.geometric_mean(second)
