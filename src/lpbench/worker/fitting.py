"""Whether an app's processors fit the tensors that it states, found out without opening a model."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.app.model import App
from lpbench.errors import LpbenchError
from lpbench.plugin import registry
from lpbench.worker.session_builder import processor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench.app.model import Component, Step
    from lpbench.plugin.engine import TensorInfo
    from lpbench.plugin.specs import ProcessorSpec
    from lpbench.worker.requests import FitProcessors, Records

    Kind = registry.Kind[ProcessorSpec]

USUAL_TYPES = ("float32", "uint8", "int8", "float16", "int32", "int64")


def fit_processors(request: FitProcessors) -> Records:
    """Return what processors refuse, each once: the place in the config, what, and a hint."""
    app = App.from_request(request.app)
    refusals: dict[tuple[str, str], dict[str, str]] = {}
    for index, component in enumerate(app.components):
        labels = app.labels if component.labels is None else component.labels
        for key, kind, step, choices in _steps(component, labels):
            errors = [_refusal(kind, step, arguments) for arguments in choices]
            if (error := errors[0]) is not None and None not in errors:
                record = {"place": f"components[{index}].{key}", "what": error.what, "hint": error.hint}
                refusals.setdefault((record["place"], error.what), record)
    return tuple(refusals.values())


def _steps(component: Component, labels: Sequence[str]) -> Iterator[tuple[str, Kind, Step, list[tuple[Any, ...]]]]:
    """Yield each processor with what it may be built from, for the models whose tensors the app states.

    Conversions were run when they were made, and their tensors are those of the source only by their aliases.
    """
    for model in component.models:
        inputs, outputs = settled(model.inputs), settled(model.outputs)
        if inputs and not model.provenance:
            yield "preprocessing", registry.PREPROCESSORS, component.preprocessing, [(each,) for each in inputs]
        if outputs and not model.provenance:
            choices = [(each, labels) for each in outputs]
            yield "postprocessing", registry.POSTPROCESSORS, component.postprocessing, choices


def settled(tensors: Sequence[TensorInfo]) -> list[tuple[TensorInfo, ...]]:
    """Return what stated tensors may be for one sample; nothing if sizes besides the batch are left to the model.

    Types that are left to the model may be any of the usual ones: wrong is what is wrong with each of them.
    """
    single = tuple(
        dataclasses.replace(each, shape=(1 if not isinstance(size, int) else size, *more))
        for each in tensors
        for size, *more in [each.shape or (None, None)]
    )
    if not single or not all(isinstance(size, int) for each in single for size in each.shape):
        return []
    return list(dict.fromkeys(_typed(single, dtype) for dtype in USUAL_TYPES))


def _typed(tensors: Sequence[TensorInfo], dtype: str) -> tuple[TensorInfo, ...]:
    return tuple(dataclasses.replace(each, dtype=each.dtype or dtype) for each in tensors)


def _refusal(kind: Kind, step: Step, arguments: tuple[Any, ...]) -> LpbenchError | None:
    """Build a processor; return its error, None also where it is not ready here."""
    try:
        if not registry.current().get(kind, step.type).availability():
            return None
        implementation, config = processor(kind, step)
        implementation(config, *arguments)
    except LpbenchError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a third party's processor may raise anything
        return LpbenchError(f'{kind.word} "{step.type}" failed: {type(error).__name__}: {error}')
    return None
