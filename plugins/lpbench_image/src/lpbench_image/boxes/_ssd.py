"""SSD and BlazeFace: boxes relative to anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpbench_image.boxes._anchors import anchors
from lpbench_image.boxes._detector import SIZED, Detector
from lpbench_image.boxes._readers import Levels
from lpbench_image.boxes._scores import Rule
from lpbench_image.boxes._tables import Tables
from lpbench_image.boxes.config import SsdConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import TensorInfo
    from lpbench_image.geometry import Extent

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]


HIGHEST = np.array(30, np.float32)
"""Largest exponent: larger ones are clipped, so that the areas of boxes do not overflow."""


class Ssd(Detector[SsdConfig]):
    """Adds encodings to anchors; both keep the model's order of x and y until the end."""

    def __init__(self, config: SsdConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        self._anchors = anchors(config.anchors)
        only = 1 if len(labels) == 1 and config.background == "none" else None
        rule = Rule(config.threshold, config.activation, config.background)
        scores = Tables("scores", config.scores, outputs, only)
        boxes = Tables("boxes", config.boxes, outputs, SIZED + 2 * config.points)
        counts = {"anchors": len(self._anchors)}
        super().__init__(config, outputs, labels, Levels(scores, rule), boxes, points=config.points, counts=counts)
        self._flip = config.order == "yxhw"
        divisors = np.array(config.divisors, np.float32).reshape(2, 2, 1)
        self._divisors = divisors[:, ::-1] if self._flip else divisors
        self._in_pixels = (
            False  # whether encodings are in pixels, as in BlazeFace; a multiplication by 1 is then skipped
        )
        self._priors: tuple[Extent, Floats] = ((0, 0), np.empty((6, 0), np.float32))

    def _decode(self, numbers: Floats, rows: Indices, size: Extent) -> Floats:
        encodings = numbers.T
        priors = self._prior(size).take(rows, axis=1)
        middle, factor = priors[:2], priors[2:4]
        pairs = encodings.reshape(-1, 2, len(rows))  # includes the pair of the size, which is overwritten below
        places: Floats = pairs + middle if self._in_pixels else pairs * factor + middle
        half = priors[4:] * (self._exponential(encodings[2:4]) if self.config.size == "exp" else encodings[2:4])
        np.add(places[0], half, out=places[1])
        places[0] -= half
        return places[:, ::-1] if self._flip else places

    def _exponential(self, sizes: Floats) -> Floats:
        exponents: Floats = sizes / self._divisors[1]
        np.minimum(exponents, HIGHEST, out=exponents)
        np.exp(exponents, out=exponents)
        return exponents

    def _prior(self, size: Extent) -> Floats:
        """Return each anchor's centre, the pixels per unit of encoded centre, and half of those per unit of size."""
        known, priors = self._priors
        if known != size:
            pixels = self._anchors.reshape(-1, 2, 2) * np.array(size[::-1], np.float32)
            middle, sides = (pixels[..., ::-1] if self._flip else pixels).transpose(1, 2, 0)
            half = sides / 2 if self.config.size == "exp" else sides / 2 / self._divisors[1]
            priors = np.concatenate([middle, sides / self._divisors[0], half])
            self._priors, self._in_pixels = (size, priors), bool((priors[2:4] == 1).all())
        return priors
