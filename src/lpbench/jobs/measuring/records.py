"""What a recorder has collected as the value of which a result is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.app.quality_gate import gate
from lpbench.results.recorded import RunRecord
from lpbench.util.jsonable import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.worker.requests import QualityFound


def record(recorder: Recorder, app_gate: Mapping[str, Any] | None) -> RunRecord:
    """Return a run as far as it went.

    :param app_gate: The app's quality gate, or None.
    """
    opened, first = recorder.opened, recorder.first
    return RunRecord(
        index=recorder.index,
        outcome=recorder.outcome,
        detail=recorder.detail,
        began=recorder.began,
        opened=opened is not None,
        load_ns=opened.load_ns if opened else None,
        facts=recorder.facts,
        inputs=tuple(map(to_jsonable, opened.inputs)) if opened else (),
        outputs=tuple(map(to_jsonable, opened.outputs)) if opened else (),
        first_ns=first.ns if first else {},
        types=first.types if first else {},
        empty=first.empty if first else {},
        warm_up=recorder.warm_up,
        stopped=recorder.stopped,
        columns=recorder.columns,
        cpu=recorder.cpu,
        slices=tuple(recorder.slices),
        counters=recorder.counters,
        resident=tuple(recorder.resident),
        environment=recorder.environment,
        predictions=tuple(recorder.predictions),
        problems=recorder.closed.problems,
        units=recorder.units,
        disturbance=recorder.disturbance,
        breakdown=recorder.breakdown,
        quality=_evaluated(recorder.quality, app_gate),
        profile=recorder.profile,
        turns=recorder.turns,
        resources=recorder.resources,
        superseded=recorder.superseded,
    )


def _evaluated(found: QualityFound | None, app_gate: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the metrics found, the one that matters first and the others under ``more``."""
    if not found:
        return {}
    first, *more = found.metrics
    return {**first, "gate": gate(app_gate, first), "more": more, "problems": found.problems}
