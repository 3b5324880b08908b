"""The preprocessor of images: one resize, one reordering of bytes, one conversion, into buffers kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench.processor import Preprocessor, Sample
from lpbench_image._decode import read_picture
from lpbench_image._plan import Output, Plan
from lpbench_image._target import settle
from lpbench_image._tensor import aligned
from lpbench_image.config import ImageConfig
from lpbench_image.geometry import sizing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.engine import Feeds, TensorInfo
    from lpbench_image._tensor import Picture
    from lpbench_image.geometry import Extent, Placement

LOCAL = {"nearest", "bilinear"}
"""Interpolations that look only at the pixels next to a point."""
PLANS = 1024
"""Sizes of pictures that are remembered."""
OUTPUTS = 8
"""Sizes of inputs whose buffers are kept; most models have one."""
MADE_UP = 224
"""Height and width of made-up pictures where the model's are open."""


class ImagePreprocessor(Preprocessor[ImageConfig]):
    """Turns one image into one tensor.

    The data of a sample is an array of height x width x 3, uint8, in the order blue, green, red; a caller may
    bring its own.  ``sample.geometry`` becomes a ``Geometry``.  Sets the number of OpenCV's threads.
    """

    def __init__(self, config: ImageConfig, inputs: Sequence[TensorInfo]) -> None:
        super().__init__(config, inputs)
        self.target = settle(config, inputs)
        self.sizing = sizing(config, self.target.size, self.target.name)
        self._plans: dict[tuple[Any, Any], Plan] = {}
        self._outputs: dict[Extent, Output] = {}
        self._store = np.empty(0, np.uint8)
        self._last: Plan | None = None
        self._output(self.sizing.fixed or (1, 1))  # refuses a wrong normalisation now
        cv2.setNumThreads(config.threads)

    def load(self, path: Path) -> Sample:
        """Read and decode one file.

        :raises ProcessorError: Naming the file and why it cannot be used.
        """
        return Sample(path.name, read_picture(path, self.config.max_pixels))

    def generate(self, index: int, seed: int) -> Sample:
        """Return a picture of the model's size with patches of many sizes and a little noise, as photos have."""
        height, width = self.sizing.fixed or [each or MADE_UP for each in self.target.size]
        random = np.random.default_rng([index, seed % 2**64])
        picture = random.normal(128, 4, (height, width, 3)).astype(np.float32)
        for cells in (2, 5, 13, 34):
            patches = random.normal(0, 90 / cells**0.5, (cells, cells, 3)).astype(np.float32)
            picture += cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
        return Sample(str(index), np.clip(picture, 0, 255).astype(np.uint8))

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the tensor by the input's name; it stays valid until the next call.

        :raises ProcessorError: The sample is no picture, or does not yield the model's size.
        """
        picture = sample.data
        try:
            plan = self._plans[picture.shape, picture.dtype]
        except (KeyError, AttributeError):
            plan = self._remember(sample)
        if plan is not self._last:
            plan.enter()
            self._last = plan
        sample.geometry = plan.geometry
        return plan.run(picture)

    def steps(self, sample: Sample) -> dict[str, int]:
        """Return the nanoseconds of resizing and of converting."""
        self(sample)  # makes the plan, and leaves the canvas to it
        return self._plans[sample.data.shape, sample.data.dtype].steps(sample.data)

    def _remember(self, sample: Sample) -> Plan:
        """Make the plan for pictures of the sample's size."""
        picture = sample.data
        _check(picture, sample.name)
        local = self.config.resize.interpolation in LOCAL
        try:
            placement = self.sizing.place(picture.shape[:2], local=local)
        except ProcessorError as error:
            raise ProcessorError(error.what, where=sample.name, hint=error.hint) from None
        if len(self._plans) >= PLANS:
            self._plans.clear()
        plan = Plan(self.config.resize, placement, self._canvas(placement), self._output(placement.size))
        self._plans[picture.shape, picture.dtype] = plan
        return plan

    def _canvas(self, placement: Placement) -> Picture:
        """Return room for the resized picture and its padding."""
        height, width = (max(each) for each in zip(placement.resized, placement.size, strict=True))
        needed = height * width * 3
        if needed > self._store.size:
            self._store = aligned((needed,), "uint8")
            self._plans.clear()  # they hold the smaller store
        return self._store[:needed].reshape(height, width, 3)

    def _output(self, size: Extent) -> Output:
        """Return what holds inputs of one size."""
        if size not in self._outputs:
            if len(self._outputs) >= OUTPUTS:
                self._outputs.clear()
                self._plans.clear()  # they hold outputs
            self._outputs[size] = Output(self.config, self.target, size)
        return self._outputs[size]


def _check(picture: object, name: str) -> None:
    fits = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3  # noqa: PLR2004 - axes
    if fits and picture.shape[2] == 3 and picture.size:  # type: ignore[attr-defined] # noqa: PLR2004 - blue, green, red
        return
    found = f"{picture.dtype} {list(picture.shape)}" if isinstance(picture, np.ndarray) else type(picture).__name__
    what = f"a picture is a uint8 array [height, width, 3] of blue, green, red; found {found}"
    raise ProcessorError(what, where=name)
