"""The choice of a converter and of what it converts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lpbench.errors import ConversionError, either, nearest, setting
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import CONVERTERS, Offer, current, offers_where
from lpbench.util.text import BRIEF, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.model import Component
    from lpbench.jobs.conversion._job import Order
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import ConverterSpec


class Choice(NamedTuple):
    """What is converted, by what and into what.

    :param precision: Of the weights that are stored.
    :param variant: The name under which the app has the conversion; empty beside the app's own model.
    """

    source: Model
    offer: Offer[ConverterSpec]
    precision: str
    variant: str


def choose(component: Component, order: Order) -> Choice:
    """Return the model to convert, the converter, the precision of the weights and the name of the variant.

    A source of the variant that is asked for is preferred to the app's own model, and originals to models that were
    converted themselves.  A variant of the app's own model that is named after a precision is stored in that one.

    :raises ConversionError: No installed converter makes the format from the component's models, or none is ready; or
        the variant is named after another precision than is asked for.
    """
    if order.variant:
        refuse_name(order.variant)
        _refuse_false_name(order)
    wanted = order.to
    makers = _makers(wanted)
    sources = _sources(component, order)
    precision = order.precision or _named_after(order, sources)
    fitting = [(model, offer) for model in sources for offer in makers if offer.spec.reads == model.format]
    if not fitting:
        reads = ", ".join(sorted({offer.spec.reads for offer in makers}))
        have = ", ".join(dict.fromkeys(model.format for model in sources))
        raise ConversionError(
            f'converters to {wanted} read {reads}; component "{component.name}" has {have or "no model"}'
        )
    storing = [(model, offer) for model, offer in fitting if precision in {None, *offer.spec.precisions}]
    if not storing:
        stored = ", ".join(dict.fromkeys(name for _, offer in fitting for name in offer.spec.precisions))
        raise ConversionError(f'no converter to {wanted} stores weights in "{precision}"', hint=f"known: {stored}")
    model, offer = _ready(storing)
    stored_as = precision or offer.spec.precisions[0]
    return Choice(model, offer, stored_as, order.variant or _name(model, offer.spec, stored_as))


def _name(source: Model, spec: ConverterSpec, precision: str) -> str:
    """Return the name of a conversion for which none was given: that of its source, and the precision if it changes."""
    if precision == spec.precisions[0] and precision not in spec.calibrated and spec.reads != spec.writes:
        return source.variant
    return "-".join(filter(None, (source.variant, precision.lower())))


def _named_after(order: Order, sources: Sequence[Model]) -> str | None:
    """Return the precision that a variant of the app's own model is named after; None where it has another name."""
    if any(model.variant == order.variant for model in sources):
        return None
    return _precision_called(order.variant)


def _precision_called(variant: str | None) -> str | None:
    """Return the precision of some converter that a variant is called like, in whatever case; else None."""
    stored = {name for offer in current().all(CONVERTERS).values() for name in offer.spec.precisions}
    return next((name for name in sorted(stored) if variant and name.lower() == variant.lower()), None)


def _refuse_false_name(order: Order) -> None:
    called = _precision_called(order.variant)
    if called and order.precision and order.precision != called:
        what = f'a variant called "{order.variant}" stores weights in {called}, not in {order.precision}'
        raise ConversionError(what, hint=f"leave {setting('variant')} out, or give another name")


def refuse_few(samples: int) -> None:
    """Refuse a number of samples that is none.

    :raises ConversionError: It is below 1.
    """
    if samples < 1:
        raise ConversionError(f"{setting('samples')}: found {samples}; expected 1 or more")


def refuse_name(variant: str) -> None:
    """Refuse a name that would not fit into the words of an engine or the name of a folder.

    :raises ConversionError: It is no such name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", variant):
        what = f"{shorten(variant, BRIEF)!r} cannot name a variant"
        raise ConversionError(what, hint="use letters, digits and . _ + - after a letter or digit, at most 64")


def _sources(component: Component, order: Order) -> list[Model]:
    """Return the models that may be converted, the preferred first: a quantised one is no source of another variant.

    Where a converter makes the precision that is asked for, it makes it of the app's own model.
    """
    models = [model for model in component.models if not (model.provenance and model.tile)] or list(component.models)
    named = [model for model in models if order.variant and model.variant == order.variant and model.format != order.to]
    own = [model for model in models if not model.variant] or models
    chosen = named if named and order.precision is None else own
    return sorted(chosen, key=lambda model: bool(model.provenance))  # stable: keeps the app's order


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
