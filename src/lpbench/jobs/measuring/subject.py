"""What a plan measures, as the values of which a result is put together."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import origin
from lpbench.errors import AppError, EngineError, UnavailableEngineError
from lpbench.plugin import registry
from lpbench.results.recorded import Subject, TargetFacts
from lpbench.results.run import Stage
from lpbench.results.stages import TOTAL, within
from lpbench.util.digests import file_digest
from lpbench.util.jsonable import to_jsonable
from lpbench.util.outcome import RunOutcome
from lpbench.worker.handlers.engines import installed_software

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.model import App, Component
    from lpbench.errors import LpbenchError
    from lpbench.jobs.engine_choice import Target
    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.tracks import TargetProgress
    from lpbench.results.settings import RunSettings
    from lpbench.worker.requests import Software


def subject(plan: Plan, tracks: Sequence[TargetProgress]) -> Subject:
    """Return what is measured.  It reads the model and the samples, for their digests."""
    here = installed_software() if any(track.target.interpreter for track in tracks) else None
    return Subject(
        app=_identity(plan.app),
        settings=_as_saved(plan.settings),
        resolved=plan.resolved(),
        isolated=plan.isolate,
        targets=tuple(_facts(track, plan, here) for track in tracks),
    )


def refused(error: LpbenchError | None) -> RunOutcome | None:
    """Return how a configuration ended that was refused; None where it was not."""
    if error is None:
        return None
    if isinstance(error, UnavailableEngineError):
        return RunOutcome("unavailable", detail="\n  ".join(filter(None, (error.reason, error.hint))))
    return RunOutcome("failed", detail=str(error))


def _as_saved(settings: RunSettings) -> RunSettings:
    """Return settings as a file keeps them: the config of an engine object as plain values."""
    plain = {
        name: dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
        for name, value in settings.options.items()
    }
    return dataclasses.replace(settings, options=plain)


def _facts(track: TargetProgress, plan: Plan, here: Software | None) -> TargetFacts:
    """Return what is known of a target.

    :param here: What is installed in this environment, where others run in another one.
    """
    target = track.target
    app = target.app or plan.app
    software = target.software or here
    return TargetFacts(
        configuration=target.configuration,
        asked=target.asked,
        plugin=target.plugin or type(target.instance).__module__,
        label=track.label,
        exact=target.spec is not None and target.spec.reference is not None,
        converted=_conversions(app, target),
        unchecked=target.unchecked(app),
        rows=(*_rows(app.components, target), Stage(TOTAL, app.app_class, "", "")),
        refusal=refused(target.refusal),
        software=dataclasses.asdict(software) if software else {},
        app=_with_parts(app, target) if any(each.app for each in plan.targets) else {},
    )


def _conversions(app: App, target: Target) -> dict[str, Any]:
    """Return as a fact by what the models that run were converted, by component in a chain; none of originals."""
    found = {}
    for component in app.components:
        with contextlib.suppress(EngineError):  # a target that was refused may have no model
            if (model := target.model(component)).provenance:
                found[component.name] = origin(model)
    single = len(app.components) == 1
    return {"converted": next(iter(found.values())) if single else found} if found else {}


def _with_parts(app: App, target: Target) -> dict[str, Any]:
    """Return which app a target runs, with the settings of its steps and the digests of its models."""
    several = len(app.components) > 1
    parts = {
        within(each.name, stage) if several else stage: settings
        for each in app.components
        for stage, settings in _steps(each, target).items()
    }
    return {**_identity(app), "parts": parts}


def _steps(component: Component, target: Target) -> dict[str, dict[str, Any]]:
    """Return the settings of a component's steps as plain values, by stage."""
    pre, post = (
        to_jsonable({"type": step.type, **step.config}) for step in (component.preprocessing, component.postprocessing)
    )
    with contextlib.suppress(EngineError, AppError):  # refused, or removed meanwhile
        model = target.model(component)
        digests = [file_digest(path) for path in (model.path, *model.extra)]
        return {
            "preprocessing": pre,
            "inference": {"model": model.path.name, "sha256": " ".join(digests)},
            "postprocessing": post,
        }
    return {"preprocessing": pre, "postprocessing": post}


def _rows(components: Sequence[Component], target: Target) -> list[Stage]:
    """Return the rows of the stage table; in a chain, those of each component with its name."""
    if len(components) == 1:
        return _rows_of(components[0], target)
    return [
        dataclasses.replace(row, name=within(each.name, row.name), label=f"{each.name}: {row.label}")
        for each in components
        for row in _rows_of(each, target.runs(each))
    ]


def _rows_of(component: Component, target: Target) -> list[Stage]:
    pre, pre_by = _who(registry.PREPROCESSORS, component.preprocessing.type)
    post, post_by = _who(registry.POSTPROCESSORS, component.postprocessing.type)
    return [
        Stage("preprocessing", f"{pre}_preprocessor", pre_by),
        Stage("inference", f"engines/{target.name}", target.plugin),
        Stage("postprocessing", f"{post}_postprocessor", post_by),
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
    untrained = {"untrained": True} if app.untrained else {}
    return {"name": app.name, "class": app.app_class, "digest": digest, **untrained}
