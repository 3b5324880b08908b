"""What is installed: engines and plugins, as records.  Imports no engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lpbench.plugin import registry
from lpbench.plugin.specs import Availability, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.registry import Failure, Offer
    from lpbench.plugin.specs import EngineSpec


@dataclass(frozen=True)
class ListedEngine:
    """An engine as a listing shows it.

    :param formats: Model formats that it reads, the preferred one first.
    :param version: Of the engine's library, from its metadata; empty where it is not known.
    :param plugin: Name of the plugin that offers it, and ``distribution`` its distribution with version.
    :param devices: What a probe found usable; empty where none was asked for.
    :param unusable: What a probe found and could not use, with the reason.
    """

    name: str
    availability: Availability
    version: str
    formats: tuple[str, ...]
    summary: str
    plugin: str
    distribution: str
    aliases: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedPlugin:
    """A plugin as a listing shows it.

    :param offers: Names by kind, ``{"engine": ["onnxruntime"]}`` say.
    :param failures: What went wrong with it, in words; a plugin with failures may still offer things.
    :param traces: The tracebacks of the failures.
    """

    name: str
    distribution: str
    offers: Mapping[str, Sequence[str]]
    failures: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()


def engines(*, probe: bool = False) -> dict[str, ListedEngine]:
    """Return every engine that a plugin offers, by name.

    :param probe: Start each engine's library in a process of its own and ask for versions and devices.
    """
    offers = registry.current().all(registry.ENGINES)
    listed = {name: _engine(offer) for name, offer in offers.items()}
    if not probe:
        return listed
    return {name: _probed(each, offers[name]) for name, each in listed.items()}


def plugins() -> dict[str, ListedPlugin]:
    """Return every plugin by name, the broken ones too."""
    current = registry.current()
    offers = _offers(current)
    names = {**{failure.plugin: failure.distribution for failure in current.failures}, **current.plugins()}
    return {
        name: _plugin(name, origin, offers.get(name, {}), [each for each in current.failures if each.plugin == name])
        for name, origin in sorted(names.items(), key=lambda each: (each[0] != registry.BUILTIN, each[0]))
    }


def _engine(offer: Offer[EngineSpec]) -> ListedEngine:
    spec = offer.spec
    available = offer.availability()
    return ListedEngine(
        spec.name,
        available,
        spec.version() if available.state is not State.MISSING else "",
        tuple(spec.formats),
        spec.summary,
        offer.plugin,
        offer.distribution,
        spec.aliases,
    )


def _probed(listed: ListedEngine, offer: Offer[EngineSpec]) -> ListedEngine:
    from lpbench.jobs.probing import probe

    found = probe(offer)
    return replace(
        listed,
        availability=found.availability,
        version=found.version or listed.version,
        devices=found.devices,
        unusable=found.unusable,
    )


def _offers(current: registry.Registry) -> dict[str, dict[str, list[str]]]:
    """Return names by plugin and kind."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind in registry.KINDS:
        for name, offer in current.all(kind).items():
            found.setdefault(offer.plugin, {}).setdefault(kind.word, []).append(name)
    return found


def _plugin(name: str, origin: str, offers: Mapping[str, Sequence[str]], failures: Sequence[Failure]) -> ListedPlugin:
    import traceback

    said = tuple(f"{type(each.error).__name__}: {each.error}" for each in failures)
    traces = tuple("".join(traceback.format_exception(each.error)) for each in failures)
    return ListedPlugin(name, origin, offers, said, traces)
