"""A conversion job: a model of an app, a converter, and the engine that checks the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import unchecked
from lpbench.app.model_entries import Key
from lpbench.plugin.engine import Model
from lpbench.util.shown import Sheet, Shown, several
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.plugin.converter import Limits
    from lpbench.plugin.engine import Shapes
    from lpbench.plugin.progress import Listener
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

TIMEOUT = 1800.0
"""Time limit of a converter in seconds; fetching its tools has the same limit again."""
SAMPLES = 100
"""Samples with which a converter measures the ranges of values, at most, unless another number is asked for."""


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
    :param variant: Name of the conversion among the app's models; None takes the source's, with another precision than
        the converter's default that precision's.
    :param tile: Width and height of the first component's image input, where the source leaves them open.
    :param shapes: Shapes of inputs with open dimensions.
    :param options: The converter's options.
    :param data: Samples for precisions that take calibration; none takes the app's own.
    :param samples: Number of samples for it, at most.
    :param unchecked: Whether a model is kept that this machine cannot check.
    :param timeout: Time limit of the converter in seconds.
    """

    to: str
    precision: str | None = None
    variant: str | None = None
    tile: tuple[int, int] | None = None
    shapes: Shapes = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[Path] = ()
    samples: int = SAMPLES
    unchecked: bool = False
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True)
class Check:
    """What a comparison of a converted model with its source takes, whoever converted it and whenever.

    :param app: The app of ``component``, whose preprocessor makes the inputs.
    :param source: What it was made of, one of the component's models.
    :param converter: Name and version of the converter.
    :param limits: How far its outputs may differ.
    :param engine: The engine that runs the converted model; None takes one that reads the format and can run here, of
        the converter's plugin if possible.
    :param shapes: Shapes of inputs with open dimensions; missing ones are taken from the inputs of the check.
    :param tile: Width and height of the image input, where the source leaves them open; None takes its own.
    :param hear: Returns, for a phase, what is called with what an engine reports that takes long.
    """

    app: App
    component: Component
    source: Model
    converter: str
    limits: Limits
    engine: EngineSpec | None = None
    shapes: Shapes = field(default_factory=dict)
    tile: tuple[int, int] | None = None
    hear: Callable[[str], Listener] = lambda _phase: lambda _activity: None


@dataclass(frozen=True)
class Job:
    """One model to convert.

    :param check: The source, and how what is made of it is checked.
    :param offer: The converter.
    :param order: What was asked for.
    :param precision: Precision of the stored weights.
    :param variant: Name of the product among the app's models.
    :param options: The converter's options that differ from its defaults, as JSON values.
    :param bound: What of this machine the product depends on.
    """

    check: Check
    offer: Offer[ConverterSpec]
    order: Order
    precision: str
    variant: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What tells the product from the other models of its component."""
        tile = tile_text(self.check.tile) if self.check.tile else ""
        return Key(self.offer.spec.writes, self.variant, tile, tuple(sorted(self.bound.items())))

    @property
    def calibrated(self) -> bool:
        """Whether the converter measures ranges of values with samples."""
        return self.precision in self.offer.spec.calibrated

    @property
    def source(self) -> Model:
        """The model to convert."""
        return self.check.source

    def tell(self, phase: str, seconds: float = 0.0, activity: str = "") -> None:
        """Report the current step."""
        self.order.progress(Progress(self.source.path.name, self.offer.spec.name, phase, seconds, activity))


class Conversions(Shown, tuple[Model, ...]):
    """Converted models."""

    __slots__ = ()

    def in_short(self) -> str:
        """Return the names of the files."""
        return several([model.path.name for model in self])

    def sheet(self) -> Sheet:
        """Return a row for each model: format, variant, file, what converted it, and whether it was checked."""
        rows = [
            (each.format, each.variant, str(each.path), str(each.provenance.get("converter", "")), _state(each))
            for each in self
        ]
        return Sheet((), ("format", "variant", "file", "converter", ""), rows)


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
