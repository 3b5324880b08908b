"""Which converted models were made for this machine, and which for others."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.jobs.conversion._call import bound_to
from lpbench.plugin.registry import CONVERTERS, current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import ConverterSpec, EngineSpec


ASKING = "asking what converted models depend on"
"""Phase, as progress tells it."""


def for_this_machine(app: App, specs: Sequence[EngineSpec], report: Callable[[str, str], None]) -> App:
    """Return an app without the models that were made for other machines, where an engine reads another in their place.

    A model that is the only one stays: opening it says why it does not run here.

    :param specs: The engines that run the app.
    :param report: Called with an engine and a phase.
    """
    read = {name for spec in specs for name in spec.formats}
    bound = [model for each in app.components for model in each.models if "bound" in model.provenance]
    if not any(model.format in read for model in bound):
        return app
    report(next(spec.name for spec in specs if any(model.format in spec.formats for model in bound)), ASKING)
    here = _Here()
    return dataclasses.replace(app, components=tuple(_without(each, specs, here) for each in app.components))


def converter_of(provenance: Mapping[str, Any]) -> ConverterSpec | None:
    """Return the converter that made a model, whatever its version; None if it is not installed."""
    offer = current().all(CONVERTERS).get(str(provenance.get("converter", "")).partition(" ")[0])
    return offer.spec if offer else None


class _Here:
    """What products of converters depend on here; each converter is asked once for the same options."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Mapping[str, str] | None] = {}

    def fits(self, model: Model) -> bool:
        """Say whether a model was made for this machine, or is bound to none; also where that cannot be found out."""
        provenance = model.provenance
        maker = converter_of(provenance) if provenance.get("bound") else None
        if maker is None:
            return True
        options = provenance.get("options", {})
        asked = (maker.name, repr(sorted(options.items())))
        if asked not in self._known:
            try:
                self._known[asked] = bound_to(maker, options)
            except LpbenchError:  # the library is not there: opening the model says so
                self._known[asked] = None
        here = self._known[asked]
        return here is None or here == provenance["bound"]


def _without(component: Component, specs: Sequence[EngineSpec], here: _Here) -> Component:
    """Return a component without foreign models, as far as every engine that reads one of them reads another."""
    fitting = [model for model in component.models if here.fits(model)]
    formats = {model.format for model in fitting}
    needed = {name for spec in specs for name in spec.formats if not formats & spec.formats.keys()}
    kept = tuple(model for model in component.models if model in fitting or model.format in needed)
    return dataclasses.replace(component, models=kept)
