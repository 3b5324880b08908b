"""Requests about what is installed in the worker's environment: its engines, their options, its packages."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass

from lpbench.worker.requests.base import Record, Request


@dataclass(frozen=True)
class EngineFound:
    """An engine as its spec describes it; what is not documented here is as in ``lpbench.EngineSpec``.

    :param plugin: Entry point of the plugin that brings it, ``distribution`` the distribution of that.
    :param state: As in ``lpbench.plugin.specs.State``, with the ``reason`` and the ``hint``.
    :param reference: Whether it is a reference for its formats.
    """

    name: str
    aliases: tuple[str, ...]
    formats: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]
    dynamic_shapes: bool
    owned_outputs: bool
    streams: bool
    batches: bool
    reference: bool
    distributions: tuple[str, ...]
    plugin: str
    distribution: str
    state: str
    reason: str
    hint: str


@dataclass(frozen=True)
class FindEngine(Request[EngineFound]):
    """Return an engine by its name or alias."""

    phase = "finding the engine"

    name: str


@dataclass(frozen=True)
class OptionsChosen:
    """The options of an engine.

    :param options: All of them, each with the type that the engine's config wants.
    :param stated: Those that an app states and nobody asked for.
    """

    options: Record
    stated: Record


@dataclass(frozen=True)
class ChooseOptions(Request[OptionsChosen]):
    """Return the options with which an engine runs a component of an app.

    :param engine: Its own name.
    :param words: The options that are asked of this engine, as text.
    :param given: Those that are asked of every engine; texts are read as the engine's config has them.
    :param stated: Those that the app states for the engine, at ``place`` in its config.
    """

    phase = "reading the options"

    engine: str
    words: Mapping[str, str]
    given: Record
    stated: Record
    place: str


@dataclass(frozen=True)
class Software:
    """What is installed in an environment.

    :param environment: Its folder.
    :param python: ``cpython 3.13.0``.
    :param packages: The version of each distribution, lpbench's own among them.
    """

    environment: str
    python: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class ReadSoftware(Request[Software]):
    """Return what is installed in the worker's environment."""

    phase = "reading the installed packages"
