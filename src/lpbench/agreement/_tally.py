"""What is known of one engine's agreement with the reference, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.agreement._numbers import NUMBERS, Deviation, Tolerance, deviation, excess, judged, together
from lpbench.agreement._predictions import Boxes, boxes, same_top
from lpbench.errors import LpbenchError
from lpbench.raw_outputs import RawSample, Tensor, alike, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Place = tuple[str, tuple[int, ...]]
    """A component, and the numbers of the things in things that it looked at."""


@dataclass(frozen=True)
class Seen:
    """What a worker says of one sample.

    :param sample: Its name; None where it cannot be used.
    :param visits: What each component puts out, by component and thing.
    """

    sample: str | None
    visits: Mapping[Place, RawSample]

    @classmethod
    def of(cls, answer: Mapping[str, Any], block: bytes) -> Seen:
        """Return what ``lpbench.agreement.inside.numbers`` found."""
        found = unpack({"samples": answer["visits"]}, block)
        places = [(each["part"], tuple(each["place"])) for each in answer["visits"]]
        return cls(answer["sample"], dict(zip(places, found, strict=True)))


@dataclass(frozen=True)
class Numbers:
    """One array of a component over all samples.

    :param deviation: None where shapes or types differ, so that nothing can be compared.
    :param failed: Samples in which it is further off than is tolerated, of ``of``.
    :param worst: Name of the sample that is furthest off, and ``index`` its number.
    :param reason: Why it fails there; empty where none does.
    """

    component: str
    name: str
    deviation: Deviation | None
    failed: int
    of: int
    worst: str
    index: int
    reason: str


@dataclass(frozen=True)
class Found:
    """One array in one sample."""

    sample: str
    index: int
    deviation: Deviation | None
    excess: float
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
    _values: dict[tuple[str, str], list[Found]] = field(default_factory=dict)
    _outputs: dict[tuple[str, str], list[Found]] = field(default_factory=dict)

    def add(self, index: int, reference: Seen, other: Seen) -> None:
        """Take in one sample."""
        if reference.sample is None or other.sample is None:
            return
        self.samples += 1
        for part, _ in reference.visits.keys() ^ other.visits.keys():
            self.miscounts[part] = self.miscounts.get(part, 0) + 1
        for place, one in reference.visits.items():
            if place in other.visits:
                self._add(place[0], index, reference.sample, (one, other.visits[place]))

    def values(self) -> tuple[Numbers, ...]:
        """Return what is judged: the numbers behind the predictions."""
        return tuple(_summed(self._values))

    def outputs(self) -> tuple[Numbers, ...]:
        """Return the models' outputs as they are."""
        return tuple(_summed(self._outputs))

    def _add(self, part: str, index: int, sample: str, pair: tuple[RawSample, RawSample]) -> None:
        one, other = pair
        if (same := same_top(one.described, other.described)) is not None:
            self.top = (self.top[0] + 1, self.top[1] + same)
        if (matched := boxes(one.described, other.described)) is not None:
            self.boxes = matched if self.boxes is None else self.boxes + matched
        layouts = [{each.name: each.layout for each in side.outputs} for side in pair]
        for name, first, second in _pairs(one.values, other.values, layouts):
            self._values.setdefault((part, name), []).append(self._found(sample, index, first, second))
        for name, first, second in _pairs(one.outputs, other.outputs, layouts):
            self._outputs.setdefault((part, name), []).append(self._found(sample, index, first, second))

    def _found(self, sample: str, index: int, first: Tensor, second: Tensor | None) -> Found:
        try:
            if second is None:
                what = "it is not there"
                raise LpbenchError(what)  # noqa: TRY301 - both are told in the same way
            found = deviation(first.values, alike(second, first))
        except LpbenchError as error:
            return Found(sample, index, None, math.inf, error.what)
        return Found(sample, index, found, excess(found, self.tolerance), judged(found, self.tolerance))


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


def _summed(found: Mapping[tuple[str, str], list[Found]]) -> Iterator[Numbers]:
    for (part, name), each in found.items():
        worst = max(each, key=lambda one: one.excess)
        known = [one.deviation for one in each if one.deviation is not None]
        failed = [one for one in each if one.reason]
        whole = together(known) if len(known) == len(each) else None
        reason = next((one.reason for one in (worst, *failed) if one.reason), "")
        yield Numbers(part, name, whole, len(failed), len(each), worst.sample, worst.index, reason)
