"""Converts the models of an app, for good or for one benchmark only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app import resolve
from lpbench.app.model_choice import conversions, fits, other_shapes, stored_precision
from lpbench.errors import ConversionError, LpbenchError, setting
from lpbench.jobs.conversion._cache import converted
from lpbench.jobs.conversion._call import bound_to
from lpbench.jobs.conversion._choose import choose, refuse_few, refuse_name
from lpbench.jobs.conversion._differ import limits_for
from lpbench.jobs.conversion._job import SAMPLES, TIMEOUT, Check, Conversions, Job, Order, Progress, hearing, named
from lpbench.jobs.conversion._place import Place
from lpbench.jobs.conversion._record import as_it_is_now
from lpbench.plugin import converter_options
from lpbench.util.arguments import checked
from lpbench.util.tiles import read_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model, Shapes
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

FLOATS = ("F", "BF")
"""How the names of precisions begin that are floats."""


@checked
def convert(  # noqa: PLR0913 - one parameter for each option of the command
    app: str | Path | App,
    to: str,
    *,
    precision: str | None = None,
    variant: str | None = None,
    tile: tuple[int, int] | str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    options: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    samples: int = SAMPLES,
    output: str | Path | None = None,
    force: bool = False,
    unchecked: bool = False,
    timeout: float = TIMEOUT,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Conversions:
    """Convert an app's models, or a model file, and return the converted models.

    They are added to the app: files in a folder named after the format, and an entry in its config.  Those of a
    catalogue app are kept beside it in the cache, and the conversion of a bare model is written next to it.  Every
    converted model is run and compared with its source; earlier conversions come from the cache.

    :param app: An app, its folder, a bare model file, or a name of the catalogue.
    :param to: The format: ``ncnn``, ``tflite``, ``openvino``.
    :param precision: Precision of the weights, for example F16; None takes the converter's default.
    :param variant: Name by which runs choose the conversion (``--engine ncnn:variant=f16``); by default another
        precision than the converter's default gives its own name, and the default none.
    :param tile: Width and height of the image input, (96, 96) or "96x96", where the source leaves them open.
    :param shapes: Shapes of inputs with open dimensions.
    :param ranges: First value and end (exclusive) of the synthetic inputs that check a bare model.
    :param options: The converter's options, which ``lpbench plugins -v`` lists.
    :param data: A folder of samples, or one file, to measure the ranges of values with where weights and activations
        become whole numbers; None takes the app's own samples, or inputs that its preprocessor makes up.
    :param samples: Number of these samples, at most.
    :param output: A folder for the files; the app is then left unchanged.
    :param force: Convert again, and replace existing conversions.
    :param unchecked: Keep models that this machine cannot run: they are marked until a machine that can has compared
        them with their sources, and win nothing before.
    :param timeout: Time limit of a converter in seconds.
    :raises ConversionError: The model cannot be converted, the converted model differs from its source, or this machine
        cannot check it.
    :raises AppError: The app already has a model in the format, or the files cannot be written.
    """
    if variant:
        refuse_name(variant)
    refuse_few(samples)
    fixed = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    loaded = as_it_is_now(resolve.resolve(app, shapes=fixed, ranges=ranges or {}, seed=0))
    place = Place(loaded, to, Path(output) if output is not None else None, force=force)
    if unchecked:
        place.refuse_unmarked()
    order = Order(
        to,
        precision,
        variant,
        tile=parsed(tile),
        shapes=fixed,
        options=options or {},
        data=resolve.sample_files(loaded, data),
        samples=samples,
        unchecked=unchecked,
        timeout=timeout,
        progress=progress,
    )
    jobs = [(component, make_job(loaded, component, order)) for component in place.components(order)]
    for component, job in jobs:
        place.refuse(component, job)
    return Conversions(place.put(component, converted(job, force=force)) for component, job in jobs)


def parsed(tile: tuple[int, int] | str | None) -> tuple[int, int] | None:
    """Return a tile as width and height.

    :raises ConversionError: It is none.
    """
    try:
        return read_tile(tile)
    except ValueError as error:
        raise ConversionError(f"{setting('tile')}: {error}") from error


def supply(  # noqa: PLR0913 - what is asked of the engines
    app: App,
    engines: Sequence[EngineSpec],
    *,
    shapes: Shapes,
    variant: str = "",
    tile: tuple[int, int] | None = None,
    progress: Callable[[str, Progress], None] = lambda _engine, _progress: None,
) -> tuple[App, dict[str, LpbenchError]]:
    """Return the app with converted models for engines that read none of its own, and the errors by engine.

    The app's folder is left unchanged.  A model that no converter can make is reported when the app is opened.

    :param variant: The variant that is wanted; empty for the app's own model.
    :param tile: Width and height of the first component's image input; None for its own.
    :param progress: Called with the engine's name and the progress.
    """
    failed: dict[str, LpbenchError] = {}
    for spec in engines:
        wanted = _Wanted(spec, variant, tile, shapes, _telling(progress, spec.name))
        try:
            components = tuple(wanted.supplied(app, component) for component in app.components)
        except LpbenchError as error:
            failed[spec.name] = error
        else:
            app = dataclasses.replace(app, components=components)
    return app, failed


def can_supply(app: App, engine: EngineSpec, *, variant: str = "", tile: tuple[int, int] | None = None) -> bool:
    """Say whether ``supply`` knows how to make a model of some component for an engine, or of its own for a variant."""
    wanted = _Wanted(engine, variant, tile, {}, lambda _: None)
    return any(wanted.order(component, wanted.tile_of(app, component)) is not None for component in app.components)


def make_job(app: App, component: Component, order: Order, *, check_on: EngineSpec | None = None) -> Job:
    """Return the job that converts a component's model to a format.

    :param check_on: The engine that checks the converted model; None prefers one of the converter's own plugin.
    :raises LpbenchError: No converter can make the format, or it does not have the options.
    """
    source, offer, stored, variant = choose(component, order)
    options = converter_options.stated(offer.spec, order.options)
    check = Check(
        app,
        component,
        source,
        named(offer),
        limits_for(stored, offer.spec.limits),
        engine=check_on,
        shapes=order.shapes,
        tile=order.tile if component is app.components[0] else None,
        hear=hearing(order.progress, source.path.name, offer.spec.name),
    )
    return Job(check, offer, order, stored, variant, options, bound_to(offer.spec, options))


def _telling(progress: Callable[[str, Progress], None], engine: str) -> Callable[[Progress], None]:
    return lambda step: progress(engine, step)


@dataclass(frozen=True)
class _Wanted:
    """What an engine is to run."""

    spec: EngineSpec
    variant: str
    tile: tuple[int, int] | None
    shapes: Shapes
    tell: Callable[[Progress], None]

    def supplied(self, app: App, component: Component) -> Component:
        """Return a component with a model that the engine can run, if one has to be made and can be."""
        tile = self.tile_of(app, component)
        nameless = not self.variant and all(model.variant for model in component.models)
        named = [model for model in component.models if nameless or model.variant == self.variant]
        there = [model for model in named if model.format in self.spec.formats and fits(component, model, tile)]
        if any(not other_shapes(model, self.shapes) for model in there):
            return component
        order = self.order(component, tile)
        if order is None:
            return component
        model = converted(make_job(app, component, order, check_on=self.spec))
        return dataclasses.replace(component, models=(*component.models, model))

    def tile_of(self, app: App, component: Component) -> tuple[int, int] | None:
        """Return the tile of a component's model: the app's inputs are those of the first."""
        return self.tile if component is app.components[0] else None

    def order(self, component: Component, tile: tuple[int, int] | None) -> Order | None:
        """Return what to convert, and into what; None where no converter makes it.

        Of a variant, that is an original; else the app's own model, if the variant is named after a precision; else a
        conversion of the variant. What was quantised for one engine is no source for another.
        """
        how: dict[str, Any] = {"shapes": self.shapes, "progress": self.tell, "tile": tile}
        makers = list(conversions(component, self.spec))
        if not self.variant:
            return next((Order(each.writes, **how) for each in makers if each.reads != each.writes), None)
        named = [model for model in component.models if model.variant == self.variant and fits(component, model, tile)]
        originals = {each.format for each in named if not each.provenance}
        made = {each.format for each in named if each.provenance and not _quantised(each)}
        ways = [
            *((each, None) for each in makers if each.reads in originals),
            *((each, name) for each in makers for name in _made_of_floats(each) if name.lower() == self.variant),
            *((each, None) for each in makers if each.reads in made),
        ]
        return next((Order(each.writes, name, self.variant, **how) for each, name in ways), None)


def _quantised(model: Model) -> bool:
    """Say whether a model stores its weights in anything but floats."""
    return not stored_precision(model).startswith(FLOATS)


def _made_of_floats(maker: ConverterSpec) -> list[str]:
    """Return the precisions that a converter makes of a model in F32: floats, and those that it calibrates itself."""
    return [name for name in maker.precisions if name in maker.calibrated or name.startswith(FLOATS)]
