"""Settings of the postprocessors of detectors, as they stand in an app's config.

Outputs are named as the app names them; several names are levels of one detector,
in the order in which their rows are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from lpbench_image.config import Size, pair

Names = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DetectionConfig:
    """What every detector's postprocessor asks.

    :param threshold: Score from which a box counts.
    :param overlap: Intersection over union above which the weaker of two boxes is dropped.
    :param suppress: Which boxes compete: those of one ``class``, ``all``, or ``none``.
    :param all_classes: A box counts for every class whose score reaches the threshold, not for its best only.
    :param limit: Boxes in a prediction, best first.
    :param clip: Boxes are cut to the picture; points never are.
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
    """The boxes that an SSD starts from, as in Liu et al., SSD, 2016, section 2.2, and MediaPipe's calculator.

    Each cell of a map has one for each of ``ratios``, then the interpolated one.  Neighbouring maps of equal size are
    one map with the anchors of all.

    :param maps: Height and width of each feature map, the largest first.
    :param scales: Anchor sizes of the first and the last map as shares of the input, those between in equal steps;
        left out, every anchor is as large as the input and only its centre matters, as in BlazeFace.
    :param ratios: Width over height.
    :param interpolated: Ratio of a further anchor, whose size is the geometric mean of this map's and the next's (1
        after the last); null for none.
    :param reduced: The first map has three instead: a square of half the first scale, then ratios 2 and 1/2.
    """

    maps: tuple[Size, ...]
    scales: tuple[float, float] | None = None
    ratios: tuple[float, ...] = (1.0,)
    interpolated: float | None = 1.0
    reduced: bool = False

    def __post_init__(self) -> None:
        if not self.maps or any(min(pair(each)) < 1 for each in self.maps):
            _fail(f"maps must be one or more sizes of 1 or more, found {list(self.maps)}")
        for name, values in (("scales", self.scales or ()), ("ratios", self.ratios)):
            if not all(0 < each < math.inf for each in values):
                _fail(f"{name} must be above 0, found {list(values)}")
        if self.interpolated is not None and not 0 < self.interpolated < math.inf:
            _fail(f"interpolated must be above 0, found {self.interpolated}")
        if not self.ratios and self.interpolated is None:
            _fail("ratios may be empty only where interpolated is not null")


@dataclass(frozen=True, kw_only=True)
class SsdConfig(DetectionConfig):
    """How the outputs of an SSD, BlazeFace included, become boxes.

    A box is centre and size relative to its anchor: ``centre = anchor + encoding / divisor * anchor's size``, and
    ``size = anchor's size * exp(encoding / divisor)``, or the same without the exponential.

    :param boxes: Outputs of ``[N, 4 + 2 points]`` encodings.
    :param scores: Outputs of ``[N, classes]``.
    :param anchors: One for each of the N.
    :param order: Of an encoding's numbers; a point's are ordered alike.
    :param divisors: Of x, y, width and height: 1 over the variances.
    :param size: What width and height are: exponents or factors.
    :param points: Key points of each box; their encodings stand behind the box's.
    :param activation: What turns the model's numbers into scores.
    :param background: Where the scores have one of no class; labels do not count it.
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
        if not all(0 < each < math.inf for each in self.divisors):
            _fail(f"divisors must be above 0, found {list(self.divisors)}")
        if self.points < 0:
            _fail(f"points must be 0 or more, found {self.points}")


@dataclass(frozen=True, kw_only=True)
class NanoDetConfig(DetectionConfig):
    """How the outputs of NanoDet, and of others with distributed regression, become boxes.

    The distance from the centre to each side is the mean of a distribution over ``bins`` steps of the stride: Li et
    al., Generalized Focal Loss, 2020, section 3.

    :param scores: Outputs of ``[N, classes]``, one for each stride or all in one.
    :param boxes: Outputs of ``[N, 4 bins]``, as many; left out, they stand behind the scores in the same rows.
    :param strides: Pixels of the input for one cell, in the order of the rows.
    :param bins: Of each distribution.
    :param offset: Where in its cell a box has its centre, 0 to 1; 0 for NanoDet-Plus.
    :param activation: What turns the model's numbers into scores.
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
    """How boxes that a model has decoded itself become detections.

    Either ``output`` holds boxes and scores together, or ``boxes`` and ``scores`` are outputs of their own.

    :param output: ``[N, 4 + ...]``, each row a box and what ``holds`` says.
    :param holds: What follows the box: ``scores``, one for each class; ``objectness`` and then scores, which it
        multiplies; ``score, class``, the best class and its score.
    :param transposed: ``output`` is ``[4 + ..., N]``.
    :param boxes: ``[N, 4]``.
    :param scores: ``[N, classes]``; with ``classes`` ``[N]``.
    :param classes: ``[N]``, the class of each box.
    :param count: One number: how many of the N there are; with ``classes``.
    :param format: A box's numbers: centre x, y, width, height; left, top, right, bottom; top, left, bottom, right;
        left, top, width, height.
    :param unit: Pixels of the input, or shares of its width and height.
    :param activation: What turns the model's numbers into scores.
    :param background: Where the scores have one of no class; labels do not count it.
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
            _fail("count belongs to classes, which is not named")
        paired = bool(self.classes) or self.holds == "score, class"
        if paired and (self.activation == "softmax" or self.background != "none"):
            _fail("softmax and background need a score for each class")
        if self.holds == "objectness" and (self.activation == "softmax" or self.background != "none"):
            _fail("softmax and background exclude objectness")


def _fail(what: str) -> None:
    raise ValueError(what)
