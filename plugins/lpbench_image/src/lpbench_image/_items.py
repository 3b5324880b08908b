"""Turns the objects found by one component of a chain into the regions that the next one processes.

The order of shifting, squaring and scaling is that of MediaPipe's graphs, whose models
are trained on such regions.  The calculation uses Python's numbers: for a few points of a
few objects, the overhead of numpy's calls exceeds the calculation.
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
    """Makes regions from the objects found, according to the config.

    :param size: Height and width of the model's input; only templates need it, and with them it is fixed.
    """

    def __init__(self, config: ImageConfig, size: Extent) -> None:
        self._pick = config.pick
        numbers = sorted({number for region in config.regions for number in needed_points(region)})
        places = {number: place for place, number in enumerate(numbers)}
        self._numbers, self._most = np.array(numbers, np.intp), max(numbers, default=-1)
        self._makers = [
            Aligned(region, size, places) if region.template else Laid(region, places) for region in config.regions
        ]

    def __call__(self, found: Any, /) -> list[tuple[int, Window | Region]]:
        """Return number and region of each item; with several regions, the items of one object are consecutive.

        :param found: ``Detections`` or ``Landmarks``.
        :raises ProcessorError: The objects lack a point that is needed, or a region cannot be made from them.
        """
        boxes, whole = _boxes_and_points(found)
        points = self._chosen(whole)
        items: list[tuple[int, Window | Region]] = []
        for index in self._picked(found):
            for part, make in enumerate(self._makers):
                region = make(boxes[index], points[index] if points else (), whole[index])
                items.append((index * len(self._makers) + part, region))
        return items

    def _chosen(self, whole: Any) -> list[Pairs]:
        """Return, for each object, the points that any region needs."""
        if self._most < 0 or not len(whole):
            return []
        if self._most >= whole.shape[1]:
            raise ProcessorError(
                f"point {self._most} is needed, but the previous component found {whole.shape[1]} points, "
                "numbered from 0",
                where=WHERE,
            )
        if whole.shape[1] > len(self._numbers):
            whole = whole.take(self._numbers, axis=1)
        chosen: list[Pairs] = whole.tolist()
        return chosen

    def _picked(self, found: Any) -> Iterable[int]:
        """Return the indices of the objects to process, in the order in which they were found."""
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
    """Lays a rectangle around an object's box or points.

    :param places: Positions of the points in the ``points`` of a call, by their numbers.
    """

    def __init__(self, chosen: RegionConfig, places: dict[int, int]) -> None:
        self._points = [places[number] for number in chosen.points]
        self._rotate = [places[number] for number in chosen.rotate or ()]
        self._shift = chosen.shift if any(chosen.shift) else None
        self._scale, self._square, self._mirror = chosen.scales, chosen.square, chosen.mirror

    def __call__(self, box: Sequence[float] | None, points: Pairs, whole: Any) -> Window | Region:
        """Return the region: rotated, shifted, squared, scaled and mirrored according to the config.

        :param box: Left, top, right, bottom; None if the object has no box.
        :param points: The points that the regions need.
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
    """Finds the region that, resized to the input, maps points onto a template with the least squared distances.

    The similarity (rotation, uniform scale, shift; no reflection) in closed form: Umeyama, IEEE Transactions on
    Pattern Analysis and Machine Intelligence 13(4), 1991, equations 40 to 42.  With points as complex numbers,
    x + iy, rotation and scale in two dimensions are a single quotient.
    """

    def __init__(self, chosen: RegionConfig, size: Extent, places: dict[int, int]) -> None:
        self._points = [places[number] for number in needed_points(chosen)]
        template = [complex(*point) for point in chosen.template]
        centroid = sum(template) / len(template)
        self._template = [point - centroid for point in template]
        self._height, self._width = size
        self._middle = complex(self._width, self._height) / 2 - centroid

    def __call__(self, box: object, points: Pairs, whole: object) -> Region:
        """Return the region.

        :param points: The points that the regions need.
        """
        measured = [complex(*points[at]) for at in self._points]
        centroid = sum(measured) / len(measured)
        centred = [point - centroid for point in measured]
        onto = sum(point.conjugate() * target for point, target in zip(centred, self._template, strict=True))
        spread = sum(point.real**2 + point.imag**2 for point in centred)
        if not spread or not onto:
            raise ProcessorError(
                "no region can be fitted: the points found, or those of the template, coincide", where=WHERE
            )
        back = spread / onto  # rotation and scale from the input to the picture
        centre, scale = centroid + self._middle * back, abs(back)
        _require_finite(centre.real, centre.imag, scale, scale)
        return Region(centre.real, centre.imag, self._width * scale, self._height * scale, cmath.phase(back))


def needed_points(chosen: RegionConfig) -> list[int]:
    """Return the numbers of the points that a region needs: for a template, in its order."""
    if chosen.template:
        return list(chosen.points or range(len(chosen.template)))
    return [*chosen.points, *(chosen.rotate or ())]


def around(points: Pairs, angle: float) -> tuple[float, float, float, float]:
    """Return centre, width and height of the smallest rectangle at an angle that contains all points."""
    cos, sin = math.cos(angle), math.sin(angle)
    columns = [x * cos + y * sin for x, y in points]
    rows = [y * cos - x * sin for x, y in points]
    left, right, top, bottom = min(columns), max(columns), min(rows), max(rows)
    x, y = (left + right) / 2, (top + bottom) / 2
    return x * cos - y * sin, x * sin + y * cos, right - left, bottom - top


def snapped(x: float, y: float, width: float, height: float) -> Window:
    """Return the nearest rectangle of whole pixels whose sides are the rounded ones."""
    columns, rows = round(width), round(height)
    return Window(round(y - rows / 2), round(x - columns / 2), rows, columns)


def _boxes_and_points(found: Any) -> tuple[list[Any], Any]:
    """Return the boxes of the objects, lists of four numbers or None, and their points, ``(objects, points, 2)``."""
    if isinstance(found, Detections):
        return found.boxes.tolist(), found.points
    if isinstance(found, Landmarks):
        return [None], found.points[None, :, :2]
    raise ProcessorError(
        f"regions are made from detections or landmarks, not from {type(found).__name__}",
        where=WHERE,
        hint="the previous component must be a detector or find landmarks",
    )


def _require_finite(x: float, y: float, width: float, height: float) -> None:
    if not math.isfinite(x + y + width * height):
        raise ProcessorError(
            f"no region can be made: its centre is {x}, {y} and its size {width} x {height}",
            where=WHERE,
            hint="check the previous model's outputs: they hold NaN or infinity",
        )
