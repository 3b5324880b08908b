"""Which engines measure an app: the names asked for as targets, and why some cannot be used."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import choose_model
from lpbench.errors import EngineError, LpbenchError, UnavailableEngineError
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.worker.requests import OpenRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Engine
    from lpbench.plugin.specs import EngineSpec


ALL = "all"


@dataclass(frozen=True)
class Target:
    """One configuration to measure.

    :param asked: The engine as the user called it.
    :param configuration: The engine by its own name, with everything that decides how it runs.
    :param spec: The engine's spec; None where an engine object was passed.
    :param plugin: Distribution that brings the engine.
    :param instance: The engine object that was passed, ``instance_config`` what its ``open`` gets.
    :param others: By the names of components whose models this engine does not read: what runs them.
    :param refusal: Why it cannot be measured, where that is known already.
    """

    asked: str
    configuration: EngineConfiguration
    spec: EngineSpec | None = None
    plugin: str = ""
    instance: Engine[Any] | None = None
    instance_config: object = None
    others: Mapping[str, Target] = field(default_factory=dict)
    refusal: LpbenchError | None = None

    @property
    def name(self) -> str:
        """The engine's own name."""
        return self.configuration.engine

    def runs(self, component: Component) -> Target:
        """Return what runs a component: this engine, or another that reads its model."""
        return self.others.get(component.name, self)

    def environment(self) -> dict[str, str]:
        """Return the variables that its engines want to be set in a worker."""
        every = (*self.others.values(), self)
        return {name: value for each in every if each.spec for name, value in each.spec.environment.items()}

    def open_request(self, app: App, samples: Sequence[Path], *, seed: int, draw: Path | None = None) -> OpenRequest:
        """Return the request that opens an app on this engine."""
        return OpenRequest(
            app=app.request(),
            configuration=self.configuration,
            others={name: target.configuration for name, target in self.others.items()},
            samples=tuple(map(str, samples)),
            seed=seed,
            draw=str(draw or ""),
        )


def of_object(engine: Engine[Any], options: Mapping[str, Any], template: EngineConfiguration) -> Target:
    """Return an engine object as a target.

    :param options: ``config`` is what its ``open`` gets.
    """
    name = type(engine).__name__
    configuration = dataclasses.replace(template, engine=name)
    return Target(name, configuration, instance=engine, instance_config=options.get("config"))


def targets(
    app: App,
    engines: Sequence[str] | None,
    template: EngineConfiguration,
    failed: Mapping[str, LpbenchError] | None = None,
) -> list[Target]:
    """Return what to measure; an engine that cannot be used is kept with the reason where others were asked for too.

    :param engines: Names, with options of their own where they have any, or ``ALL`` alone; None takes the app's.
    :param template: What is asked of every engine: its name is filled in.
    :param failed: Why no model could be made for an engine, by its name.
    :raises LpbenchError: The only engine that was asked for cannot be used.
    """
    names, failed = _names(app, engines), failed or {}
    if len(names) == 1 and not _everything(engines):
        return [_target(app, names[0], template, failed)]
    return [_tolerant(app, name, template, failed) for name in names]


def usable(app: App, engines: Sequence[str] | None) -> list[EngineSpec]:
    """Return the engines asked for that can be used here, whatever they read."""
    found: dict[str, EngineSpec] = {}
    for name in _names(app, engines):
        with contextlib.suppress(LpbenchError):  # targets says so
            offer = registry.current().get(registry.ENGINES, name.partition(":")[0])
            if offer.availability():
                found[offer.spec.name] = offer.spec
    return list(found.values())


def _names(app: App, engines: Sequence[str] | None) -> list[str]:
    if _everything(engines):
        return list(registry.current().all(registry.ENGINES))
    return list(engines or [preferred(app)])


def _everything(engines: Sequence[str] | None) -> bool:
    return list(engines or []) == [ALL]


def preferred(app: App) -> str:
    """Return the engine that the app names, else the first ready one that reads its model.

    :raises EngineError: None does.
    """
    if app.components[0].engine:
        return app.components[0].engine
    formats = {model.format for each in app.components for model in each.models}
    offers = list(registry.offers_where(registry.ENGINES, lambda spec: bool(formats & spec.formats.keys())))
    ready = [offer.spec for offer in offers if offer.availability()]
    if ready:
        return max(ready, key=lambda spec: sum(reads(spec, each) for each in app.components)).name
    what = f"no engine that reads {' or '.join(sorted(formats))} is ready"
    hints = "; ".join(f"{offer.spec.name}: {offer.availability().hint}" for offer in offers)
    raise EngineError(what, where=app.name, hint=hints or "lpbench engines lists what is installed")


def reads(spec: EngineSpec, component: Component) -> bool:
    """Say whether an engine reads one of a component's models."""
    return any(model.format in spec.formats for model in component.models)


def refuse_side_by_side(app: App, targets: Sequence[Target], *, explain: bool) -> list[Target]:
    """Return the targets, those refused that do not support batches or streams as asked.

    :param explain: Whether the latency is to be broken down.
    :raises LpbenchError: The app does not support them, or the only target does not.
    """
    batch, streams = targets[0].configuration.batch, targets[0].configuration.streams
    if batch < 1 or streams < 1:
        raise LpbenchError(
            f"{batch} samples in a batch, {streams} streams", hint="--batch and --streams take 1 or more"
        )
    if batch == streams == 1:
        return list(targets)
    if len(app.components) > 1:
        raise LpbenchError(
            f"{app.name} is a chain of components, which takes one sample at a time",
            hint="leave --batch and --streams out",
        )
    if explain:
        raise LpbenchError(
            "--explain breaks down the latency of single samples, not of batches or streams",
            hint="leave --explain out, or --batch and --streams",
        )
    checked = [_refuse_unable(target) for target in targets]
    if len(checked) == 1 and checked[0].refusal is not None:
        raise checked[0].refusal
    return checked


def _refuse_unable(target: Target) -> Target:
    spec, configuration = target.spec, target.configuration
    if spec is None or target.refusal is not None:
        return target
    lacks = [
        words
        for asked, able, words in (
            (configuration.batch, spec.batches, "batches"),
            (configuration.streams, spec.streams, "parallel streams"),
        )
        if asked > 1 and not able
    ]
    what = f'engine "{spec.name}" does not support {" or ".join(lacks)}'
    return dataclasses.replace(target, refusal=EngineError(what)) if lacks else target


def _target(app: App, words: str, template: EngineConfiguration, failed: Mapping[str, LpbenchError]) -> Target:
    name, *own = words.split(":")
    offer = registry.current().get(registry.ENGINES, name)
    available = offer.availability()
    if not available:
        raise UnavailableEngineError(available.reason, engine=offer.spec.name, hint=available.hint)
    if offer.spec.name in failed:
        raise failed[offer.spec.name]
    if not any(reads(offer.spec, each) for each in app.components):
        choose_model(app.components[0], offer.spec)
    options = _options(offer.spec, words, own, template.engine_options)
    others = {each.name: _stand_in(each, template) for each in app.components if not reads(offer.spec, each)}
    return Target(name, _filled_in(template, offer.spec, options), offer.spec, offer.distribution, others=others)


def _filled_in(template: EngineConfiguration, spec: EngineSpec, options: Mapping[str, Any]) -> EngineConfiguration:
    """Return a template with an engine's name and its options in place of those for every engine."""
    own = EngineConfiguration.of(spec.name, options)
    return dataclasses.replace(template, engine=own.engine, device=own.device, threads=own.threads, options=own.options)


def _options(spec: EngineSpec, words: str, own: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an engine's options: those asked for, and those in its words.

    :raises LpbenchError: The engine has no such option.
    """
    kind = load(spec.config, who=spec.name) if spec.config else None
    chosen = {**options, **(dataclass_config.parse(kind, _pairs(words, own)) if kind else {})}
    if kind:
        dataclass_config.build(kind, chosen, where=f"options of {spec.name}")
    return chosen


def _stand_in(component: Component, template: EngineConfiguration) -> Target:
    """Return the first ready engine that reads a component's model, for an engine that does not.

    Of the options only the number of threads is handed on: the others are the asked engine's own.

    :raises EngineError: There is none.
    """
    for offer in registry.offers_where(registry.ENGINES, lambda spec: reads(spec, component)):
        if offer.availability():
            shared = {name: value for name, value in template.engine_options.items() if name == "threads"}
            return Target(offer.spec.name, _filled_in(template, offer.spec, shared), offer.spec, offer.distribution)
    formats = " or ".join(model.format for model in component.models)
    raise EngineError(
        f'no engine that reads {formats} is ready, for component "{component.name}"',
        hint="lpbench engines lists what is installed",
    )


def _pairs(words: str, parts: Sequence[str]) -> dict[str, str]:
    """Return the options in ``onnxruntime:threads=2:device=cuda:0``; a part without ``=`` belongs to the one before.

    :raises LpbenchError: The first part has no ``=``.
    """
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if equals:
            found[key] = value
        elif found:
            found[next(reversed(found))] += f":{part}"
        else:
            raise LpbenchError(f'"{part}" is not an option', where=words, hint="write ENGINE:key=value:key=value")
    return found


def _tolerant(app: App, words: str, template: EngineConfiguration, failed: Mapping[str, LpbenchError]) -> Target:
    try:
        return _target(app, words, template, failed)
    except LpbenchError as error:
        return refused(words, template, error)


def refused(words: str, template: EngineConfiguration, error: LpbenchError) -> Target:
    """Return an engine that cannot be measured, with the reason."""
    name = words.partition(":")[0]
    return Target(name, dataclasses.replace(template, engine=name), refusal=error)
