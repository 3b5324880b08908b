"""The postprocessor ``text-boxes``: boxes around lines of text from a probability map.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable
Binarization", arXiv:1911.08947, section 3.5: the inverse of the label generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import WHERE, choose, real
from lpbench_image.found import Detections
from lpbench_image.post._reading import geometry_of, require_scores, with_batch
from lpbench_image.post.config import TextBoxesConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

    Floats = npt.NDArray[np.float32]

CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
"""Corners of a unit box along its own axes: upper left, upper right, lower right, lower left."""
NO_PARENT = -1


class Boxes(NamedTuple):
    """Rectangles in pixels of the map.

    :param centres: ``(n, 2)``: x, y.
    :param sides: ``(n, 2)``: width and height.
    :param angles: ``(n,)``: angles between the width and the map's rows, in degrees, clockwise.
    """

    centres: npt.NDArray[np.float64]
    sides: npt.NDArray[np.float64]
    angles: npt.NDArray[np.float64]

    def corners(self) -> npt.NDArray[np.float64]:
        """Return ``(n, 4, 2)``, in the order of ``CORNERS``."""
        angles = np.radians(self.angles)
        across = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        down = np.stack([-across[:, 1], across[:, 0]], axis=1)
        steps = CORNERS * self.sides[:, None]
        turned = steps[:, :, :1] * across[:, None] + steps[:, :, 1:] * down[:, None]
        corners: npt.NDArray[np.float64] = self.centres[:, None] + turned
        return corners


class TextBoxes(Postprocessor[TextBoxesConfig]):
    """Reads a map of any size over the input with the probability that each pixel is text."""

    def __init__(self, config: TextBoxesConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        if not self.output.dynamic:
            _extent(self.output.shape, self.output)  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Detections:
        """Return the boxes in reading order; ``points`` are their corners, clockwise from the upper left one.

        :raises ProcessorError: A probability is NaN or infinity.
        """
        probabilities = self._read(outputs, sample)
        boxes = self._boxes(probabilities)
        scores = means_inside(probabilities, boxes.corners())
        kept = scores >= self.config.box_threshold
        grown = _grown(Boxes(*(column[kept] for column in boxes)), self.config.grow).corners()
        geometry = geometry_of(sample)
        scale = np.divide(geometry.size[::-1], probabilities.shape[::-1])
        polygons = geometry.to_source(grown * scale).astype(np.float32)
        order = reading_order(polygons)
        polygons = polygons[order]
        bounds = np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=1)
        return Detections(bounds, scores[kept][order], np.zeros(len(order), np.int64), polygons)

    def describe(self, prediction: Detections, /) -> Mapping[str, Any]:
        """Return ``{"items": [{"label": "text", "score", "box": [l, t, r, b], "polygon": [[x, y], ...]}, ...]}``."""
        columns = (prediction.scores, prediction.boxes, prediction.points)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        items = [{"label": "text", "score": score, "box": box, "polygon": points} for score, box, points in rows]
        return {"items": items}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``probabilities``, ``(height, width)``."""
        return {"probabilities": self._read(outputs, sample)}

    def _read(self, outputs: Outputs, sample: Sample) -> Floats:
        values = outputs[self.output.name]
        probabilities = real(values, self.output).reshape(_extent(values.shape, self.output))
        require_scores(probabilities, self.output, sample)
        return probabilities

    def _boxes(self, probabilities: Floats) -> Boxes:
        """Return the smallest rectangle around each connected area above the threshold."""
        text = np.greater(probabilities, self.config.threshold).view(np.uint8)
        contours, hierarchy = cv2.findContours(text, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        parents = [] if hierarchy is None else hierarchy[0, :, 3].tolist()
        outer = [contour for contour, parent in zip(contours, parents, strict=True) if parent == NO_PARENT]
        rectangles = [cv2.minAreaRect(contour) for contour in outer[: self.config.limit]]
        large = [(*centre, *sides, angle) for centre, sides, angle in rectangles if min(sides) >= self.config.smallest]
        columns = np.array(large, np.float64).reshape(-1, 5)
        return _upright(Boxes(columns[:, :2] + 0.5, columns[:, 2:4], columns[:, 4]))


def means_inside(probabilities: Floats, corners: npt.NDArray[np.float64]) -> Floats:
    """Return the mean of the pixels inside and on the edge of each convex polygon; 0 for polygons outside the map.

    :param corners: ``(n, k, 2)`` x and y in pixels of the map.
    """
    pixels = np.floor(corners).astype(np.int32)
    starts = np.maximum(pixels.min(axis=1), 0)
    ends = np.maximum(pixels.max(axis=1) + 1, 0)
    inner = pixels - starts[:, None]
    means = np.zeros(len(corners), np.float32)
    for at, ((left, top), (right, bottom)) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        part = probabilities[top:bottom, left:right]
        if part.size:
            inside = np.zeros(part.shape, np.uint8)
            cv2.fillConvexPoly(inside, inner[at], 1)
            means[at] = cv2.mean(part, inside)[0]
    return means


def reading_order(polygons: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the reading order of boxes ``(n, 4, 2)``: line by line, each from left to right.

    From top to bottom, a box starts a new line if its centre is below the centre of the current line's first box by
    more than half of that box's height.
    """
    centres = polygons.mean(axis=1)
    heights = np.linalg.norm(polygons[:, 3] - polygons[:, 0], axis=-1)
    lines: list[list[int]] = []
    end = -np.inf
    for at in np.argsort(centres[:, 1], kind="stable").tolist():
        if centres[at, 1] > end:
            lines.append([])
            end = centres[at, 1] + heights[at] / 2
        lines[-1].append(at)
    return np.array([at for line in lines for at in sorted(line, key=centres[:, 0].__getitem__)], np.int64)


def _upright(boxes: Boxes) -> Boxes:
    """Return the same rectangles with the more horizontal side as the width: -45 < angle <= 45."""
    turns = np.ceil((boxes.angles - 45) / 90)
    odd = (turns % 2 == 1)[:, None]
    return Boxes(boxes.centres, np.where(odd, boxes.sides[:, ::-1], boxes.sides), boxes.angles - 90 * turns)


def _grown(boxes: Boxes, factor: float) -> Boxes:
    """Return the boxes with each side moved outwards by area * factor / perimeter."""
    sides = boxes.sides
    distance = sides.prod(axis=1) * factor / (2 * sides.sum(axis=1))
    return boxes._replace(sides=sides + 2 * distance[:, None])


def _extent(given: Sequence[int], info: TensorInfo) -> tuple[int, int]:
    """Return height and width of a map of one channel.

    :raises ProcessorError: The output is not a map of one channel.
    """
    shape = with_batch(given)
    if len(shape) == 4 and shape[0] == 1 and 1 in {shape[1], shape[3]} and all(shape):  # noqa: PLR2004 - with the batch
        return (shape[2], shape[3]) if shape[1] == 1 else (shape[1], shape[2])
    raise ProcessorError(f'output "{info.called}" {list(given)} is not a map of one channel', where=WHERE)
