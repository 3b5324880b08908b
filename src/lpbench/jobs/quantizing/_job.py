"""Converts an app's models to a shorter precision, format by format, and compares the answers with the app's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.app import resolve
from lpbench.errors import ConversionError, LpbenchError, either, nearest
from lpbench.jobs import conversion
from lpbench.jobs.conversion import TIMEOUT
from lpbench.jobs.quantizing._answers import Answers, Examples, answers, compare, quality_of
from lpbench.jobs.quantizing._values import Quantized, QuantizedModel, Step
from lpbench.plugin.registry import CONVERTERS, current
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model, Shapes

EVERY = 100
"""Samples to calibrate with where nobody says how many; an app has few of its own."""
PRECISIONS = ("S8", "F16")
ALL = "all"
"""The word for every format that a converter makes of the app's models."""


@checked
def quantize(  # noqa: PLR0913 - one parameter for each option of the command
    app: str | Path | App,
    precision: str = "S8",
    *,
    to: str | Sequence[str] | None = None,
    variant: str | None = None,
    samples: int = EVERY,
    data: str | Path | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    force: bool = False,
    timeout: float = TIMEOUT,
    progress: Callable[[Step], None] = lambda _: None,
) -> Quantized:
    """Store an app's models in a shorter precision, as variants of the app, and return how good their answers are.

    Each model is calibrated on samples as the app's preprocessor makes them, checked against its source within the
    limits of the precision, and run as users run it: its answers and its quality are compared with those of the app's
    own model.  What cannot be made is part of the answer, with the reason.  A model whose quality misses the app's gate
    is kept; a run marks it, and it wins no ranking.

    :param app: An app, its folder, a bare model file, or a name of the catalogue.
    :param precision: ``S8`` or ``F16``.
    :param to: Formats, or ``"all"``; None takes the format of the app's own model.
    :param variant: The name of the variant; None takes the precision in lower case.
    :param samples: Most samples to calibrate with.
    :param data: A folder of samples to calibrate with and to compare answers on; None takes the app's own.
    :param shapes: Shapes of inputs with open dimensions.
    :param force: Convert again, and replace the variant.
    :param timeout: Time limit of a converter in seconds.
    :raises LpbenchError: The app cannot be used, or an argument is none that there is.
    """
    if precision not in PRECISIONS:
        raise LpbenchError(f'"{precision}" is no precision to store a model in', hint=nearest(precision, PRECISIONS))
    if variant:
        conversion.refuse_name(variant)
    conversion.refuse_few(samples)
    fixed = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    loaded = resolve.resolve(app, shapes=fixed, ranges={}, seed=0)
    asked = _Asked(loaded, precision, variant or precision.lower(), samples, data, fixed, force, timeout, progress)
    return asked.quantized(_formats(loaded, to))


def _refusal(app: App, name: str, precision: str) -> LpbenchError | None:
    """Return why no converter makes a format in a precision, where that is known before one is chosen."""
    makers = [offer.spec for offer in current().all(CONVERTERS).values() if offer.spec.writes == name]
    if not makers and name in _own_formats(app):
        every = either("lpbench plugins", "lpbench.plugins()")
        return ConversionError(f'no converter makes "{name}"', hint=f"{every} lists what is installed")
    if makers and not any(precision in spec.precisions for spec in makers):
        stored = ", ".join(dict.fromkeys(each for spec in makers for each in spec.precisions))
        return ConversionError(f'no converter to {name} stores weights in "{precision}"', hint=f"known: {stored}")
    return None


def _own_formats(app: App) -> list[str]:
    """Return the formats of the models that an app came with."""
    models = (model for each in app.components for model in each.models if not model.provenance)
    return list(dict.fromkeys(model.format for model in models))


def _formats(app: App, to: str | Sequence[str] | None) -> list[str]:
    """Return the formats to make."""
    own = _own_formats(app)
    if to is None:
        return own[:1]
    if to != ALL:
        return list(dict.fromkeys([to] if isinstance(to, str) else to))
    specs = [offer.spec for offer in current().all(CONVERTERS).values()]
    made = [spec.writes for spec in specs if spec.reads in own and not spec.bound]
    return list(dict.fromkeys([*own, *sorted(made)]))


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What is asked for every format."""

    app: App
    precision: str
    variant: str
    samples: int
    data: str | Path | None
    shapes: Shapes
    force: bool
    timeout: float
    progress: Callable[[Step], None]

    def quantized(self, formats: Sequence[str]) -> Quantized:
        """Return a row for each model of each format."""
        examples = Examples.of(self.app, self.data)
        made = {name: self._converted(name) for name in formats}
        done = any(isinstance(each, conversion.Conversions) for each in made.values())
        before = self._own(examples) if done else LpbenchError("nothing was made")
        rows: list[QuantizedModel] = []
        for name, found in made.items():
            if isinstance(found, LpbenchError):
                rows.append(QuantizedModel(name, self.precision, reason=self._reason(found), hint=found.hint))
            else:
                rows += (self._row(component, model, examples, before) for component, model in self._of(found))
        count = 0 if isinstance(before, LpbenchError) else len(before.described)
        recorded = conversion.configured(self.app)
        return Quantized(self.app.name, self.precision, tuple(rows), recorded=recorded, samples=count)

    def _converted(self, name: str) -> conversion.Conversions | LpbenchError:
        if refusal := _refusal(self.app, name, self.precision):
            return refusal
        try:
            return conversion.convert(
                self.app,
                name,
                precision=self.precision,
                variant=self.variant,
                data=self.data,
                samples=self.samples,
                shapes=self.shapes,
                force=self.force,
                timeout=self.timeout,
                progress=lambda step: self.progress(Step(name, str(step))),
            )
        except LpbenchError as error:
            return error

    def _reason(self, error: LpbenchError) -> str:
        """Return why a format was not made; of a chain, with the file that it is about."""
        file = Path(error.where).name if error.where and len(self.app.components) > 1 else ""
        return f"{file}: {error.what}" if file else error.what

    def _own(self, examples: Examples) -> Answers | LpbenchError:
        """Return the answers of the app as it is, or why there are none."""
        component = self.app.components[0]
        try:
            return answers(
                _without_conversions(self.app), component, None, examples, shapes=self.shapes, tell=self._telling("")
            )
        except LpbenchError as error:
            return error

    def _of(self, found: conversion.Conversions) -> list[tuple[Component, Model]]:
        """Return the models that were made, each with the component that has its source."""
        pairs = []
        for model in found:
            sources = [each for each in self.app.components if _source(each, model) is not None]
            pairs.append((sources[0] if sources else self.app.components[0], model))
        return pairs

    def _row(
        self, component: Component, model: Model, examples: Examples, before: Answers | LpbenchError
    ) -> QuantizedModel:
        known = model.provenance
        checks, source = known.get("checked", {}), _source(component, model)
        row = QuantizedModel(
            model.format,
            self.precision,
            component=component.name,
            variant=model.variant,
            converter=known.get("converter", ""),
            files=tuple(map(str, (model.path, *model.extra))),
            before_bytes=conversion.size_of(source) if source else 0,
            after_bytes=conversion.size_of(model),
            calibration=sum(known.get("calibration", {}).values()),
            synthetic="synthetic" in known.get("calibration", {}),
            max_absolute=checks.get("max_absolute"),
            cosine=checks.get("cosine"),
        )
        try:
            if isinstance(before, LpbenchError):
                raise before
            after = answers(self.app, component, model, examples, shapes=self.shapes, tell=self._telling(model.format))
        except LpbenchError as error:
            return dataclasses.replace(row, unanswered=error.what, hint=error.hint)
        same, of, boxes = compare(before, after)
        return dataclasses.replace(
            row,
            engine=after.engine,
            same=same,
            of=of,
            same_boxes=boxes.matched if boxes else 0,
            boxes=boxes.of if boxes else 0,
            quality=quality_of(self.app, before, after),
        )

    def _telling(self, name: str) -> Callable[[str, int, int], None]:
        return lambda phase, done, total: self.progress(Step(name, phase, done, total))


def _without_conversions(app: App) -> App:
    """Return an app with the models that it came with."""
    own = (
        dataclasses.replace(each, models=tuple(model for model in each.models if not model.provenance) or each.models)
        for each in app.components
    )
    return dataclasses.replace(app, components=tuple(own))


def _source(component: Component, made: Model) -> Model | None:
    """Return the component's model of which another was made; None if it is of another component."""
    names = set(made.provenance.get("source", {}))
    return next((model for model in component.models if model is not made and model.path.name in names), None)
