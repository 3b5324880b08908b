"""Collects one engine's agreement with the reference, sample by sample."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.jobs.parity import Comparison, Deviation, Tolerance, compare, merge
from lpbench.results.predictions import Boxes, boxes, same_top
from lpbench.worker.tensor_wire import RawSample, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpbench.worker.named_tensors import Tensor

    Array = tuple[str, str]
    """A component and the name of one of its arrays."""
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

    :param deviation: None for texts, and if shapes or types differ, so that the values cannot be compared.
    :param failed: Number of samples beyond the tolerance, out of ``of``.
    :param worst: Name of the sample with the largest deviation; ``index`` is its number, ``place`` the item in it.
    :param reason: Why it fails there; empty if no sample fails.
    :param count: Number of compared values; of whole numbers and texts, ``unequal`` differ, else that is None.
    :param incomparable: Why the array shows nothing of an engine: nothing could be compared, or the reference itself
        gives other values when it runs a sample again; empty otherwise.
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
    count: int
    unequal: int | None
    incomparable: str


@dataclass(frozen=True)
class ArrayComparison:
    """One array for one item of a sample."""

    sample: str
    index: int
    place: tuple[int, ...]
    found: Comparison


@dataclass
class Tally:
    """Counts how an engine agrees with the reference.

    :param samples: Number of samples that both engines answered.
    :param top: Number of answers with candidates, and of those with the same best candidate.
    :param boxes: The matched boxes; None if no answer has boxes.
    :param miscounts: Number of items that only one side found, by component.
    :param unrepeated: Arrays that show nothing of an engine, with the reason, since the reference does not repeat them.
    """

    tolerance: Tolerance
    unrepeated: Mapping[Array, str] = field(default_factory=dict)
    samples: int = 0
    top: tuple[int, int] = (0, 0)
    boxes: Boxes | None = None
    miscounts: dict[str, int] = field(default_factory=dict)
    _values: dict[Array, list[ArrayComparison]] = field(default_factory=dict)
    _outputs: dict[Array, list[ArrayComparison]] = field(default_factory=dict)

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
                bare = (dataclasses.replace(each, values=each.outputs) for each in (one, other.given[key]))
                self._numbers(key, index, *bare)

    def values(self) -> tuple[ArraySummary, ...]:
        """Return the numbers behind the predictions, which decide the outcome.

        Of a component with quantised outputs, these are the outputs: what one rounding step of them makes of a
        prediction is not known.
        """
        return tuple(_summed(self._values, self.unrepeated))

    def outputs(self) -> tuple[ArraySummary, ...]:
        """Return the models' raw outputs."""
        return tuple(_summed(self._outputs, self.unrepeated))

    def _answers(self, one: RawSample, other: RawSample) -> None:
        if (same := same_top(one.described, other.described)) is not None:
            self.top = (self.top[0] + 1, self.top[1] + same)
        if (matched := boxes(one.described, other.described)) is not None:
            self.boxes = matched if self.boxes is None else self.boxes + matched

    def _numbers(self, key: Place, index: int, one: RawSample, other: RawSample) -> None:
        part, place = key
        decisive = (one.outputs, other.outputs) if _quantised(one) else (one.values, other.values)
        for kept, pair in ((self._values, decisive), (self._outputs, (one.outputs, other.outputs))):
            for name, mine, theirs in _pairs(*pair):
                found = ArrayComparison(one.sample, index, place, compare(mine, theirs, self.tolerance))
                kept.setdefault((part, name), []).append(found)


def _places(records: Iterable[Mapping[str, Any]]) -> list[Place]:
    return [(record["part"], tuple(record["place"])) for record in records]


def _quantised(sample: RawSample) -> bool:
    return any(tensor.step for tensor in sample.outputs)


def _pairs(first: Iterable[Tensor], second: Iterable[Tensor]) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Yield the reference's arrays with the other's."""
    others = {tensor.name: tensor for tensor in second}
    for tensor in first:
        yield tensor.name, tensor, others.get(tensor.name)


def _summed(
    comparisons: Mapping[Array, list[ArrayComparison]], unrepeated: Mapping[Array, str]
) -> Iterator[ArraySummary]:
    for array, items in comparisons.items():
        worst = max(items, key=lambda item: item.found.violation_ratio)
        known = [item.found.deviation for item in items if item.found.deviation is not None]
        failed = [item for item in items if item.found.reason and array not in unrepeated]
        counts = [item.found.unequal for item in items if item.found.unequal is not None]
        yield ArraySummary(
            *array,
            deviation=merge(known) if len(known) == len(items) else None,
            failed=len(failed),
            of=len(items),
            worst=worst.sample,
            index=worst.index,
            place=worst.place,
            reason=next((item.found.reason for item in (worst, *failed) if item in failed), ""),
            count=sum(item.found.count for item in items),
            unequal=sum(counts) if counts else None,
            incomparable=unrepeated.get(array, "") or _incomparable(items),
        )


def _incomparable(items: Iterable[ArrayComparison]) -> str:
    """Return why an array could be compared in no sample, or an empty text."""
    reasons = [item.found.incomparable for item in items]
    return reasons[0] if all(reasons) else ""
