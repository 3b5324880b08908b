"""Draws what was found on the picture: masks, boxes, points, words; what later components found, at what it is of."""

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

    Found = Mapping[str, Any]
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
"""Of a mask's colour in what it covers."""
FINEST = 240
"""Pixels of the short side for each pixel of a line's width."""
FEW = 40
"""Points of a body, a hand or a face; meshes have more."""
BEST = 5
"""Candidates that are written down."""
QUIET = {"item", "index", "score", "scores", "box", "points", "polygon", "items", "mask", "masks", "embedding", "share"}
"""Keys that are drawn, or belong to others; the rest is written down."""


class Drawing:
    """A copy of a picture that is drawn on.

    :param picture: Height x width x 3, uint8, blue, green, red.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture.copy()
        self.size = picture.shape[1], picture.shape[0]
        self.width = max(1, round(min(self.size) / FINEST))
        self.drawn = False
        self._colours: dict[str, Colour] = {}
        self._line = max(0.35, min(self.size) / 900)  # scale of the letters

    def colour(self, label: object) -> Colour:
        """Return the colour of a label: another one for each new label, as far as there are any."""
        return self._colours.setdefault(str(label), COLOURS[len(self._colours) % len(COLOURS)])

    def outline(self, corners: Sequence[Point], colour: Colour) -> None:
        """Draw a closed line through points; half of its width lies on either side."""
        points = np.array([[_index(x), _index(y)] for x, y in corners], np.int32)
        cv2.polylines(self.picture, [points], True, colour, self.width)  # noqa: FBT003 - OpenCV's: closed
        self.drawn = True

    def dots(self, points: Sequence[Sequence[float]], colour: Colour) -> None:
        """Draw points: small ones where they are many."""
        radius = self.width if len(points) <= FEW else self.width // 4
        for x, y, *_ in points:
            cv2.circle(self.picture, (_index(x), _index(y)), radius, colour, cv2.FILLED)
            self.drawn = True

    def cover(self, mask: Found, colour: Colour) -> None:
        """Tint what a mask covers.

        :param mask: Run lengths, of the picture's size.
        """
        inside = run_lengths.decode(mask)
        tinted = self.picture[inside] * (1 - SHARE) + np.array(colour) * SHARE
        self.picture[inside] = np.rint(tinted).astype(np.uint8)
        self.drawn = True

    def write(self, lines: Sequence[str], at: Point, colour: Colour) -> Point:
        """Write lines below each other, the first one's upper left corner at a point; return where the next begins."""
        x, y = at
        for line in lines:
            y += self._word(line, x, y, colour)
            self.drawn = True
        return x, y

    def _word(self, line: str, x: float, y: float, colour: Colour) -> int:
        """Write one line on its colour, moved so that it is seen; return its height."""
        text = line.encode("ascii", "replace").decode()  # OpenCV's letters
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self._line, self.width)
        left = max(0, min(_index(x), self.size[0] - width))
        top = max(0, min(_index(y), self.size[1] - height - below))
        cv2.rectangle(self.picture, (left, top), (left + width, top + height + below), colour, cv2.FILLED)
        letters = (0, 0, 0) if sum(colour) > 255 else (255, 255, 255)  # noqa: PLR2004 - a third of the brightest
        base = left, top + height
        cv2.putText(self.picture, text, base, cv2.FONT_HERSHEY_SIMPLEX, self._line, letters, self.width, cv2.LINE_AA)
        return int(height + below + self.width)


def write(sample: Sample, described: Found, folder: Path) -> Path | None:
    """Write a sample with what was found as a PNG file named after it; None if there is nothing to show.

    :raises ProcessorError: Naming the file, if it cannot be written.
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


def draw(picture: Picture, described: Found) -> Picture | None:
    """Return a picture with what was found drawn on it, or None if there is nothing to show.

    Nothing found is something to show: the picture as it is.
    """
    drawing = Drawing(picture)
    places = _show(drawing, described, "", [(0.0, 0.0)])
    _later(drawing, described, places)
    return drawing.picture if drawing.drawn or "items" in described else None


def _later(drawing: Drawing, described: Found, places: list[Point]) -> None:
    """Show what later components found, each at what it is of."""
    for name, findings in described.items():
        if not _is_later(findings):
            continue
        for finding in findings:
            at = finding["item"] if finding["item"] < len(places) else 0
            inner = _show(drawing, finding, name, places[at : at + 1])
            places[at] = inner[0] if "items" not in finding else places[at]
            _later(drawing, finding, inner)


def _is_later(value: object) -> bool:
    """Say whether these are a later component's findings: things of its own, which say what they are of."""
    return isinstance(value, list) and all(isinstance(each, dict) and "item" in each for each in value)


def _show(drawing: Drawing, found: Found, name: str, at: list[Point]) -> list[Point]:
    """Draw one component's findings; return where more can be written: a place for each item, or one.

    :param name: Of the component; what has no label has its colour.
    """
    for label, mask in _masks(found):
        drawing.cover(mask, drawing.colour(label))
    if "items" in found:
        return [_item(drawing, each, name) for each in found["items"]] or at
    colour = drawing.colour(found.get("label", name))
    drawing.dots(found.get("points", ()), colour)
    return [drawing.write(_lines(found), at[0], colour)]


def _item(drawing: Drawing, item: Found, name: str) -> Point:
    """Draw one thing; return where more can be written about it."""
    colour = drawing.colour(item.get("label", name))
    corners = _corners(item)
    if corners:
        drawing.outline(corners, colour)
    drawing.dots(item.get("points", ()), colour)
    around = corners or item.get("points") or [(0.0, 0.0)]
    below = min(x for x, *_ in around), max(y for _, y, *_ in around)
    return drawing.write(_lines(item), below, colour)


def _corners(item: Found) -> Sequence[Point]:
    if "polygon" in item:
        return [(x, y) for x, y in item["polygon"]]
    if "box" not in item:
        return []
    left, top, right, bottom = item["box"]
    return [(left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)]


def _masks(found: Found) -> Iterator[tuple[object, Found]]:
    """Yield label and run lengths of each mask."""
    if "mask" in found:
        yield "mask", found["mask"]
    masks = found.get("masks", {})
    yield from masks.items() if isinstance(masks, dict) else enumerate(masks)


def _lines(found: Found) -> list[str]:
    """Return in words what cannot be drawn."""
    lines = [_scored(found[key], found) for key in ("label", "text") if key in found]
    lines += [_scored(each["label"], each) for each in found.get("top", ())[:BEST]]
    for key, value in found.items():
        if key in QUIET or key in {"label", "text", "top"}:
            continue
        if isinstance(value, dict) and "label" in value:
            lines.append(_scored(value["label"], value))
        elif isinstance(value, (int, float)):
            lines.append(f"{key} {value:.3g}")
    return lines


def _scored(label: object, found: Found) -> str:
    return f"{label} {found['score']:.2f}" if "score" in found else str(label)


def _index(coordinate: float) -> int:
    """Return the pixel in which a coordinate lies, within what OpenCV can count."""
    return int(min(max(coordinate, -32768), 32767))
