"""An engine's configuration, from the words that name it and from what is asked of every engine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError, nearest, setting
from lpbench.plugin.configuration import BETWEEN_CORES, COMMON, OWN, SHAPE, EngineConfiguration
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.util.bounds import MOST
from lpbench.util.spans import read_cores, read_sizes
from lpbench.util.tiles import parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpbench.plugin.specs import EngineSpec

CACHED = "env"
"""Begins the name of an environment that ``lpbench env create`` has made: ``env:NAME``."""


@dataclass(frozen=True)
class EngineWords:
    """What ``--engine`` names: ``onnxruntime:threads=2:batch=8``.

    :param name: The engine as the user called it.
    :param options: Its own options, ``device`` and ``threads`` among them, as text.
    :param common: Fields of the configuration behind the words that every engine takes.
    :param shapes: Shapes of inputs, by input.
    :param environment: The Python environment in which it runs; empty is the caller's.
    """

    name: str
    options: Mapping[str, str]
    common: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    environment: str = ""

    @classmethod
    def of(cls, text: str) -> EngineWords:
        """Return the words of one engine.

        :raises LpbenchError: What follows the name is no option.
        :raises ConfigError: A word that every engine takes has no such value.
        """
        name, environment, parts = _placed(text)
        found = pairs(text, parts)
        _refuse_twice(text, [key.removeprefix(OWN) for key in found if key not in COMMON])
        shaped = [key for key in found if key.startswith(SHAPE)]
        common = {key: _common(name, key, found[key]) for key in found if key in COMMON}
        shapes = {key.removeprefix(SHAPE): _sizes(name, key, found[key]) for key in shaped}
        own = {key.removeprefix(OWN): value for key, value in found.items() if key not in {*COMMON, *shaped}}
        return cls(name, own, common, shapes, environment)

    def configuration(
        self, template: EngineConfiguration, spec: EngineSpec, options: Mapping[str, Any]
    ) -> EngineConfiguration:
        """Return a template with an engine's name and options; the words go before what is asked of every engine.

        :param options: The engine's options, as ``options_of`` gives them.
        """
        return self.common_in(dataclasses.replace(filled_in(template, spec, options), environment=self.environment))

    def common_in(self, template: EngineConfiguration) -> EngineConfiguration:
        """Return a template with the words that every engine takes in place of what is asked of every engine."""
        return dataclasses.replace(template, shapes={**template.shapes, **self.shapes}, **self.common)


def _placed(text: str) -> tuple[str, str, list[str]]:
    """Return an engine's name, the environment behind its ``@``, and the parts that follow.

    :raises LpbenchError: No environment follows the ``@``.
    """
    head, *parts = text.split(":")
    name, at, environment = head.partition("@")
    if environment == CACHED and parts and "=" not in parts[0]:  # else it is a folder of this name
        environment = f"{CACHED}:{parts.pop(0)}"
    if at and environment.strip(" ") in {"", f"{CACHED}:"}:
        raise LpbenchError("no environment follows the @", where=text, hint="write ENGINE@FOLDER or ENGINE@env:NAME")
    return name, environment, parts


def elsewhere(text: str) -> ConfigError:
    """Return the error of an engine of another Python environment where only this one's are measured."""
    what = f'"{text}": other environments are for run and compare --live'
    return ConfigError(what, hint="name the engine alone, or call the lpbench of that environment")


def of_another_app(text: str) -> ConfigError:
    """Return the error of an engine that names another app where all engines have one."""
    return ConfigError(f'"{text}": app= is for run and compare --live', hint="leave it out, and name the app itself")


def filled_in(template: EngineConfiguration, spec: EngineSpec, options: Mapping[str, Any]) -> EngineConfiguration:
    """Return a template with an engine's name and its options in place of those for every engine."""
    own = EngineConfiguration.of(spec.name, options)
    return dataclasses.replace(template, engine=own.engine, device=own.device, threads=own.threads, options=own.options)


def options_of(spec: EngineSpec, words: EngineWords, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an engine's options: those asked for, and those in its words.

    :raises LpbenchError: The engine has no such option.
    """
    where = f"options of {spec.name}"
    if not spec.config:
        if given := [*options, *words.options]:
            hint = f"this engine has no options of its own; {_meant(spec.name, given[0], COMMON)}"
            raise ConfigError(f'unknown key "{given[0]}"', where=where, hint=hint)
        return {}
    kind = load(spec.config, who=spec.name)
    known = [field.name for field in dataclasses.fields(kind) if field.init]
    given = [*words.options, *(key for key in options if key in COMMON)]  # what else ``options`` holds is checked below
    if unknown := next((key for key in given if key not in known), None):
        hint = _meant(spec.name, unknown, {*known, *COMMON})
        raise ConfigError(f'unknown key "{unknown}"', where=where, hint=hint)
    chosen = {**options, **dataclass_config.parse(kind, words.options)}
    dataclass_config.build(kind, chosen, where=where)
    return chosen


def _meant(engine: str, key: str, known: Iterable[str]) -> str:
    """Return the remedy for an option that an engine lacks: it may be a word that every engine takes."""
    if key in COMMON:
        return f"every engine takes it: {engine}:{key}=…, or {setting(key)}"
    return nearest(key, known)


def pairs(words: str, parts: Sequence[str]) -> dict[str, str]:
    """Return the options in ``onnxruntime:threads=2:device=cuda:0``; a part without ``=`` belongs to the one before.

    :raises LpbenchError: The first part has no ``=``, or an option is given twice.
    """
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if equals:
            _refuse_twice(words, [*found, key])
            found[key] = value
        elif found:
            found[next(reversed(found))] += f":{part}"
        else:
            raise LpbenchError(f'"{part}" is not an option', where=words, hint="write ENGINE:key=value:key=value")
    return found


def _refuse_twice(words: str, keys: Sequence[str]) -> None:
    twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
    if twice is not None:
        raise LpbenchError(f'"{twice}" is given twice', where=words, hint="leave one of them out")


def _common(engine: str, key: str, text: str) -> Any:
    """Return the value of a word that every engine takes."""
    read: Mapping[str, tuple[Callable[[str], Any], str]] = {
        "app": (str, "an app's folder, a catalogue name or a model file"),
        "variant": (str, "the name of a variant"),
        "batch": (lambda found: _from_one(key, found), f"a whole number from 1 to {MOST['batch']}"),
        "streams": (lambda found: _from_one(key, found), f"a whole number from 1 to {MOST['streams']}"),
        "tile": (parse_tile, "width and height of the model's input, such as 224x224"),
        "affinity": (
            lambda found: read_cores(found, most=MOST["affinity"], between=BETWEEN_CORES),
            f"core numbers such as 0, 0-3 or 0{BETWEEN_CORES}2",
        ),
    }
    value, expected = read[key]
    return _read(f"{key} of {engine}", text, value, expected)


def _sizes(engine: str, key: str, text: str) -> tuple[int, ...]:
    expected = "the size of each dimension, such as 1x3x224x224"
    found: tuple[int, ...] = _read(f"{key} of {engine}", text, read_sizes, expected)
    return found


def _read(where: str, text: str, value: Callable[[str], Any], expected: str) -> Any:
    try:
        return value(text)
    except ValueError as error:
        raise ConfigError(f'found "{text}"; expected {expected}', where=where) from error


def _from_one(key: str, text: str) -> int:
    (found,) = read_sizes(text)
    if found > MOST[key]:
        raise ValueError(text)
    return found
