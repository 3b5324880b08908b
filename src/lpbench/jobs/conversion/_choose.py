"""The choice of a converter for a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import ConversionError, either, nearest
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import CONVERTERS, current, offers_where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.model import Component
    from lpbench.plugin.engine import Model
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import ConverterSpec


def choose(component: Component, wanted: str, precision: str | None = None) -> tuple[Model, Offer[ConverterSpec], str]:
    """Return the model to convert, the converter and the precision of the weights.

    Originals are preferred to models that were converted themselves.

    :param wanted: The format to make.
    :param precision: None takes the converter's default.
    :raises ConversionError: No installed converter makes the format from the component's models, or none is ready.
    """
    makers = _makers(wanted)
    sources = sorted(component.models, key=lambda model: bool(model.provenance))  # stable: keeps the app's order
    fitting = [(model, offer) for model in sources for offer in makers if offer.spec.reads == model.format]
    if not fitting:
        reads = ", ".join(sorted({offer.spec.reads for offer in makers}))
        have = ", ".join(model.format for model in sources)
        raise ConversionError(
            f'converters to {wanted} read {reads}; component "{component.name}" has {have or "no model"}'
        )
    storing = [(model, offer) for model, offer in fitting if precision in {None, *offer.spec.precisions}]
    if not storing:
        stored = ", ".join(dict.fromkeys(name for _, offer in fitting for name in offer.spec.precisions))
        raise ConversionError(f'no converter to {wanted} stores weights in "{precision}"', hint=f"known: {stored}")
    model, offer = _ready(storing)
    return model, offer, precision or offer.spec.precisions[0]


def _makers(wanted: str) -> list[Offer[ConverterSpec]]:
    """Return the converters to a format.

    :raises ConversionError: No converter makes the format; the hint names the nearest that can be made.
    """
    offers = list(offers_where(CONVERTERS, lambda spec: spec.writes == wanted))
    if offers:
        return offers
    what = f'no converter makes "{wanted}"'
    formats = {offer.spec.writes for offer in current().all(CONVERTERS).values()}
    remedy = current().remedy(brought_by(wanted))
    every = either("lpbench plugins", "lpbench.plugins()")
    hint = nearest(wanted, formats) if formats else f"{every} lists what is installed"
    raise ConversionError(what, hint=remedy or hint)


def _ready(fitting: Sequence[tuple[Model, Offer[ConverterSpec]]]) -> tuple[Model, Offer[ConverterSpec]]:
    states = [(model, offer, offer.availability()) for model, offer in fitting]
    for model, offer, state in states:
        if state:
            return model, offer
    _, offer, state = states[0]
    raise ConversionError(f'converter "{offer.spec.name}" is not ready: {state.reason}', hint=state.hint)
