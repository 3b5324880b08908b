"""Parts of a selection as documents for JSON; what is not known is null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.util.jsonable import to_jsonable
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpbench.results.choosing._question import Condition, Objective
    from lpbench.results.choosing._values import Candidate, Change, Exclusion, Front, Relaxation


def condition_document(condition: Condition) -> dict[str, Any]:
    return {
        "column": condition.column,
        "relation": condition.relation.value,
        "bound": condition.bound,
        "unit": condition.unit,
    }


def objective_document(best: Objective) -> dict[str, Any]:
    return {"metric": best.metric, "direction": best.direction.value, "column": best.column, "unit": best.unit}


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    return {"row": candidate.row, "values": to_jsonable(candidate.values)}


def exclusion_document(found: Exclusion) -> dict[str, Any]:
    reasons = [
        {
            "condition": condition_document(reason.condition),
            "best": reason.best,
            "violated": reason.violated,
            "unknown": reason.unknown,
            "alone": reason.alone,
        }
        for reason in found.reasons
    ]
    return {
        "rows": found.rows,
        "unknown": found.unknown,
        "reasons": reasons,
        "relaxation": relaxation_document(found.relaxation),
    }


def relaxation_document(found: Relaxation | Unavailable | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if isinstance(found, Unavailable):
        return {"reason": found.reason, "code": found.code}
    return {
        "candidate": candidate_document(found.candidate),
        "changes": _changes(found.changes),
        "relative": found.relative,
    }


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [
        {"condition": condition_document(each.condition), "to": each.to, "relative": each.relative} for each in changes
    ]


def front_document(found: Front) -> dict[str, Any]:
    return {
        "metrics": [objective_document(each) for each in found.metrics],
        "rows": [candidate_document(each) for each in found.candidates],
        "unknown": found.unknown,
        "left_out": {name: each.reason for name, each in found.left_out.items()},
    }
