"""What is measured: the engines asked for, each with its environment, its app and the models that it runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.app import resolve
from lpbench.app.model_choice import any_unsettled
from lpbench.errors import LpbenchError
from lpbench.jobs import engine_choice, engine_mistakes
from lpbench.jobs.environments import Around, Environments
from lpbench.jobs.measuring.side_by_side import refuse_side_by_side
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine_options import EngineWords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.app.model import App
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Engine
    from lpbench.results.settings import RunSettings

    Report = Callable[[str, str], None]

COMMON = ("shapes", "variant", "batch", "streams", "tile", "affinity")


def choose_targets(
    app: App, settings: RunSettings, instance: Engine[Any] | None, converting: Report
) -> tuple[App, list[Target]]:
    """Return what is measured, and the app with the models that were converted for it.

    :param instance: An engine object, in place of the settings' names.
    :param converting: Called with an engine and a phase while models are converted.
    :raises LpbenchError: What was asked for cannot be measured.
    """
    how: dict[str, Any] = {name: getattr(settings, name) for name in COMMON}
    if instance is not None:
        template = EngineConfiguration(type(instance).__name__, **how)
        targets = [engine_choice.of_object(instance, settings.options, template)]
        return app, refuse_side_by_side(app, targets, explain=settings.explain)
    failed: Mapping[str, LpbenchError] = {}
    template = EngineConfiguration.of("", settings.engine_options, **how)
    with Environments() as environments:
        engine_mistakes.refuse_mistakes(settings.engine, settings.engine_options, environments)
        if settings.convert:
            from lpbench.jobs.engine_supply import supplied

            app, failed = supplied(app, settings.engine, template, converting)
        around = Around(failed, environments, _apps(settings))
        targets = engine_choice.targets(app, settings.engine, template, around)
    if all(each.app for each in targets):
        raise LpbenchError(f"no engine runs {app.name} itself", hint="leave app= out of one of the engines")
    app, targets = _checked(app, targets, converting)
    return app, refuse_side_by_side(app, targets, explain=settings.explain)


def _apps(settings: RunSettings) -> dict[str, App]:
    """Return the apps that engines name beside the one that is measured, by what they are called."""
    named = [EngineWords.of(text).common.get("app") for text in settings.engine or ()]
    return {
        name: resolve.resolve(name, shapes=settings.shapes, ranges=settings.ranges, seed=settings.seed)
        for name in dict.fromkeys(filter(None, named))
    }


def _checked(app: App, targets: list[Target], report: Report) -> tuple[App, list[Target]]:
    """Return app and targets after the check of converted models that came unchecked.

    An engine in another environment checks nothing: its models keep their mark, with the reason.
    """
    here = [each for each in targets if each.app is None and each.interpreter is None]
    if here and any_unsettled(app):
        from lpbench.jobs.conversion import check_first_use

        app, done = check_first_use(app, here, report=report)
        after = {id(before): each for before, each in zip(here, done, strict=True)}
        targets = [after.get(id(each), each) for each in targets]
    return app, [_checked_own(each, report) for each in targets]


def _checked_own(target: Target, report: Report) -> Target:
    """Return a target after the check of the models of its own app, if it has one."""
    if target.app is None or target.interpreter is not None or not any_unsettled(target.app):
        return target
    from lpbench.jobs.conversion import check_first_use

    app, (checked,) = check_first_use(target.app, [target], report=report)
    return dataclasses.replace(checked, app=app)
