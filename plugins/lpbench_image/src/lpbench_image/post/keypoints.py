"""The postprocessor ``keypoints``: key points of bodies, in MoveNet's output formats.

Source: the model cards of MoveNet SinglePose and MultiPose (Google, 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import WHERE, choose, real
from lpbench_image.found import Poses
from lpbench_image.post._reading import geometry_of, require_finite
from lpbench_image.post.config import KeypointsConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

    Floats = npt.NDArray[np.float32]

EACH = 3
"""Numbers per point: y, x, score."""
BOX = 5
"""Numbers that follow the points of each body in the multi-pose format: a box and its score."""


class Keypoints(Postprocessor[KeypointsConfig]):
    """Reads y, x and score of each point, y and x as shares of the input's height and width.

    The output is either ``[..., points, 3]``, for one body or several, or ``[..., bodies, points * 3 + 5]``, whose last
    five numbers, a box and its score, are ignored.
    """

    def __init__(self, config: KeypointsConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        if not self.output.dynamic:
            _points(self.output.shape, self.output)  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Poses:
        """Return the bodies, best first.

        :raises ProcessorError: A value is not finite.
        """
        bodies = self._read(outputs, sample)
        scores = bodies[:, :, 2]
        of_bodies = (np.add.reduce(scores, axis=1) / bodies.shape[1]).tolist()
        kept = [at for at, score in enumerate(of_bodies) if score >= self.config.threshold]
        kept.sort(key=of_bodies.__getitem__, reverse=True)  # stable: equal scores keep their order
        return Poses(_in_source(bodies[kept, :, :2], sample), scores[kept])

    def describe(self, prediction: Poses, /) -> Mapping[str, Any]:
        """Return ``{"items": [{"score", "points": [[x, y], ...], "scores": [...]}, ...]}``."""
        bodies = zip(prediction.points.tolist(), prediction.scores.tolist(), strict=True)
        return {
            "items": [
                {"score": sum(scores) / len(scores), "points": points, "scores": scores} for points, scores in bodies
            ]
        }

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``points``, ``(bodies, k, 2)``, x and y as shares of the input, and ``scores``, ``(bodies, k)``."""
        bodies = self._read(outputs, sample)
        return {"points": bodies[:, :, 1::-1], "scores": bodies[:, :, 2]}

    def _read(self, outputs: Outputs, sample: Sample) -> Floats:
        """Return y, x and score, ``(bodies, points, 3)``."""
        values = outputs[self.output.name]
        count = _points(values.shape, self.output)
        rows = real(values, self.output).reshape(-1, values.shape[-1] if values.shape[-1] > EACH else count * EACH)
        require_finite(rows, self.output, sample)
        return rows[:, : count * EACH].reshape(-1, count, EACH)


def _in_source(points: Floats, sample: Sample) -> Floats:
    """Map points, y and x as shares of the input, to x and y in pixels of the source picture."""
    geometry = geometry_of(sample)
    (height, width), ((a, b, x), (c, d, y)) = geometry.size, geometry.rows
    matrix = np.array(((b * height, d * height), (a * width, c * width)), np.float32)
    mapped: Floats = points.dot(matrix)
    mapped += np.array((x, y), np.float32)
    return mapped


def _points(shape: Sequence[int], info: TensorInfo) -> int:
    """Return the number of points of each body.

    :raises ProcessorError: The output has neither of the two shapes.
    """
    *before, last = shape or (0,)
    if last == EACH and before and all(before):
        return before[-1]
    count, rest = divmod(last - BOX, EACH)
    if count > 0 and not rest and all(before):
        return count
    raise ProcessorError(
        f'output "{info.called}" {list(shape)} is neither [..., points, 3] nor [..., bodies, points * 3 + 5]',
        where=WHERE,
    )
