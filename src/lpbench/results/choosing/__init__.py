"""Choosing among measured configurations, by exact enumeration.

``_question`` says what is asked, ``_truth`` which rows satisfy it; ``_select`` finds the answer, a ``Selection``.
"""

from __future__ import annotations

from lpbench.results.choosing._question import (
    Condition,
    Objective,
    Question,
    Relation,
    conditions,
    objective,
    objectives,
)
from lpbench.results.choosing._rejections import Cause, Rejection, rejections
from lpbench.results.choosing._select import select
from lpbench.results.choosing._selection import Selection
from lpbench.results.choosing._values import (
    Candidate,
    Candidates,
    Change,
    Exclusion,
    Front,
    Missing,
    Reason,
    Relaxation,
    Rule,
)

__all__ = [
    "Candidate",
    "Candidates",
    "Cause",
    "Change",
    "Condition",
    "Exclusion",
    "Front",
    "Missing",
    "Objective",
    "Question",
    "Reason",
    "Rejection",
    "Relation",
    "Relaxation",
    "Rule",
    "Selection",
    "conditions",
    "objective",
    "objectives",
    "rejections",
    "select",
]
