"""An engine's options, from the words that name it and from those for every engine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.specs import EngineSpec


def filled_in(template: EngineConfiguration, spec: EngineSpec, options: Mapping[str, Any]) -> EngineConfiguration:
    """Return a template with an engine's name and its options in place of those for every engine."""
    own = EngineConfiguration.of(spec.name, options)
    return dataclasses.replace(template, engine=own.engine, device=own.device, threads=own.threads, options=own.options)


def options_of(spec: EngineSpec, words: str, own: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an engine's options: those asked for, and those in its words.

    :raises LpbenchError: The engine has no such option.
    """
    where = f"options of {spec.name}"
    if not spec.config:
        if given := [*options, *pairs(words, own)]:
            raise ConfigError(f'unknown key "{given[0]}"', where=where, hint="this engine has no options")
        return {}
    kind = load(spec.config, who=spec.name)
    chosen = {**options, **dataclass_config.parse(kind, pairs(words, own))}
    dataclass_config.build(kind, chosen, where=where)
    return chosen


def pairs(words: str, parts: Sequence[str]) -> dict[str, str]:
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
