"""The result of a comparison of engines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass, field
from typing import Any

from lpbench.jobs.agreement._bisect import Divergence  # noqa: TC001 - dataclasses read the annotations
from lpbench.jobs.agreement._tally import ArraySummary  # noqa: TC001 - dataclasses read the annotations
from lpbench.jobs.parity import Deviation, Tolerance, merge
from lpbench.results.predictions import Boxes  # noqa: TC001 - dataclasses read the annotations
from lpbench.util.shown import Shown, several

COMPARED = "compared"
"""State of an engine that was compared on every sample."""


@dataclass(frozen=True, repr=False)
class EngineAgreement(Shown):
    """The agreement of one engine with the reference.

    :param engine: The engine as it was requested.
    :param state: ``compared``, or how the engine failed during the comparison, or why it could not run.
    :param ran: Whether the model was loaded: an engine that cannot load it does not disagree.
    :param facts: The description of its session.
    :param samples: Number of samples that both engines answered.
    :param values: The numbers behind the predictions, which decide the outcome.
    :param outputs: The models' raw outputs.
    :param top: Number of answers with candidates, and of those with the same best candidate.
    :param boxes: The matched boxes; None if the app has no boxes.
    :param reason: Why it fails, in words; empty if it does not.
    :param not_compared: Why there is no verdict although it ran and does not fail, in words; empty if there is one.
    :param divergence: Where it diverges from the reference, if it fails and this was requested.
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
    not_compared: str = ""
    divergence: Divergence | None = None

    @property
    def compared(self) -> bool:
        """Whether the engine has an outcome: it ran, and its answers could be compared, or it failed."""
        return self.ran and not self.not_compared

    def in_short(self) -> str:
        """Return the engine and whether it agrees."""
        compared = "not compared" if self.ran else "could not run"
        return f"{self.engine} {('pass' if self.agrees else 'FAIL') if self.compared else compared}"

    @property
    def agrees(self) -> bool:
        """Whether the engine was compared and is within the tolerance."""
        return self.compared and not self.reason

    @property
    def deviation(self) -> Deviation | None:
        """The deviation over all numbers among ``values``; None if some could not be compared, or all are texts."""
        numbers = [array.deviation for array in self.values if array.deviation is not None or array.unequal is None]
        known = [found for found in numbers if found is not None]
        return merge(known) if known and len(known) == len(numbers) else None

    @property
    def worst(self) -> ArraySummary | None:
        """The array of ``values`` with the largest deviation, failing ones first."""
        return next((array for array in self.values if array.reason), None) or next(iter(self.values), None)


@dataclass(frozen=True, repr=False)
class Agreed(Shown):
    """The agreement of several engines with the reference.

    :param reference: Name of the engine that the others are compared with.
    :param reference_facts: The description of its session.
    :param reference_options: The options that make it the reference.
    :param problems: Samples that cannot be used, each with the reason.
    :param notes: Limitations of the comparison, in words.
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
        return any(engine.compared for engine in self.engines)

    @property
    def agree(self) -> bool:
        """Whether every engine that ran was compared and is within the tolerance."""
        return self.compared and all(engine.agrees for engine in self.engines if engine.ran)

    def in_short(self) -> str:
        """Return which engines agree with the reference."""
        return f"{self.app}, reference {self.reference}: {several([engine.in_short() for engine in self.engines])}"

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary ready for JSON; values that are not finite become null."""
        from lpbench.util.jsonable import to_jsonable

        document = dataclasses.asdict(self)
        for engine, record in zip(self.engines, document["engines"], strict=True):
            record.update(agrees=engine.agrees, compared=engine.compared)
            record["deviation"] = engine.deviation and dataclasses.asdict(engine.deviation)
        return to_jsonable(document)  # type: ignore[no-any-return] # a dictionary remains a dictionary
