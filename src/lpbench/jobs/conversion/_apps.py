"""Converts the models of an app, for good or for one benchmark only."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app import resolve
from lpbench.app.model_choice import conversions
from lpbench.errors import LpbenchError
from lpbench.jobs.conversion._cache import converted
from lpbench.jobs.conversion._call import bound_to
from lpbench.jobs.conversion._choose import choose
from lpbench.jobs.conversion._job import TIMEOUT, Check, Conversions, Job, Order, Progress, hearing, named
from lpbench.jobs.conversion._place import Place
from lpbench.plugin import converter_options
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Shapes
    from lpbench.plugin.specs import EngineSpec


@checked
def convert(  # noqa: PLR0913 - one parameter for each option of the command
    app: str | Path | App,
    to: str,
    *,
    precision: str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    options: Mapping[str, Any] | None = None,
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
    :param shapes: Shapes of inputs with open dimensions.
    :param ranges: First value and end (exclusive) of the synthetic inputs that check a bare model.
    :param options: The converter's options, which ``lpbench plugins -v`` lists.
    :param output: A folder for the files; the app is then left unchanged.
    :param force: Convert again, and replace existing conversions.
    :param unchecked: Keep models that this machine cannot run: they are marked until a machine that can has compared
        them with their sources, and win nothing before.
    :param timeout: Time limit of a converter in seconds.
    :raises ConversionError: The model cannot be converted, the converted model differs from its source, or this machine
        cannot check it.
    :raises AppError: The app already has a model in the format, or the files cannot be written.
    """
    fixed = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    loaded = resolve.resolve(app, shapes=fixed, ranges=ranges or {}, seed=0)
    place = Place(loaded, to, Path(output) if output is not None else None, force=force)
    if unchecked:
        place.refuse_unmarked()
    order = Order(to, precision, fixed, options or {}, unchecked, timeout, progress)
    models = []
    for component in place.components():
        job = make_job(loaded, component, order)
        place.refuse(component, job)
        models.append(place.put(component, converted(job, force=force)))
    return Conversions(models)


def supply(
    app: App,
    engines: Sequence[EngineSpec],
    *,
    shapes: Shapes,
    progress: Callable[[str, Progress], None] = lambda _engine, _progress: None,
) -> tuple[App, dict[str, LpbenchError]]:
    """Return the app with converted models for engines that read none of its own, and the errors by engine.

    The app's folder is left unchanged.  A model that no converter can make is reported when the app is opened.

    :param progress: Called with the engine's name and the progress.
    """
    failed: dict[str, LpbenchError] = {}
    for spec in engines:
        tell = _telling(progress, spec.name)
        try:
            components = tuple(_supplied(app, component, spec, shapes, tell) for component in app.components)
        except LpbenchError as error:
            failed[spec.name] = error
        else:
            app = dataclasses.replace(app, components=components)
    return app, failed


def make_job(app: App, component: Component, order: Order, *, check_on: EngineSpec | None = None) -> Job:
    """Return the job that converts a component's model to a format.

    :param check_on: The engine that checks the converted model; None prefers one of the converter's own plugin.
    :raises LpbenchError: No converter can make the format, or it does not have the options.
    """
    source, offer, stored = choose(component, order.to, order.precision)
    options = converter_options.stated(offer.spec, order.options)
    return Job(
        Check(
            app,
            component,
            source,
            named(offer),
            stored,
            check_on,
            order.shapes,
            hearing(order.progress, source.path.name, offer.spec.name),
        ),
        offer,
        options,
        bound_to(offer.spec, options),
        order.unchecked,
        order.timeout,
        order.progress,
    )


def _telling(progress: Callable[[str, Progress], None], engine: str) -> Callable[[Progress], None]:
    return lambda step: progress(engine, step)


def _supplied(
    app: App, component: Component, spec: EngineSpec, shapes: Shapes, tell: Callable[[Progress], None]
) -> Component:
    if any(model.format in spec.formats for model in component.models):
        return component
    converter = next(conversions(component, spec), None)
    if converter is None:
        return component
    order = Order(converter.writes, shapes=shapes, progress=tell)
    model = converted(make_job(app, component, order, check_on=spec))
    return dataclasses.replace(component, models=(*component.models, model))
