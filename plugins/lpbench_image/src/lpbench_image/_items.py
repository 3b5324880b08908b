"""What one component of a chain found becomes the regions that the next one looks at.

The order of shifting, squaring and scaling is that of MediaPipe's graphs, whose
models are trained on regions made so.  Numbers are Python's: for a few points of a
few things, numpy's calls take longer than the calculation.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image.found import Detections, Landmarks
from lpbench_image.regions import Region, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench_image.config import ImageConfig, RegionConfig
    from lpbench_image.geometry import Extent

    Pairs = Sequence[Sequence[float]]

WHERE = "preprocessing.region"


class Regions:
    """Makes regions of things found, as a config says.

    :param size: Of the model's input; only templates need it, and with them it is fixed.
    """

    def __init__(self, config: ImageConfig, size: Extent) -> None:
        self._pick = config.pick
        numbers = sorted({number for each in config.regions for number in asked(each)})
        places = {number: place for place, number in enumerate(numbers)}
        self._numbers, self._most = np.array(numbers, np.intp), max(numbers, default=-1)
        self._makers = [Aligned(each, size, places) if each.template else Laid(each, places) for each in config.regions]

    def __call__(self, found: Any, /) -> list[tuple[int, Window | Region]]:
        """Return number and region of each item; with several regions, a thing's items follow each other.

        :param found: ``Detections`` or ``Landmarks``.
        :raises ProcessorError: The thing has not the points that are asked for, or they make no region.
        """
        boxes, whole = _boxes_and_points(found)
        points = self._chosen(whole)
        made: list[tuple[int, Window | Region]] = []
        for thing in self._picked(found):
            for part, make in enumerate(self._makers):
                region = make(boxes[thing], points[thing] if points else (), whole[thing])
                made.append((thing * len(self._makers) + part, region))
        return made

    def _chosen(self, whole: Any) -> list[Pairs]:
        """Return of each thing the points that any region needs."""
        if self._most < 0 or not len(whole):
            return []
        if self._most >= whole.shape[1]:
            raise ProcessorError(
                f"point {self._most} is asked for, but what was found has {whole.shape[1]} points, from 0 on",
                where=WHERE,
            )
        if whole.shape[1] > len(self._numbers):
            whole = whole.take(self._numbers, axis=1)
        chosen: list[Pairs] = whole.tolist()
        return chosen

    def _picked(self, found: Any) -> Iterable[int]:
        """Return the numbers of the things to look at, in the order in which they were found."""
        if isinstance(found, Landmarks):
            return (0,)
        if self._pick == "all" or not len(found):
            return range(len(found))
        if self._pick == "best":
            return (int(found.scores.argmax()),)
        areas = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
        largest: list[int] = np.sort(np.argsort(-areas, kind="stable")[: self._pick]).tolist()
        return largest


class Laid:
    """Lays a rectangle around a thing's box or points.

    :param places: Where the points stand in what it is called with, by their numbers.
    """

    def __init__(self, chosen: RegionConfig, places: dict[int, int]) -> None:
        self._points = [places[number] for number in chosen.points]
        self._rotate = [places[number] for number in chosen.rotate or ()]
        self._shift = chosen.shift if any(chosen.shift) else None
        self._scale, self._square, self._mirror = chosen.scales, chosen.square, chosen.mirror

    def __call__(self, box: Sequence[float] | None, points: Pairs, whole: Any) -> Window | Region:
        """Return the region: turned, shifted, squared, scaled and mirrored as asked for.

        :param box: Left, top, right, bottom; None where the thing has none.
        :param points: Those that were asked for.
        :param whole: All points, ``(k, 2)``.
        """
        angle = self._angle(points) if self._rotate else 0.0
        if self._points:
            x, y, width, height = around([points[at] for at in self._points], angle)
        elif box:
            left, top, right, bottom = box
            x, y, width, height = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        else:
            x, y, width, height = around(whole.tolist(), angle)
        if self._shift:
            along, down = self._shift[0] * width, self._shift[1] * height
            cos, sin = math.cos(angle), math.sin(angle)
            x, y = x + along * cos - down * sin, y + along * sin + down * cos
        if self._square:
            width = height = max(width, height)
        width, height = max(1.0, width * self._scale[0]), max(1.0, height * self._scale[1])
        _require_finite(x, y, width, height)
        if angle or self._mirror:
            return Region(x, y, width, height, angle, self._mirror)
        return snapped(x, y, width, height)

    def _angle(self, points: Pairs) -> float:
        (ax, ay), (bx, by) = points[self._rotate[0]], points[self._rotate[1]]
        return math.atan2(by - ay, bx - ax)


class Aligned:
    """Finds the region that, resized to the input, brings points onto a template with the least squared distances.

    The similarity (turn, one scale, shift; no reflection) in closed form: Umeyama, IEEE Transactions on Pattern
    Analysis and Machine Intelligence 13(4), 1991, equations 40 to 42.  With complex numbers, x + iy, two dimensions
    make it one division.
    """

    def __init__(self, chosen: RegionConfig, size: Extent, places: dict[int, int]) -> None:
        self._points = [places[number] for number in asked(chosen)]
        template = [complex(*each) for each in chosen.template]
        goal = sum(template) / len(template)
        self._template = [each - goal for each in template]
        self._height, self._width = size
        self._middle = complex(self._width, self._height) / 2 - goal

    def __call__(self, box: object, points: Pairs, whole: object) -> Region:
        """Return the region.

        :param points: Those that were asked for.
        """
        found = [complex(*points[at]) for at in self._points]
        middle = sum(found) / len(found)
        centred = [each - middle for each in found]
        onto = sum(each.conjugate() * wanted for each, wanted in zip(centred, self._template, strict=True))
        spread = sum(each.real**2 + each.imag**2 for each in centred)
        if not spread or not onto:
            raise ProcessorError("no region: the points of the thing found, or of the template, coincide", where=WHERE)
        back = spread / onto  # turns and scales the input into the picture
        centre, scale = middle + self._middle * back, abs(back)
        _require_finite(centre.real, centre.imag, scale, scale)
        return Region(centre.real, centre.imag, self._width * scale, self._height * scale, cmath.phase(back))


def asked(chosen: RegionConfig) -> list[int]:
    """Return the numbers of the points that a region needs: for a template, in its order."""
    if chosen.template:
        return list(chosen.points or range(len(chosen.template)))
    return [*chosen.points, *(chosen.rotate or ())]


def around(points: Pairs, angle: float) -> tuple[float, float, float, float]:
    """Return centre, width and height of the smallest rectangle turned by an angle that holds all points."""
    cos, sin = math.cos(angle), math.sin(angle)
    columns = [x * cos + y * sin for x, y in points]
    rows = [y * cos - x * sin for x, y in points]
    left, right, top, bottom = min(columns), max(columns), min(rows), max(rows)
    x, y = (left + right) / 2, (top + bottom) / 2
    return x * cos - y * sin, x * sin + y * cos, right - left, bottom - top


def snapped(x: float, y: float, width: float, height: float) -> Window:
    """Return the nearest rectangle of whole pixels, of the rounded sides."""
    columns, rows = round(width), round(height)
    return Window(round(y - rows / 2), round(x - columns / 2), rows, columns)


def _boxes_and_points(found: Any) -> tuple[list[Any], Any]:
    """Return box and points of each thing: lists of four or None, and an array (things, points, 2)."""
    if isinstance(found, Detections):
        return found.boxes.tolist(), found.points
    if isinstance(found, Landmarks):
        return [None], found.points[None, :, :2]
    raise ProcessorError(
        f"regions are made of detections or landmarks, not of {type(found).__name__}",
        where=WHERE,
        hint="let the component before be a detector or find landmarks",
    )


def _require_finite(x: float, y: float, width: float, height: float) -> None:
    if not math.isfinite(x + y + width * height):
        raise ProcessorError(
            f"no region: what was found lies at {x}, {y} and is {width} x {height}",
            where=WHERE,
            hint="look at the model's outputs: they hold NaN or infinity",
        )
