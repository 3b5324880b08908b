"""Judges predictions by quality metrics, with the very session that is timed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.quality_gate import ready
from lpbench.errors import LpbenchError
from lpbench.plugin.quality import Quality
from lpbench.util import tracebacks
from lpbench.util.jsonable import to_jsonable
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeGuard

    from lpbench.plugin.quality import QualityMetric
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import MetricSpec
    from lpbench.util.unavailable import Code

SHOWN = 200
"""Characters of a wrong result that an error shows."""
OWN = str(Path(__file__).parent)
"""The code that calls metrics, which is not the place of their errors."""


class QualityEvaluator:
    """Some metrics of one configuration, each of which fails alone.

    :param names: Of the metrics, the one that matters first.
    :param labels: The app's class names.
    :raises LpbenchError: There is no such metric, or it cannot be used here.
    """

    def __init__(self, names: Sequence[str], labels: Sequence[str]) -> None:
        self._metrics = [_Metric(ready(name), labels) for name in names]

    def add(self, described: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Take in predictions as they are described, each with what is true."""
        for prediction, truth in described:
            for metric in self._metrics:
                metric.add(prediction, truth)

    def results(self) -> list[dict[str, Any]]:
        """Return what each metric found, ready for JSON: its value, or null with reason and code."""
        return [metric.record() for metric in self._metrics]


class _Metric:
    """One metric; its first error ends it, whatever the error is, and becomes the reason."""

    def __init__(self, offer: Offer[MetricSpec], labels: Sequence[str]) -> None:
        self._offer = offer
        self._metric: QualityMetric | None = None
        self._found = Quality(None, 0)
        self._code: Code | None = None
        with self._alone():
            self._metric = _built(offer.spec, labels)

    def add(self, prediction: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Take in one prediction, unless the metric has failed."""
        if self._metric is not None:
            with self._alone():
                self._metric.add(prediction, truth)

    def record(self) -> dict[str, Any]:
        """Return what it found."""
        if self._metric is not None:
            with self._alone():
                self._found = _checked(self._metric.result())
                self._code = None if self._found.value is not None else "undefined"
        found, spec = self._found, self._offer.spec
        return {
            "metric": spec.name,
            "value": found.value,
            "unit": spec.unit,
            "n": found.n,
            "reason": found.reason,
            "code": self._code or "",
            "interval": list(found.interval) if found.interval else None,
            "parts": dict(found.parts),
        }

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            yield
        except _BrokenError as error:
            self._end(self._told(str(error)), "failed")
        except LpbenchError as error:
            self._end(error.what, "mismatch")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's metric may raise anything
            where = tracebacks.place(error, outside=OWN)
            self._end(self._told(f"{type(error).__name__}: {error}{f' ({where})' if where else ''}"), "failed")

    def _end(self, reason: str, code: Code) -> None:
        self._metric, self._found, self._code = None, Quality(None, 0, reason), code

    def _told(self, what: str) -> str:
        """Return an error with the plugin whose error it is."""
        origin = f" ({self._offer.distribution})" if self._offer.distribution else ""
        return f'metric "{self._offer.spec.name}" of plugin "{self._offer.plugin}"{origin} failed: {what}'


class _BrokenError(Exception):
    """A metric breaks its contract."""


def _built(spec: MetricSpec, labels: Sequence[str]) -> QualityMetric:
    try:
        kind = spec.load()
    except LpbenchError as error:
        raise _BrokenError(error.what) from error
    metric: QualityMetric = kind(labels)
    return metric


def _checked(found: object) -> Quality:
    """Return what a metric found as plain values: a finite number, or none with the reason."""
    if not isinstance(found, Quality):
        raise _BrokenError(f"result() returned {type(found).__name__}; expected Quality")
    plain = to_jsonable(found)
    value, reason = plain["value"], plain["reason"]
    if value is None and found.value is None and not reason:
        raise _BrokenError("result() returned neither a value nor a reason")
    if not _number(value) and found.value is not None:
        raise _BrokenError(f"result() returned the value {brief(found.value)}; expected a finite number")
    counted = _number(plain["n"]) and plain["n"] >= 0
    if not (counted and isinstance(reason, str) and isinstance(plain["parts"], dict)):
        what = "expected a count as n, text as reason and an object as parts"
        raise _BrokenError(f"result() returned {brief(found, SHOWN)}; {what}")
    low, high = plain["interval"] or (None, None)
    ends = (low, high) if _number(low) and _number(high) else None
    return Quality(value, int(plain["n"]), reason, ends, plain["parts"])


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
