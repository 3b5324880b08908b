"""Which of an app's models an engine takes, what the app says of its tensors, and who judges engines."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import EngineError, nearest
from lpbench.plugin.registry import CONVERTERS, ENGINES, offers_where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench.app.model import Component
    from lpbench.plugin.engine import Model, TensorInfo
    from lpbench.plugin.specs import ConverterSpec, EngineSpec


def choose_model(component: Component, spec: EngineSpec, *, batch: int = 1) -> Model:
    """Return the component's model in the format that the engine likes best.

    :param batch: Samples that it is to take; for several, originals go before converted models, whose size is fixed.
    :raises EngineError: The app has no model that the engine reads.
    """
    found = [model for name in spec.formats for model in component.models if model.format == name]
    if found:
        return found[0] if batch == 1 else min(found, key=lambda model: bool(model.provenance))
    have, reads = ", ".join(each.format for each in component.models), ", ".join(spec.formats)
    what = f'engine "{spec.name}" reads {reads or "nothing"}; component "{component.name}" has {have or "no model"}'
    made = next(conversions(component, spec), None)
    advice = f"add a model in one of these formats under models: {reads}"
    if made:
        advice = f"add --convert: {made.name} makes {made.writes} of {made.reads}"
    raise EngineError(what, hint=advice)


def conversions(component: Component, spec: EngineSpec) -> Iterator[ConverterSpec]:
    """Yield the converters that make what an engine reads of what a component has, the format it likes best first."""
    have = {model.format for model in component.models}
    for wanted in spec.formats:
        for offer in offers_where(CONVERTERS, lambda each: each.reads in have):
            if offer.spec.writes == wanted:
                yield offer.spec


def origin(model: Model) -> str:
    """Return in words by what a model was converted; empty for an original."""
    said = model.provenance
    return f"{said.get('precision', '')} by {said['converter']}".strip() if said else ""


def reference(format: str) -> EngineSpec:  # noqa: A002 - the field's word
    """Return the engine that other engines and conversions are judged by, for models of a format.

    Its ``reference`` are the options to open it with.

    :raises EngineError: None of those that could be is ready, with what would make one so.
    """
    offers = list(offers_where(ENGINES, lambda spec: spec.reference is not None and format in spec.formats))
    ready = next((offer.spec for offer in offers if offer.availability()), None)
    if ready is not None:
        return ready
    what = f"no engine that others are judged by reads {format}"
    if offers:
        what += f" and is ready: {', '.join(offer.spec.name for offer in offers)}"
    raise EngineError(what, hint="; ".join(offer.availability().hint for offer in offers))


def merge(seen: Sequence[TensorInfo], stated: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return the engine's tensors, with layout, scale and zero-point as the app states them.

    :raises EngineError: The app states a tensor that the model does not have, or another type of it.
    """
    by_name = {each.name: each for each in stated}
    names = [each.name for each in seen]
    for name in by_name.keys() - set(names):
        raise EngineError(
            f'the app states a tensor "{name}"; the model has {", ".join(names)}', hint=nearest(name, names)
        )
    return tuple(_stated(info, by_name[info.name]) if info.name in by_name else info for info in seen)


def _stated(info: TensorInfo, said: TensorInfo) -> TensorInfo:
    """Return one tensor as the engine sees it, completed by what the app says of it."""
    if said.dtype and said.dtype != info.dtype:
        raise EngineError(f'the app states "{info.name}" as {said.dtype}; the model has {info.dtype}')
    return dataclasses.replace(
        info,
        layout=said.layout or info.layout,  # what an engine says may be its convention: TFLite means NHWC
        alias=info.alias or said.alias,
        scale=info.scale if info.scale is not None else said.scale,
        zero_point=info.zero_point if info.zero_point is not None else said.zero_point,
    )
