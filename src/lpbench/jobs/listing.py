"""Lists the installed engines and plugins as records, without importing an engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin import registry
from lpbench.plugin.converter_options import listed
from lpbench.plugin.spec_answers import version_of
from lpbench.plugin.specs import Availability, State
from lpbench.util.arguments import checked
from lpbench.util.shown import Sheet, Shown, several
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.failures import Failure
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import ConverterSpec, EngineSpec


@dataclass(frozen=True, repr=False)
class ListedEngine(Shown):
    """An engine as a listing shows it.

    :param formats: Model formats that it reads, the preferred one first.
    :param version: Version of the engine's library, from its metadata; empty if unknown.
    :param plugin: Name of the plugin that offers it; ``distribution`` is the plugin's distribution with version.
    :param devices: Devices that a probe found usable; empty without a probe.
    :param unusable: Devices that a probe found but could not use, each with the reason.
    :param hints: What makes some of those usable.
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
    hints: Mapping[str, str] = field(default_factory=dict)

    def in_short(self) -> str:
        """Return its name, whether it is ready, and its version."""
        return " ".join(filter(None, (self.name, self.availability.state.value, self.version)))

    def cells(self) -> tuple[str, ...]:
        """Return its row of a listing: name, state, version, formats, and devices or why it is not ready."""
        available = self.availability
        devices = f"devices: {', '.join(self.devices)}" if self.devices else ""
        note = ". ".join(filter(None, (available.reason, available.hint))) or devices
        return (self.name, available.state.value, self.version, ", ".join(self.formats), note)

    def sheet(self) -> Sheet:
        """Return its row of a listing."""
        return Engines({self.name: self}).sheet()


class Engines(Shown, dict[str, ListedEngine]):
    """Engines by name."""

    def in_short(self) -> str:
        """Return each engine's name and whether it is ready."""
        return several([f"{name} {each.availability.state.value}" for name, each in self.items()])

    def sheet(self) -> Sheet:
        """Return a row for each engine."""
        rows = [each.cells() for each in self.values()]
        return Sheet((), ("engine", "state", "version", "reads", ""), rows, styles={"ready": "good", "broken": "bad"})


@dataclass(frozen=True, repr=False)
class ListedPlugin(Shown):
    """A plugin as a listing shows it.

    :param offers: Names by kind, for example ``{"engine": ["onnxruntime"]}``.
    :param failures: Error messages of the plugin; a plugin with failures may still have offers.
    :param traces: The tracebacks of the failures.
    """

    name: str
    distribution: str
    offers: Mapping[str, Sequence[str]]
    failures: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()

    def in_short(self) -> str:
        """Return its name, its distribution and whether it failed."""
        return " ".join(filter(None, (self.name, self.distribution, "failed" if self.failures else "")))

    def sheet(self) -> Sheet:
        """Return its row of a listing."""
        return Plugins({self.name: self}).sheet()


class Plugins(Shown, dict[str, ListedPlugin]):
    """Plugins by name."""

    def in_short(self) -> str:
        """Return the plugins' names, and which failed."""
        return several([f"{name} failed" if each.failures else name for name, each in self.items()])

    def sheet(self) -> Sheet:
        """Return a row for each plugin, and the errors of those that failed."""
        rows = [(name, each.distribution, _counts(each.offers)) for name, each in self.items()]
        failed = [f"{name}: {failure}" for name, each in self.items() for failure in each.failures]
        return Sheet((), ("plugin", "distribution", "offers"), rows, failed)


@checked
def engines(*, probe: bool = False) -> Engines:
    """Return every engine that a plugin offers, by name.

    :param probe: Load each engine's library in a separate process and read versions and devices.
    """
    offers = registry.current().all(registry.ENGINES)
    listed = Engines({name: _engine(offer) for name, offer in offers.items()})
    if not probe:
        return listed
    return Engines({name: _probed(engine, offers[name]) for name, engine in listed.items()})


def plugins() -> Plugins:
    """Return every plugin by name, including broken ones."""
    current = registry.current()
    offers = _offers(current)
    names = {**{failure.plugin: failure.distribution for failure in current.failures}, **current.plugins()}
    failures = {name: [failure for failure in current.failures if failure.plugin == name] for name in names}
    return Plugins(
        {
            name: _plugin(name, origin, offers.get(name, {}), failures[name])
            for name, origin in sorted(names.items(), key=lambda item: (item[0] != registry.BUILTIN, item[0]))
        }
    )


def converter_options(plugin: str) -> dict[str, str]:
    """Return the options of a plugin's converters in words, with their defaults, by the converter's name.

    It imports their configs; where that fails, the words say so.
    """
    offers = registry.current().all(registry.CONVERTERS).values()
    return {each.spec.name: _options(each.spec) for each in offers if each.plugin == plugin and each.spec.config}


def _options(spec: ConverterSpec) -> str:
    try:
        return ", ".join(f"{name}={brief(default)}" for name, default in listed(spec).items())
    except LpbenchError as error:
        return error.what


def _engine(offer: Offer[EngineSpec]) -> ListedEngine:
    spec = offer.spec
    available = offer.availability()
    return ListedEngine(
        spec.name,
        available,
        version_of(spec) if available.state is not State.MISSING else "",
        tuple(spec.formats),
        spec.summary,
        offer.plugin,
        offer.distribution,
        spec.aliases,
    )


def _probed(listed: ListedEngine, offer: Offer[EngineSpec]) -> ListedEngine:
    from lpbench.jobs.probing import probe

    probed = probe(offer)
    return replace(
        listed,
        availability=probed.availability,
        version=probed.version or listed.version,
        devices=probed.devices,
        unusable=probed.unusable,
        hints=probed.hints,
    )


def _offers(current: registry.Registry) -> dict[str, dict[str, list[str]]]:
    """Return names by plugin and kind."""
    names: dict[str, dict[str, list[str]]] = {}
    for kind in registry.KINDS:
        for name, offer in current.all(kind).items():
            names.setdefault(offer.plugin, {}).setdefault(kind.word, []).append(name)
    return names


def _plugin(name: str, origin: str, offers: Mapping[str, Sequence[str]], failures: Sequence[Failure]) -> ListedPlugin:
    import traceback

    messages = tuple(failure.reason for failure in failures)
    traces = tuple("".join(traceback.format_exception(failure.error)) for failure in failures)
    return ListedPlugin(name, origin, offers, messages, traces)


def _counts(offers: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{len(names)} {kind}{'' if len(names) == 1 else 's'}" for kind, names in offers.items())
