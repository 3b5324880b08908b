"""Chooses the model of an app that an engine runs, the app's statements on its tensors, and the reference engine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import AmbiguousEngineError, EngineError, UnavailableEngineError, nearest, setting
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import CONVERTERS, ENGINES, current, offers_where
from lpbench.util.text import abridge, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model, TensorInfo
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

REASON = 500
"""Characters of the reason why a model is unchecked."""
UNTOLD = "its provenance does not say that it was compared with its source"


def choose_model(component: Component, spec: EngineSpec, *, batch: int = 1) -> Model:
    """Return the component's model in the format that the engine prefers.

    :param batch: Batch size; above 1, originals precede converted models, whose batch size is fixed.
    :raises EngineError: The app has no model that the engine reads.
    """
    readable = [model for name in spec.formats for model in component.models if model.format == name]
    if readable:
        return readable[0] if batch == 1 else min(readable, key=lambda model: bool(model.provenance))
    have, reads = ", ".join(model.format for model in component.models), ", ".join(spec.formats)
    what = f'engine "{spec.name}" reads {reads or "nothing"}; component "{component.name}" has {have or "no model"}'
    converter = next(conversions(component, spec), None)
    advice = f"add a model in one of these formats under models: {reads}"
    if converter:
        advice = f"add {setting('convert', on=True)}: {converter.name} converts {converter.reads} to {converter.writes}"
    raise EngineError(what, hint=advice)


def conversions(component: Component, spec: EngineSpec) -> Iterator[ConverterSpec]:
    """Yield the converters from a format of the component to one that an engine reads, the preferred format first."""
    have = {model.format for model in component.models}
    for target in spec.formats:
        for offer in offers_where(CONVERTERS, lambda converter: converter.reads in have):
            if offer.spec.writes == target:
                yield offer.spec


def origin(model: Model) -> str:
    """Return the precision and the converter of a converted model as text; empty for an original."""
    provenance = model.provenance
    return f"{provenance.get('precision', '')} by {provenance['converter']}".strip() if provenance else ""


def unchecked(model: Model) -> str:
    """Return why a converted model was not compared with its source; empty of an original and of one that was."""
    known = model.provenance
    untold = "" if not known or "checked" in known else UNTOLD
    return clean(abridge(str(known.get("unchecked", untold)), REASON))


def any_unchecked(app: App) -> bool:
    """Say whether an app has a converted model that was not compared with its source."""
    return any(unchecked(model) for component in app.components for model in component.models)


def reference(format: str, *, named: str = "") -> EngineSpec:  # noqa: A002 - the usual word for it
    """Return the reference engine for models of a format, with which other engines and conversions are compared.

    The spec's ``reference`` holds the options to open it with.

    :param named: The engine that the app names, which is taken if it is one of several.
    :raises UnavailableEngineError: No reference engine for the format is ready; the hint says how to install one.
    :raises AmbiguousEngineError: Several are ready.
    """
    offers = list(offers_where(ENGINES, lambda spec: spec.reference is not None and format in spec.formats))
    ready = [offer.spec for offer in offers if offer.availability()]
    chosen = [spec for spec in ready if named in {spec.name, *spec.aliases}] or ready
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        names = [spec.name for spec in chosen]
        hint = "name one of them as the app's engine, or disable the other's plugin: LPBENCH_DISABLED_PLUGINS=NAME"
        what = f"several engines claim to be the reference for {format}: {', '.join(names)}"
        raise AmbiguousEngineError(what, hint=hint, ready=names)
    what = f"no reference engine reads {format}"
    if offers:
        what = f"no reference engine for {format} is ready: {', '.join(offer.spec.name for offer in offers)}"
    hints = [offer.availability().hint for offer in offers] or [current().remedy(brought_by(format))]
    raise UnavailableEngineError(what, hint="; ".join(hints))


def merge(seen: Sequence[TensorInfo], stated: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return the tensors as the engine reports them, completed by layout, scale and zero point from the app.

    :param seen: The tensors that the engine reports.
    :param stated: The tensors that the app states.
    :raises EngineError: The app states a tensor that the model does not have, or a different type.
    """
    by_name = {info.name: info for info in stated}
    names = [info.name for info in seen]
    for name in by_name.keys() - set(names):
        raise EngineError(
            f'the app names a tensor "{name}"; the model has {", ".join(names)}', hint=nearest(name, names)
        )
    return tuple(_completed(info, by_name[info.name]) if info.name in by_name else info for info in seen)


def refuse_other_shapes(
    seen: Sequence[TensorInfo], stated: Sequence[TensorInfo], asked: Collection[str], *, batch: int
) -> None:
    """Refuse shapes that the app states and that contradict the model.

    :param seen: The tensors that the engine reports, opened with the shapes and the batch that were asked for.
    :param stated: The tensors that the app states.
    :param asked: Tensors whose shapes the user gave.
    :param batch: Size of the batch; unless it is 1, the first dimension is the user's.
    :raises EngineError: Naming both shapes.
    """
    by_name = {info.name: info for info in stated if info.shape}
    for info in seen:
        said = by_name.get(info.name)
        if said is not None and info.shape and info.name not in asked and _differ(info.shape, said.shape, batch):
            raise EngineError(
                f'the app states "{info.name}" as {_shape(said)}; the model has {_shape(info)}',
                hint="correct the shape in the app's config, or leave it out: then the model decides",
            )


def _differ(ours: Sequence[int | str | None], theirs: Sequence[int | str | None], batch: int) -> bool:
    """Return whether two shapes differ in rank or in a dimension that both fix."""
    pairs = list(zip(ours, theirs, strict=False))[1 if batch > 1 else 0 :]
    fixed = [(one, other) for one, other in pairs if isinstance(one, int) and isinstance(other, int)]
    return len(ours) != len(theirs) or any(one != other for one, other in fixed)


def _shape(info: TensorInfo) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in info.shape)}]"


def _completed(info: TensorInfo, stated: TensorInfo) -> TensorInfo:
    """Return one tensor as the engine reports it, completed by the app's statements."""
    if stated.dtype and stated.dtype != info.dtype:
        raise EngineError(f'the app states "{info.name}" as {stated.dtype}; the model has {info.dtype}')
    return dataclasses.replace(
        info,
        layout=stated.layout or info.layout,  # an engine may report only its convention: TFLite reports NHWC
        alias=info.alias or stated.alias,
        scale=info.scale if info.scale is not None else stated.scale,
        zero_point=info.zero_point if info.zero_point is not None else stated.zero_point,
    )
