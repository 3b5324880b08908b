"""The steps of all detectors: select by score, decode the selected boxes, suppress, map to the picture."""

from __future__ import annotations

import abc
import functools
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._amount import amount
from lpbench_image._outputs import WHERE
from lpbench_image.boxes._nms import NOUGHT, Suppression
from lpbench_image.boxes._scores import Candidates, UnsoundError
from lpbench_image.boxes.config import DetectionConfig
from lpbench_image.found import Detections
from lpbench_image.geometry import Affine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo
    from lpbench_image.boxes._readers import Reader
    from lpbench_image.boxes._tables import Tables
    from lpbench_image.geometry import Extent

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

C = TypeVar("C", bound=DetectionConfig)
SIZED = 4
"""Count of numbers in a box."""
QUAD = np.array([0, 1, 2, 1, 2, 3, 0, 3])
"""Indices into left, top, right, bottom that give x and y of the four corners."""


class Detector(Postprocessor[C]):
    """Turns a detector's outputs into ``Detections``; subclasses decode the numbers of a box.

    :param reader: Reads the scores.
    :param boxes: The outputs with a row for each box.
    :param columns: Columns of these rows that describe the box; None for all.
    :param points: Number of key points of each box.
    :param counts: Further numbers of boxes that must agree with the outputs, by their source.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the three of Postprocessor, and those of a subclass
        self,
        config: C,
        outputs: Sequence[TensorInfo],
        labels: Sequence[str],
        reader: Reader,
        boxes: Tables,
        columns: slice | None = None,
        points: int = 0,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(config, outputs, labels)
        self._reader, self._boxes, self._columns, self._counts = reader, boxes, columns, counts or {}
        self._tables = [*reader.tables.values(), boxes]
        self._suppress = None if config.suppress == "none" else Suppression(config.overlap)
        self._several = True
        self._none = np.empty((0, points, 2), np.float32)
        self._fixed = all(tables.fixed for tables in self._tables)
        if self._fixed:
            self._check()

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Detections:
        """Return the objects found in the picture; boxes whose scores are too low are not checked for NaN.

        :raises ProcessorError: Scores, or boxes above the threshold, are not finite; or shapes or labels do not fit.
        """
        geometry = _geometry(sample)
        if not self._fixed:
            self._settle(outputs)
        try:
            candidates = self._reader.pick(outputs)
        except UnsoundError as error:
            raise _unsound(self._reader.tables["scores"], str(error), sample) from None
        if not len(candidates.rows):
            boxes = np.empty((0, SIZED), np.float32)
            return Detections(boxes, candidates.scores, candidates.classes, self._none.copy())
        numbers = self._boxes.take(outputs, candidates.rows, self._columns)
        if not np.isfinite(numbers).all():
            raise _unsound(self._boxes, "boxes that are not finite", sample)
        places = self._decode(numbers, candidates.rows, geometry.size)
        chosen = self._chosen(candidates, places[:2].reshape(SIZED, -1))
        boxes, points = self._placed(places[:, :, chosen].transpose(2, 0, 1), geometry)
        return Detections(boxes, candidates.scores[chosen], candidates.classes[chosen], points)

    def describe(self, prediction: Detections, /) -> Mapping[str, Any]:
        """Return ``{"items": [{"label", "score", "box": [l, t, r, b], "points": [[x, y], ...]}, ...]}``.

        Without labels, the class index is the label; ``points`` is present if the model has key points.
        """
        columns = (prediction.classes, prediction.scores, prediction.boxes, prediction.points)
        return {"items": [self._item(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return all boxes before selection, in pixels of the input.

        ``scores`` ``(N, classes)``, or ``scores`` and ``classes`` ``(N,)`` if the model gives only the best class;
        ``boxes`` ``(N, 4)``: left, top, right, bottom; ``points`` ``(N, k, 2)`` if the model has key points.
        """
        if not self._fixed:
            self._settle(outputs)
        rows = np.arange(sum(self._boxes.rows))
        numbers = self._boxes.take(outputs, rows, self._columns)
        with np.errstate(invalid="ignore"):  # values are compared between engines even if they are not finite
            places = self._decode(numbers, rows, _geometry(sample).size).transpose(2, 0, 1)
        values = {**self._reader.full(outputs), "boxes": places[:, :2].reshape(-1, SIZED)}
        return {**values, "points": places[:, 2:]} if self._none.shape[1] else values

    @abc.abstractmethod
    def _decode(self, numbers: Floats, rows: Indices, size: Extent) -> Floats:
        """Return x and y of the upper left corner, the lower right corner and k points, ``(2 + k, 2, n)``.

        :returns: Coordinates in pixels of the input.
        :param numbers: ``(n, width)``, finite.
        :param rows: Their rows in the outputs.
        :param size: Height and width of the input.
        """

    def _settle(self, outputs: Outputs) -> None:
        """Check the extents of outputs whose shapes are not fixed."""
        for tables in self._tables:
            tables.look(outputs)
        self._check()

    def _check(self) -> None:
        """Refuse extents that contradict each other or the labels."""
        rows = {tables.words: tables.rows for tables in self._tables}
        agree(rows | {name: [count] for name, count in self._counts.items()})
        count = self._reader.classes
        self._several = count != 1
        if self.labels and count is not None and len(self.labels) != count:
            counts = f"{amount(len(self.labels), 'label')} for {amount(count, 'class', 'classes')}"
            what = f"{counts} of output {self._reader.tables['scores'].words}"
            hint = "write one label per line, in the order of the classes, without one for the background"
            raise ProcessorError(what, where="labels", hint=hint)

    def _chosen(self, candidates: Candidates, corners: Floats) -> Indices:
        """Return the candidates to keep, best first; among equal scores the lower row, then the lower class."""
        config, order = self.config, (-candidates.scores).argsort(kind="stable")
        if self._several and not config.all_classes:
            order = _best_of_rows(candidates.rows, order)
        if self._suppress is None:
            return order[: config.limit]
        classes = candidates.classes[order] if self._several and config.suppress == "class" else None
        return order[self._suppress(corners.take(order, axis=1), classes, config.limit)]

    def _placed(self, places: Floats, geometry: Any) -> tuple[Floats, Floats]:
        """Return boxes and points in pixels of the picture; a rotated box becomes the upright box around it.

        :param places: ``(n, 2 + k, 2)``.
        """
        mapped = geometry.to_source(places).astype(np.float32)
        boxes = mapped[:, :2].reshape(-1, SIZED)
        if isinstance(geometry, Affine):
            corners = places[:, :2].reshape(-1, SIZED)[:, QUAD].reshape(-1, SIZED, 2)
            turned = geometry.to_source(corners)
            boxes = np.concatenate([turned.min(axis=1), turned.max(axis=1)], axis=1, dtype=np.float32)
        else:  # an inverted box becomes a box of size 0
            np.maximum(boxes[:, :2], boxes[:, 2:], out=boxes[:, 2:])
        if self.config.clip:
            np.maximum(boxes, NOUGHT, out=boxes)
            np.minimum(boxes, _corner(geometry.source), out=boxes)
        return boxes, mapped[:, 2:]

    def _item(self, index: int, score: float, box: list[float], points: list[list[float]]) -> dict[str, Any]:
        label = self.labels[index] if self.labels else str(index)
        item = {"label": label, "score": score, "box": box}
        return {**item, "points": points} if points else item


@functools.lru_cache
def _corner(size: Extent) -> Floats:
    """Return the lower right corner of a picture, twice."""
    return np.array((*size[::-1], *size[::-1]), np.float32)


def _best_of_rows(rows: Indices, order: Indices) -> Indices:
    """Return ``order`` reduced to the first candidate of each row; ``rows`` ascend."""
    if not (rows[1:] == rows[:-1]).any():
        return order
    first = np.unique(rows[order], return_index=True)[1]
    return order[np.sort(first)]


def _geometry(sample: Sample) -> Any:
    if sample.geometry is None:
        raise ProcessorError(
            "the sample has no geometry, so boxes cannot be placed in it",
            where=sample.name,
            hint='detectors need an image preprocessor: "type": "image"',
        )
    return sample.geometry


def _unsound(tables: Tables, content: str, sample: Sample) -> ProcessorError:
    what = f"output {tables.words} holds {content}"
    return ProcessorError(what, where=sample.name, hint="half precision may overflow: try float32")


def agree(counts: Mapping[str, Sequence[int]]) -> None:
    """Refuse outputs, or anchors, with different numbers of boxes.

    :param counts: Numbers of boxes by the name of their source: one for each level, or a total.
    :raises ProcessorError: The numbers differ; the message lists all of them.
    """
    levels = {len(boxes) for boxes in counts.values()}
    compared = {tuple(boxes) if len(levels) == 1 else (sum(boxes),) for boxes in counts.values()}
    if len(compared) > 1:
        raise ProcessorError(
            "; ".join(f"{name}: {' + '.join(map(str, boxes))} boxes" for name, boxes in counts.items()),
            where=WHERE,
            hint="each box has one row in each output, and one anchor",
        )
