"""What is known of one engine's agreement with the reference, sample by sample."""

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
    """A component, and the numbers of the things in things that it looked at."""


@dataclass(frozen=True)
class SampleOutputs:
    """What a worker says of one sample.

    :param sample: Its name; None where it cannot be used.
    :param visits: What each component puts out, by component and thing.
    :param given: What components put out with another worker's feeds.
    :param feeds: The files of the feeds, where they were kept.
    """

    sample: str | None
    visits: Mapping[Place, RawSample]
    given: Mapping[Place, RawSample] = field(default_factory=dict)
    feeds: Mapping[Place, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any], block: bytes) -> SampleOutputs:
        """Return what ``lpbench.worker.intermediate.numbers`` found."""
        visits, given = answer["visits"], answer["given"]
        nothing = {"sample": "", "described": {}}
        found = unpack({"samples": [*visits, *({**nothing, **each} for each in given)]}, block)
        feeds = dict(zip(_places(visits), (each["feeds"] for each in visits), strict=True))
        seen = dict(zip(_places(visits), found, strict=False))
        return cls(answer["sample"], seen, dict(zip(_places(given), found[len(visits) :], strict=True)), feeds)

    def later(self) -> list[dict[str, Any]]:
        """Return the feeds of a chain's later components, for another worker."""
        return [
            {"part": part, "place": list(place), "feeds": feeds} for (part, place), feeds in self.feeds.items() if place
        ]


@dataclass(frozen=True)
class ArraySummary:
    """One array of a component over all samples.

    :param deviation: None where shapes or types differ, so that nothing can be compared.
    :param failed: Samples in which it is further off than is tolerated, of ``of``.
    :param worst: Name of the sample that is furthest off, ``index`` its number, ``place`` the thing in it.
    :param reason: Why it fails there; empty where none does.
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
    """One array in one thing of a sample."""

    sample: str
    index: int
    place: tuple[int, ...]
    deviation: Deviation | None
    violation_ratio: float
    reason: str


@dataclass
class Tally:
    """Counts how an engine agrees with the reference.

    :param samples: Samples that both answered.
    :param top: Answers that have candidates, and those of them with the same best one.
    :param boxes: None where no answer has boxes.
    :param miscounts: By component, things that only one side found.
    """

    tolerance: Tolerance
    samples: int = 0
    top: tuple[int, int] = (0, 0)
    boxes: Boxes | None = None
    miscounts: dict[str, int] = field(default_factory=dict)
    _values: dict[tuple[str, str], list[ArrayComparison]] = field(default_factory=dict)
    _outputs: dict[tuple[str, str], list[ArrayComparison]] = field(default_factory=dict)

    def add(self, index: int, reference: SampleOutputs, other: SampleOutputs) -> None:
        """Take in one sample."""
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
            elif key in other.given:  # with the same feeds: what components before were off by would add up
                bare = dataclasses.replace(one, values=one.outputs)
                self._numbers(key, index, bare, dataclasses.replace(other.given[key], values=other.given[key].outputs))

    def values(self) -> tuple[ArraySummary, ...]:
        """Return what is judged: the numbers behind the predictions."""
        return tuple(_summed(self._values))

    def outputs(self) -> tuple[ArraySummary, ...]:
        """Return the models' outputs as they are."""
        return tuple(_summed(self._outputs))

    def _answers(self, one: RawSample, other: RawSample) -> None:
        if (same := same_top(one.described, other.described)) is not None:
            self.top = (self.top[0] + 1, self.top[1] + same)
        if (matched := boxes(one.described, other.described)) is not None:
            self.boxes = matched if self.boxes is None else self.boxes + matched

    def _numbers(self, key: Place, index: int, one: RawSample, other: RawSample) -> None:
        part, place = key
        layouts = [{each.name: each.layout for each in side.outputs} for side in (one, other)]
        kinds = (self._values, one.values, other.values), (self._outputs, one.outputs, other.outputs)
        for kept, first, second in kinds:
            for name, mine, theirs in _pairs(first, second, layouts):
                found = self._found(ArrayComparison(one.sample, index, place, None, math.inf, ""), mine, theirs)
                kept.setdefault((part, name), []).append(found)

    def _found(self, at: ArrayComparison, first: Tensor, second: Tensor | None) -> ArrayComparison:
        try:
            if second is None:
                raise LpbenchError("it is not there")  # noqa: TRY301 - both are told in the same way
            found = deviation(first.values, align_layout(second, first))
        except LpbenchError as error:
            return dataclasses.replace(at, reason=error.what)
        how_far, reason = violation_ratio(found, self.tolerance), violation(found, self.tolerance)
        return dataclasses.replace(at, deviation=found, violation_ratio=how_far, reason=reason)


def _places(records: Iterable[Mapping[str, Any]]) -> list[Place]:
    return [(each["part"], tuple(each["place"])) for each in records]


def _pairs(
    first: Iterable[Tensor], second: Iterable[Tensor], layouts: list[dict[str, str]]
) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Yield the reference's tensors of numbers with the other's, each with the layout of the output that it is."""
    there = {each.name: each for each in second}
    for each in first:
        if each.values.dtype.kind not in NUMBERS:
            continue
        other = there.get(each.name)
        known = Tensor(each.name, each.layout or layouts[0].get(each.name, ""), each.values)
        found = other and Tensor(other.name, other.layout or layouts[1].get(other.name, ""), other.values)
        yield each.name, known, found


def _summed(found: Mapping[tuple[str, str], list[ArrayComparison]]) -> Iterator[ArraySummary]:
    for (part, name), each in found.items():
        worst = max(each, key=lambda one: one.violation_ratio)
        known = [one.deviation for one in each if one.deviation is not None]
        failed = [one for one in each if one.reason]
        whole = merge(known) if len(known) == len(each) else None
        reason = next((one.reason for one in (worst, *failed) if one.reason), "")
        yield ArraySummary(part, name, whole, len(failed), len(each), worst.sample, worst.index, worst.place, reason)
