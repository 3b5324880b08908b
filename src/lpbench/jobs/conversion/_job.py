"""A conversion job: a model of an app, a converter, and the engine that checks the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Model
from lpbench.util.shown import Sheet, Shown, several

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Shapes
    from lpbench.plugin.progress import Listener
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

TIMEOUT = 1800.0
"""Time limit of a converter in seconds; fetching its tools has the same limit again."""


@dataclass(frozen=True)
class Progress:
    """The current step of a conversion.

    :param model: Name of the source file.
    :param converter: Name of the converter.
    :param phase: ``waiting`` (for another process), ``running the source``, ``preparing``, ``converting`` or
        ``checking``.
    :param seconds: Time since the phase began.
    :param activity: What the converter, or the engine that checks, reports that takes long.
    """

    model: str
    converter: str
    phase: str
    seconds: float = 0.0
    activity: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.phase, self.activity)))


@dataclass(frozen=True)
class Order:
    """What is asked of a conversion.

    :param to: The format.
    :param precision: Of the weights; None takes the converter's default.
    :param shapes: Shapes of inputs with open dimensions.
    :param options: The converter's options.
    :param timeout: Time limit of the converter in seconds.
    """

    to: str
    precision: str | None = None
    shapes: Shapes = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True)
class Job:
    """One model to convert.

    :param app: The app of ``component``, whose preprocessor makes the inputs for the check.
    :param source: One of the component's models.
    :param offer: The converter.
    :param precision: Precision of the stored weights.
    :param checker: The engine that runs the converted model.
    :param shapes: Shapes of inputs with open dimensions; missing ones are taken from the inputs of the check.
    :param options: The converter's options that differ from its defaults, as JSON values.
    :param bound: What of this machine the product depends on.
    :param timeout: Time limit of the converter in seconds.
    """

    app: App
    component: Component
    source: Model
    offer: Offer[ConverterSpec]
    precision: str
    checker: EngineSpec
    shapes: Shapes = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None

    @property
    def converter(self) -> str:
        """The converter's name and, if known, its version."""
        return f"{self.offer.spec.name} {self.version}".strip()

    @property
    def version(self) -> str:
        """The version of the converter or of its tool; without either, that of its plugin."""
        spec = self.offer.spec
        return spec.installed() or self.offer.distribution.rpartition(" ")[2]

    def tell(self, phase: str, seconds: float = 0.0, activity: str = "") -> None:
        """Report the current step."""
        self.progress(Progress(self.source.path.name, self.offer.spec.name, phase, seconds, activity))

    def hearing(self, phase: str) -> Listener:
        """Return what reports, during a phase, what an engine reports that takes long."""
        begun = time.monotonic()
        return lambda activity: self.tell(phase, time.monotonic() - begun, str(activity))


class Conversions(Shown, tuple[Model, ...]):
    """Converted models."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the names of the files."""
        return several([model.path.name for model in self])

    def sheet(self) -> Sheet:
        """Return a row for each model: its format, its file, and what it was converted with."""
        rows = [(model.format, str(model.path), str(model.provenance.get("converter", ""))) for model in self]
        return Sheet((), ("format", "file", "converter"), rows)
