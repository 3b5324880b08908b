"""Makes the result of what was recorded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import os
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.about import version
from lpbench.app.model_choice import choose_model, origin
from lpbench.app.quality_gate import gate
from lpbench.errors import UnavailableEngineError
from lpbench.jobs.measuring import run_flags
from lpbench.plugin import registry
from lpbench.results.metrics import Batching, derive, percentiles
from lpbench.results.model import INTERRUPTED, OK, Configuration, Result
from lpbench.results.names import BENCHMARK, facts_by_name
from lpbench.results.predictions import count_matching_answers
from lpbench.results.run import Lockstep, Metric, Stage
from lpbench.results.stages import STAGES, TOTAL, within
from lpbench.results.stats import Interval, summarize
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.errors import LpbenchError
    from lpbench.jobs.engine_choice import Target
    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import Recorder

GIVE_UP = 2
"""A configuration whose first runs all failed is not tried again after this many."""


@dataclass(eq=False)
class TargetProgress:
    """What has been found of one target so far.

    :param label: What it is called beside the others.
    :param apart: Why it is measured without others beside it; empty where it takes turns with them.
    :param done: Runs that are over.
    """

    target: Target
    label: str
    apart: str = ""
    recorders: list[Recorder] = field(default_factory=list)
    done: int = 0
    failure: LpbenchError | None = None

    @property
    def over(self) -> bool:
        """Whether there is no use in another run."""
        hopeless = self.done >= GIVE_UP and not any(each.samples for each in self.recorders)
        return hopeless or self.target.refusal is not None or self.failure is not None

    def take_back(self) -> None:
        """Forget the last run: it is done again."""
        self.recorders.pop()
        self.failure = None
        self.done -= 1

    @property
    def counted(self) -> list[Recorder]:
        """The runs that measured something and were not repeated."""
        return [each for each in self.recorders if each.samples and not each.superseded]


def assemble(  # noqa: PLR0913 - what a benchmark comes to
    plan: Plan,
    tracks: Sequence[TargetProgress],
    *,
    interrupted: bool,
    lockstep: tuple[Lockstep, ...],
    lockstep_reason: str,
    yardstick: Mapping[str, Any],
    notes: tuple[Mapping[str, str], ...] = (),
) -> Result:
    """Return the result of a benchmark, complete or not."""
    recorded = [each.environment for track in tracks for each in track.recorders if each.environment]
    environment = {**(recorded[0] if recorded else machine.environment())}
    if recorded:
        environment["state_after"] = recorded[-1]["state"]
    configurations = _agreeing([_configuration(track, plan, environment) for track in tracks], tracks)
    measured = any(each.measured for each in configurations)
    identity = _identity(plan.app)
    return Result(
        app=identity,
        settings=plan.settings,
        resolved=plan.resolved(max((track.done for track in tracks), default=0), notes),
        environment=_with_subject(environment, identity, configurations),
        configurations=configurations,
        state=INTERRUPTED if interrupted else OK if measured else "failed",
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        lpbench=version(),
        lockstep=lockstep,
        lockstep_reason=lockstep_reason,
        yardstick=yardstick,
    )


def _with_subject(
    environment: Mapping[str, Any], app: Mapping[str, Any], configurations: Sequence[Configuration]
) -> dict[str, Any]:
    """Return the environment with what was measured among its subject, and the hashes that follow."""
    given = {"app": app["name"], "app digest": app["digest"], **facts_by_name(configurations)}
    facts = {name: {"value": value, "source": BENCHMARK} for name, value in given.items() if value is not None}
    subject = {**environment["subject"], **facts}
    return {**environment, "subject": subject, "hashes": machine.hashes(environment["machine"], subject)}


def _configuration(track: TargetProgress, plan: Plan, environment: Mapping[str, Any]) -> Configuration:
    quality = _quality(track, plan)
    target, runs = track.target, tuple(each.finish() for each in track.recorders)
    opened = next((each.opened for each in track.recorders if each.opened), None)
    pooled = _pool(each.columns for each in track.counted)
    cpu = _pool(each.cpu for each in track.counted)
    cores = os.cpu_count() or 1
    return Configuration(
        configuration=target.configuration,
        asked=target.asked,
        plugin=target.plugin or type(target.instance).__module__,
        isolated=plan.isolate,
        label=track.label,
        outcome=_outcome(track),
        facts={**opened.facts, **_conversions(plan, target)} if opened else {},
        inputs=opened.inputs if opened else (),
        outputs=opened.outputs if opened else (),
        stages=_stages(track, plan),
        runs=runs,
        statistics={stage: summarize(values) for stage, values in pooled.items()},
        cpu={stage: summarize(values) for stage, values in cpu.items()},
        metrics={
            **derive(
                [run for run in runs if run.samples and not run.superseded], pooled, environment, cores, _batching(plan)
            ),
            **(percentiles(pooled[TOTAL], [plan.settings.percentile]) if plan.settings.percentile else {}),
            **_quality_metric(quality),
        }
        if pooled
        else {},
        predictions=tuple(next((each.predictions for each in track.recorders if each.predictions), ())),
        problems=tuple(next((each.closed.problems for each in track.recorders if each.closed.problems), ())),
        flags=tuple(run_flags.found(track.recorders, track.counted)),
        quality=quality,
    )


def _quality(track: TargetProgress, plan: Plan) -> dict[str, Any]:
    """Return what the metrics found, the one that matters first and the others under ``more``."""
    found = next((each.quality for each in track.recorders if each.quality), None)
    if not found:
        return {}
    first, *more = found.metrics
    return {**first, "gate": gate(plan.app.quality, first), "more": more, "problems": found.problems}


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


def _agreeing(found: Sequence[Configuration], tracks: Sequence[TargetProgress]) -> tuple[Configuration, ...]:
    """Return configurations with how far each one's predictions are those of the reference.

    That is the first engine whose spec says so, else the first that has any.
    """
    answered = [index for index, each in enumerate(found) if each.predictions]
    specs = {index: tracks[index].target.spec for index in answered}
    exact = (index for index in answered if (spec := specs[index]) and spec.reference is not None)
    reference = next(exact, next(iter(answered), None))
    return tuple(
        dataclasses.replace(each, agreement=_agreement(found, reference, index))
        if reference is not None and index in answered and index != reference
        else each
        for index, each in enumerate(found)
    )


def _agreement(found: Sequence[Configuration], reference: int, index: int) -> dict[str, Any]:
    agreed = count_matching_answers(found[reference].predictions, found[index].predictions)
    if not agreed.samples:
        return {}
    worst = agreed.worst_score if math.isfinite(agreed.worst_score) else None
    return {"with": reference, "samples": agreed.samples, "same": agreed.same, "worst_score": worst}


def _batching(plan: Plan) -> Batching:
    return Batching(plan.settings.batch, plan.settings.streams)


def _conversions(plan: Plan, target: Target) -> dict[str, Any]:
    """Return as a fact by what the models that ran were converted, by component in a chain; none of originals."""
    found = {}
    for component in plan.app.components:
        spec = target.runs(component).spec
        if spec and (model := choose_model(target.seen(component), spec, batch=plan.settings.batch)).provenance:
            found[component.name] = origin(model)
    single = len(plan.app.components) == 1
    return {"converted": next(iter(found.values())) if single else found} if found else {}


def _pool(parts: Iterable[Mapping[str, array[int]]]) -> dict[str, array[int]]:
    found: dict[str, array[int]] = {}
    for part in parts:
        for stage, values in part.items():
            found.setdefault(stage, array("q")).extend(values)
    return found


def _outcome(track: TargetProgress) -> RunOutcome:
    """Return how a configuration ended: of several runs, the first that did not go as planned."""
    refusal = track.target.refusal or (track.failure if not track.counted else None)
    if isinstance(refusal, UnavailableEngineError):
        return RunOutcome("unavailable", detail="\n  ".join(filter(None, (refusal.reason, refusal.hint))))
    if refusal is not None:
        return RunOutcome("failed", detail=str(refusal))
    odd = (each.outcome for each in track.recorders if not each.outcome.ok)
    return next(odd, RunOutcome() if track.recorders else RunOutcome("interrupted"))


def _stages(track: TargetProgress, plan: Plan) -> tuple[Stage, ...]:
    """Return the rows of the anchor table, with who does the work and what type comes out."""
    types: Mapping[str, str] = next((each.first.types for each in track.recorders if each.first), {})
    facts: Mapping[str, Any] = next((each.facts for each in track.recorders if each.facts), {})
    components = plan.app.components
    if len(components) == 1:
        rows = _rows(components[0], track.target, facts, types)
    else:
        every = facts.get("components", {})
        rows = [
            dataclasses.replace(row, name=within(each.name, row.name), label=f"{each.name}: {row.label}")
            for each in components
            for row in _rows(
                each,
                track.target.runs(each),
                every.get(each.name, {}),
                {stage: types.get(within(each.name, stage), "") for stage in STAGES},
            )
        ]
    return (*rows, Stage(TOTAL, plan.app.app_class, "", ""))


def _rows(component: Component, target: Target, facts: Mapping[str, Any], types: Mapping[str, str]) -> list[Stage]:
    """Return the rows of one component."""
    pre, pre_by = _who(registry.PREPROCESSORS, component.preprocessing.type)
    post, post_by = _who(registry.POSTPROCESSORS, component.postprocessing.type)
    return [
        Stage("preprocessing", f"{pre}_preprocessor", pre_by, types.get("preprocessing", "")),
        Stage("inference", f"engines/{target.name}", target.plugin, str(facts.get("precision") or "")),
        Stage("postprocessing", f"{post}_postprocessor", post_by, types.get("postprocessing", "")),
    ]


def _who(kind: Any, name: str) -> tuple[str, str]:
    """Return the plugin's word for its stage, as in the published table, and its distribution."""
    offer = registry.current().get(kind, name)
    if offer.plugin == registry.BUILTIN:
        return name, "lpbench"
    return offer.plugin, offer.distribution


def _identity(app: App) -> dict[str, Any]:
    try:
        digest: str | None = app.digest()
    except OSError:  # the model was removed while it was measured
        digest = None
    return {"name": app.name, "class": app.app_class, "digest": digest}
