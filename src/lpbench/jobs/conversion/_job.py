"""A conversion job: a model of an app, a converter, and the engine that checks the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import unchecked
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
    :param unchecked: Whether a model is kept that this machine cannot check.
    :param timeout: Time limit of the converter in seconds.
    """

    to: str
    precision: str | None = None
    shapes: Shapes = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    unchecked: bool = False
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True)
class Check:
    """What a comparison of a converted model with its source takes, whoever converted it and whenever.

    :param app: The app of ``component``, whose preprocessor makes the inputs.
    :param source: What it was made of, one of the component's models.
    :param converter: Name and version of the converter.
    :param precision: Precision of the stored weights.
    :param engine: The engine that runs the converted model; None takes one that reads the format and can run here, of
        the converter's plugin if possible.
    :param shapes: Shapes of inputs with open dimensions; missing ones are taken from the inputs of the check.
    :param hear: Returns, for a phase, what is called with what an engine reports that takes long.
    """

    app: App
    component: Component
    source: Model
    converter: str
    precision: str
    engine: EngineSpec | None = None
    shapes: Shapes = field(default_factory=dict)
    hear: Callable[[str], Listener] = lambda _phase: lambda _activity: None


@dataclass(frozen=True)
class Job:
    """One model to convert.

    :param check: The source, and how what is made of it is checked.
    :param offer: The converter.
    :param options: The converter's options that differ from its defaults, as JSON values.
    :param bound: What of this machine the product depends on.
    :param unchecked: Whether a model is kept that this machine cannot check.
    :param timeout: Time limit of the converter in seconds.
    """

    check: Check
    offer: Offer[ConverterSpec]
    options: Mapping[str, Any] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)
    unchecked: bool = False
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None

    @property
    def source(self) -> Model:
        """The model to convert."""
        return self.check.source

    def tell(self, phase: str, seconds: float = 0.0, activity: str = "") -> None:
        """Report the current step."""
        self.progress(Progress(self.source.path.name, self.offer.spec.name, phase, seconds, activity))


class Conversions(Shown, tuple[Model, ...]):
    """Converted models."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the names of the files."""
        return several([model.path.name for model in self])

    def sheet(self) -> Sheet:
        """Return a row for each model: its format, its file, what it was converted with, and whether it was checked."""
        rows = [(each.format, str(each.path), str(each.provenance.get("converter", "")), _state(each)) for each in self]
        return Sheet((), ("format", "file", "converter", ""), rows)


def hearing(progress: Callable[[Progress], None], model: str, converter: str) -> Callable[[str], Listener]:
    """Return what passes on, as progress of a conversion, what an engine reports in a phase."""

    def hear(phase: str) -> Listener:
        begun = time.monotonic()
        return lambda activity: progress(Progress(model, converter, phase, time.monotonic() - begun, str(activity)))

    return hear


def named(offer: Offer[ConverterSpec]) -> str:
    """Return a converter's name and, if known, the version of it or of its tool; without either, of its plugin."""
    spec = offer.spec
    return f"{spec.name} {spec.installed() or offer.distribution.rpartition(' ')[2]}".strip()


def _state(model: Model) -> str:
    return f"unchecked: {unchecked(model)}" if unchecked(model) else "checked"
