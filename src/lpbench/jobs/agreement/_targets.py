"""Who is compared with whom: the reference, the engines that were asked for, and models converted for them."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.app.default_engine import originals
from lpbench.app.model_choice import reference as reference_for
from lpbench.errors import (
    ArgumentError,
    ConversionError,
    EngineError,
    LpbenchError,
    UnavailableEngineError,
    either,
)
from lpbench.jobs import engine_choice
from lpbench.jobs.environments import Around
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import current
from lpbench.plugin.specs import EngineSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Shapes


def words(target: Target) -> str:
    """Return an engine as the user called it, with its options as ``--engines`` takes them."""
    return dataclasses.replace(target.configuration, engine=target.asked).label


def reference(app: App, shapes: Shapes, compared: Sequence[Target] = ()) -> Target:
    """Return what the others are compared with: for each component the reference of its original model's format.

    Where there is none for a component, any engine that reads it stands in.

    :param compared: The others: what of a file they run, the reference runs too.
    :raises EngineError: There is none for any component.
    :raises ArgumentError: The others are asked to run different parts of a file.
    """
    specs = {each.name: _reference_spec(each) for each in app.components}
    known = [each for each in specs.values() if isinstance(each, EngineSpec)]
    if not known:
        raise next(each for each in specs.values() if isinstance(each, EngineError))
    (first,) = engine_choice.targets(app, [known[0].name], _as_reference(known[0], shapes, compared))
    others = {name: _standing_in(each, specs[name], shapes, compared) for name, each in first.others.items()}
    return dataclasses.replace(first, others=others, originals=True)


def _as_reference(spec: EngineSpec, shapes: Shapes, compared: Sequence[Target]) -> EngineConfiguration:
    """Return an engine configured as a reference: with the options that its spec names, and what the others chose."""
    able = [each for each in compared if each.refusal is None]
    options = {**(spec.reference or {}), **_chosen(spec, able)}
    return EngineConfiguration.of(spec.name, options, shapes=_shapes(able) or shapes, tile=_tile(able))


def _chosen(spec: EngineSpec, compared: Sequence[Target]) -> dict[str, Any]:
    """Return the options by which those that are compared choose what of a file runs."""
    return {name: value for name in spec.choosing if (value := _choice(name, compared))}


def _choice(name: str, compared: Sequence[Target]) -> Any:
    return _one({words(each): value for each in compared if (value := each.configuration.options.get(name))}, name)


def _tile(compared: Sequence[Target]) -> tuple[int, int] | None:
    """Return the tile of those that are compared, None where none was asked for."""
    found: tuple[int, int] | None = _one({words(each): each.configuration.tile for each in compared}, "tile")
    return found


def _shapes(compared: Sequence[Target]) -> Shapes:
    """Return the shapes of inputs that are asked of all that are compared."""
    return dict(
        _one({words(each): tuple(sorted(each.configuration.shapes.items())) for each in compared}, "shapes") or ()
    )


def _one(given: Mapping[str, Any], name: str) -> Any:
    """Return what all that are compared have in common, by their words; None where there are none.

    :raises ArgumentError: It is not the same for all.
    """
    choices = list(dict.fromkeys(given.values()))
    if len(choices) > 1:
        raise ArgumentError(
            f"engines are compared only where they run the same {name}: found {' and '.join(given)}",
            hint=f"compare them in two steps, {next(iter(given))} first",
        )
    return choices[0] if choices else None


def notes(app: App, reference: Target) -> tuple[str, ...]:
    """Return what other engines are compared with, where that is not the reference."""
    others = {each.name: reference.runs(each) for each in app.components if reference.runs(each) is not reference}
    doubts = {
        name: "" if other.configuration.engine_options else ", which is not a reference engine"
        for name, other in others.items()
    }
    return tuple(f'component "{name}" is compared with {words(other)}{doubts[name]}' for name, other in others.items())


def _reference_spec(component: Component) -> EngineSpec | EngineError:
    """Return the reference for a component's original model, or why there is none.

    :raises AmbiguousEngineError: Several claim to be it.
    """
    formats = [model.format for model in originals(component)]
    for name in formats:
        with contextlib.suppress(UnavailableEngineError):
            return reference_for(name, named=component.engine)
    what = f"no reference engine for {' or '.join(formats)} is ready"
    every = either("lpbench engines", "lpbench.engines()")
    remedies = "; ".join(filter(None, (current().remedy(brought_by(name)) for name in formats)))
    return UnavailableEngineError(what, hint=remedies or f"{every} lists what is installed")


def _standing_in(target: Target, spec: EngineSpec | EngineError, shapes: Shapes, compared: Sequence[Target]) -> Target:
    if isinstance(spec, EngineError):
        return target
    return engine_choice.Target(spec.name, _as_reference(spec, shapes, compared), spec)


def targets(
    app: App, asked: Sequence[str], template: EngineConfiguration, unconverted: Mapping[str, LpbenchError]
) -> list[Target]:
    """Return what is to be compared; an engine that cannot be used is kept with the reason.

    :param unconverted: Why no model could be made, by the words of an engine.
    """
    try:
        return list(map(_one_by_one, engine_choice.targets(app, asked, template, Around(unconverted))))
    except LpbenchError as error:  # of the only one that was asked for
        return [engine_choice.refused(asked[0], template, error)]


def _one_by_one(target: Target) -> Target:
    """Return a target, refused if it is to take several samples at a time."""
    asked = target.configuration
    if target.refusal is not None or asked.batch == asked.streams == 1:
        return target
    refusal = EngineError("answers are compared sample by sample", hint="leave batch and streams out")
    return dataclasses.replace(target, refusal=refusal)


def checked(app: App, targets: list[Target], report: Callable[[str, str], None]) -> tuple[App, list[Target]]:
    """Return the app with those models checked that came unchecked; an engine whose model fails keeps the reason.

    :param report: Called with an engine's name and what is done for it.
    """
    from lpbench.jobs import conversion

    try:
        return conversion.check_first_use(app, targets, report=report)
    except ConversionError as error:  # of the only one that was asked for
        return app, [dataclasses.replace(each, refusal=error) for each in targets]


def unchecked_notes(app: App, targets: Sequence[Target]) -> tuple[str, ...]:
    """Return which models were not compared with their sources, and why."""
    every = ((words(each), each.unchecked(app)) for each in targets if each.refusal is None)
    return tuple(f"{name}: its converted model is unchecked: {why}" for name, why in every if why)
