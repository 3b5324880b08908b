"""Says what is installed in this environment: engines, their options, packages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lpbench.app.stated_options import option_problems
from lpbench.errors import AppError
from lpbench.plugin import registry
from lpbench.plugin.distributions import installed_packages
from lpbench.plugin.engine_options import EngineWords, options_of
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.worker.requests import EngineFound, OptionsChosen, Software

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lpbench.plugin.specs import EngineSpec
    from lpbench.worker.requests import ChooseOptions, FindEngine, ReadSoftware


def find_engine(request: FindEngine) -> EngineFound:
    """Return an engine, ready or not.

    :raises UnknownNameError: Nobody offers it here.
    """
    offer = registry.current().get(registry.ENGINES, request.name)
    spec, available = offer.spec, offer.availability()
    return EngineFound(
        name=spec.name,
        aliases=tuple(spec.aliases),
        formats={name: tuple(suffixes) for name, suffixes in spec.formats.items()},
        environment=dict(spec.environment),
        dynamic_shapes=spec.dynamic_shapes,
        owned_outputs=spec.owned_outputs,
        streams=spec.streams,
        batches=spec.batches,
        reference=spec.reference is not None,
        distributions=tuple(spec.distributions),
        plugin=offer.plugin,
        distribution=offer.distribution,
        state=available.state.value,
        reason=available.reason,
        hint=available.hint,
    )


def choose_options(request: ChooseOptions) -> OptionsChosen:
    """Return an engine's options as its own config class has them.

    :raises ConfigError: The engine has no such option, or not with this value.
    :raises AppError: The app states an option that is not an app's to state.
    """
    spec = registry.current().get(registry.ENGINES, request.engine).spec
    problem = next(option_problems(request.place, request.stated, spec), None)
    if problem is not None:
        raise AppError(problem.found, where=problem.path, hint=problem.right)
    given = _typed(spec, request.given)
    words = EngineWords(spec.name, request.words, {}, {})
    asked = options_of(spec, words, given)
    stated = {name: value for name, value in request.stated.items() if name not in asked}
    return OptionsChosen(options_of(spec, words, {**stated, **given}), stated)


def _typed(spec: EngineSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with texts read as the engine's config has them: who asked could not know."""
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    return {**given, **(dataclass_config.parse(load(spec.config, who=spec.name), texts) if spec.config else {})}


def read_software(request: ReadSoftware) -> Software:  # noqa: ARG001 - every handler is given its request
    """Return what is installed in the worker's environment."""
    return installed_software()


def installed_software() -> Software:
    """Return what is installed in this environment."""
    python = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    return Software(sys.prefix, python, installed_packages())
