"""Draws predictions on the picture: masks, boxes, points and text; those of later components at their object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image.post import run_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.plugin.processor import Sample
    from lpbench_image._tensor import Picture

    Record = Mapping[str, Any]
    Colour = tuple[int, int, int]
    Point = tuple[float, float]

COLOURS: tuple[Colour, ...] = (
    (40, 40, 255),
    (255, 120, 0),
    (40, 200, 40),
    (0, 225, 255),
    (255, 0, 220),
    (235, 235, 0),
    (40, 90, 150),
    (170, 70, 120),
    (150, 255, 170),
    (200, 180, 255),
)
"""Blue, green, red: far from each other and from grey, the clearest first."""
SHARE = 0.5
"""Opacity of a mask's colour."""
FINEST = 240
"""Pixels of the picture's short side per pixel of line width."""
FEW = 40
"""Most points that are drawn large: enough for a body, a hand or a face; meshes have more."""
BEST = 5
"""Most classes that are written."""
QUIET = {"item", "index", "score", "scores", "box", "points", "polygon", "items", "mask", "masks", "embedding", "share"}
"""Keys that are not written as text: they are drawn, or belong to another key."""


class Drawing:
    """A copy of a picture to draw on.

    :param picture: Height x width x 3, uint8, blue, green, red.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture.copy()
        self.size = picture.shape[1], picture.shape[0]
        self.width = max(1, round(min(self.size) / FINEST))
        self.drawn = False
        self._colours: dict[str, Colour] = {}
        self._line = max(0.35, min(self.size) / 900)  # font scale

    def colour(self, label: object) -> Colour:
        """Return the colour of a label; colours repeat once all of ``COLOURS`` are in use."""
        return self._colours.setdefault(str(label), COLOURS[len(self._colours) % len(COLOURS)])

    def outline(self, corners: Sequence[Point], colour: Colour) -> None:
        """Draw a closed line through points, centred on them."""
        points = np.array([[_index(x), _index(y)] for x, y in corners], np.int32)
        cv2.polylines(self.picture, [points], True, colour, self.width)  # noqa: FBT003 - OpenCV's: closed
        self.drawn = True

    def dots(self, points: Sequence[Sequence[float]], colour: Colour) -> None:
        """Draw points; smaller ones if there are more than ``FEW``."""
        radius = self.width if len(points) <= FEW else self.width // 4
        for x, y, *_ in points:
            cv2.circle(self.picture, (_index(x), _index(y)), radius, colour, cv2.FILLED)
            self.drawn = True

    def cover(self, mask: Record, colour: Colour) -> None:
        """Tint the pixels of a mask.

        :param mask: Run lengths of a mask in the picture's size.
        """
        inside = run_lengths.decode(mask)
        tinted = self.picture[inside] * (1 - SHARE) + np.array(colour) * SHARE
        self.picture[inside] = np.rint(tinted).astype(np.uint8)
        self.drawn = True

    def write(self, lines: Sequence[str], at: Point, colour: Colour) -> Point:
        """Write lines below each other from an upper left corner on; return the corner of the next line."""
        x, y = at
        for line in lines:
            y += self._word(line, x, y, colour)
            self.drawn = True
        return x, y

    def _word(self, line: str, x: float, y: float, colour: Colour) -> int:
        """Write one line on a background of its colour, shifted to lie inside the picture; return its height."""
        text = line.encode("ascii", "replace").decode()  # OpenCV's fonts have ASCII characters only
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self._line, self.width)
        left = max(0, min(_index(x), self.size[0] - width))
        top = max(0, min(_index(y), self.size[1] - height - below))
        cv2.rectangle(self.picture, (left, top), (left + width, top + height + below), colour, cv2.FILLED)
        letters = (0, 0, 0) if sum(colour) > 255 else (255, 255, 255)  # noqa: PLR2004 - a third of the brightest
        base = left, top + height
        cv2.putText(self.picture, text, base, cv2.FONT_HERSHEY_SIMPLEX, self._line, letters, self.width, cv2.LINE_AA)
        return int(height + below + self.width)


def write(sample: Sample, described: Record, folder: Path) -> Path | None:
    """Write a sample with its prediction as a PNG file named after it; return None if there is nothing to show.

    :raises ProcessorError: The file cannot be written.
    """
    picture = draw(sample.data, described)
    if picture is None:
        return None
    name = Path(sample.name).name
    path = folder / (name if name.lower().endswith(".png") else f"{name}.png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    except OSError as error:
        raise ProcessorError(error.strerror or str(error), where=str(path)) from error
    return path


def draw(picture: Picture, described: Record) -> Picture | None:
    """Return a picture with a prediction drawn on it, or None if there is nothing to show.

    An empty list of items counts as something to show: the unchanged picture.
    """
    drawing = Drawing(picture)
    places = _show(drawing, described, "", [(0.0, 0.0)])
    _later(drawing, described, places)
    return drawing.picture if drawing.drawn or "items" in described else None


def _later(drawing: Drawing, described: Record, places: list[Point]) -> None:
    """Show the predictions of later components, each at the object that it belongs to."""
    for name, findings in described.items():
        if not _is_later(findings):
            continue
        for finding in findings:
            at = finding["item"] if finding["item"] < len(places) else 0
            inner = _show(drawing, finding, name, places[at : at + 1])
            places[at] = inner[0] if "items" not in finding else places[at]
            _later(drawing, finding, inner)


def _is_later(value: object) -> bool:
    """Return whether a value holds a later component's predictions, which name the item that they belong to."""
    return isinstance(value, list) and all(isinstance(finding, dict) and "item" in finding for finding in value)


def _show(drawing: Drawing, described: Record, name: str, at: list[Point]) -> list[Point]:
    """Draw one component's prediction; return where more text can go: one place for each item, or a single one.

    :param name: The component; objects without a label are drawn in its colour.
    """
    for label, mask in _masks(described):
        drawing.cover(mask, drawing.colour(label))
    if "items" in described:
        return [_item(drawing, item, name) for item in described["items"]] or at
    colour = drawing.colour(described.get("label", name))
    drawing.dots(described.get("points", ()), colour)
    return [drawing.write(_lines(described), at[0], colour)]


def _item(drawing: Drawing, item: Record, name: str) -> Point:
    """Draw one object; return where more text about it can go."""
    colour = drawing.colour(item.get("label", name))
    corners = _corners(item)
    if corners:
        drawing.outline(corners, colour)
    drawing.dots(item.get("points", ()), colour)
    around = corners or item.get("points") or [(0.0, 0.0)]
    below = min(x for x, *_ in around), max(y for _, y, *_ in around)
    return drawing.write(_lines(item), below, colour)


def _corners(item: Record) -> Sequence[Point]:
    if "polygon" in item:
        return [(x, y) for x, y in item["polygon"]]
    if "box" not in item:
        return []
    left, top, right, bottom = item["box"]
    return [(left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)]


def _masks(described: Record) -> Iterator[tuple[object, Record]]:
    """Yield the label and the run lengths of each mask."""
    if "mask" in described:
        yield "mask", described["mask"]
    masks = described.get("masks", {})
    yield from masks.items() if isinstance(masks, dict) else enumerate(masks)


def _lines(described: Record) -> list[str]:
    """Return the values that are shown as text."""
    lines = [_scored(described[key], described) for key in ("label", "text") if key in described]
    lines += [_scored(candidate["label"], candidate) for candidate in described.get("top", ())[:BEST]]
    for key, value in described.items():
        if key in QUIET or key in {"label", "text", "top"}:
            continue
        if isinstance(value, dict) and "label" in value:
            lines.append(_scored(value["label"], value))
        elif isinstance(value, (int, float)):
            lines.append(f"{key} {value:.3g}")
    return lines


def _scored(label: object, described: Record) -> str:
    return f"{label} {described['score']:.2f}" if "score" in described else str(label)


def _index(coordinate: float) -> int:
    """Return the pixel in which a coordinate lies, clipped to OpenCV's coordinate range."""
    return int(min(max(coordinate, -32768), 32767))
