"""Puts a result together from what was recorded, of a benchmark that came to its end or not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import os
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.about import version
from lpbench.results import run_flags
from lpbench.results.locksteps import TURNS, locksteps
from lpbench.results.metrics import Batching, derive, percentiles
from lpbench.results.model import INTERRUPTED, OK, Configuration, Result
from lpbench.results.names import BENCHMARK, facts_by_name
from lpbench.results.predictions import count_matching_answers
from lpbench.results.recorded import counted
from lpbench.results.run import Metric
from lpbench.results.stages import TOTAL
from lpbench.results.stats import Interval, summarize
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.results.recorded import Course, RunRecord, Subject, TargetFacts
    from lpbench.results.run import Lockstep, Run, Stage
    from lpbench.results.sustained import Sustained


@dataclass(frozen=True)
class Track:
    """A target, and what was recorded of it.

    :param done: Runs that are over.
    :param apart: Why it was measured without others beside it; empty where it took turns with them.
    :param failure: The error for which it was not tried again.
    :param sustained: Its heating curve, where that was asked for.
    """

    target: TargetFacts
    runs: tuple[RunRecord, ...]
    done: int
    apart: str = ""
    failure: RunOutcome | None = None
    sustained: Sustained | None = None


def assemble(  # noqa: PLR0913 - each is something else that a benchmark leaves
    subject: Subject,
    runs: Sequence[Sequence[RunRecord]],
    course: Course,
    *,
    done: Sequence[int],
    interrupted: bool,
    curves: Sequence[Sustained | None] = (),
) -> Result:
    """Return the result of a benchmark, complete or not.

    :param runs: Of each target.
    :param done: Runs of each target that are over.
    :param curves: Of each target, if there are any.
    """
    heated = curves or [None] * len(subject.targets)
    parts = zip(subject.targets, map(tuple, runs), done, course.apart, course.failures, heated, strict=True)
    tracks = [Track(*each) for each in parts]
    recorded = [each.environment for track in tracks for each in track.runs if each.environment]
    environment = {**(recorded[0] if recorded else machine.environment())}
    if recorded:
        environment["state_after"] = recorded[-1]["state"]
    configurations = _agreeing([_configuration(track, subject, environment) for track in tracks], tracks)
    measured = any(each.measured for each in configurations)
    lockstep = locksteps({at: each.runs for at, each in enumerate(tracks) if not each.apart})
    notes = (*course.notes, *_reference_note(tracks, lockstep))
    return Result(
        app=subject.app,
        settings=subject.settings,
        resolved=dataclasses.replace(subject.resolved, runs=max(done, default=0), notes=notes),
        environment=_with_subject(environment, subject.app, configurations),
        configurations=configurations,
        state=INTERRUPTED if interrupted else OK if measured else "failed",
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        lpbench=version(),
        lockstep=lockstep,
        lockstep_reason=_apart_reason(tracks),
        yardstick=course.yardstick,
    )


def _reference_note(tracks: Sequence[Track], found: Sequence[Lockstep]) -> list[Mapping[str, str]]:
    """Note that ratios are to another configuration than the first that was measured, as that one failed too often."""
    first = found[0].first if found else 0
    before = [each.target.label for each in tracks[:first] if counted(each.runs) and not each.apart]
    to = tracks[first].target.label if before else ""
    what = f"ratios are to {to}, as {' and '.join(before)} failed in more than half of the runs"
    return [{"name": TURNS, "reason": what}] if before else []


def _apart_reason(tracks: Sequence[Track]) -> str:
    """Return why some were measured by themselves, or ""."""
    why = {each.apart for each in tracks}
    if len(why) == 1:
        return why.pop()
    return "; ".join(f"{each.target.label}: {each.apart}" for each in tracks if each.apart)


def _with_subject(
    environment: Mapping[str, Any], app: Mapping[str, Any], configurations: Sequence[Configuration]
) -> dict[str, Any]:
    """Return the environment with what was measured among its subject, and the hashes that follow."""
    given = {"app": app["name"], "app digest": app["digest"], **facts_by_name(configurations)}
    facts = {name: {"value": value, "source": BENCHMARK} for name, value in given.items() if value is not None}
    subject = {**environment["subject"], **facts}
    return {**environment, "subject": subject, "hashes": machine.hashes(environment["machine"], subject)}


def _configuration(track: Track, subject: Subject, environment: Mapping[str, Any]) -> Configuration:
    target, runs = track.target, tuple(each.run() for each in track.runs)
    opened = next((each for each in track.runs if each.opened), None)
    quality = next((each.quality for each in track.runs if each.quality), {})
    pooled = _pool(each.columns for each in counted(track.runs))
    cpu = _pool(each.cpu for each in counted(track.runs))
    return Configuration(
        configuration=target.configuration,
        asked=target.asked,
        plugin=target.plugin,
        isolated=subject.isolated,
        label=target.label,
        outcome=_outcome(track),
        facts={**opened.facts, **target.converted} if opened else {},
        inputs=opened.inputs if opened else (),
        outputs=opened.outputs if opened else (),
        stages=_stages(track),
        runs=runs,
        statistics={stage: summarize(values) for stage, values in pooled.items()},
        cpu={stage: summarize(values) for stage, values in cpu.items()},
        metrics={**_metrics(runs, pooled, target, environment), **_asked(pooled, subject, quality)} if pooled else {},
        predictions=next((each.predictions for each in track.runs if each.predictions), ()),
        problems=next((each.problems for each in track.runs if each.problems), ()),
        flags=tuple(run_flags.found(track.runs, counted(track.runs))),
        quality=quality,
        profile=next((each.profile for each in track.runs if each.profile), ()),
        sustained=track.sustained,
        unchecked=target.unchecked,
        software=target.software,
        app=target.app,
    )


def _metrics(
    runs: Sequence[Run], pooled: Mapping[str, array[int]], target: TargetFacts, environment: Mapping[str, Any]
) -> dict[str, Metric]:
    """Return the metrics that every configuration has."""
    batching = Batching(target.configuration.batch, target.configuration.streams)
    whole = [run for run in runs if run.samples and not run.superseded]
    return derive(whole, pooled, environment, os.cpu_count() or 1, batching)


def _asked(pooled: Mapping[str, array[int]], subject: Subject, quality: Mapping[str, Any]) -> dict[str, Metric]:
    """Return the metrics that were asked for: a percentile, and quality."""
    q = subject.settings.percentile
    return {**(percentiles(pooled[TOTAL], [q]) if q else {}), **_quality_metric(quality)}


def _quality_metric(quality: Mapping[str, Any]) -> dict[str, Metric]:
    """Return the glossary's QUALITY_VALUE, where quality was evaluated."""
    if not quality:
        return {}
    ends = quality["interval"]
    interval = Interval(ends[0], ends[1], 0.95, "of the metric's own") if ends else None
    why = "" if ends else f"{quality['metric']} has none"
    return {
        "QUALITY_VALUE": Metric(
            **{name: quality[name] for name in ("value", "unit", "n", "reason", "code")},
            interval=interval,
            interval_reason=why,
            source=quality["metric"],
        )
    }


def _agreeing(found: Sequence[Configuration], tracks: Sequence[Track]) -> tuple[Configuration, ...]:
    """Return configurations with how far each one's predictions are those of the reference."""
    reference = answers_reference(found, [track.target.exact for track in tracks])
    return tuple(
        dataclasses.replace(each, agreement=_agreement(found, reference, index))
        if reference is not None and each.predictions and index != reference
        else each
        for index, each in enumerate(found)
    )


def answers_reference(found: Sequence[Configuration], exact: Sequence[bool]) -> int | None:
    """Return the index of the configuration whose answers others are compared with; None where none has answers.

    One whose model is checked before others, then the app's own model before variants, then an engine that is a
    reference; of several the first.

    :param exact: Whether the engine of each is a reference.
    """
    answered = [index for index, each in enumerate(found) if each.predictions]

    def rank(index: int) -> tuple[bool, bool, bool]:
        each = found[index]
        return bool(each.unchecked), bool(each.configuration.variant), not exact[index]

    return min(answered, key=rank, default=None)


def _agreement(found: Sequence[Configuration], reference: int, index: int) -> dict[str, Any]:
    agreed = count_matching_answers(found[reference].predictions, found[index].predictions)
    if not agreed.samples:
        return {}
    worst = agreed.worst_score if math.isfinite(agreed.worst_score) else None
    return {"with": reference, "samples": agreed.samples, "same": agreed.same, "worst_score": worst}


def _pool(parts: Iterable[Mapping[str, array[int]]]) -> dict[str, array[int]]:
    found: dict[str, array[int]] = {}
    for part in parts:
        for stage, values in part.items():
            found.setdefault(stage, array("q")).extend(values)
    return found


def _outcome(track: Track) -> RunOutcome:
    """Return how a configuration ended: of several runs, the first that did not go as planned."""
    refusal = track.target.refusal or (track.failure if not counted(track.runs) else None)
    if refusal is not None:
        return refusal
    odd = (each.outcome for each in track.runs if not each.outcome.ok)
    return next(odd, RunOutcome() if track.runs else RunOutcome("interrupted"))


def _stages(track: Track) -> tuple[Stage, ...]:
    """Return the rows of the anchor table, with who does the work and what type comes out."""
    types = next((each.types for each in track.runs if each.types), {})
    facts = next((each.facts for each in track.runs if each.facts), {})
    return tuple(dataclasses.replace(row, data_type=_type(row, facts, types)) for row in track.target.rows)


def _type(row: Stage, facts: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """Return the type that a stage puts out; of an engine, what it computes with."""
    component, _, stage = row.name.rpartition("/")
    if stage != "inference":
        return "" if stage == TOTAL else types.get(row.name, "")
    session = facts.get("components", {}).get(component, {}) if component else facts
    return str(session.get("precision") or "")
