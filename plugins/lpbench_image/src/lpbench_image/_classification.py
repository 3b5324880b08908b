"""The postprocessor ``classification``: class scores become the best labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._amount import amount
from lpbench_image._outputs import WHERE, best, choose, real
from lpbench_image.config import ClassificationConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo


class Classes(NamedTuple):
    """The best classes of one sample, best first; among equal scores, the lower index first.

    :param indices: int64, at most ``top_k``.
    :param scores: float32, one for each index.
    """

    indices: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]


class Classification(Postprocessor[ClassificationConfig]):
    """Reads one score for each class; dimensions of size 1 are dropped."""

    def __init__(self, config: ClassificationConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        self._top_k = config.top_k
        self._activate = _ACTIVATIONS[config.activation]
        self._open = bool(self.output.dynamic)
        if not self._open:
            self._check(self.output.shape)  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Classes:
        """Return the best classes.

        :raises ProcessorError: The scores are not finite, or their number differs from that of the labels.
        """
        scores, highest = self._scores(outputs, sample)
        indices = best(scores, self._top_k)
        return Classes(indices, self._activate(scores, indices, highest))

    def describe(self, prediction: Classes, /) -> Mapping[str, Any]:
        """Return ``{"top": [{"label", "index", "score"}, ...]}``; without labels, the index is the label."""
        pairs = zip(prediction.indices.tolist(), prediction.scores.tolist(), strict=True)
        return {"top": [{"label": self._label(at), "index": at, "score": score} for at, score in pairs]}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``scores`` of all classes after the activation, ``(classes,)``."""
        scores, highest = self._scores(outputs, sample)
        return {"scores": self._activate(scores, np.arange(scores.size), highest)}

    def _scores(self, outputs: Outputs, sample: Sample) -> tuple[npt.NDArray[np.float32], float]:
        """Return the model's scores and the highest of them."""
        values = outputs[self.output.name]
        if self._open:
            self._check(values.shape)
        scores = real(values, self.output).reshape(-1)
        highest = float(scores.max())  # NaN if any score is NaN
        if not math.isfinite(highest):
            raise ProcessorError(
                f'output "{self.output.name}" holds {highest}',
                where=sample.name,
                hint="half precision may overflow: try float32",
            )
        return scores, highest

    def _label(self, index: int) -> str:
        return self.labels[index] if self.labels else str(index)

    def _check(self, shape: Sequence[int]) -> None:
        count = math.prod(shape)
        if count != max(shape, default=1) or not count:
            raise ProcessorError(
                f'output "{self.output.name}" {list(shape)} is not one score for each class', where=WHERE
            )
        if self.labels and len(self.labels) != count:
            raise ProcessorError(
                f"{amount(len(self.labels), 'label')} for {amount(count, 'class', 'classes')} of output "
                f'"{self.output.name}"',
                where="labels",
                hint="write one label per line, in the order of the classes",
            )


def _softmax(scores: npt.NDArray[np.float32], indices: npt.NDArray[np.int64], best: float) -> npt.NDArray[np.float32]:
    """Return the softmax at some indices; subtracting the highest score keeps the exponential in range."""
    exponentials = np.exp(scores - np.float32(best))
    chosen: npt.NDArray[np.float32] = exponentials[indices] / exponentials.sum()
    return chosen


def _sigmoid(scores: npt.NDArray[np.float32], indices: npt.NDArray[np.int64], _best: float) -> npt.NDArray[np.float32]:
    """Return the logistic function at some indices, computed so that large logits of either sign do not overflow."""
    chosen: npt.NDArray[np.float32] = np.exp(-np.logaddexp(np.float32(0), -scores[indices]))
    return chosen


def _same(scores: npt.NDArray[np.float32], indices: npt.NDArray[np.int64], _best: float) -> npt.NDArray[np.float32]:
    return scores[indices]


_ACTIVATIONS = {"softmax": _softmax, "sigmoid": _sigmoid, "none": _same}
