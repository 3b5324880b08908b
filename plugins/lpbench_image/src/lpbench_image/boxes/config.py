"""Settings of the detector postprocessors in an app's config.

Outputs have the names that the app gives them; several names are the levels of one detector,
in the order in which their rows are numbered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from lpbench_image.config import Size, pair

Names = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DetectionConfig:
    """Settings of all detectors.

    :param threshold: Lowest score of a box in a prediction.
    :param overlap: Intersection over union above which the weaker of two boxes is dropped.
    :param suppress: Which boxes compete: those of the same ``class``, ``all``, or ``none``.
    :param all_classes: Report a box for every class whose score reaches the threshold, not only for its best class.
    :param limit: Largest number of boxes in a prediction, best first.
    :param clip: Clip boxes to the picture; points are never clipped.
    """

    threshold: float = 0.5
    overlap: float = 0.5
    suppress: Literal["class", "all", "none"] = "class"
    all_classes: bool = False
    limit: int = 100
    clip: bool = True

    def __post_init__(self) -> None:
        for name in ("threshold", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                _fail(f"{name} must be 0 to 1, found {getattr(self, name)!r}")
        if self.limit < 1:
            _fail(f"limit must be 1 or more, found {self.limit}")


@dataclass(frozen=True)
class Anchors:
    """The anchors of an SSD, as in Liu et al., SSD, 2016, section 2.2, and MediaPipe's calculator.

    Each cell of a map has one anchor for each of ``ratios``, then the interpolated one.  Consecutive maps of equal
    size are merged into one map with the anchors of all.

    :param maps: Height and width of each feature map, the largest first.
    :param scales: Anchor sizes of the first and the last map as shares of the input, with equal steps in between.
        Default: every anchor is as large as the input, and only its centre matters, as in BlazeFace.
    :param ratios: Width divided by height, for each anchor.
    :param interpolated: Ratio of a further anchor, whose size is the geometric mean of this map's scale and the next
        one's (1 after the last map); null for none.
    :param reduced: The first map has three anchors instead: a square of half the first scale, then ratios 2 and 1/2.
    """

    maps: tuple[Size, ...]
    scales: tuple[float, float] | None = None
    ratios: tuple[float, ...] = (1.0,)
    interpolated: float | None = 1.0
    reduced: bool = False

    def __post_init__(self) -> None:
        if not self.maps or any(min(pair(size)) < 1 for size in self.maps):
            _fail(f"maps must be one or more sizes of 1 or more, found {list(self.maps)}")
        for name, values in (("scales", self.scales or ()), ("ratios", self.ratios)):
            if not all(0 < value < math.inf for value in values):
                _fail(f"{name} must be above 0, found {list(values)}")
        if self.interpolated is not None and not 0 < self.interpolated < math.inf:
            _fail(f"interpolated must be above 0, found {self.interpolated}")
        if not self.ratios and self.interpolated is None:
            _fail("ratios may be empty only if interpolated is not null")


@dataclass(frozen=True, kw_only=True)
class SsdConfig(DetectionConfig):
    """How the outputs of an SSD, including BlazeFace, become boxes.

    Centre and size of a box are relative to its anchor: ``centre = anchor + encoding / divisor * anchor's size``, and
    ``size = anchor's size * exp(encoding / divisor)``, or the same without the exponential.

    :param boxes: Outputs ``[N, 4 + 2 points]`` with encodings.
    :param scores: Outputs ``[N, classes]``.
    :param anchors: The N anchors.
    :param order: Order of the numbers in an encoding; points use the same order of x and y.
    :param divisors: Divisors of x, y, width and height: the reciprocals of the variances.
    :param size: Whether encoded widths and heights are exponents or factors.
    :param points: Number of key points of each box; their encodings follow those of the box.
    :param activation: The function that turns the model's values into scores.
    :param background: Position of a background class in the scores; it has no label.
    """

    boxes: Names
    scores: Names
    anchors: Anchors
    order: Literal["yxhw", "xywh"] = "yxhw"
    divisors: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    size: Literal["exp", "linear"] = "exp"
    points: int = 0
    activation: Literal["sigmoid", "softmax", "none"] = "sigmoid"
    background: Literal["none", "first", "last"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 < divisor < math.inf for divisor in self.divisors):
            _fail(f"divisors must be above 0, found {list(self.divisors)}")
        if self.points < 0:
            _fail(f"points must be 0 or more, found {self.points}")


@dataclass(frozen=True, kw_only=True)
class NanoDetConfig(DetectionConfig):
    """How the outputs of NanoDet, and of other models with distribution-based regression, become boxes.

    The distance from the centre to each side is the mean of a distribution over ``bins`` steps of the stride: Li et
    al., Generalized Focal Loss, 2020, section 3.

    :param scores: Outputs ``[N, classes]``: one for each stride, or one for all.
    :param boxes: Outputs ``[N, 4 bins]``, as many as ``scores``.  Default: they follow the scores in the same rows.
    :param strides: Side of a cell in pixels of the input, for each level in the order of the rows.
    :param bins: Number of bins of each distribution.
    :param offset: Position of a box's centre in its cell, 0 to 1; 0 for NanoDet-Plus.
    :param activation: The function that turns the model's values into scores.
    """

    scores: Names
    boxes: Names = ()
    strides: tuple[int, ...] = (8, 16, 32)
    bins: int = 11
    offset: float = 0.5
    activation: Literal["sigmoid", "none"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.strides or min(self.strides) < 1:
            _fail(f"strides must be 1 or more each, found {list(self.strides)}")
        if self.bins < 2:  # noqa: PLR2004 - one bin has no mean
            _fail(f"bins must be 2 or more, found {self.bins}")


@dataclass(frozen=True, kw_only=True)
class BoxesConfig(DetectionConfig):
    """How boxes that the model has already decoded become detections.

    Either ``output`` holds boxes and scores together, or ``boxes`` and ``scores`` are separate outputs.

    :param output: ``[N, 4 + ...]``: each row is a box, followed by the values named by ``holds``.
    :param holds: The values after the box: ``scores``, one for each class; ``objectness``, followed by the scores that
        it multiplies; ``score, class``, the score and index of the best class.
    :param transposed: Whether ``output`` is ``[4 + ..., N]``.
    :param boxes: ``[N, 4]``.
    :param scores: ``[N, classes]``, or ``[N]`` if ``classes`` is given.
    :param classes: ``[N]``, the class of each box.
    :param count: One number: how many of the N rows are valid; only with ``classes``.
    :param format: The numbers of a box: centre x, y, width, height; left, top, right, bottom; top, left, bottom, right;
        or left, top, width, height.
    :param unit: Pixels of the input, or shares of its width and height.
    :param activation: The function that turns the model's values into scores.
    :param background: Position of a background class in the scores; it has no label.
    """

    output: str = ""
    holds: Literal["scores", "objectness", "score, class"] = "scores"
    transposed: bool = False
    boxes: str = ""
    scores: str = ""
    classes: str = ""
    count: str = ""
    format: Literal["cxcywh", "ltrb", "tlbr", "ltwh"] = "cxcywh"
    unit: Literal["pixels", "share"] = "pixels"
    activation: Literal["sigmoid", "softmax", "none"] = "none"
    background: Literal["none", "first", "last"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.output) == bool(self.boxes) or bool(self.boxes) != bool(self.scores):
            _fail("name either output, or boxes and scores")
        if self.boxes and (self.holds != "scores" or self.transposed):
            _fail("holds and transposed belong to output, not to boxes and scores")
        if self.output and (self.classes or self.count):
            _fail("classes and count belong to boxes and scores, not to output")
        if self.count and not self.classes:
            _fail("count requires classes, which is not named")
        paired = bool(self.classes) or self.holds == "score, class"
        if paired and (self.activation == "softmax" or self.background != "none"):
            _fail("softmax and background need a score for each class")
        if self.holds == "objectness" and (self.activation == "softmax" or self.background != "none"):
            _fail("softmax and background cannot be combined with objectness")


def _fail(what: str) -> None:
    raise ValueError(what)
