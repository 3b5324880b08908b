"""What a comparison of engines comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass, field
from typing import Any

from lpbench.jobs.agreement._bisect import Divergence  # noqa: TC001 - dataclasses read the annotations
from lpbench.jobs.agreement._tally import ArraySummary  # noqa: TC001 - dataclasses read the annotations
from lpbench.jobs.parity import Deviation, Tolerance, merge
from lpbench.results.predictions import Boxes  # noqa: TC001 - dataclasses read the annotations

COMPARED = "compared"
"""The state of an engine that was compared on every sample."""


@dataclass(frozen=True)
class EngineAgreement:
    """How an engine agrees with the reference.

    :param engine: As it was asked for.
    :param state: ``compared``; else how it ended while it was compared, or why it could not run.
    :param ran: Whether it was loaded: what could not be is no disagreement.
    :param facts: What its session says of itself.
    :param samples: That both answered.
    :param values: The numbers behind the predictions, which are judged.
    :param outputs: The models' outputs as they are.
    :param top: Answers with candidates, and those of them with the same best one.
    :param boxes: None where the app has none.
    :param reason: Why it fails, in words; empty where it agrees.
    :param divergence: Where it parts from the reference, if that was asked for and it fails.
    """

    engine: str
    state: str
    ran: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    samples: int = 0
    values: tuple[ArraySummary, ...] = ()
    outputs: tuple[ArraySummary, ...] = ()
    top: tuple[int, int] = (0, 0)
    boxes: Boxes | None = None
    reason: str = ""
    divergence: Divergence | None = None

    @property
    def compared(self) -> bool:
        """Whether there is something to judge."""
        return self.ran and (self.samples > 0 or self.state != COMPARED)

    @property
    def agrees(self) -> bool:
        """Whether it was compared and is within the tolerance."""
        return self.compared and not self.reason

    @property
    def deviation(self) -> Deviation | None:
        """All judged numbers together; None where some could not be compared."""
        known = [each.deviation for each in self.values if each.deviation is not None]
        return merge(known) if known and len(known) == len(self.values) else None

    @property
    def worst(self) -> ArraySummary | None:
        """The judged numbers that are furthest off: those that fail first of all."""
        return next((each for each in self.values if each.reason), None) or next(iter(self.values), None)


@dataclass(frozen=True)
class Agreed:
    """How engines agree with the reference.

    :param reference: Name of the engine that the others are compared with.
    :param reference_facts: What its session says of itself.
    :param reference_options: Those that make it the reference.
    :param problems: Samples that cannot be used, with the reason.
    :param notes: What limits the comparison, in words.
    """

    app: str
    reference: str
    reference_facts: Mapping[str, Any]
    reference_options: Mapping[str, Any]
    tolerance: Tolerance
    engines: tuple[EngineAgreement, ...]
    problems: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether any engine was compared."""
        return any(each.compared for each in self.engines)

    @property
    def agree(self) -> bool:
        """Whether every engine that was compared is within the tolerance."""
        return self.compared and all(each.agrees for each in self.engines if each.compared)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; what is not finite becomes null."""
        from lpbench.util.jsonable import to_jsonable

        document = dataclasses.asdict(self)
        for each, record in zip(self.engines, document["engines"], strict=True):
            record.update(agrees=each.agrees, compared=each.compared)
            record["deviation"] = each.deviation and dataclasses.asdict(each.deviation)
        return to_jsonable(document)  # type: ignore[no-any-return] # a dictionary stays one
