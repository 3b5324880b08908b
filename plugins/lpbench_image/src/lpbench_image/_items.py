"""What one component of a chain found becomes the regions that the next one looks at.

The order of shifting, squaring and scaling is that of MediaPipe's graphs, whose
models are trained on regions made so.  Points are complex numbers here, x + iy:
turning is multiplying, and a similarity is one product and one sum.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image.found import Detections, Landmarks
from lpbench_image.regions import Region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench_image.config import ImageConfig, RegionConfig
    from lpbench_image.geometry import Extent

WHERE = "preprocessing.region"


@dataclass(frozen=True)
class Thing:
    """Something found.

    :param box: The upright rectangle around it, where the component before says one.
    :param points: Its key points.
    :param score: How sure that is.
    """

    box: Region | None
    points: Sequence[complex]
    score: float

    @property
    def area(self) -> float:
        """Of its box, or of the rectangle around its points."""
        return (self.box or around(self.points, 0.0)).area


def regions(config: ImageConfig, found: Any, size: Extent) -> Iterator[tuple[int, Region]]:  # noqa: ANN401 - any prediction
    """Yield number and region of each item.

    With several regions for each thing, the numbers of a thing's items follow each other.

    :param found: ``Detections`` or ``Landmarks``.
    :param size: Of the model's input; only templates need it, and with them it is fixed.
    :raises ProcessorError: The thing has not the points that are asked for, or they make no region.
    """
    things = _things(found)
    for number in _picked(config.pick, things):
        for part, chosen in enumerate(config.regions):
            yield number * len(config.regions) + part, _region(things[number], chosen, size)


def around(points: Sequence[complex], angle: float) -> Region:
    """Return the smallest rectangle turned by an angle that holds all points."""
    turn = cmath.rect(1, angle)
    turned = [point * turn.conjugate() for point in points]
    left, right = (which(point.real for point in turned) for which in (min, max))
    top, bottom = (which(point.imag for point in turned) for which in (min, max))
    centre = complex(left + right, top + bottom) / 2 * turn
    return Region(centre.real, centre.imag, right - left, bottom - top, angle)


def aligned(points: Sequence[complex], template: Sequence[complex], size: Extent) -> Region:
    """Return the region that, resized to ``size``, brings points onto a template with the least squared distances.

    The similarity (turn, one scale, shift; no reflection) in closed form: Umeyama, IEEE Transactions on Pattern
    Analysis and Machine Intelligence 13(4), 1991, equations 40 to 42, where two dimensions make it one division.

    :raises ValueError: The points coincide.
    """
    middle, goal = sum(points) / len(points), sum(template) / len(points)
    spread = sum(abs(point - middle) ** 2 for point in points)
    onto = sum((point - middle).conjugate() * (wanted - goal) for point, wanted in zip(points, template, strict=True))
    if not spread or not onto:
        what = "the points coincide"
        raise ValueError(what)
    back = spread / onto  # turns and scales the input into the picture
    height, width = size
    centre = (complex(width, height) / 2 - goal) * back + middle
    return Region(centre.real, centre.imag, width * abs(back), height * abs(back), cmath.phase(back))


def _things(found: Any) -> list[Thing]:  # noqa: ANN401
    if isinstance(found, Detections):
        points = _complex(found.points)
        return [
            Thing(_upright(*box), each, score)
            for box, each, score in zip(found.boxes.tolist(), points, found.scores.tolist(), strict=True)
        ]
    if isinstance(found, Landmarks):
        return [Thing(None, _complex(found.points), found.score)]
    what = f"regions are made of detections or landmarks, not of {type(found).__name__}"
    raise ProcessorError(what, where=WHERE, hint="let the component before be a detector or find landmarks")


def _complex(points: Any) -> Any:  # noqa: ANN401 - nested lists as deep as the array
    """Return points ``(..., 2)`` or more as nested lists of complex numbers."""
    pairs = np.asarray(points, np.float64)[..., :2]
    return (pairs[..., 0] + 1j * pairs[..., 1]).tolist()


def _upright(left: float, top: float, right: float, bottom: float) -> Region:
    return Region((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def _picked(pick: str | int, things: Sequence[Thing]) -> list[int]:
    """Return the numbers of the things to look at, in the order in which they were found."""
    numbers = list(range(len(things)))
    if pick == "best":
        return sorted(numbers, key=lambda at: -things[at].score)[:1]
    if isinstance(pick, int):
        return sorted(sorted(numbers, key=lambda at: -things[at].area)[:pick])
    return numbers


def _region(thing: Thing, chosen: RegionConfig, size: Extent) -> Region:
    try:
        found = _aligned(thing, chosen, size) if chosen.template else _laid(thing, chosen)
    except IndexError:
        asked = max(*chosen.points, *(chosen.rotate or (0,)), len(chosen.template) - 1, 0)
        what = f"point {asked} is asked for, but the thing found has {len(thing.points)} points, numbered from 0"
        raise ProcessorError(what, where=WHERE) from None
    except ValueError as error:
        what = f"no region: {error}"
        raise ProcessorError(what, where=WHERE) from None
    if not math.isfinite(found.x + found.y + found.area):
        what = f"no region: the thing found lies at {found.x}, {found.y} and is {found.width} x {found.height}"
        raise ProcessorError(what, where=WHERE, hint="look at the model's outputs: they hold NaN or infinity")
    return found if chosen.template or found.angle or found.mirrored else found.snapped()


def _aligned(thing: Thing, chosen: RegionConfig, size: Extent) -> Region:
    numbers = chosen.points or range(len(chosen.template))
    return aligned([thing.points[at] for at in numbers], [complex(*each) for each in chosen.template], size)


def _laid(thing: Thing, chosen: RegionConfig) -> Region:
    """Return a rectangle around box or points, turned, shifted, squared, scaled and mirrored as asked for."""
    angle = 0.0
    if chosen.rotate:
        start, end = (thing.points[at] for at in chosen.rotate)
        angle = cmath.phase(end - start)
    base = thing.box
    if chosen.points or not base:
        base = around([thing.points[at] for at in chosen.points] or thing.points, angle)
    shift = complex(chosen.shift[0] * base.width, chosen.shift[1] * base.height) * cmath.rect(1, angle)
    sides = (max(base.width, base.height),) * 2 if chosen.square else (base.width, base.height)
    width, height = (max(1.0, side * scale) for side, scale in zip(sides, chosen.scales, strict=True))
    return Region(base.x + shift.real, base.y + shift.imag, width, height, angle, chosen.mirror)
