"""The postprocessor ``mask``: a mask in the source picture's size from scores for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._amount import amount
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
"""Largest number of classes: a mask has one byte per pixel."""
CHANNELS = {"NCHW": 1, "NHWC": 3}
"""Axis of the channels."""


class Segmentation(Postprocessor[MaskConfig]):
    """Reads one probability for each pixel, or one score for each pixel and class.

    A single channel is interpolated bilinearly to the picture's size and compared with the threshold.  With several
    channels, the best class is chosen at the model's resolution, the first among equal scores, and each pixel of the
    picture takes the nearest one.  Pixels of the picture outside the input are 0.
    """

    def __init__(self, config: MaskConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        self._placing: Placing | None = None
        if not self.output.dynamic:
            self._axis(self.output.shape)  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Mask:
        """Return the mask: 0 and 1 for a single channel, otherwise class indices.

        :raises ProcessorError: A score is NaN or infinity.
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
        """Return the run lengths of the masks and their shares of the picture's pixels.

        For a single channel ``{"mask": {"size", "counts"}, "share": {label: share}}``, otherwise
        ``{"masks": {label: {"size", "counts"}, ...}, "share"}`` with the classes that occur.
        """
        values = prediction.values
        counts = np.bincount(values.reshape(-1))
        classes = [at for at in np.flatnonzero(counts).tolist() if at or not self._single]
        masks = {self._label(at): run_lengths.encode(values == at) for at in classes}
        share = {self._label(at): counts[at] / values.size for at in classes}
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
        scores = real(values, self.output).reshape(with_batch(values.shape))
        require_scores(scores, self.output, sample)
        planes: Floats = np.moveaxis(scores, axis, 1)[0]
        return planes

    def _place(self, sample: Sample, shape: tuple[int, ...], *, smooth: bool) -> Placing:
        """Return the resampling to the picture; the last one is reused if geometry and shape are the same."""
        geometry, kept = geometry_of(sample), self._placing
        if kept is None or kept.geometry is not geometry or kept.shape != shape:
            self._placing = kept = Placing(geometry, (shape[0], shape[1]), smooth=smooth)
        return kept

    def _axis(self, given: Sequence[int]) -> int:
        """Return the axis of the channels in the shape with a batch dimension.

        :raises ProcessorError: The output is not a map, or the number of labels does not fit.
        """
        shape = with_batch(given)
        if len(shape) != 4 or shape[0] != 1 or not all(shape):  # noqa: PLR2004 - batch, channels, height, width
            raise ProcessorError(
                f'output "{self.output.called}" {list(shape)} is not a map: expected 4 dimensions, the first of them 1',
                where=WHERE,
            )
        axis = CHANNELS[self._layout(shape)]
        count = shape[axis]
        self._single = count == 1
        fitting = {0, 1, 2} if self._single else {0, count}
        if len(self.labels) not in fitting or count > CLASSES:
            counts = f"{amount(len(self.labels), 'label')} for {amount(count, 'channel')}"
            what = f'{counts} of output "{self.output.called}" {list(shape)}'
            hint = (
                "one channel needs one label, or two with the background first; "
                f"several need one each, {CLASSES} at most"
            )
            raise ProcessorError(what, where="labels", hint=hint)
        return axis

    def _layout(self, shape: Sequence[int]) -> str:
        if self.config.layout != "auto":
            return self.config.layout
        stated = f"N{self.output.layout}" if self.output.layout in {"CHW", "HWC"} else self.output.layout
        if stated in CHANNELS:
            return stated
        for count in (1, len(self.labels)):
            layouts = [name for name, axis in CHANNELS.items() if shape[axis] == count]
            if len(layouts) == 1:
                return layouts[0]
        raise ProcessorError(
            f'cannot determine the layout of output "{self.output.called}" {list(shape)}',
            where=WHERE,
            hint='set "layout": "NCHW" or "NHWC"',
        )

    def _label(self, at: int) -> str:
        if self._single and len(self.labels) == 1:
            return self.labels[0]
        return self.labels[at] if self.labels else str(at)


def _best_classes(scores: Floats) -> npt.NDArray[np.uint8]:
    """Return the class with the highest score for each pixel, the first among equal ones, ``(height, width)``."""
    if scores.strides[0] < scores.strides[2]:  # the channels of a pixel are contiguous
        best: npt.NDArray[np.uint8] = scores.argmax(0).astype(np.uint8)
        return best
    highest = scores[0].copy()
    classes: npt.NDArray[np.uint8]
    classes, step = np.zeros((2, *highest.shape), np.uint8)
    above = np.empty(highest.shape, np.bool_)
    for at in range(1, len(scores)):  # plane by plane takes a tenth of the time of argmax across the planes
        np.greater(scores[at], highest, out=above)
        np.maximum(scores[at], highest, out=highest)
        np.multiply(above.view(np.uint8), np.uint8(at), out=step)
        np.maximum(classes, step, out=classes)
    return classes
