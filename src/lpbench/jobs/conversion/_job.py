"""What a conversion is: a model of an app, a converter, and the engine that judges what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model, Shapes
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

TIMEOUT = 1800.0
"""Seconds that a converter may take, and as long to fetch what it needs."""


@dataclass(frozen=True)
class Progress:
    """What a conversion is doing.

    :param model: Name of the source's file.
    :param converter: Name of the converter.
    :param phase: ``waiting`` (for another process), ``running the source``, ``preparing``, ``converting``,
        ``checking``.
    :param seconds: Since the phase began.
    """

    model: str
    converter: str
    phase: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """One model to be converted.

    :param app: Around ``component``, whose preprocessor makes the inputs for the check.
    :param source: One of the component's models.
    :param offer: The converter.
    :param precision: Of the weights that are to be stored.
    :param checker: The engine that runs what was made.
    :param shapes: Of inputs whose dimensions the source leaves open; those that are missing are those of the inputs
        that the check is made with.
    :param timeout: Seconds that converting may take.
    """

    app: App
    component: Component
    source: Model
    offer: Offer[ConverterSpec]
    precision: str
    checker: EngineSpec
    shapes: Shapes = field(default_factory=dict)
    timeout: float = TIMEOUT
    progress: Callable[[Progress], None] = lambda _: None

    @property
    def converter(self) -> str:
        """The converter's name and version, as far as it has one."""
        return f"{self.offer.spec.name} {self.version}".strip()

    @property
    def version(self) -> str:
        """The converter's version: its own, its tool's, or else its plugin's."""
        spec = self.offer.spec
        return spec.installed() or self.offer.distribution.rpartition(" ")[2]

    def tell(self, phase: str, seconds: float = 0.0) -> None:
        """Tell what is being done."""
        self.progress(Progress(self.source.path.name, self.offer.spec.name, phase, seconds))
