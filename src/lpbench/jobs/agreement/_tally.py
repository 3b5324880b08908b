"""Collects one engine's agreement with the reference, sample by sample."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.jobs.parity import NUMBERS, Deviation, Tolerance, deviation, merge, violation, violation_ratio
from lpbench.results.predictions import Boxes, boxes, same_top
from lpbench.worker.tensor_wire import RawSample, Tensor, align_layout, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Place = tuple[str, tuple[int, ...]]
    """A component, and the number of the item that it processed at each level of the chain."""


@dataclass(frozen=True)
class SampleOutputs:
    """A worker's outputs for one sample.

    :param sample: Name of the sample; None if it cannot be used.
    :param visits: Outputs by component and item.
    :param given: Outputs for another worker's feeds, by component and item.
    :param feeds: Files of the feeds, by component and item; empty names if they were not kept.
    """

    sample: str | None
    visits: Mapping[Place, RawSample]
    given: Mapping[Place, RawSample] = field(default_factory=dict)
    feeds: Mapping[Place, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any], block: bytes) -> SampleOutputs:
        """Return the outputs from an answer of ``lpbench.worker.intermediate.numbers``."""
        visits, given = answer["visits"], answer["given"]
        empty = {"sample": "", "described": {}}
        samples = unpack({"samples": [*visits, *({**empty, **record} for record in given)]}, block)
        feeds = dict(zip(_places(visits), (record["feeds"] for record in visits), strict=True))
        visited = dict(zip(_places(visits), samples, strict=False))
        return cls(answer["sample"], visited, dict(zip(_places(given), samples[len(visits) :], strict=True)), feeds)

    def later(self) -> list[dict[str, Any]]:
        """Return the feeds of a chain's later components, for another worker."""
        return [
            {"part": part, "place": list(place), "feeds": feeds} for (part, place), feeds in self.feeds.items() if place
        ]


@dataclass(frozen=True)
class ArraySummary:
    """One array of a component over all samples.

    :param deviation: None if shapes or types differ, so that the values cannot be compared.
    :param failed: Number of samples beyond the tolerance, out of ``of``.
    :param worst: Name of the sample with the largest deviation; ``index`` is its number, ``place`` the item in it.
    :param reason: Why it fails there; empty if no sample fails.
    """

    component: str
    name: str
    deviation: Deviation | None
    failed: int
    of: int
    worst: str
    index: int
    place: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class ArrayComparison:
    """One array for one item of a sample."""

    sample: str
    index: int
    place: tuple[int, ...]
    deviation: Deviation | None
    violation_ratio: float
    reason: str


@dataclass
class Tally:
    """Counts how an engine agrees with the reference.

    :param samples: Number of samples that both engines answered.
    :param top: Number of answers with candidates, and of those with the same best candidate.
    :param boxes: The matched boxes; None if no answer has boxes.
    :param miscounts: Number of items that only one side found, by component.
    """

    tolerance: Tolerance
    samples: int = 0
    top: tuple[int, int] = (0, 0)
    boxes: Boxes | None = None
    miscounts: dict[str, int] = field(default_factory=dict)
    _values: dict[tuple[str, str], list[ArrayComparison]] = field(default_factory=dict)
    _outputs: dict[tuple[str, str], list[ArrayComparison]] = field(default_factory=dict)

    def add(self, index: int, reference: SampleOutputs, other: SampleOutputs) -> None:
        """Add one sample."""
        if reference.sample is None or other.sample is None:
            return
        self.samples += 1
        for part, _ in reference.visits.keys() ^ other.visits.keys():
            self.miscounts[part] = self.miscounts.get(part, 0) + 1
        for key, one in reference.visits.items():
            if key in other.visits:
                self._answers(one, other.visits[key])
            if not key[1] and key in other.visits:
                self._numbers(key, index, one, other.visits[key])
            elif key in other.given:  # with the same feeds, so that errors of earlier components do not add up
                bare = dataclasses.replace(one, values=one.outputs)
                self._numbers(key, index, bare, dataclasses.replace(other.given[key], values=other.given[key].outputs))

    def values(self) -> tuple[ArraySummary, ...]:
        """Return the numbers behind the predictions, which decide the outcome."""
        return tuple(_summed(self._values))

    def outputs(self) -> tuple[ArraySummary, ...]:
        """Return the models' raw outputs."""
        return tuple(_summed(self._outputs))

    def _answers(self, one: RawSample, other: RawSample) -> None:
        if (same := same_top(one.described, other.described)) is not None:
            self.top = (self.top[0] + 1, self.top[1] + same)
        if (matched := boxes(one.described, other.described)) is not None:
            self.boxes = matched if self.boxes is None else self.boxes + matched

    def _numbers(self, key: Place, index: int, one: RawSample, other: RawSample) -> None:
        part, place = key
        layouts = [{output.name: output.layout for output in side.outputs} for side in (one, other)]
        kinds = (self._values, one.values, other.values), (self._outputs, one.outputs, other.outputs)
        for kept, first, second in kinds:
            for name, mine, theirs in _pairs(first, second, layouts):
                blank = ArrayComparison(one.sample, index, place, None, math.inf, "")
                kept.setdefault((part, name), []).append(self._compared(blank, mine, theirs))

    def _compared(self, blank: ArrayComparison, first: Tensor, second: Tensor | None) -> ArrayComparison:
        try:
            if second is None:
                raise LpbenchError("it is missing")  # noqa: TRY301 - both are reported in the same way
            error = deviation(first.values, align_layout(second, first))
        except LpbenchError as refusal:
            return dataclasses.replace(blank, reason=refusal.what)
        ratio, reason = violation_ratio(error, self.tolerance), violation(error, self.tolerance)
        return dataclasses.replace(blank, deviation=error, violation_ratio=ratio, reason=reason)


def _places(records: Iterable[Mapping[str, Any]]) -> list[Place]:
    return [(record["part"], tuple(record["place"])) for record in records]


def _pairs(
    first: Iterable[Tensor], second: Iterable[Tensor], layouts: list[dict[str, str]]
) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Yield the reference's numeric tensors with the other's; a missing layout is that of the output."""
    others = {tensor.name: tensor for tensor in second}
    for tensor in first:
        if tensor.values.dtype.kind not in NUMBERS:
            continue
        other = others.get(tensor.name)
        mine = Tensor(tensor.name, tensor.layout or layouts[0].get(tensor.name, ""), tensor.values)
        theirs = other and Tensor(other.name, other.layout or layouts[1].get(other.name, ""), other.values)
        yield tensor.name, mine, theirs


def _summed(comparisons: Mapping[tuple[str, str], list[ArrayComparison]]) -> Iterator[ArraySummary]:
    for (part, name), items in comparisons.items():
        worst = max(items, key=lambda item: item.violation_ratio)
        known = [item.deviation for item in items if item.deviation is not None]
        failed = [item for item in items if item.reason]
        whole = merge(known) if len(known) == len(items) else None
        reason = next((item.reason for item in (worst, *failed) if item.reason), "")
        yield ArraySummary(part, name, whole, len(failed), len(items), worst.sample, worst.index, worst.place, reason)
