"""Chooses the model of an app that an engine runs, the app's statements on its tensors, and the reference engine."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpbench.errors import AmbiguousEngineError, EngineError, UnavailableEngineError, either, nearest, setting
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import CONVERTERS, ENGINES, current, offers_where
from lpbench.util.spans import write_sizes
from lpbench.util.text import abridge, clean
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.engine import Model, Shapes, TensorInfo
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

REASON = 500
"""Characters of the reason why a model is unchecked."""
NO_SHAPES: Shapes = MappingProxyType({})
UNTOLD = "its provenance does not say that it was compared with its source"


def choose_model(  # noqa: PLR0913 - what a configuration may ask of the model
    component: Component,
    spec: EngineSpec,
    *,
    variant: str = "",
    batch: int = 1,
    tile: tuple[int, int] | None = None,
    shapes: Shapes = NO_SHAPES,
) -> Model:
    """Return the component's model that an engine runs, in the format that it prefers.

    A component without the variant runs its own model, as the others of a chain do (``require_variant``).

    :param variant: Empty for the app's own model, or the first readable one where there is no unnamed one.
    :param batch: Batch size; above 1, models that are known to have another one come last, and originals precede
        converted models.
    :param tile: Width and height of the image input; None takes the app's own, so no conversion for another tile.
    :param shapes: Shapes asked for, by input: a conversion that was made for others does not run.
    :raises EngineError: There is no such model in a format that the engine reads.
    """
    readable = [model for name in spec.formats for model in component.models if model.format == name]
    if not readable:
        raise _unreadable(component, spec)
    wanted = variant if any(model.variant == variant for model in component.models) else ""
    named = [model for model in readable if model.variant == wanted]
    if not named and wanted:
        raise _other_variants(f'component "{component.name}"', spec, wanted, readable)
    named = named or [model for model in readable if model.variant == readable[0].variant]
    fitting = [model for model in named if fits(component, model, tile)]
    if not fitting:
        raise _other_tiles(component, spec, named, tile)
    shaped = [model for model in fitting if not other_shapes(model, shapes)]
    if not shaped:
        raise _other_shapes(component, spec, fitting[0], shapes)
    exact = [model for model in shaped if tile is None or model.provenance or only_tile(model) == tile] or shaped
    return (
        exact[0] if batch == 1 else min(exact, key=lambda each: (_has_other_batch(each, batch), bool(each.provenance)))
    )


def model_for(component: Component, spec: EngineSpec, asked: EngineConfiguration) -> Model:
    """Return the component's model that an engine runs as it is configured.

    :raises EngineError: As ``choose_model``.
    """
    how = {name: getattr(asked, name) for name in ("variant", "batch", "tile", "shapes")}
    return choose_model(component, spec, **how)


def _has_other_batch(model: Model, batch: int) -> bool:
    """Say whether an input, as the app states it, has another first dimension."""
    return any(info.shape and isinstance(info.shape[0], int) and info.shape[0] != batch for info in model.inputs)


def require_variant(app: App, spec: EngineSpec, variant: str) -> None:
    """Refuse a variant that no component has in a format that the engine reads.

    :raises EngineError: Naming the variants that there are.
    """
    readable = [model for component in app.components for model in component.models if model.format in spec.formats]
    if variant and not any(model.variant == variant for model in readable):
        raise _other_variants(app.name, spec, variant, readable)


def only_tile(model: Model) -> tuple[int, int] | None:
    """Return width and height of a model's image input where the app says that it has no other; else None."""
    if model.provenance and model.tile:
        return model.tile
    for info in model.inputs:
        if {"W", "H"} <= set(info.layout) and len(info.shape) == len(info.layout):
            width, height = (info.shape[info.layout.index(axis)] for axis in "WH")
            if isinstance(width, int) and isinstance(height, int):
                return width, height
    return None


def made_for(model: Model) -> Shapes:
    """Return the shapes that a conversion was made for, of the inputs that it left open; nothing for an original."""
    made = model.provenance.get("shapes", {})
    return {info.name: tuple(made[info.called]) for info in model.inputs if info.dynamic and info.called in made}


def other_shapes(model: Model, asked: Shapes) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a conversion was made for, by input, where others are asked for; nothing for an original.

    :param asked: By names of the conversion or of its source.
    """
    if not model.provenance:
        return {}
    made = model.provenance.get("shapes", {})
    found = {}
    for info in model.inputs:
        own = [tuple(shape) for shape in (made.get(info.called), info.shape) if shape]
        for name in {info.name, info.called} & set(asked):
            if own and tuple(asked[name]) not in own:
                found[name] = own[0]
    return found


def fits(component: Component, model: Model, tile: tuple[int, int] | None) -> bool:
    """Say whether a model may be able to run with a tile: an original of which nothing is known is opened to find out.

    A conversion has one tile, the app's own unless it states another.
    """
    if tile is None:
        return not (model.provenance and model.tile)
    if not model.provenance:
        return only_tile(model) in {None, tile}
    return _tile_of(component, model) == tile


def _tile_of(component: Component, model: Model) -> tuple[int, int] | None:
    """Return the only tile of a model, of a conversion the app's own unless it states another; None if not known."""
    if not model.provenance or only_tile(model):
        return only_tile(model)
    own = (each.tile or only_tile(each) for each in component.models if not each.provenance)
    return next(filter(None, own), None)


def _unreadable(component: Component, spec: EngineSpec) -> EngineError:
    have, reads = ", ".join(_formats(component.models)), ", ".join(spec.formats)
    what = f'engine "{spec.name}" reads {reads or "nothing"}; component "{component.name}" has {have or "no model"}'
    converter = next(conversions(component, spec), None)
    advice = f"add a model in one of these formats under models: {reads}"
    if converter:
        advice = f"add {setting('convert', on=True)}: {converter.name} converts {converter.reads} to {converter.writes}"
    return EngineError(what, hint=advice)


def _other_variants(whose: str, spec: EngineSpec, variant: str, readable: Sequence[Model]) -> EngineError:
    what = f'{whose} has no variant "{variant}" that engine "{spec.name}" reads'
    names = sorted({model.variant for model in readable if model.variant})
    there = f"{nearest(variant, names)}; " if names else "it has none; "
    makes = either("lpbench quantize and lpbench convert", "lpbench.quantize and lpbench.convert")
    return EngineError(what, hint=f"{there}{makes} make variants")


def _other_tiles(
    component: Component, spec: EngineSpec, models: Sequence[Model], tile: tuple[int, int] | None
) -> EngineError:
    known = sorted({each for model in models if (each := _tile_of(component, model))})
    there = ", ".join(map(tile_text, known)) or "others"
    if tile is None:
        what = f'component "{component.name}" has models for "{spec.name}" with the tile {there} alone'
        return EngineError(what, hint=f"name it: {spec.name}:tile={tile_text(known[0])}")
    what = f"{_lacking(component, spec, models[0])} the tile {tile_text(tile)}"
    return EngineError(what, hint=f"it has {there}; {setting('convert', on=True)} makes another if the source is open")


def _other_shapes(component: Component, spec: EngineSpec, model: Model, shapes: Shapes) -> EngineError:
    name, made = next(iter(other_shapes(model, shapes).items()))
    what = f"{_lacking(component, spec, model)} {name} of {write_sizes(shapes[name])}"
    makes = f"{setting('convert', on=True)} makes another if the source is open"
    return EngineError(what, hint=f"it was converted for {write_sizes(made)}; {makes}")


def _lacking(component: Component, spec: EngineSpec, model: Model) -> str:
    """Return the beginning of a sentence on what a component does not have beside a model of the same variant."""
    named = f' the variant "{model.variant}" and' if model.variant else ""
    return f'component "{component.name}" has no model for "{spec.name}" with{named}'


def _formats(models: Sequence[Model]) -> list[str]:
    return list(dict.fromkeys(model.format for model in models))


def stored_precision(model: Model) -> str:
    """Return the precision of a model's stored weights, ``S8`` for example; empty where nothing states it."""
    return model.precision or str(model.provenance.get("precision", ""))


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
    return clean(f"{provenance.get('precision', '')} by {provenance['converter']}".strip()) if provenance else ""


def unchecked(model: Model) -> str:
    """Return why a converted model was not compared with its source; empty of an original and of one that was."""
    known = model.provenance
    untold = "" if not known or "checked" in known else UNTOLD
    return clean(abridge(str(known.get("unchecked", untold)), REASON))


def any_unsettled(app: App) -> bool:
    """Say whether an app has a converted model that was not compared with its source, or is bound to a machine."""
    models = [model for component in app.components for model in component.models]
    return any(unchecked(model) or "bound" in model.provenance for model in models)


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
