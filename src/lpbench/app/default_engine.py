"""The engine that runs a model where the user names none.

It is the one that the app names, else the reference engine of the original model's format, else the only ready
engine that reads it.  Nothing is guessed: a converted model has other weights, an engine that is not ready has no
substitute, and of several engines the user names one.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.app.files import CONFIG
from lpbench.errors import (
    AmbiguousEngineError,
    LpbenchError,
    NotInstalledError,
    UnavailableEngineError,
    either,
)
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import ENGINES, Offer, current

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import EngineSpec


def default_engines(app: App) -> dict[str, Offer[EngineSpec]]:
    """Return the engine of each component, by the component's name.

    The first component's engine also runs later ones that name none, if it reads their original models.

    :raises UnavailableEngineError: A component's engine is not ready.
    :raises AmbiguousEngineError: Several engines could be the default.
    :raises UnknownNameError: The app names an engine that nobody offers.
    """
    chosen: dict[str, Offer[EngineSpec]] = {}
    first: Offer[EngineSpec] | None = None
    for index, component in enumerate(app.components):
        if first and not component.engine and any(model.format in first.spec.formats for model in originals(component)):
            chosen[component.name] = first
            continue
        try:
            chosen[component.name] = default_engine(component)
        except LpbenchError as error:
            error.where = _place(app, index)
            raise
        first = first or chosen[component.name]
    return chosen


def default_engine(component: Component) -> Offer[EngineSpec]:
    """Return the engine that runs a component unless the user names one; errors as of ``default_engines``."""
    if component.engine:
        ready = _readers_ready(model.format for model in component.models)
        return _ready(_named(component.engine, ready), ready)
    formats = [model.format for model in originals(component)]
    known = next((name for name in formats if _readers(name)), formats[0])
    return engine_for(known)


def engine_for(format: str) -> Offer[EngineSpec]:  # noqa: A002 - the usual word for it
    """Return the default engine for original models of a format; errors as of ``default_engines``."""
    readers = _readers(format)
    ready = _readers_ready([format])
    # An engine that claims the format and is not ready has no silent substitute, so readiness comes second.
    candidates = [each for each in readers if each.spec.reference is not None]
    candidates = candidates or [each for each in readers if each.availability()]
    if len(candidates) == 1:
        return _ready(candidates[0], ready)
    if ready:
        names = [each.spec.name for each in candidates] or list(ready)
        raise AmbiguousEngineError(
            f"several engines could run {format} models by default: {', '.join(names)}",
            hint=f"name one of them; {_ready_here(ready)}",
            ready=ready,
        )
    hints = [f"{each.spec.name}: {each.availability().hint}" for each in readers if each.availability().hint]
    extra = "" if readers else current().remedy(brought_by(format))
    hint = "; ".join(hints) or extra or either("lpbench engines", "lpbench.engines()") + " lists what is installed"
    raise UnavailableEngineError(f"no engine that reads {format} is ready", hint=hint)


def alternatives(app: App, chosen: str) -> tuple[str, ...]:
    """Return the other engines that are ready and read a model of the app's first component."""
    ready = _readers_ready(model.format for model in app.components[0].models)
    return tuple(name for name in ready if name != chosen)


def originals(component: Component) -> tuple[Model, ...]:
    """Return a component's models without converted ones; all of them where it has no other."""
    return tuple(model for model in component.models if not model.provenance) or component.models


def without_conversions(component: Component, spec: EngineSpec) -> Component:
    """Return a component without converted models, if an engine reads one of its originals."""
    kept = originals(component)
    if not any(model.format in spec.formats for model in kept):
        return component
    return dataclasses.replace(component, models=kept)


def installed(name: str) -> Offer[EngineSpec]:
    """Return an engine by its name or alias, ready or not.

    :raises UnavailableEngineError: Its plugin is not installed.
    :raises UnknownNameError: Nobody offers it.
    """
    try:
        return current().get(ENGINES, name)
    except NotInstalledError as error:
        raise UnavailableEngineError(error.what, hint=error.hint) from error


def _named(name: str, ready: tuple[str, ...]) -> Offer[EngineSpec]:
    try:
        return installed(name)
    except UnavailableEngineError as error:
        error.ready = ready
        error.hint = "\n  ".join(filter(None, (error.hint, _ready_here(ready))))
        raise


def require_ready(offer: Offer[EngineSpec]) -> Offer[EngineSpec]:
    """Return an engine that is ready.

    :raises UnavailableEngineError: It is not.
    """
    return _ready(offer, ())


def _ready(offer: Offer[EngineSpec], ready: tuple[str, ...]) -> Offer[EngineSpec]:
    available = offer.availability()
    if available:
        return offer
    hint = "\n  ".join(filter(None, (available.hint, _ready_here(ready))))
    raise UnavailableEngineError(available.reason, engine=offer.spec.name, hint=hint, ready=ready)


def _ready_here(ready: tuple[str, ...]) -> str:
    return f"ready here: {', '.join(ready)}" if ready else ""


def _readers(format: str) -> list[Offer[EngineSpec]]:  # noqa: A002 - the usual word for it
    return [offer for offer in current().all(ENGINES).values() if format in offer.spec.formats]


def _readers_ready(formats: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the ready engines that read one of these formats."""
    offers = [offer for name in dict.fromkeys(formats) for offer in _readers(name) if offer.availability()]
    return tuple(sorted({offer.spec.name for offer in offers}))


def _place(app: App, index: int) -> str:
    file = app.root / CONFIG
    named = app.components[index].engine and file.is_file()
    return f"{file}: components[{index}].inference.engine" if named else app.name
