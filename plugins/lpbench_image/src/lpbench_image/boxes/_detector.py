"""What all detectors share: pick by score, decode those only, suppress, and go back to the picture."""

from __future__ import annotations

import abc
import functools
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
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
"""Numbers of a box."""
QUAD = np.array([0, 1, 2, 1, 2, 3, 0, 3])
"""The four corners, x and y, of left, top, right, bottom."""


class Detector(Postprocessor[C]):
    """Turns a detector's outputs into ``Detections``; subclasses know what the numbers of a box mean.

    :param reader: Of the scores.
    :param boxes: The outputs with a row for each box.
    :param columns: Those of their rows that are boxes; None for all.
    :param points: Key points of each box.
    :param counts: Boxes that there must be, by what says so.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the contract's three, and what a subclass knows
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
        self._fixed = all(each.fixed for each in self._tables)
        if self._fixed:
            self._check()

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Detections:
        """Return what was found in the picture; NaN where it does not matter is not looked for.

        :raises ProcessorError: Scores, or boxes that score enough, are not finite; or shapes or labels do not fit.
        """
        geometry = _geometry(sample)
        if not self._fixed:
            self._settle(outputs)
        try:
            found = self._reader.pick(outputs)
        except UnsoundError as error:
            raise _unsound(self._reader.tables["scores"], str(error), sample) from None
        if not len(found.rows):
            return Detections(np.empty((0, SIZED), np.float32), found.scores, found.classes, self._none.copy())
        numbers = self._boxes.take(outputs, found.rows, self._columns)
        if not np.isfinite(numbers).all():
            raise _unsound(self._boxes, "boxes that are not finite", sample)
        places = self._decode(numbers, found.rows, geometry.size)
        chosen = self._chosen(found, places[:2].reshape(SIZED, -1))
        boxes, points = self._placed(places[:, :, chosen].transpose(2, 0, 1), geometry)
        return Detections(boxes, found.scores[chosen], found.classes[chosen], points)

    def describe(self, prediction: Detections, /) -> Mapping[str, Any]:
        """Return ``{"items": [{"label", "score", "box": [l, t, r, b], "points": [[x, y], ...]}, ...]}``.

        Without labels, they are the indices; ``points`` is there where the model has some.
        """
        columns = (prediction.classes, prediction.scores, prediction.boxes, prediction.points)
        return {"items": [self._item(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return every box before any is chosen, in pixels of the input.

        ``scores`` ``(N, classes)``, or ``scores`` and ``classes`` ``(N,)`` where a model tells the best only; ``boxes``
        ``(N, 4)`` left, top, right, bottom; ``points`` ``(N, k, 2)`` where there are some.
        """
        if not self._fixed:
            self._settle(outputs)
        rows = np.arange(sum(self._boxes.rows))
        numbers = self._boxes.take(outputs, rows, self._columns)
        with np.errstate(invalid="ignore"):  # comparing is no matter of being finite
            places = self._decode(numbers, rows, _geometry(sample).size).transpose(2, 0, 1)
        found = {**self._reader.full(outputs), "boxes": places[:, :2].reshape(-1, SIZED)}
        return {**found, "points": places[:, 2:]} if self._none.shape[1] else found

    @abc.abstractmethod
    def _decode(self, numbers: Floats, rows: Indices, size: Extent) -> Floats:
        """Return x and y of left top, right bottom and k points, ``(2 + k, 2, n)``, in pixels of the input.

        :param numbers: ``(n, width)``, finite.
        :param rows: Theirs.
        :param size: Height and width of the input.
        """

    def _settle(self, outputs: Outputs) -> None:
        """Check these outputs' extents."""
        for each in self._tables:
            each.look(outputs)
        self._check()

    def _check(self) -> None:
        """Refuse extents that do not fit together, or to the labels."""
        agree({each.words: each.rows for each in self._tables} | {name: [each] for name, each in self._counts.items()})
        count = self._reader.classes
        self._several = count != 1
        if self.labels and count is not None and len(self.labels) != count:
            what = f"{len(self.labels)} labels for {count} classes of output {self._reader.tables['scores'].words}"
            hint = "labels stand one on each line, in the order of the classes, none for the background"
            raise ProcessorError(what, where="labels", hint=hint)

    def _chosen(self, found: Candidates, corners: Floats) -> Indices:
        """Return which candidates stay, best first; of equal scores the lower row, then the lower class."""
        config, order = self.config, (-found.scores).argsort(kind="stable")
        if self._several and not config.all_classes:
            order = _best_of_rows(found.rows, order)
        if self._suppress is None:
            return order[: config.limit]
        classes = found.classes[order] if self._several and config.suppress == "class" else None
        return order[self._suppress(corners.take(order, axis=1), classes, config.limit)]

    def _placed(self, places: Floats, geometry: Any) -> tuple[Floats, Floats]:
        """Return boxes and points in pixels of the picture; a box that is turned becomes the upright one around it.

        :param places: ``(n, 2 + k, 2)``.
        """
        found = geometry.to_source(places).astype(np.float32)
        boxes = found[:, :2].reshape(-1, SIZED)
        if isinstance(geometry, Affine):
            corners = places[:, :2].reshape(-1, SIZED)[:, QUAD].reshape(-1, SIZED, 2)
            turned = geometry.to_source(corners)
            boxes = np.concatenate([turned.min(axis=1), turned.max(axis=1)], axis=1, dtype=np.float32)
        else:  # a box that is inside out has no size
            np.maximum(boxes[:, :2], boxes[:, 2:], out=boxes[:, 2:])
        if self.config.clip:
            np.maximum(boxes, NOUGHT, out=boxes)
            np.minimum(boxes, _corner(geometry.source), out=boxes)
        return boxes, found[:, 2:]

    def _item(self, index: int, score: float, box: list[float], points: list[list[float]]) -> dict[str, Any]:
        label = self.labels[index] if self.labels else str(index)
        item = {"label": label, "score": score, "box": box}
        return {**item, "points": points} if points else item


@functools.lru_cache
def _corner(size: Extent) -> Floats:
    """Return the right bottom corner of a picture, twice."""
    return np.array((*size[::-1], *size[::-1]), np.float32)


def _best_of_rows(rows: Indices, order: Indices) -> Indices:
    """Return ``order`` with the first of each row only; ``rows`` ascend."""
    if not (rows[1:] == rows[:-1]).any():
        return order
    first = np.unique(rows[order], return_index=True)[1]
    return order[np.sort(first)]


def _geometry(sample: Sample) -> Any:
    if sample.geometry is None:
        raise ProcessorError(
            "the sample has no geometry, so boxes cannot be placed in it",
            where=sample.name,
            hint='detectors need a preprocessor of pictures: "type": "image"',
        )
    return sample.geometry


def _unsound(tables: Tables, found: str, sample: Sample) -> ProcessorError:
    what = f"output {tables.words} holds {found}"
    return ProcessorError(what, where=sample.name, hint="half precision may overflow: try float32")


def agree(counts: Mapping[str, Sequence[int]]) -> None:
    """Refuse outputs, or anchors, that count different boxes.

    :param counts: By what has them, in words; for each level, or for all together.
    :raises ProcessorError: Naming all of them.
    """
    levels = {len(each) for each in counts.values()}
    compared = {tuple(each) if len(levels) == 1 else (sum(each),) for each in counts.values()}
    if len(compared) > 1:
        raise ProcessorError(
            "; ".join(f"{name}: {' + '.join(map(str, each))} boxes" for name, each in counts.items()),
            where=WHERE,
            hint="each box has one row in each output, and one anchor",
        )
