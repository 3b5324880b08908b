"""Which engines measure an app: the names asked for as targets, and why some cannot be used."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.app.default_engine import (
    default_engine,
    default_engines,
    without_conversions,
)
from lpbench.app.model_choice import choose_model, model_for, require_variant, unchecked
from lpbench.app.stated_options import stated_options
from lpbench.errors import (
    EngineError,
    LpbenchError,
    UnavailableEngineError,
)
from lpbench.jobs.environments import Around, OfferElsewhere
from lpbench.plugin import registry
from lpbench.plugin.configuration import engine_name
from lpbench.plugin.engine_options import EngineWords, filled_in, options_of
from lpbench.worker.requests import OpenRequest, Software

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.engine import Engine, Model
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec
    from lpbench.util.interpreters import Interpreter


ALL = "all"
OBJECT_CONFIG = "config"
"""The option that holds what an engine object's ``open`` gets."""


@dataclass(frozen=True)
class Target:
    """One configuration to measure.

    :param asked: The engine as the user called it.
    :param configuration: The engine by its own name, with everything that decides how it runs.
    :param spec: The engine's spec; None where an engine object was passed.
    :param plugin: Distribution that brings the engine.
    :param instance: The engine object that was passed, ``instance_config`` what its ``open`` gets.
    :param others: By the names of components whose models this engine does not read: what runs them.
    :param originals: Whether it runs original models only, where it reads one, since nobody asked for a conversion.
    :param refusal: Why it cannot be measured, where that is known already.
    :param stated: Those of its options that the app states and nobody asked for.
    :param interpreter: The Python of the environment in which it runs; None is this one's.
    :param software: What is installed there, where that may differ from target to target.
    :param app: What it runs, where that is another app than the others'.
    """

    asked: str
    configuration: EngineConfiguration
    spec: EngineSpec | None = None
    plugin: str = ""
    instance: Engine[Any] | None = None
    instance_config: object = None
    others: Mapping[str, Target] = field(default_factory=dict)
    originals: bool = False
    refusal: LpbenchError | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    interpreter: Interpreter | None = None
    software: Software | None = None
    app: App | None = None

    @property
    def name(self) -> str:
        """The engine's own name."""
        return self.configuration.engine

    def runs(self, component: Component) -> Target:
        """Return what runs a component: this engine, or another that reads its model."""
        return self.others.get(component.name, self)

    def seen(self, component: Component) -> Component:
        """Return a component with the models that may run: without conversions that nobody asked for."""
        spec = self.runs(component).spec
        asked_for = not self.originals and self.runs(component).name == self.name
        chosen = self.configuration.variant or self.configuration.tile
        return component if spec is None or asked_for or chosen else without_conversions(component, spec)

    def model(self, component: Component) -> Model:
        """Return the model of a component that runs.

        :raises EngineError: There is none that the engine reads.
        """
        runs = self.runs(component)
        if runs.spec is None:
            return component.models[0]
        return model_for(self.seen(component), runs.spec, runs.configuration)

    def unchecked(self, app: App) -> str:
        """Return why converted models that run were not compared with their sources; empty where there are none."""
        found: dict[str, str] = {}
        for component in app.components:
            with contextlib.suppress(EngineError):  # a target that was refused may have no model
                if why := unchecked(self.model(component)):
                    found[component.name] = why
        single = len(app.components) == 1
        return "; ".join(why if single else f"{name}: {why}" for name, why in found.items())

    def environment(self) -> dict[str, str]:
        """Return the variables that its engines want to be set in a worker."""
        every = (*self.others.values(), self)
        return {name: value for each in every if each.spec for name, value in each.spec.environment.items()}

    def open_request(self, app: App, samples: Sequence[Path], *, seed: int, draw: Path | None = None) -> OpenRequest:
        """Return the request that opens an app on this engine."""
        app = self.app or app
        seen = dataclasses.replace(app, components=tuple(map(self.seen, app.components)))
        return OpenRequest(
            app=seen.request(),
            configuration=_there(self.configuration),
            others={name: _there(target.configuration) for name, target in self.others.items()},
            samples=tuple(map(str, samples)),
            seed=seed,
            draw=str(draw or ""),
        )


def _there(configuration: EngineConfiguration) -> EngineConfiguration:
    """Return a configuration as a worker gets it, which is in its environment and has its app."""
    return dataclasses.replace(configuration, environment="", app="")


def of_object(engine: Engine[Any], options: Mapping[str, Any], template: EngineConfiguration) -> Target:
    """Return an engine object as a target.

    :param options: ``config`` is what its ``open`` gets.
    """
    name = type(engine).__name__
    configuration = dataclasses.replace(template, engine=name)
    return Target(name, configuration, instance=engine, instance_config=options.get(OBJECT_CONFIG))


def targets(
    app: App, engines: Sequence[str] | None, template: EngineConfiguration, around: Around | None = None
) -> list[Target]:
    """Return what to measure; an engine that cannot be used is kept with the reason where others were asked for too.

    :param engines: Names, with options of their own where they have any, or ``ALL`` alone; None takes the default.
    :param template: What is asked of every engine: its name is filled in.
    :raises LpbenchError: The only engine that was asked for cannot be used.
    """
    if not engines:
        return [_default(app, template)]
    asked, around = names(engines), around or Around()
    if not asked:
        hint = registry.current().beginning(registry.ENGINES)
        raise UnavailableEngineError(f"{app.name} cannot be measured", hint=hint)
    if len(asked) == 1 and not is_everything(engines):
        return [_target(app, asked[0], template, around)]
    return [_tolerant(app, words, template, around) for words in asked]


def usable(app: App, engines: Sequence[str] | None) -> list[EngineSpec]:
    """Return the engines asked for that can be used here, whatever they read."""
    if not engines:
        return [offer.spec for offer in default_engines(app).values()]
    found: dict[str, EngineSpec] = {}
    for name in names(engines):
        with contextlib.suppress(LpbenchError):  # targets says so
            offer = registry.current().get(registry.ENGINES, engine_name(name))
            if offer.availability():
                found[offer.spec.name] = offer.spec
    return list(found.values())


def names(engines: Sequence[str]) -> list[str]:
    """Return the engines asked for with their words: of ``ALL``, every one that is known."""
    return list(registry.current().all(registry.ENGINES)) if is_everything(engines) else list(engines)


def is_everything(engines: Sequence[str] | None) -> bool:
    """Say whether all engines are asked for."""
    return list(engines or []) == [ALL]


def _default(app: App, template: EngineConfiguration) -> Target:
    """Return the target where the user names no engine."""
    chosen = default_engines(app)
    for component in app.components:
        choose_model(component, chosen[component.name].spec)
    first = chosen[app.components[0].name]
    name = first.spec.name
    run = [each for each in app.components if chosen[each.name].spec is first.spec]
    target = _Asked(first, EngineWords.of(name), template).to_run(app, run)
    require_variant(app, first.spec, template.variant)
    others = {each.name: _beside(chosen[each.name], template, app, each) for each in app.components if each not in run}
    return dataclasses.replace(target, others={**target.others, **others}, originals=True)


def reads(spec: EngineSpec, component: Component) -> bool:
    """Say whether an engine reads one of a component's models."""
    return any(model.format in spec.formats for model in component.models)


def _target(app: App, text: str, template: EngineConfiguration, around: Around) -> Target:
    asked = EngineWords.of(text)
    offer = around.offer(asked)
    own = around.app(asked)
    if error := own is None and (around.failed.get(text) or around.failed.get(offer.spec.name)):
        raise error
    target = _found(own or app, offer, asked, template)
    if isinstance(offer, OfferElsewhere):
        where = offer.environment
        target = dataclasses.replace(target, interpreter=where.interpreter, software=where.software)
    return dataclasses.replace(target, app=own)


def _found(app: App, offer: Offer[EngineSpec], asked: EngineWords, template: EngineConfiguration) -> Target:
    """Return what runs an app on an engine."""
    if not any(reads(offer.spec, each) for each in app.components):
        choose_model(app.components[0], offer.spec)
    run = [each for each in app.components if reads(offer.spec, each)]
    target = _Asked(offer, asked, template).to_run(app, run)
    require_variant(app, offer.spec, target.configuration.variant)
    beside = asked.common_in(template)
    others = {each.name: _stand_in(each, beside, app) for each in app.components if each not in run}
    return dataclasses.replace(target, others={**target.others, **others})


@dataclass(frozen=True)
class _Asked:
    """An engine and what is asked of it, by its words and by the options for every engine."""

    offer: Offer[EngineSpec]
    words: EngineWords
    template: EngineConfiguration

    def to_run(self, app: App, components: Sequence[Component]) -> Target:
        """Return the engine as it runs components; those that state other options than the first run apart from it."""
        first, *later = (self._to_run_one(app, component) for component in components)
        others = {
            component.name: target
            for component, target in zip(components[1:], later, strict=True)
            if target.configuration != first.configuration
        }
        return dataclasses.replace(first, others=others)

    def _to_run_one(self, app: App, component: Component) -> Target:
        """Return the engine with the options that a component states, over which those asked for have precedence."""
        spec = self.offer.spec
        options, told = self._options(app, component)
        configuration = self.words.configuration(self.template, spec, options)
        if component.name != app.components[0].name:  # a tile is the size of what the app takes
            configuration = dataclasses.replace(configuration, tile=None)
        return Target(self.words.name, configuration, spec, self.offer.distribution, stated=told)

    def _options(self, app: App, component: Component) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the engine's options, and those of them that the app states and nobody asked for."""
        spec, given = self.offer.spec, self.template.engine_options
        if isinstance(self.offer, OfferElsewhere):
            chosen = self.offer.choose(self.words.options, given, app, component)
            return chosen.options, chosen.stated
        stated = stated_options(app, component, spec)
        asked = options_of(spec, self.words, given)
        told = {name: value for name, value in stated.items() if name not in asked}
        return options_of(spec, self.words, {**stated, **given}), told


def _stand_in(component: Component, template: EngineConfiguration, app: App) -> Target:
    """Return the default engine of a component, for an engine that does not read its model.

    :raises EngineError: There is none.
    """
    try:
        return _beside(default_engine(component), template, app, component)
    except EngineError as error:
        error.where = f'component "{component.name}"'
        raise


def _beside(offer: Offer[EngineSpec], template: EngineConfiguration, app: App, component: Component) -> Target:
    """Return an engine that runs a component beside the one that was asked for, whose options it does not get.

    Only the number of threads is handed on.
    """
    shared = {name: value for name, value in template.engine_options.items() if name == "threads"}
    own = filled_in(template, offer.spec, shared)
    return _Asked(offer, EngineWords.of(offer.spec.name), own).to_run(app, [component])


def _tolerant(app: App, words: str, template: EngineConfiguration, around: Around) -> Target:
    try:
        return _target(app, words, template, around)
    except LpbenchError as error:
        return refused(words, template, error)


def refused(text: str, template: EngineConfiguration, error: LpbenchError) -> Target:
    """Return an engine that cannot be measured, with the reason.

    :param text: Its words; those that cannot be told are left out.
    """
    name = engine_name(text)
    configuration = dataclasses.replace(template, engine=name)
    with contextlib.suppress(LpbenchError):  # the reason why it is refused is known already
        words, spec = EngineWords.of(text), registry.current().get(registry.ENGINES, name).spec
        configuration = words.configuration(template, spec, options_of(spec, words, template.engine_options))
    return Target(name, dataclasses.replace(configuration, engine=name), refusal=error)
