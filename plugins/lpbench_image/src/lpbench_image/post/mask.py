"""Scores for each pixel become a mask of the source picture's size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import WHERE, choose, real
from lpbench_image.found import Mask
from lpbench_image.post import run_lengths
from lpbench_image.post._placing import Placing
from lpbench_image.post._reading import geometry_of, require_scores, with_batch
from lpbench_image.post.config import MaskConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

    Floats = npt.NDArray[np.float32]

CLASSES = 256
"""What a byte for each pixel can tell apart."""
CHANNELS = {"NCHW": 1, "NHWC": 3}
"""Axis of the channels."""


class Segmentation(Postprocessor[MaskConfig]):
    """Takes one probability for each pixel, or one score for each pixel and class.

    One channel is brought to the picture's size, bilinear, and compared with the threshold.  Of several, the best
    at the model's resolution counts, the first of equal ones, and pixels of the picture take the nearest.  What
    the input left out of the picture is 0.
    """

    def __init__(self, config: MaskConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        self._placing: Placing | None = None
        if not self.output.dynamic:
            self._axis(self.output.shape)  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Mask:
        """Return the mask: 0 and 1 for one channel, else the class.

        :raises ProcessorError: A value is not finite.
        """
        scores = self._read(outputs, sample)
        placing = self._place(sample, scores.shape[1:], smooth=len(scores) == 1)
        height, width = placing.geometry.source
        values = np.empty((height, width), np.uint8)
        if len(scores) == 1:
            np.greater(placing(scores[0]), self.config.threshold, out=values.view(np.bool_))
        else:
            np.copyto(values, placing(_best_classes(scores)))
        return Mask(values)

    def describe(self, prediction: Mask, /) -> Mapping[str, Any]:
        """Return run lengths and the share of the picture's pixels.

        For one channel ``{"mask": {"size", "counts"}, "share": {label: share}}``, else
        ``{"masks": {label: {"size", "counts"}, ...}, "share"}`` of the classes that occur.
        """
        values = prediction.values
        counts = np.bincount(values.reshape(-1))
        found = [at for at in np.flatnonzero(counts).tolist() if at or not self._single]
        masks = {self._label(at): run_lengths.encode(values == at) for at in found}
        share = {self._label(at): counts[at] / values.size for at in found}
        if not self._single:
            return {"masks": masks, "share": share}
        label = self._label(1)
        return {"mask": masks.get(label) or run_lengths.encode(values > 0), "share": {label: share.get(label, 0.0)}}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``scores``, ``(channels, height, width)``, at the model's resolution."""
        return {"scores": self._read(outputs, sample)}

    def _read(self, outputs: Outputs, sample: Sample) -> Floats:
        """Return the scores, ``(channels, height, width)``; a view."""
        values = outputs[self.output.name]
        axis = self._axis(values.shape)
        found = real(values, self.output).reshape(with_batch(values.shape))
        require_scores(found, self.output, sample)
        planes: Floats = np.moveaxis(found, axis, 1)[0]
        return planes

    def _place(self, sample: Sample, shape: tuple[int, ...], *, smooth: bool) -> Placing:
        """Return the way to the picture: the last one again where nothing has changed."""
        geometry, kept = geometry_of(sample), self._placing
        if kept is None or kept.geometry is not geometry or kept.shape != shape:
            self._placing = kept = Placing(geometry, (shape[0], shape[1]), smooth=smooth)
        return kept

    def _axis(self, given: Sequence[int]) -> int:
        """Return the axis of the channels, the batch being the first.

        :raises ProcessorError: The output is no map, or the labels do not fit.
        """
        shape = with_batch(given)
        if len(shape) != 4 or shape[0] != 1 or not all(shape):  # noqa: PLR2004 - batch, channels, height, width
            raise ProcessorError(
                f'output "{self.output.called}" {list(shape)} is no map: expected 4 dimensions, the first of them 1',
                where=WHERE,
            )
        axis = CHANNELS[self._layout(shape)]
        count = shape[axis]
        self._single = count == 1
        fitting = {0, 1, 2} if self._single else {0, count}
        if len(self.labels) not in fitting or count > CLASSES:
            what = f'{len(self.labels)} labels for {count} channels of output "{self.output.called}" {list(shape)}'
            hint = f"one channel takes a label, or one for the rest and one; several take one each, {CLASSES} at most"
            raise ProcessorError(what, where="labels", hint=hint)
        return axis

    def _layout(self, shape: Sequence[int]) -> str:
        if self.config.layout != "auto":
            return self.config.layout
        stated = f"N{self.output.layout}" if self.output.layout in {"CHW", "HWC"} else self.output.layout
        if stated in CHANNELS:
            return stated
        for count in (1, len(self.labels)):
            found = [name for name, axis in CHANNELS.items() if shape[axis] == count]
            if len(found) == 1:
                return found[0]
        raise ProcessorError(
            f'cannot tell the layout of output "{self.output.called}" {list(shape)}',
            where=WHERE,
            hint='say "layout": "NCHW" or "NHWC"',
        )

    def _label(self, at: int) -> str:
        if self._single and len(self.labels) == 1:
            return self.labels[0]
        return self.labels[at] if self.labels else str(at)


def _best_classes(scores: Floats) -> npt.NDArray[np.uint8]:
    """Return the class of the highest score for each pixel, of equal ones the first, ``(height, width)``."""
    if scores.strides[0] < scores.strides[2]:  # the channels of a pixel lie side by side
        found: npt.NDArray[np.uint8] = scores.argmax(0).astype(np.uint8)
        return found
    highest = scores[0].copy()
    classes: npt.NDArray[np.uint8]
    classes, step = np.zeros((2, *highest.shape), np.uint8)
    above = np.empty(highest.shape, np.bool_)
    for at in range(1, len(scores)):  # in whole planes: a tenth of what argmax across them takes
        np.greater(scores[at], highest, out=above)
        np.maximum(scores[at], highest, out=highest)
        np.multiply(above.view(np.uint8), np.uint8(at), out=step)
        np.maximum(classes, step, out=classes)
    return classes
