"""Options that an app states for the engine that it names: those alone that the engine's spec allows.

An app comes from somebody else.  What it may choose is how its model is computed, never which code is loaded, which
files are read or written, or which device is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.app.files import CONFIG
from lpbench.errors import AppError, either, nearest
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.util.problems import Problem
from lpbench.util.text import BRIEF, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.app.model import App, Component
    from lpbench.plugin.specs import EngineSpec


def stated_options(app: App, component: Component, spec: EngineSpec) -> dict[str, Any]:
    """Return the options that a component states for an engine; empty unless it names this very engine.

    :raises AppError: One of them is not an app's to state, is unknown, or has a wrong value.
    """
    if component.engine not in {spec.name, *spec.aliases}:
        return {}
    place = f"components[{app.components.index(component)}].inference.options"
    problem = next(option_problems(place, component.options, spec), None)
    if problem is not None:
        raise AppError(problem.found, where=f"{app.root / CONFIG}: {problem.path}", hint=problem.right)
    return dict(component.options)


def option_problems(place: str, options: Mapping[str, Any], spec: EngineSpec) -> Iterator[Problem]:
    """Yield what is wrong with options that an app states for an engine.

    :param place: Their path in the config.
    """
    kind = load(spec.config, who=spec.name) if spec.config else None
    known = getattr(kind, "__dataclass_fields__", {})
    for key, value in options.items():
        if key not in known:
            found = f'engine "{spec.name}" has no option "{shorten(key, BRIEF)}"'
            yield Problem(f"{place}.{shorten(key, BRIEF)}", found, nearest(shorten(key, BRIEF), spec.app_options))
        elif key not in spec.app_options:
            yield Problem(
                f"{place}.{key}", f'an app may not state the option "{key}" of {spec.name}', _users(spec, key, value)
            )
    allowed = {key: value for key, value in options.items() if key in spec.app_options}
    for error in dataclass_config.errors(kind, allowed, where=place) if kind and allowed else ():
        yield Problem(error.where, error.what, error.hint)


def _users(spec: EngineSpec, key: str, value: object) -> str:
    words = shorten(f"{spec.name}:{key}={value}", BRIEF)
    whose = f"it is for whoever runs the app: {either(f'--engine {words}', f'engine={words!r}')}"
    return f"{whose}; an app may state {', '.join(spec.app_options)}" if spec.app_options else whose
