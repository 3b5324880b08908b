"""Who is compared with whom: the reference, the engines that were asked for, and models converted for them."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench import plan as plans
from lpbench import registry
from lpbench.errors import EngineError, LpbenchError, NotInstalledError, UnknownNameError
from lpbench.models import reference as reference_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app import App
    from lpbench.plan import Target
    from lpbench.registry import Offer
    from lpbench.specs import EngineSpec


def words(target: Target) -> str:
    """Return an engine with its options, as ``--engines`` takes them."""
    return ":".join([target.asked, *(f"{key}={value}" for key, value in target.options.items())])


def reference(app: App) -> Target:
    """Return the engine that the others are judged by.

    :raises EngineError: None is ready that reads a model of the app.
    """
    formats = dict.fromkeys(model.format for component in app.components for model in component.models)
    *others, last = formats
    for each in others:
        with contextlib.suppress(EngineError):
            return _judge(app, reference_for(each))
    return _judge(app, reference_for(last))


def _judge(app: App, spec: EngineSpec) -> Target:
    return plans.targets(app, spec.name, dict(spec.reference or {}))[0]


def notes(app: App, reference: Target) -> tuple[str, ...]:
    """Return where the reference has a stand-in."""
    return tuple(
        f'component "{component.name}" is compared with {reference.runs(component).name}, which is no reference'
        for component in app.components
        if reference.runs(component) is not reference
    )


def targets(app: App, asked: Sequence[str], options: Mapping[str, Any]) -> list[Target]:
    """Return what is to be compared; an engine that cannot be used is kept with the reason.

    :raises UnknownNameError: There is no engine of that name.
    """
    try:
        found = plans.targets(app, asked, options)
    except UnknownNameError:
        raise
    except LpbenchError as error:  # of the only one that was asked for
        found = [plans.Target(asked[0].partition(":")[0], options=options, refusal=error)]
    for each in found:
        if isinstance(each.refusal, UnknownNameError) and not isinstance(each.refusal, NotInstalledError):
            raise each.refusal
    return found


def converted(
    app: App, asked: Sequence[str], shapes: Mapping[str, Sequence[int]], tell: Callable[[str, str], None]
) -> tuple[App, Mapping[str, LpbenchError]]:
    """Return the app with a model for every ready engine, and why there is none by engine.

    :param tell: Called with an engine's name and what is done for it.
    """
    from lpbench import conversion

    every = registry.current().all(registry.ENGINES)
    names = list(every) if list(asked) == [plans.ALL] else [each.partition(":")[0] for each in asked]
    offers = [offer for offer in map(_installed, names) if offer is not None and offer.availability()]
    return conversion.supply(
        app,
        [offer.spec for offer in offers],
        shapes={name: tuple(shape) for name, shape in shapes.items()},
        progress=lambda engine, step: tell(engine, step.phase),
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
