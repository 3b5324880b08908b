"""Detectors with synthetic outputs, and handwritten code that does for each what lpbench does.

The handwritten code is specific to its model: it decodes everything, or only scores above the
threshold, and drops overlapping boxes with the usual numpy loop or with OpenCV; none checks for NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.plugin.engine import TensorInfo
from lpbench_image._pre import ImagePreprocessor
from lpbench_image._tensor import aligned
from lpbench_image.boxes._anchors import anchors
from lpbench_image.boxes._decoded import Boxes
from lpbench_image.boxes._nanodet import NanoDet
from lpbench_image.boxes._ssd import Ssd
from lpbench_image.boxes.config import Anchors, BoxesConfig, NanoDetConfig, SsdConfig
from lpbench_image.config import ImageConfig, Normalise, Resize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.processor import Postprocessor, Sample

    Arrays = Mapping[str, Any]
    Found = tuple[Any, ...]
    Way = Callable[[Arrays], Found]
    Suppress = Callable[[Any, Any, Any, float], Any]

BAR = 12
SHARE, SHIFT = 0.5, np.array([0, BAR], np.float32)
"""The input is half the picture's size, with a letterbox's bar above and below."""
QUIET, LOUD = -7.0, 2.0
"""Mean logits of the background and of an object."""


@dataclass
class Case:
    """A detector, a picture, its outputs, and handwritten alternatives.

    :param pre: Factories of handwritten preprocessing, from picture to tensor, each with its own buffers: shared
        buffers would be in the caches already.
    :param post: Handwritten postprocessing, from outputs to boxes, scores, classes and points.
    """

    title: str
    our_pre: ImagePreprocessor
    our_post: Postprocessor[Any]
    outputs: Arrays
    sample: Sample
    pre: dict[str, Callable[[], Callable[[Any], Any]]]
    post: dict[str, Way]


def usual(boxes: Any, scores: Any, classes: Any, overlap: float) -> Any:
    """Return the indices of the kept boxes, best first, with the usual loop; an offset separates the classes."""
    moved = boxes if classes is None else boxes + (classes * np.float32(4096))[:, None]
    left, top, right, bottom = moved.T
    areas = (right - left) * (bottom - top)
    order, kept = np.argsort(-scores), []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[order]) - np.maximum(left[best], left[order])
        height = np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        order = order[common <= overlap * (areas[best] + areas[order] - common)]
    return np.array(kept)


def opencv(boxes: Any, scores: Any, classes: Any, overlap: float) -> Any:
    """Return the same with OpenCV's own function."""
    sized: Any = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    if classes is None:
        kept: Any = cv2.dnn.NMSBoxes(sized, scores, 0.0, overlap)
    else:
        kept = cv2.dnn.NMSBoxesBatched(sized, scores, classes.astype(np.int32), 0.0, overlap)
    return np.asarray(kept)


def placed(boxes: Any, size: int) -> Any:
    """Return boxes in picture coordinates, clipped to the picture."""
    moved = ((boxes.reshape(-1, 2, 2) - SHIFT) / np.float32(SHARE)).reshape(-1, 4)
    moved[:, ::2] = moved[:, ::2].clip(0, size / SHARE)
    moved[:, 1::2] = moved[:, 1::2].clip(0, (size - 2 * SHIFT[1]) / SHARE)
    return moved


def blazeface(outputs: Arrays, suppress: Suppress, centres: Any, size: int, *, early: bool) -> Found:
    """Decode a BlazeFace by hand.

    :param centres: Centres of the anchors, in pixels.
    :param early: Decode only boxes with sufficient scores.
    """
    logits, numbers = outputs["scores"][0, :, 0], outputs["boxes"][0]
    if early:
        picked = np.flatnonzero(logits >= 0)
        logits, numbers, centres = logits[picked], numbers[picked], centres[picked]
    scores = 1 / (1 + np.exp(-logits))
    points = numbers.reshape(len(numbers), -1, 2) + centres[:, None]
    centre, half = points[:, 0], numbers[:, 2:4] / 2
    boxes, points = np.concatenate([centre - half, centre + half], axis=1), points[:, 2:]
    if not early:
        picked = np.flatnonzero(scores >= 0.5)  # noqa: PLR2004 - the default
        boxes, scores, points = boxes[picked], scores[picked], points[picked]
    kept = suppress(boxes, scores, None, 0.3)
    return placed(boxes[kept], size), scores[kept], np.zeros(len(kept)), (points[kept] - SHIFT) / np.float32(SHARE)


def ssd(outputs: Arrays, suppress: Suppress, priors: Any, size: int, *, early: bool) -> Found:
    """Decode an SSD by hand: y, x, height, width; the first class is the background."""
    logits, numbers = outputs["scores"][0], outputs["boxes"][0]
    best = logits[:, 1:].max(axis=1)
    picked = np.flatnonzero(best >= 0)
    chosen, prior = (numbers[picked], priors[picked]) if early else (numbers, priors)
    centre = chosen[:, 1::-1] * (prior[:, 2:] * np.float32(0.1)) + prior[:, :2]
    half = np.exp(chosen[:, 3:1:-1] * np.float32(0.2)) * (prior[:, 2:] / 2)
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    boxes = boxes if early else boxes[picked]
    scores, classes = 1 / (1 + np.exp(-best[picked])), logits[picked, 1:].argmax(axis=1)
    kept = suppress(boxes, scores, classes, 0.5)
    return placed(boxes[kept], size), scores[kept], classes[kept], np.empty((len(kept), 0, 2))


def nanodet(outputs: Arrays, suppress: Suppress, cells: Any, size: int, *, early: bool) -> Found:
    """Decode a NanoDet by hand.

    :param cells: Centre and stride of each, by level.
    :param early: Apply the threshold to all scores, else only to each cell's best.
    """
    parts = []
    for level, cell in enumerate(cells):
        all_scores = outputs[f"scores{level}"][0]
        if early:
            rows, classes = np.divmod(np.flatnonzero(all_scores >= 0.35), all_scores.shape[1])  # noqa: PLR2004 - ours
            scores = all_scores[rows, classes]
        else:
            best = all_scores.max(axis=1)
            rows = np.flatnonzero(best >= 0.35)  # noqa: PLR2004 - the same
            scores, classes = best[rows], all_scores[rows].argmax(axis=1)
        if not len(rows):
            continue
        numbers = outputs[f"boxes{level}"][0][rows].reshape(-1, 4, 11)
        shares = np.exp(numbers - numbers.max(axis=2, keepdims=True))
        centre, stride = cell[rows, :2], cell[rows, 2:]
        sides = (shares @ STEPS) / shares.sum(axis=2) * stride
        parts.append((np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1), scores, classes))
    boxes, scores, classes = (np.concatenate(each) for each in zip(*parts, strict=True))
    kept = suppress(boxes, scores, classes, 0.5)
    return placed(boxes[kept], size), scores[kept], classes[kept], np.empty((len(kept), 0, 2))


STEPS = np.arange(11, dtype=np.float32)


def yolo(outputs: Arrays, suppress: Suppress, size: int, *, early: bool) -> Found:
    """Take the boxes of a YOLO without objectness by hand.

    :param early: Compute the best of each column row by row, else in the transposed table.
    """
    table = outputs["boxes"][0]
    if early:
        best = table[4:].max(axis=0)
        rows = np.flatnonzero(best >= 0.5)  # noqa: PLR2004 - the default
        numbers, scores, classes = table[:4, rows].T, best[rows], table[4:, rows].argmax(axis=0)
    else:
        table = np.ascontiguousarray(table.T)
        best = table[:, 4:].max(axis=1)
        rows = np.flatnonzero(best >= 0.5)  # noqa: PLR2004 - the same
        numbers, scores, classes = table[rows, :4], best[rows], table[rows, 4:].argmax(axis=1)
    half = numbers[:, 2:] / 2
    boxes = np.concatenate([numbers[:, :2] - half, numbers[:, :2] + half], axis=1)
    kept = suppress(boxes, scores, classes, 0.5)
    return placed(boxes[kept], size), scores[kept], classes[kept], np.empty((len(kept), 0, 2))


def ways(function: Callable[..., Found], *arguments: Any) -> dict[str, Way]:
    """Return the four combinations by name."""

    def way(suppress: Suppress, *, early: bool) -> Way:
        return lambda outputs: function(outputs, suppress, *arguments, early=early)

    return {
        f"{'early' if early else 'late'}, {suppress.__name__}": way(suppress, early=early)
        for early in (True, False)
        for suppress in (usual, opencv)
    }


def things(random: np.random.Generator, count: int, size: int) -> Any:
    """Return centres and sizes of objects that do not overlap, ``(count, 4)`` in pixels."""
    cells = int(np.ceil(count**0.5))
    chosen = random.permutation(cells * cells)[:count]
    pitch = size / cells
    centre = (np.stack([chosen % cells, chosen // cells], axis=1) + 0.5) * pitch
    return np.concatenate([centre, random.uniform(0.5, 0.8, (count, 2)) * pitch], axis=1).astype(np.float32)


def around(random: np.random.Generator, centres: Any, wanted: Any, each: int) -> tuple[Any, Any, Any]:
    """Return the rows nearest to each object, their slightly inaccurate boxes, and the object of each."""
    rows = np.concatenate([np.argsort(((centres - thing[:2]) ** 2).sum(axis=1))[:each] for thing in wanted])
    rows, first = np.unique(rows, return_index=True)
    whose = np.repeat(np.arange(len(wanted)), each)[first]
    boxes = wanted[whose]
    return rows, boxes * random.normal(1, 0.01, boxes.shape).astype(np.float32), whose


class Tensor:
    """Handwritten code that turns a picture into the input: letterboxed, scaled, in the right layout.

    :param planar: NCHW, else NHWC.
    :param reverse: Red, green, blue, else as decoded.
    :param factor: Multiplies a value from 0 to 255.
    """

    def __init__(self, size: int, factor: float, summand: float, *, planar: bool, reverse: bool) -> None:
        self.canvas, self.bytes = (aligned((size, size, 3), "uint8") for _ in range(2))
        self.canvas[:] = 0
        self.inside = self.canvas[BAR : size - BAR]
        self.out = aligned((1, 3, size, size) if planar else (1, size, size, 3), "float32")
        self.planes = aligned((3, size, size), "uint8")
        self.size, self.factor, self.summand, self.planar, self.reverse = size, factor, summand, planar, reverse

    def ordered(self, picture: Any) -> Any:
        """Resize and order the bytes."""
        cv2.resize(picture, (self.size, self.size - 2 * BAR), self.inside)
        if self.planar:
            cv2.split(self.canvas, list(self.planes[::-1] if self.reverse else self.planes))
            return self.planes
        return cv2.cvtColor(self.canvas, cv2.COLOR_BGR2RGB, self.bytes) if self.reverse else self.canvas

    def arithmetic(self, picture: Any) -> Any:
        """Multiply and add with numpy."""
        flat = self.out.reshape(3, -1)
        np.multiply(self.ordered(picture).reshape(3, -1), np.float32(self.factor), out=flat)
        np.add(flat, np.float32(self.summand), out=flat)
        return self.out

    def weighted(self, picture: Any) -> Any:
        """Do both in one pass of OpenCV's."""
        values = self.ordered(picture).reshape(self.size, -1)
        cv2.addWeighted(values, self.factor, values, 0, self.summand, self.out.reshape(self.size, -1), cv2.CV_32F)
        return self.out

    def blob(self, picture: Any) -> Any:
        """Use OpenCV's blob function, which is planar."""
        cv2.resize(picture, (self.size, self.size - 2 * BAR), self.inside)
        mean = -self.summand / self.factor
        return cv2.dnn.blobFromImage(self.canvas, self.factor, (self.size, self.size), (mean,) * 3, swapRB=self.reverse)


def pixels(
    size: int, factor: float, summand: float, *, planar: bool = False, reverse: bool = True
) -> tuple[ImagePreprocessor, Sample, dict[str, Any]]:
    """Return lpbench's preprocessor, a picture of twice the input's size without the bars, and handwritten code."""
    normalise = Normalise(scale=factor, mean=-summand)
    config = ImageConfig(Resize("letterbox"), color="RGB" if reverse else "BGR", normalise=normalise)
    shape = (1, 3, size, size) if planar else (1, size, size, 3)
    ours = ImagePreprocessor(config, [TensorInfo("input", "float32", shape)])
    source = TensorInfo("picture", "uint8", (1, 2 * (size - 2 * BAR), 2 * size, 3))
    sample = ImagePreprocessor(ImageConfig(), [source]).generate(0, seed=0)
    ours(sample)  # sets the sample's geometry
    kinds = ("arithmetic", "weighted", "blob") if planar else ("arithmetic", "weighted")

    def way(kind: str) -> Any:
        return getattr(Tensor(size, factor, summand, planar=planar, reverse=reverse), kind)

    return ours, sample, {kind: partial(way, kind) for kind in kinds}


SIGNED = (1 / 127.5, -1.0)
"""Factor and summand that make pixels -1 to 1."""


def infos(outputs: Arrays) -> list[TensorInfo]:
    """Return the descriptions that an engine would give of these outputs."""
    return [TensorInfo(name, "float32", array.shape) for name, array in outputs.items()]


def faces(title: str, size: int, maps: Anchors, count: int, each: int) -> Case:
    """Return a BlazeFace that sees this many faces."""
    random = np.random.default_rng(1)
    centres = anchors(maps)[:, :2] * np.float32(size)
    logits = random.normal(QUIET, 1, len(centres)).astype(np.float32)
    numbers = random.normal(0, 20, (len(centres), 16)).astype(np.float32)
    rows, boxes, _ = around(random, centres, things(random, count, size), each)
    logits[rows] = random.normal(LOUD, 0.5, len(rows))
    numbers[rows, :2], numbers[rows, 2:4] = boxes[:, :2] - centres[rows], boxes[:, 2:]
    outputs = {"boxes": numbers[None], "scores": logits[None, :, None]}
    scale = (float(size),) * 4
    config = SsdConfig(
        boxes="boxes", scores="scores", anchors=maps, order="xywh", divisors=scale, size="linear", points=6, overlap=0.3
    )
    ours = Ssd(config, infos(outputs), ["face"])
    pre, sample, tensors = pixels(size, *SIGNED)
    title = f"{title}, {len(rows)} boxes"
    return Case(title, pre, ours, outputs, sample, tensors, ways(blazeface, centres, size))


def objects(size: int, count: int, each: int) -> Case:
    """Return an SSD-MobileNet that sees this many objects."""
    random = np.random.default_rng(2)
    maps = Anchors((19, 10, 5, 3, 2, 1), (0.2, 0.95), (1.0, 2.0, 0.5, 3.0, 0.3333), reduced=True)
    priors = anchors(maps) * np.float32(size)
    logits = random.normal(QUIET, 1, (len(priors), 24)).astype(np.float32)
    numbers = random.normal(0, 1, (len(priors), 4)).astype(np.float32)
    rows, boxes, whose = around(random, priors[:, :2], things(random, count, size), each)
    logits[rows, whose % 23 + 1] = random.normal(LOUD, 0.5, len(rows))
    numbers[rows, 1::-1] = (boxes[:, :2] - priors[rows, :2]) / priors[rows, 2:] * 10
    numbers[rows, 3:1:-1] = np.log(boxes[:, 2:] / priors[rows, 2:]) * 5
    outputs = {"boxes": numbers[None], "scores": logits[None]}
    ours = Ssd(SsdConfig(boxes="boxes", scores="scores", anchors=maps, background="first"), infos(outputs), ())
    title = f"SSD-MobileNet, 1,917 anchors of 23 classes, {len(rows)} boxes"
    pre, sample, tensors = pixels(size, *SIGNED)
    return Case(title, pre, ours, outputs, sample, tensors, ways(ssd, priors, size))


def distributed(size: int, count: int, each: int) -> Case:
    """Return a NanoDet that sees this many objects."""
    random, strides = np.random.default_rng(3), (8, 16, 32)
    outputs: dict[str, Any] = {}
    cells = []
    for level, stride in enumerate(strides):
        y, x = np.mgrid[: size // stride, : size // stride].reshape(2, -1)
        cell = np.stack([(x + 0.5) * stride, (y + 0.5) * stride, np.full(len(x), stride)], axis=1).astype(np.float32)
        scores = random.uniform(0, 0.05, (len(cell), 80)).astype(np.float32)
        numbers = random.normal(0, 1, (len(cell), 44)).astype(np.float32)
        if level:
            rows, boxes, whose = around(random, cell[:, :2], things(random, count, size), each)
            scores[rows, whose % 80] = random.uniform(0.4, 0.9, len(rows))
            half = boxes[:, 2:] / 2
            offset = boxes[:, :2] - cell[rows, :2]
            sides = np.concatenate([half - offset, half + offset], axis=1) / stride
            numbers[rows] = (-8 * (STEPS - sides[..., None]) ** 2).reshape(len(rows), -1)
        outputs |= {f"scores{level}": scores[None], f"boxes{level}": numbers[None]}
        cells.append(cell)
    names = [tuple(f"{key}{level}" for level in range(len(strides))) for key in ("scores", "boxes")]
    ours = NanoDet(NanoDetConfig(scores=names[0], boxes=names[1], threshold=0.35), infos(outputs), ())
    title = f"NanoDet, 3,549 cells of 80 classes, {2 * count * each} boxes"
    pre, sample, tensors = pixels(size, 1 / 57, -2.0, planar=True, reverse=False)
    return Case(title, pre, ours, outputs, sample, tensors, ways(nanodet, cells, size))


def decoded(size: int, count: int, each: int) -> Case:
    """Return a YOLO that sees this many objects."""
    random = np.random.default_rng(4)
    table = random.uniform(0, 0.05, (84, 8400)).astype(np.float32)
    table[:4] = random.uniform(50, 100, (4, 8400))
    rows, boxes, whose = around(random, table[:2].T, things(random, count, size), each)
    table[:4, rows] = boxes.T
    table[4 + whose % 80, rows] = random.uniform(0.6, 0.9, len(rows))
    outputs = {"boxes": table[None]}
    ours = Boxes(BoxesConfig(output="boxes", transposed=True), infos(outputs), ())
    title = f"YOLO, 8,400 boxes of 80 classes, {len(rows)} boxes"
    pre, sample, tensors = pixels(size, 1 / 255, 0.0, planar=True)
    return Case(title, pre, ours, outputs, sample, tensors, ways(yolo, size))
