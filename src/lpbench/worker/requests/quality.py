"""Requests for predictions, and for how right they are."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass

from lpbench.worker.requests.base import Record, Records, Request


@dataclass(frozen=True)
class Predict(Request[Records]):
    """Return the prediction of each sample, untimed.

    :param limit: At most this many; 0 means as many as one answer holds.
    """

    phase = "predicting"

    limit: int = 0


@dataclass(frozen=True)
class BeginQuality(Request[None]):
    """Begin to evaluate predictions by metrics, the one that matters first."""

    phase = "evaluating quality"

    metrics: tuple[str, ...]


@dataclass(frozen=True)
class EvaluateQuality(Request[None]):
    """Evaluate the predictions of some files, each with what is true of it; what cannot be read is left out."""

    phase = "evaluating quality"

    samples: tuple[tuple[str, Record], ...]


@dataclass(frozen=True)
class QualityFound:
    """What each metric found, and the files that could not be read."""

    metrics: Records
    problems: Mapping[str, str]


@dataclass(frozen=True)
class FinishQuality(Request[QualityFound]):
    """Return what was found since ``BeginQuality``."""

    phase = "evaluating quality"
