"""Results beside each other: which is faster, stage by stage, and what differs between them."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.errors import ResultError, either
from lpbench.results.app_parts import app_changes
from lpbench.results.cpu_frequency import frequency
from lpbench.results.loading import Loads, loads_of
from lpbench.results.names import BENCHMARK, facts_by_name, names_of, percentile_metric
from lpbench.results.pairing import pairs
from lpbench.results.per_sample import Basis, by_stage
from lpbench.results.predictions import count_matching_answers
from lpbench.results.software import software_changes
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.verdicts import Comparison, added_runs, judged, verdict_apart, without_proof
from lpbench.results.workload import workload_changes
from lpbench.results.yardstick_units import no_units, unit_drift
from lpbench.util.arguments import checked
from lpbench.util.shown import Shown, several
from lpbench.util.text import clean, shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Metric
    from lpbench.results.settings import RunSettings

BESIDE = ("CPU_MEM_PEAK", "QUALITY_VALUE")
"""Metrics that are shown next to the verdicts: what speed may have cost."""
LISTED = 6
"""Differences of two machines that an error names."""
OWN = "the app's own"
"""The variant without a name."""
UNCHECKED = "its converted model was not compared with its source"
TIME, YARDSTICK, LOCKSTEP, INTERLEAVED = "time", "yardstick", "lockstep", "interleaved"


@dataclass(frozen=True, repr=False)
class Compared(Shown):
    """Two measured configurations beside each other.

    :param first: The reference's engine, ``second`` the other one's.
    :param stages: A comparison for each stage that both measured, ``total`` among them.
    :param medians: First's and second's time in nanoseconds by stage, from the same slices or runs as the ratio: the
        second's over the first's is the ratio's estimate.
    :param withheld: Stages that have times and no verdict, and why.
    :param basis: What ``stages`` rest on: ``lockstep`` slices, ``interleaved`` runs, units of the ``yardstick``, or
        ``time`` as it was.
    :param raw: The comparisons of the times themselves, where ``stages`` are those of yardstick units, which
        ``medians`` turn into the first's nanoseconds.
    :param raw_medians: The times themselves, as ``medians``.
    :param raw_reason: Why there are no units to compare; empty where there are, or where none are needed.
    :param cycles: The comparisons of processor cycles, where the frequency was read.
    :param cycles_reason: Why there are none.
    :param metrics: First's and second's, of those in ``BESIDE`` that one of them has.
    :param answers: Samples to which both give the same best answer, and samples that were looked at.
    :param workload: What was asked of the two where it differs, first's and second's: ``batch``, ``data``.
    :param per_sample: Whether times are those of one sample, since batches or streams differ.
    :param loads: First's and second's, where their engines say how they were opened; no verdict is given on them.
    :param apps: Settings of the two apps that differ, first's and second's, by part and name; empty of one app.
    :param software: What is installed where each ran, where that differs: versions by package; None is not installed.
    """

    first: str
    second: str
    stages: Mapping[str, Comparison]
    medians: Mapping[str, tuple[float, float]]
    basis: str = TIME
    raw: Mapping[str, Comparison] = field(default_factory=dict)
    raw_reason: str = ""
    cycles: Mapping[str, Comparison] = field(default_factory=dict)
    cycles_reason: str = ""
    metrics: Mapping[str, tuple[Metric | None, Metric | None]] = field(default_factory=dict)
    answers: tuple[int, int] | None = None
    withheld: Mapping[str, Unavailable] = field(default_factory=dict)
    raw_medians: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    workload: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    per_sample: bool = False
    loads: tuple[Loads, Loads] = (Loads(), Loads())
    software: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    apps: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def total(self) -> Comparison:
        """The comparison of the whole app."""
        return self.stages[TOTAL]

    def in_short(self) -> str:
        """Return which are compared, the verdict and the ratio."""
        found = f"{self.total.verdict.value} {self.total.ratio.estimate:.3f}" if TOTAL in self.stages else "no verdict"
        return f"{self.first} → {self.second}: {found}"


class Comparisons(Shown, tuple[Compared, ...]):
    """Several comparisons, each beside its reference."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the verdicts."""
        return several([each.in_short() for each in self]) or "nothing to compare"


@checked
def compare(first: Result, second: Result, *, margin: float = 0.01, force: bool = False) -> Comparisons:
    """Return how the configurations of a result compare to those of a reference, measured apart.

    One configuration is compared with one; of several, those of the same engine.  Where batches or streams differ,
    times are those of one sample.

    :param force: Compare results of different machines too.
    :raises ResultError: They come from different machines, have no configuration in common, or one with a run that took
        no time.
    """
    if not force:
        _refuse_other_machine(first, second)
    names = {id(each): name for result in (first, second) for name, each in _named(result)}
    found = Comparisons(
        _compare((first, one), (second, other), (names[id(one)], names[id(other)]), margin)
        for one, other in pairs(first, second)
    )
    if not found:
        engines = [", ".join(name for name, each in _named(result) if each.measured) for result in (first, second)]
        raise ResultError(
            f"no engine was measured in both: the first has {engines[0] or 'none'}, the second {engines[1] or 'none'}",
            hint="measure the same engine in both",
        )
    return found


def subject_changes(first: Result, second: Result) -> dict[str, tuple[Any, Any]]:
    """Return what differs in versions, app and variants between two results: what may explain a verdict."""
    before, after = (
        {**_subject(each), "app": each.app.get("digest"), "lpbench": each.lpbench} for each in (first, second)
    )
    names = dict.fromkeys((*before, *after))
    changed = {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
    return {**changed, **_variant_changes(first, second)}


def _variant_changes(first: Result, second: Result) -> dict[str, tuple[str, str]]:
    """Return the variants of configurations that are compared with each other where these differ."""
    names = {id(each): name for name, each in _named(second)}
    both = [
        (names[id(other)], one.configuration.variant or OWN, other.configuration.variant or OWN)
        for one, other in pairs(first, second)
    ]
    return {f"variant {name}": (before, after) for name, before, after in both if before != after}


def machine_changes(first: Result, second: Result) -> dict[str, tuple[Any, Any]]:
    """Return what differs between the machines of two results: why they are not compared unless forced."""
    return machine.differing(first.environment, second.environment)


def without_proof_of(found: Compared, first: Configuration, second: Configuration) -> Compared:
    """Return a comparison whose verdicts are UNCHECKED where one of the two runs an unchecked model."""
    both = ((found.first, first), (found.second, second))
    why = "; ".join(dict.fromkeys(f"{name}: {UNCHECKED} ({each.unchecked})" for name, each in both if each.unchecked))
    if not why:
        return found
    stages, raw, cycles = (
        {stage: without_proof(each, why) for stage, each in part.items()}
        for part in (found.stages, found.raw, found.cycles)
    )
    return dataclasses.replace(found, stages=stages, raw=raw, cycles=cycles)


def beside(first: Configuration, second: Configuration, *settings: RunSettings) -> dict[str, Any]:
    """Return memory, quality, answers, loads and software of two configurations as arguments of ``Compared``.

    :param settings: Those of their results: percentiles that were asked for are compared too.
    """
    found = count_matching_answers(first.predictions, second.predictions)
    asked = [percentile_metric(each.percentile) for each in settings if each.percentile]
    pairs = {name: (first.metrics.get(name), second.metrics.get(name)) for name in dict.fromkeys((*asked, *BESIDE))}
    return {
        "metrics": {name: pair for name, pair in pairs.items() if any(pair)},
        "answers": (found.same, found.samples) if found.samples else None,
        "loads": (loads_of(first.counted), loads_of(second.counted)),
        "software": software_changes(first, second),
        "apps": app_changes(first, second),
    }


def _subject(result: Result) -> dict[str, Any]:
    """Return what may differ between two results, each configuration's facts under the name that tables give it."""
    facts = result.environment.get("subject", {})
    seen = {
        name: fact.get("value")
        for name, fact in facts.items()
        if isinstance(fact, Mapping) and fact.get("source") != BENCHMARK
    }
    told = {name: value for name, value in facts_by_name(result.configurations).items() if value is not None}
    return {**seen, **told}


def _refuse_other_machine(first: Result, second: Result) -> None:
    hashes = [result.environment.get("hashes", {}).get("machine") for result in (first, second)]
    if hashes[0] == hashes[1]:
        return
    changes = [
        f"{clean(key)} {_shown(one)} → {_shown(two)}" for key, (one, two) in machine_changes(first, second).items()
    ]
    more = f" and {len(changes) - LISTED} more" if len(changes) > LISTED else ""
    differing = f": {'; '.join(changes[:LISTED])}{more}" if changes else ""
    raise ResultError(
        f"the results come from different machines, or from one that has changed{differing}",
        hint=f"measure both on one machine; {either('--force', 'force=True')} compares them as they are",
    )


def _shown(value: object) -> str:
    return "unknown" if value is None else shorten(clean(value), 40)


Measured = tuple["Result", "Configuration"]
"""A configuration and the result that it stands in."""


def _named(result: Result) -> list[tuple[str, Configuration]]:
    return list(zip(names_of(result.configurations), result.configurations, strict=True))


def _compare(one: Measured, other: Measured, names: tuple[str, str], margin: float) -> Compared:
    (before, first), (after, second) = one, other
    workload = workload_changes(one, other)
    basis = Basis.of([first.configuration, second.configuration])
    added = sum(added_runs(len(found.counted), planned=result.settings.adaptive) for result, found in (one, other))
    times = _by_stage(
        [[basis.of_run(run, each.configuration.batch) for run in each.counted] for _, each in (one, other)]
    )
    if not _timed(*times[TOTAL]):
        raise ResultError(f"{' → '.join(map(clean, names))}: a run took no time, so that there is no ratio")
    units = _by_stage(
        [[basis.of_one(run.units, each.configuration.batch) for run in each.counted] for _, each in (one, other)]
    )
    reason = no_units(before, after)
    if not reason and not all(units[TOTAL]):
        reason = "they were not measured beside a yardstick"
    raw_medians = _medians(times)
    raw, withheld = judged(_verdicts(times, margin, added=added), raw_medians)
    medians, stages = raw_medians, raw
    if not reason:
        medians = _medians(units, before.yardstick["ns"])
        drift = unit_drift(before, after)
        stages, withheld = judged(_verdicts(units, margin, drift, added=added), medians)
    cycles, cycles_reason = _cycles(one, other, times, margin, added=added)
    found = Compared(
        *names,
        stages,
        medians,
        TIME if reason else YARDSTICK,
        raw={} if reason else raw,
        raw_medians={} if reason else raw_medians,
        raw_reason=reason,
        cycles=judged(cycles, raw_medians)[0],
        cycles_reason=cycles_reason,
        withheld=withheld,
        workload=workload,
        per_sample=basis is not Basis.LATENCY,
        **beside(first, second, *([before.settings, after.settings] if basis is Basis.LATENCY else [])),
    )
    return without_proof_of(found, first, second)


def _by_stage(sides: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, tuple[list[float], list[float]]]:
    """Return the first's and the second's figures, one a run, by stage."""
    first, second = sides
    return {stage: (by_stage(first, stage), by_stage(second, stage)) for stage in (TOTAL, *STAGES)}


def _medians(runs: Runs, unit: float = 1.0) -> dict[str, tuple[float, float]]:
    """Return the geometric means over the runs, whose quotient is the ratio of a comparison."""
    return {
        stage: (unit * statistics.geometric_mean(first), unit * statistics.geometric_mean(second))
        for stage, (first, second) in runs.items()
        if _timed(first, second)
    }


def _timed(first: Sequence[float], second: Sequence[float]) -> bool:
    """Say whether a stage takes time in every run: one that does nothing may take none."""
    return bool(first) and bool(second) and min(*first, *second) > 0


Runs = Mapping[str, tuple["Sequence[float]", "Sequence[float]"]]
"""One figure a run, first's and second's, by stage."""


def _cycles(
    one: Measured, other: Measured, times: Runs, margin: float, *, added: int
) -> tuple[dict[str, Comparison], str]:
    """Return the comparisons of cycles, or why there are none."""
    speeds = [frequency(*each) for each in (one, other)]
    reasons = [each.reason for each in speeds if isinstance(each, Unavailable)]
    if reasons:
        return {}, reasons[0]
    first, second = (each for each in speeds if not isinstance(each, Unavailable))
    counted = {
        stage: ([ns * first for ns in both[0]], [ns * second for ns in both[1]]) for stage, both in times.items()
    }
    return _verdicts(counted, margin, added=added), ""


def _verdicts(runs: Runs, margin: float, drift: float = 0.0, *, added: int) -> dict[str, Comparison]:
    """Return a comparison for each stage that takes time."""
    return {
        stage: verdict_apart(*both, margin, drift=drift, added=added) for stage, both in runs.items() if _timed(*both)
    }
