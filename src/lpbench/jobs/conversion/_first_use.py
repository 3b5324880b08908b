"""Checks converted models that came unchecked, where they are first used and a machine can run them."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import any_unsettled, unchecked
from lpbench.errors import ConversionError, EngineError, either
from lpbench.jobs.conversion._bound import converter_of, for_this_machine
from lpbench.jobs.conversion._cache import as_run
from lpbench.jobs.conversion._check import compare, run_source
from lpbench.jobs.conversion._checker import find_checker
from lpbench.jobs.conversion._differ import limits_for
from lpbench.jobs.conversion._job import Check
from lpbench.jobs.conversion._record import record_check, with_model
from lpbench.jobs.conversion._source import digests
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.converter import Limits
    from lpbench.plugin.engine import Model
    from lpbench.plugin.progress import Listener
    from lpbench.plugin.specs import EngineSpec


def check_first_use(
    app: App,
    targets: Sequence[Target],
    *,
    report: Callable[[str, str], None] = lambda _engine, _phase: None,
) -> tuple[App, list[Target]]:
    """Return an app whose unchecked models were checked as far as this machine can, and what runs it.

    Models that were made for other machines are left out, where another one of the app can run in their place.
    The outcome is written into the app.  What cannot be checked here keeps its mark, with the reason.  An engine whose
    model differs from its source is refused for that.

    :param report: Called with an engine and a phase.
    :raises ConversionError: The model of the only target differs from its source, or its engine does not run it.
    """
    done: list[Target] = []
    app = for_this_machine(app, [spec for target in targets for spec in _specs(app, target)], report)
    for target in targets:
        app, refusal = _checked(app, target, report)
        if refusal is not None and len(targets) == 1:
            raise refusal
        done.append(dataclasses.replace(target, refusal=refusal) if refusal else target)
    return app, done


def _specs(app: App, target: Target) -> list[EngineSpec]:
    return [spec for component in app.components if (spec := target.runs(component).spec) is not None]


def _checked(app: App, target: Target, report: Callable[[str, str], None]) -> tuple[App, ConversionError | None]:
    """Return an app after the check of the models that a target runs, and why the target cannot be measured."""
    if target.refusal is not None or not any_unsettled(app):
        return app, None
    try:
        for component in app.components:
            spec, model = target.runs(component).spec, target.model(component)
            if spec is not None and unchecked(model):
                found = dataclasses.replace(model, provenance=_verified(app, component, model, spec, report))
                keep = with_model if unchecked(found) else record_check
                app = keep(app, component, model, found)
    except ConversionError as error:
        return app, error
    except EngineError:  # it reads no model of a component: opening it says so
        return app, None
    return app, None


def _verified(
    app: App, component: Component, model: Model, spec: EngineSpec, report: Callable[[str, str], None]
) -> Mapping[str, Any]:
    """Return the provenance of a model after its check; still unchecked, with the reason, where there was none.

    :raises ConversionError: It differs from its source, or the engine does not run it.
    """

    def hear(phase: str) -> Listener:
        report(spec.name, phase)
        return lambda activity: report(spec.name, f"{phase}: {activity}")

    known = model.provenance
    source = next((each for each in component.models if each is not model and _made_of(known, each)), None)
    if source is None:
        return {**known, "unchecked": f"its source is not in the app: {', '.join(known['source'])}"}
    shapes = {name: tuple(shape) for name, shape in known.get("shapes", {}).items()}
    check = Check(
        app,
        component,
        source,
        known["converter"],
        _limits(known),
        engine=spec,
        shapes=shapes,
        tile=model.tile,
        hear=hear,
    )
    checker = find_checker(check, model.format)
    if isinstance(checker, Unavailable):
        return {**known, "unchecked": checker.reason}
    with tempfile.TemporaryDirectory(prefix="lpbench-") as stage:
        try:
            ran = run_source(check, Path(stage))
        except ConversionError as error:  # of the source, for which the converted model is not to blame
            return {**known, "unchecked": error.what}
        remedy = either("lpbench convert --force", "lpbench.convert(force=True)")
        found = compare(check, checker, ran, model, outcome=f"it came unchecked; {remedy} makes it again")
    kept = {name: value for name, value in known.items() if name != "unchecked"}
    new = {**kept, **as_run(ran, model), "checked": dataclasses.asdict(found)}
    return {name: value for name, value in new.items() if value}


def _limits(provenance: Mapping[str, Any]) -> Limits:
    """Return how far a model may differ from its source, as its converter's spec says, where that is known here."""
    maker = converter_of(provenance)
    return limits_for(provenance.get("precision", "F32"), maker.limits if maker else {})


def _made_of(provenance: Mapping[str, Any], source: Model) -> bool:
    """Say whether a model has the files from which another was made; their names may have changed."""
    try:
        return sorted(digests(source).values()) == sorted(provenance["source"].values())
    except OSError:
        return False
