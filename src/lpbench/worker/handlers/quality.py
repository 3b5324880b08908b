"""Predictions, and how right they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, WorkerError
from lpbench.util.jsonable import to_jsonable
from lpbench.worker import pictures
from lpbench.worker.quality_evaluator import QualityEvaluator
from lpbench.worker.requests import QualityFound
from lpbench.worker.samples import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.processor import Sample
    from lpbench.worker.open_app import OpenApp
    from lpbench.worker.requests import BeginQuality, EvaluateQuality, FinishQuality, Predict, Record, Records

PREDICTIONS = 1000
"""Predictions that one answer holds at most."""


class QualityHandlers:
    """Predicts, and evaluates predictions with the very session that is timed."""

    def __init__(self, app: OpenApp) -> None:
        self._app = app
        self._evaluator: QualityEvaluator | None = None
        self._unread: dict[str, str] = {}

    def predict(self, request: Predict) -> Records:
        """Return the prediction of every sample, untimed; draw it where that was asked for."""
        samples = list(self._app.samples.each(min(request.limit or PREDICTIONS, PREDICTIONS)))
        found = self._app.pipeline.predictions(samples)
        described: list[dict[str, Any]] = [
            {"sample": sample.name} | to_jsonable(prediction) | {"sample": sample.name}
            for sample, prediction in zip(samples, found, strict=True)
        ]
        if self._app.draw:
            self._draw(samples, described)
        return tuple(described)

    def _draw(self, samples: Sequence[Sample], described: Sequence[Record]) -> None:
        """Draw predictions; what was measured does not depend on whether that succeeds."""
        try:
            pictures.draw(self._app.component.pre, zip(samples, described, strict=True), Path(self._app.draw))
        except LpbenchError as error:
            self._app.undrawn = str(error)

    def begin(self, request: BeginQuality) -> None:
        """Begin to evaluate predictions by metrics."""
        self._evaluator = QualityEvaluator(request.metrics, self._app.labels)
        self._unread = {}

    def evaluate(self, request: EvaluateQuality) -> None:
        """Evaluate the predictions of some files; what cannot be read is left out."""
        opened = [(self._load(Path(path)), truth) for path, truth in request.samples]
        read = [(sample, truth) for sample, truth in opened if sample is not None]
        found = self._app.pipeline.predictions([sample for sample, _ in read])
        pairs = zip(found, read, strict=True)
        self._begun().add((to_jsonable(prediction), truth) for prediction, (_, truth) in pairs)

    def finish(self, request: FinishQuality) -> QualityFound:
        """Return what each metric found, and the files that could not be read."""
        return QualityFound(tuple(to_jsonable(self._begun().results())), self._unread)

    def _load(self, path: Path) -> Sample | None:
        try:
            return load(self._app.component.pre, path)
        except LpbenchError as error:
            self._unread[path.name] = str(error)
            return None

    def _begun(self) -> QualityEvaluator:
        if self._evaluator is None:
            raise WorkerError("evaluation of quality was not begun")
        return self._evaluator
