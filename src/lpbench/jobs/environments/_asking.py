"""Asks environments for their engines while a benchmark is planned, each in one worker of its own interpreter."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.app.files import CONFIG
from lpbench.errors import LpbenchError, UnavailableEngineError
from lpbench.jobs.environments._places import place_of
from lpbench.plugin.registry import Offer
from lpbench.plugin.specs import Availability, EngineSpec, State
from lpbench.util import interpreters
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import ChooseOptions, FindEngine, ReadSoftware

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.app.model import App, Component
    from lpbench.worker.requests import EngineFound, OptionsChosen, Request, Software

A = TypeVar("A")

UNKNOWN = ":"
"""Stands for the import path of an implementation that only the other environment can import."""


class OfferElsewhere(Offer[EngineSpec]):
    """An engine in another environment: its spec has no import paths, since nothing of it is imported here."""

    def __init__(self, found: EngineFound, environment: Environment) -> None:
        super().__init__(_spec(found), found.plugin, found.distribution)
        self.environment = environment
        self._available = Availability(State(found.state), found.reason, found.hint)

    def availability(self) -> Availability:
        """Return whether it can be used there."""
        return self._available

    def choose(
        self,
        words: Mapping[str, str],
        given: Mapping[str, Any],
        app: App | None = None,
        component: Component | None = None,
    ) -> OptionsChosen:
        """Return its options, as its own config class has them.

        :param words: Those that are asked of it, as text.
        :param given: Those that are asked of every engine.
        :param component: Of the app; what it states for this very engine is taken into account.
        :raises LpbenchError: It has no such option, or not with this value.
        """
        stated: Mapping[str, Any] = {}
        place = ""
        if app and component and component.engine in {self.spec.name, *self.spec.aliases}:
            stated = component.options
            place = f"{app.root / CONFIG}: components[{app.components.index(component)}].inference.options"
        return self.environment.ask(ChooseOptions(self.spec.name, words, given, stated, place))


class Environment:
    """Another Python environment; a worker runs there until it is closed.

    :param named: As ``--engine`` names it.
    :raises LpbenchError: There is none, or it has no lpbench that speaks this one's protocol.
    """

    def __init__(self, named: str) -> None:
        self.interpreter = interpreters.find(place_of(named))
        self._named = named
        self._worker = Worker(WorkerOptions(interpreter=self.interpreter))
        self._offers: dict[str, OfferElsewhere] = {}

    def ask(self, request: Request[A]) -> A:
        """Return the answer to a request; an error says which environment it comes from."""
        try:
            return self._worker.request(request)
        except LpbenchError as error:
            error.where = " ".join(filter(None, (self._named, error.where)))
            error.hint = self._there(error.hint)
            raise

    def _there(self, hint: str) -> str:
        """Return a remedy as it is carried out in this environment."""
        return f"{self.interpreter.python} -m {hint}" if hint.startswith("pip ") else hint

    @functools.cached_property
    def software(self) -> Software:
        """What is installed there."""
        return self.ask(ReadSoftware())

    def offer(self, name: str) -> OfferElsewhere:
        """Return an engine that is ready there.

        :raises LpbenchError: Nobody offers it there, or it is not ready.
        """
        if name not in self._offers:
            self._offers[name] = OfferElsewhere(self.ask(FindEngine(name)), self)
        offer = self._offers[name]
        if not (found := offer.availability()):
            hint = self._there(found.hint)
            raise UnavailableEngineError(found.reason, engine=offer.spec.name, where=self._named, hint=hint)
        return offer

    def close(self) -> None:
        """End the worker."""
        self._worker.close()


class Environments:
    """The environments that engines name, each asked for once; a context manager that ends their workers."""

    def __init__(self) -> None:
        self._known: dict[str, Environment] = {}
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def get(self, named: str) -> Environment:
        """Return an environment; errors as of ``Environment``."""
        if named not in self._known:
            found = self._known[named] = Environment(named)
            self._ends.callback(found.close)
        return self._known[named]


def _spec(found: EngineFound) -> EngineSpec:
    """Return a spec with what is known of an engine elsewhere."""
    return EngineSpec(
        found.name,
        UNKNOWN,
        aliases=found.aliases,
        formats=found.formats,
        environment=found.environment,
        dynamic_shapes=found.dynamic_shapes,
        owned_outputs=found.owned_outputs,
        streams=found.streams,
        batches=found.batches,
        reference={} if found.reference else None,
        distributions=found.distributions,
    )
