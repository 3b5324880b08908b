"""Analyses the models of an app."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.app.resolve import resolve
from lpbench.errors import AnalysisError, nearest, setting
from lpbench.jobs.analysis._call import Question, answer
from lpbench.jobs.analysis._report import AnalysisReport, ModelAnalysis
from lpbench.jobs.operator_support import operator_support
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.registry import ANALYZERS, Offer, current, offers_where
from lpbench.util.arguments import checked
from lpbench.util.tiles import read_tile
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.jobs.operator_support import OperatorSupport
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import AnalyzerSpec


def _silent(_step: str, _seconds: float) -> None:
    """Tell nobody."""


@checked
def analyze(  # noqa: PLR0913 - each setting is a keyword
    app: str | Path | App,
    *,
    format: str | None = None,  # noqa: A002 - the usual word for it
    variant: str = "",
    shapes: Mapping[str, Sequence[int]] | None = None,
    tile: tuple[int, int] | str | None = None,
    engines: bool = False,
    progress: Callable[[str, float], None] = _silent,
) -> AnalysisReport:
    """Count what one inference of an app's models costs, from their files alone; nothing is run.

    :param app: An app, its folder, a model file, or a catalogue name.
    :param format: Format of the models to analyse; by default the app's own that an analyzer reads.
    :param variant: Their variant; a component that has none runs its own, as in a benchmark.
    :param shapes: Shapes by input name, for open dimensions and in place of fixed ones; batch 1 by default.  In a chain
        they are of the first component; ``component/input`` names another's.
    :param tile: Width and height of the image input of the first component, (96, 96) or "96x96", in place of its own.
    :param engines: Also ask each installed engine that reads a model's format which of its operators it lacks; that
        starts the engine's library in a process of its own.
    :param progress: Called with what is being done and the seconds spent on it, at intervals.
    :raises AnalysisError: There is no analyzer for a model, the model is damaged, or the shapes do not fit it.  Of a
        chain, only if no component could be analysed.
    """
    found = resolve(app, shapes={}, ranges={}, seed=0)
    size = _size(tile)
    by_component = _by_component(found, shapes or {})
    _refuse_unknown(found, variant)
    models: list[ModelAnalysis] = []
    errors: dict[str, AnalysisError] = {}
    for number, component in enumerate(found.components):
        try:
            model, offer = _choose(component, format, variant)
            prefix = f"{component.name}/" if number else ""
            question = Question(offer, model, by_component[component.name], None if number else size, prefix)
            found_here = _answered(component, question, progress)
            support = _supported(component, model, progress) if engines else ()
            models.append(dataclasses.replace(found_here, engines=support))
        except AnalysisError as error:  # noqa: PERF203 - a component that fails must not keep the others
            errors[component.name] = error
    if not models:
        raise next(iter(errors.values()))
    missing = {name: Unavailable(error.what, "failed", error.hint) for name, error in errors.items()}
    return AnalysisReport(found.name, tuple(models), missing)


def _answered(component: Component, question: Question, progress: Callable[[str, float], None]) -> ModelAnalysis:
    model, name = question.model, question.offer.spec.name
    analysis = answer(question, lambda spent: progress(f"analysing {component.name}", spent))
    return ModelAnalysis(component.name, model.format, str(model.path), model.variant, name, analysis)


def _supported(
    component: Component, model: Model, progress: Callable[[str, float], None]
) -> tuple[OperatorSupport, ...]:
    return operator_support(model, progress=lambda engine: progress(f"asking {engine} about {component.name}", 0.0))


def _size(tile: tuple[int, int] | str | None) -> tuple[int, int] | None:
    try:
        return read_tile(tile)
    except ValueError as error:
        raise AnalysisError(f"{setting('tile')}: {error}") from error


def _by_component(app: App, shapes: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Sequence[int]]]:
    """Return shapes by component, then by input."""
    found: dict[str, dict[str, Sequence[int]]] = {component.name: {} for component in app.components}
    for name, shape in shapes.items():
        component, _, rest = name.partition("/")
        other = rest and component in found
        found[component if other else app.components[0].name][rest if other else name] = shape
    return found


def _choose(component: Component, format: str | None, variant: str) -> tuple[Model, Offer[AnalyzerSpec]]:  # noqa: A002 - the usual word for it
    """Return the model to analyse and its analyzer: the app's own files precede conversions."""
    of_format = [model for model in component.models if format in {None, model.format}]
    if not of_format:
        raise _no_model(component, str(format))
    wanted = variant if any(model.variant == variant for model in of_format) else ""
    named = [model for model in of_format if model.variant == wanted] or of_format
    for model in sorted(named, key=lambda model: bool(model.provenance)):
        for offer in offers_where(ANALYZERS, lambda spec: model.format in spec.formats):  # noqa: B023 - used at once
            if offer.availability():
                return model, offer
    raise _no_analyzer(component, list(dict.fromkeys(model.format for model in named)))


def _refuse_unknown(app: App, variant: str) -> None:
    """Refuse a variant that no component has."""
    known = sorted({model.variant for component in app.components for model in component.models if model.variant})
    if variant and variant not in known:
        raise AnalysisError(f'{app.name} has no variant "{variant}"', hint=nearest(variant, known))


def _no_model(component: Component, format: str) -> AnalysisError:  # noqa: A002 - likewise
    have = [model.format for model in component.models]
    return AnalysisError(f'component "{component.name}" has no model "{format}"', hint=nearest(format, have))


def _no_analyzer(component: Component, formats: Sequence[str]) -> AnalysisError:
    """Return the error for formats that nothing here analyses, with what brings an analyzer."""
    what = f'component "{component.name}": no analyzer is ready for {", ".join(formats)}'
    offers = list(offers_where(ANALYZERS, lambda spec: any(each in spec.formats for each in formats)))
    hints = [hint for offer in offers if (hint := offer.availability().hint)]
    hints += [remedy for each in formats if (remedy := current().remedy(brought_by(each)))]
    return AnalysisError(what, hint="; ".join(dict.fromkeys(hints)) or current().broken().strip())
