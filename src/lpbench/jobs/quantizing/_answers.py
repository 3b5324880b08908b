"""What an app answers with one of its models, on an engine as users run it: predictions, and quality where labelled."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app import quality_gate, resolve
from lpbench.errors import LpbenchError
from lpbench.jobs import engine_choice
from lpbench.jobs.quantizing._values import Quality
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.registry import ENGINES, offers_where
from lpbench.results.predictions import Boxes, boxes, same_top
from lpbench.util.unavailable import Unavailable
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import BeginQuality, CollectOutputs, EvaluateQuality, FinishQuality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.dataset import Labelled
    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model, Shapes
    from lpbench.plugin.specs import EngineSpec

    Told = Callable[[str, int, int], None]
    """Takes a phase, and how much of how much is done."""

TIMEOUT = 600.0
"""Seconds without an answer after which a worker counts as hung."""
AT_ONCE = 50
"""Labelled samples that are evaluated between two reports."""


@dataclass(frozen=True)
class Examples:
    """What an app is asked.

    :param samples: Files of which the answers are compared; empty takes what its preprocessor makes up.
    :param labelled: Samples with their ground truth, or why there are none.
    :param metrics: The metrics of quality, the one that matters first.
    """

    samples: Sequence[Path]
    labelled: Sequence[Labelled] | Unavailable
    metrics: Sequence[str] = ()

    @classmethod
    def of(cls, app: App, data: str | Path | None) -> Examples:
        """Return the samples of a folder or else the app's own, and the app's own labelled ones.

        :raises LpbenchError: The folder has no samples.
        """
        files = resolve.sample_files(app, data)
        try:
            labelled, metrics = resolve.labelled(app, None, quality=True)
        except LpbenchError as error:
            return cls(files, Unavailable(error.what, hint=error.hint))
        return cls(files, labelled, metrics)


@dataclass(frozen=True)
class Answers:
    """What was answered.

    :param engine: Name of the engine.
    :param described: Predictions by sample, ready for JSON.
    :param quality: What the leading metric found, ``metric``, ``value``, ``unit`` and ``n``, or why nothing.
    """

    engine: str
    described: Mapping[str, Mapping[str, Any]]
    quality: Mapping[str, Any] | Unavailable


def answers(  # noqa: PLR0913 - an app with one of its models, and what it is asked
    app: App, component: Component, model: Model | None, examples: Examples, *, shapes: Shapes, tell: Told
) -> Answers:
    """Run an app with a model in place of a component's own.

    :param model: None runs the app as it is.
    :raises LpbenchError: No engine here reads the model, or it cannot be run.
    """
    alone, engine = app, None
    if model is not None:
        alone = _with(app, component, dataclasses.replace(model, variant=""))
        engine = [_reader(model).name]
    (target,) = engine_choice.targets(alone, engine, EngineConfiguration.of("", {}, shapes=shapes))
    with Worker(WorkerOptions(timeout=TIMEOUT, environment=target.environment())) as worker:
        tell("running the samples", 0, 0)
        worker.request(target.open_request(alone, examples.samples, seed=0))
        found = worker.request(CollectOutputs())
        described = {str(record["sample"]): record["described"] for record in found.samples}
        return Answers(target.name, described, _quality(worker, examples, tell))


def compare(before: Answers, after: Answers) -> tuple[int, int, Boxes | None]:
    """Return how many samples have the same best answer, out of how many that have one, and the matched boxes."""
    pairs = [(first, after.described[name]) for name, first in before.described.items() if name in after.described]
    tops = [same for one, other in pairs if (same := same_top(one, other)) is not None]
    matched: Boxes | None = None
    for one, other in pairs:
        if (here := boxes(one, other)) is not None:
            matched = here if matched is None else matched + here
    return sum(tops), len(tops), matched


def quality_of(app: App, before: Answers, after: Answers) -> Quality | Unavailable:
    """Return the quality before and after, judged by the app's gate."""
    old, new = before.quality, after.quality
    if isinstance(new, Unavailable):
        return new
    known = {} if isinstance(old, Unavailable) else old
    passes = quality_gate.gate(app.quality, new).get("passes")
    return Quality(new["metric"], new["unit"], new["n"], known.get("value"), new["value"], passes)


def _with(app: App, component: Component, model: Model) -> App:
    """Return an app whose component has one model alone."""
    alone = dataclasses.replace(component, models=(model,))
    components = tuple(alone if each.name == component.name else each for each in app.components)
    return dataclasses.replace(app, components=components)


def _reader(model: Model) -> EngineSpec:
    """Return an engine that reads a model here: one whose own format it is, and a reference, if possible.

    :raises LpbenchError: There is none.
    """
    offers = offers_where(ENGINES, lambda spec: model.format in spec.formats)
    ready = [offer.spec for offer in offers if offer.availability()]
    if not ready:
        raise LpbenchError(f"no engine that reads {model.format} is ready")
    return min(ready, key=lambda spec: (next(iter(spec.formats)) != model.format, spec.reference is None))


def _quality(worker: Worker, examples: Examples, tell: Told) -> Mapping[str, Any] | Unavailable:
    if isinstance(examples.labelled, Unavailable):
        return examples.labelled
    total = len(examples.labelled)
    worker.request(BeginQuality(tuple(examples.metrics)))
    for at in range(0, total, AT_ONCE):
        tell("evaluating quality", at, total)
        some = examples.labelled[at : at + AT_ONCE]
        worker.request(EvaluateQuality(tuple((str(each.path), dict(each.truth)) for each in some)))
    first: Mapping[str, Any] = worker.request(FinishQuality()).metrics[0]
    return first if first["value"] is not None else Unavailable(first["reason"] or "the metric found no value")
