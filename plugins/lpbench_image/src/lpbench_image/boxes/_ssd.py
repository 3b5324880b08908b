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

    from lpbench.engine import Outputs, TensorInfo
    from lpbench_image.geometry import Extent

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

LOW_HIGH = {"xywh": (slice(0, 2), slice(2, 4)), "yxhw": (slice(1, None, -1), slice(3, 1, -1))}
"""Where left and top, and right and bottom, go in the order of an encoding."""


class Ssd(Detector[SsdConfig]):
    """Adds encodings to anchors; both stay in the model's order of x and y until the end."""

    def __init__(self, config: SsdConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        self._anchors = anchors(config.anchors)
        only = 1 if len(labels) == 1 and config.background == "none" else None
        rule = Rule(config.threshold, config.activation, config.background)
        scores = Tables("scores", config.scores, outputs, only)
        boxes = Tables("boxes", config.boxes, outputs, SIZED + 2 * config.points)
        counts = {"anchors": len(self._anchors)}
        super().__init__(config, outputs, labels, Levels(scores, rule), boxes, config.points, counts)
        self._flip = config.order == "yxhw"
        divisors = np.array(config.divisors, np.float32).reshape(2, 2, 1)
        self._divisors = divisors[:, ::-1] if self._flip else divisors
        self._low, self._high = LOW_HIGH[config.order]
        self._priors: tuple[Extent, Floats] = ((0, 0), np.empty((6, 0), np.float32))

    def _decode(self, outputs: Outputs, rows: Indices, size: Extent) -> tuple[Floats, Floats]:
        encodings = self._boxes.take(outputs, rows).T
        priors = self._prior(size).take(rows, axis=1)
        middle, factor = priors[:2], priors[2:4]
        centre = encodings[:2] * factor + middle
        exponential = self.config.size == "exp"
        half = (np.exp(encodings[2:4] / self._divisors[1]) if exponential else encodings[2:4]) * priors[4:]
        corners = np.empty((SIZED, len(rows)), np.float32)
        np.subtract(centre, half, out=corners[self._low])
        np.add(centre, half, out=corners[self._high])
        if not self.config.points:
            return corners, np.empty((len(rows), 0, 2), np.float32)
        points = encodings[SIZED:].reshape(-1, 2, len(rows)) * factor + middle
        return corners, (points[:, ::-1] if self._flip else points).transpose(2, 0, 1)

    def _prior(self, size: Extent) -> Floats:
        """Return each anchor's middle, what one of an encoding moves it by, and half of what one adds to its size."""
        known, priors = self._priors
        if known != size:
            pixels = self._anchors.reshape(-1, 2, 2) * np.array(size[::-1], np.float32)
            middle, sides = (pixels[..., ::-1] if self._flip else pixels).transpose(1, 2, 0)
            half = sides / 2 if self.config.size == "exp" else sides / 2 / self._divisors[1]
            priors = np.concatenate([middle, sides / self._divisors[0], half])
            self._priors = (size, priors)
        return priors
