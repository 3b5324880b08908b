"""Discovers plugins, collects their offers, and records failures.

``LPBENCH_DISABLED_PLUGINS=a,b`` disables plugins by their entry-point names;
``LPBENCH_STRICT_PLUGINS=1`` raises the first failure instead of recording it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import pluggy

from lpbench.errors import DuplicateNameError, NotInstalledError, PluginError, UnknownNameError, nearest
from lpbench.plugin import hookspecs, trials
from lpbench.plugin.algorithm_spec import AlgorithmSpec
from lpbench.plugin.containment import contained
from lpbench.plugin.discovery import EXTRAS, KIND_EXTRAS, brought_by, entry_points
from lpbench.plugin.failures import Failure
from lpbench.plugin.spec_answers import availability_of
from lpbench.plugin.spec_checks import keep, refuse_wrong
from lpbench.plugin.specs import (
    AnalyzerSpec,
    AppSpec,
    Availability,
    CommandSpec,
    ConverterSpec,
    EngineSpec,
    MetricSpec,
    MonitorSpec,
    ProcessorSpec,
    Spec,
    State,
)
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.metadata import EntryPoint

S = TypeVar("S", bound=Spec)

BUILTIN = "builtin"


class Kind(Generic[S]):
    """A kind of offer: its name in messages, its type of spec and its hook."""

    def __init__(self, word: str, spec: type[S], hook: str) -> None:
        self.word = word
        self.spec = spec
        self.hook = hook

    @property
    def extras(self) -> str:
        """The entry-point group that names what brings such an offer where it is not installed."""
        return EXTRAS if self.word == "engine" else f"{EXTRAS}.{self.word}s"


ENGINES = Kind("engine", EngineSpec, "lpbench_register_engines")
PREPROCESSORS = Kind("preprocessor", ProcessorSpec, "lpbench_register_preprocessors")
POSTPROCESSORS = Kind("postprocessor", ProcessorSpec, "lpbench_register_postprocessors")
MONITORS = Kind("monitor", MonitorSpec, "lpbench_register_monitors")
METRICS = Kind("metric", MetricSpec, "lpbench_register_metrics")
CONVERTERS = Kind("converter", ConverterSpec, "lpbench_register_converters")
ANALYZERS = Kind("analyzer", AnalyzerSpec, "lpbench_register_analyzers")
ALGORITHMS = Kind("algorithm", AlgorithmSpec, "lpbench_register_algorithms")
APPS = Kind("app", AppSpec, "lpbench_register_apps")
COMMANDS = Kind("command", CommandSpec, "lpbench_register_commands")
KINDS: tuple[Kind[Any], ...] = (
    ENGINES,
    PREPROCESSORS,
    POSTPROCESSORS,
    MONITORS,
    METRICS,
    CONVERTERS,
    ANALYZERS,
    ALGORITHMS,
    APPS,
    COMMANDS,
)


class Offer(Generic[S]):
    """A spec, the plugin that offers it, and whether it can be used here.

    :param clash: The conflict with another plugin that offers the same name, which makes the offer unusable.
    """

    def __init__(self, spec: S, plugin: str, distribution: str = "", clash: str = "") -> None:
        self.spec = spec
        self.plugin = plugin
        self.distribution = distribution
        self.clash = clash

    def availability(self) -> Availability:
        """Return the spec's availability; BROKEN if another plugin offers the same name."""
        if self.clash:
            return Availability(State.BROKEN, self.clash, "disable one: LPBENCH_DISABLED_PLUGINS=NAME")
        return availability_of(self.spec)


class Registry:
    """The plugins, their offers by name, and the failures.

    :param disabled: Entry-point names of plugins to ignore.
    :param strict: Raise the first failure as PluginError.
    """

    def __init__(self, *, disabled: frozenset[str] = frozenset(), strict: bool = False) -> None:
        self.failures: list[Failure] = []
        self.strict = strict
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self._origins: dict[str, str] = {}
        self._offers: dict[str, dict[str, Offer[Any]]] = {}
        self._disabled = disabled

    def __repr__(self) -> str:
        plugins = amount(len(self.manager.get_plugins()), "plugin")
        return f"<Registry {plugins}, {amount(len(self.failures), 'failure')}>"

    @classmethod
    def discovered(cls) -> Registry:
        """Return a registry of the built-ins and the installed plugins, configured by the environment variables."""
        names = os.environ.get("LPBENCH_DISABLED_PLUGINS", "").split(",")
        strict = os.environ.get("LPBENCH_STRICT_PLUGINS", "") not in {"", "0"}
        registry = cls(disabled=frozenset(filter(None, map(str.strip, names))), strict=strict)
        registry.discover()
        return registry

    def discover(self) -> None:
        """Register the built-ins and each installed plugin; a broken plugin is recorded as a failure."""
        from lpbench.plugin.builtin import hooks

        self.add(BUILTIN, hooks)
        found, unreadable = entry_points()
        for failure in unreadable:
            self._fail(failure.plugin, failure.distribution, failure.error)
        wanted = [(point, origin) for point, origin in found if point.name not in self._disabled]
        refused = trials.refusals([point for point, _ in wanted])
        with contained(), trials.witness() as note:
            for point, origin in wanted:
                if point in refused:
                    self._fail(point.name, origin, PluginError(refused[point], hint=_without(point.name)))
                else:
                    note(point)
                    self._discover(point, origin)

    def add(self, name: str, plugin: object, distribution: str = "") -> None:
        """Register one plugin under ``name``; a misspelt hook or a name that is already taken is a failure."""
        if name in self._origins:
            origins = f"{self._origins[name] or 'lpbench'} and by {distribution or 'lpbench'}"
            self._fail(name, distribution, DuplicateNameError(f"plugin {name!r} is provided by {origins}"))
            return
        try:
            self.manager.register(plugin, name=name)
            self._refuse_misspelt(plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - inspecting a third party's hooks may raise anything
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            self._fail(name, distribution, error)
        else:
            self._origins[name] = distribution
            self._offers.clear()

    def plugins(self) -> dict[str, str]:
        """Return the usable plugins: name to distribution, which is empty for plugins added by ``add``."""
        return dict(sorted(self._origins.items()))

    def all(self, kind: Kind[S]) -> dict[str, Offer[S]]:
        """Return every offer of one kind by name, sorted; imports no implementation."""
        if kind.word not in self._offers:
            self._offers[kind.word] = dict(sorted(self._collect(kind).items()))
        return self._offers[kind.word]

    def get(self, kind: Kind[S], name: str) -> Offer[S]:
        """Return one offer by its name or alias.

        :raises UnknownNameError: The hint suggests the nearest name and lists the plugins that failed to load.
        :raises DuplicateNameError: Two plugins offer the name.
        """
        offers = self.all(kind)
        aliased = (candidate for candidate in offers.values() if name in _aliases(candidate.spec))
        offer = offers.get(name) or next(aliased, None)
        if offer is None:
            self._unknown(kind, name)
        if offer.clash:
            raise DuplicateNameError(offer.clash, hint="disable one: LPBENCH_DISABLED_PLUGINS=NAME")
        return offer

    def remedy(self, extra: str) -> str:
        """Return what brings the plugin of an extra of lpbench here; empty if it is here, even if it fails to load."""
        if extra in self._disabled:
            return f"remove {extra} from LPBENCH_DISABLED_PLUGINS"
        there = {"", *self._origins, *(failure.plugin for failure in self.failures)}
        return "" if extra in there else f'pip install "lpbench[{extra}]"'

    def beginning(self, kind: Kind[Any]) -> str:
        """Return what brings a first offer of a kind; empty where there is one, or nothing is known to bring it."""
        remedy = "" if self.all(kind) else self.bringing(kind)
        return f"no {kind.word} is installed: {remedy}" if remedy else ""

    def bringing(self, kind: Kind[Any]) -> str:
        """Return what brings the plugin that most need for a kind; empty if it is here, or none is known."""
        return self.remedy(brought_by(kind.word, group=KIND_EXTRAS))

    def broken(self) -> str:
        """Return a line for each plugin that failed, each after a line break, for hints; empty if none did."""
        return "".join(f"\n  could not load plugin {failure}" for failure in self.failures)

    def _discover(self, point: EntryPoint, origin: str) -> None:
        try:
            plugin = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's import may raise anything
            self._fail(point.name, origin, error)
        else:
            self.add(point.name, plugin, origin)

    def _refuse_misspelt(self, plugin: object) -> None:
        """Raise for a hook that has no specification or no marker, because pluggy would never call it."""
        known = {kind.hook for kind in KINDS}
        hooks = [caller.name for caller in self.manager.get_hookcallers(plugin) or []]
        unmarked = [name for name in dir(plugin) if name.startswith("lpbench_register_") and name not in hooks]
        for name in sorted({*hooks, *unmarked} - known):
            raise PluginError(f"unknown hook {name!r}", hint=nearest(name, known))
        for name in unmarked:
            raise PluginError(f"hook {name!r} is not marked", hint="decorate it with @lpbench.hookimpl")

    def _collect(self, kind: Kind[S]) -> dict[str, Offer[S]]:
        offers: dict[str, Offer[S]] = {}
        with contained():
            every = [(name, self._offered(kind, name, plugin)) for name, plugin in self.manager.list_name_plugin()]
        for name, specs in every:
            for spec in specs:
                self._place(kind, offers, Offer(spec, name, self._origins.get(name, "")))
        return offers

    def _offered(self, kind: Kind[S], name: str, plugin: object) -> list[S]:
        """Call one plugin's hook; return all specs that it registers, or none if one is wrong."""
        others = [candidate for candidate in self.manager.get_plugins() if candidate is not plugin]
        specs: list[S] = []
        try:
            self.manager.subset_hook_caller(kind.hook, others)(register=partial(keep, specs))
            for spec in specs:
                refuse_wrong(spec, kind.spec)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's hook may raise anything
            self._fail(name, self._origins.get(name, ""), error)
            return []
        return specs

    def _place(self, kind: Kind[S], offers: dict[str, Offer[S]], offer: Offer[S]) -> None:
        """Add an offer under its name; if the name or an alias is already taken, both offers become unusable."""
        taken = {name: earlier for earlier in offers.values() for name in (earlier.spec.name, *_aliases(earlier.spec))}
        clashes = [(name, taken[name]) for name in (offer.spec.name, *_aliases(offer.spec)) if name in taken]
        for name, earlier in clashes:
            what = f"{kind.word} {name!r} is offered by plugins {earlier.plugin!r} and {offer.plugin!r}"
            offers[earlier.spec.name] = Offer(earlier.spec, earlier.plugin, earlier.distribution, what)
            offer = Offer(offer.spec, offer.plugin, offer.distribution, what)
            self._fail(offer.plugin, offer.distribution, DuplicateNameError(what))
        offers.setdefault(offer.spec.name, offer)

    def _fail(self, plugin: str, distribution: str, error: BaseException) -> None:
        failure = Failure(plugin, distribution, error)
        if self.strict:
            raise PluginError(str(failure)) from error
        if str(failure) not in map(str, self.failures):  # collecting again after ``add`` repeats a failure
            self.failures.append(failure)

    def _unknown(self, kind: Kind[Any], name: str) -> NoReturn:
        extra = brought_by(name, group=kind.extras)
        if remedy := self.remedy(extra):
            state = "disabled" if extra in self._disabled else "not installed"
            raise NotInstalledError(f'{kind.word} "{name}" is {state}', hint=remedy)
        names = [alias for offer in self.all(kind).values() for alias in (offer.spec.name, *_aliases(offer.spec))]
        hint = f"{self.beginning(kind) or nearest(name, names)}{self.broken()}"
        raise UnknownNameError(f'unknown {kind.word} "{name}"', hint=hint)


_current: Registry | None = None


def current() -> Registry:
    """Return the process's registry, which is discovered on first use."""
    global _current  # noqa: PLW0603 - plugins are discovered once per process
    if _current is None:
        _current = Registry.discovered()
    return _current


def refresh() -> Registry:
    """Discover again, for example after a plugin was installed from a notebook; plugins that failed get a new trial."""
    import importlib

    global _current  # noqa: PLW0603
    importlib.invalidate_caches()
    _current = None
    trials.forget_refusals()
    return current()


def offers_where(kind: Kind[S], keep: Callable[[S], bool]) -> Iterator[Offer[S]]:
    """Yield the usable offers of one kind whose spec satisfies ``keep``."""
    return (offer for offer in current().all(kind).values() if not offer.clash and keep(offer.spec))


def _aliases(spec: Spec) -> tuple[str, ...]:
    return spec.aliases if isinstance(spec, EngineSpec) else ()


def _without(plugin: str) -> str:
    return f"LPBENCH_DISABLED_PLUGINS={plugin} leaves it out; lpbench plugins tries it again"
