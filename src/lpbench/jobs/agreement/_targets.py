"""Who is compared with whom: the reference, the engines that were asked for, and models converted for them."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from lpbench.app.model_choice import reference as reference_for
from lpbench.errors import EngineError, LpbenchError, NotInstalledError, UnknownNameError
from lpbench.jobs import engine_choice
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Shapes
    from lpbench.plugin.registry import Offer


def words(target: Target) -> str:
    """Return an engine as the user called it, with its options as ``--engines`` takes them."""
    return dataclasses.replace(target.configuration, engine=target.asked).label


def reference(app: App, shapes: Shapes) -> Target:
    """Return what the others are compared with: for each component the reference of its original model's format.

    Where there is none for a component, any engine that reads it stands in.

    :raises EngineError: There is none for any component.
    """
    specs = {each.name: _reference_spec(each) for each in app.components}
    known = [each for each in specs.values() if isinstance(each, EngineSpec)]
    if not known:
        raise next(each for each in specs.values() if isinstance(each, EngineError))
    (first,) = engine_choice.targets(app, [known[0].name], as_reference(known[0], shapes))
    others = {name: _standing_in(each, specs[name], shapes) for name, each in first.others.items()}
    return dataclasses.replace(first, others=others)


def as_reference(spec: EngineSpec, shapes: Shapes) -> EngineConfiguration:
    """Return an engine configured as a reference: with the options that its spec names."""
    return EngineConfiguration.of(spec.name, spec.reference or {}, shapes=shapes)


def notes(app: App, reference: Target) -> tuple[str, ...]:
    """Return what other engines are compared with, where that is not the reference."""
    others = {each.name: reference.runs(each) for each in app.components if reference.runs(each) is not reference}
    doubts = {
        name: "" if other.configuration.engine_options else ", which is not a reference engine"
        for name, other in others.items()
    }
    return tuple(f'component "{name}" is compared with {words(other)}{doubts[name]}' for name, other in others.items())


def _reference_spec(component: Component) -> EngineSpec | EngineError:
    """Return the reference for one of a component's models, originals first, or why there is none."""
    found: EngineSpec | EngineError | None = None
    for model in sorted(component.models, key=lambda each: bool(each.provenance), reverse=True):
        with contextlib.suppress(EngineError):
            found = reference_for(model.format)
    if found is None:
        what = f"no reference engine for {' or '.join(each.format for each in component.models)} is ready"
        return EngineError(what, hint="lpbench engines lists what is installed")
    return found


def _standing_in(target: Target, spec: EngineSpec | EngineError, shapes: Shapes) -> Target:
    if isinstance(spec, EngineError):
        return target
    return engine_choice.Target(spec.name, as_reference(spec, shapes), spec)


def targets(app: App, asked: Sequence[str], template: EngineConfiguration) -> list[Target]:
    """Return what is to be compared; an engine that cannot be used is kept with the reason.

    :raises UnknownNameError: There is no engine of that name.
    """
    try:
        found = engine_choice.targets(app, asked, template)
    except UnknownNameError:
        raise
    except LpbenchError as error:  # of the only one that was asked for
        found = [engine_choice.refused(asked[0], template, error)]
    for each in found:
        if isinstance(each.refusal, UnknownNameError) and not isinstance(each.refusal, NotInstalledError):
            raise each.refusal
    return found


def converted(
    app: App, asked: Sequence[str], shapes: Mapping[str, Sequence[int]], report: Callable[[str, str], None]
) -> tuple[App, Mapping[str, LpbenchError]]:
    """Return the app with a model for every ready engine, and why there is none by engine.

    :param report: Called with an engine's name and what is done for it.
    """
    from lpbench.jobs import conversion

    every = registry.current().all(registry.ENGINES)
    names = list(every) if list(asked) == [engine_choice.ALL] else [each.partition(":")[0] for each in asked]
    offers = [offer for offer in map(_installed, names) if offer is not None and offer.availability()]
    return conversion.supply(
        app,
        [offer.spec for offer in offers],
        shapes={name: tuple(shape) for name, shape in shapes.items()},
        progress=lambda engine, step: report(engine, step.phase),
    )


def _installed(name: str) -> Offer[EngineSpec] | None:
    """Return an engine, None where its plugin is not installed.

    :raises UnknownNameError: There is no such engine.
    """
    try:
        return registry.current().get(registry.ENGINES, name)
    except NotInstalledError:
        return None


def with_reason(target: Target, unconverted: Mapping[str, LpbenchError]) -> Target:
    """Return a target that says why its model could not be converted, where that is why it cannot run."""
    if target.refusal is None or target.asked not in unconverted:
        return target
    return dataclasses.replace(target, refusal=unconverted[target.asked])
