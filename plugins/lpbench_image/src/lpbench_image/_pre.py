"""The preprocessor of images: one resize, one reordering of bytes, one conversion, into buffers kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Preprocessor, Sample
from lpbench_image._decode import read_picture
from lpbench_image._items import Regions
from lpbench_image._plan import Output, Plan, colour
from lpbench_image._sizing import sizing
from lpbench_image._target import settle
from lpbench_image._tensor import aligned
from lpbench_image.config import ImageConfig
from lpbench_image.regions import Region, Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, TensorInfo
    from lpbench_image._sizing import Placement
    from lpbench_image._tensor import Picture
    from lpbench_image.geometry import Extent

LOCAL = {"nearest", "bilinear"}
"""Interpolations that look only at the pixels next to a point."""
PLANS = 1024
"""Sizes of pictures and regions that are remembered."""
KEPT = 64 << 20
"""Bytes of inputs whose buffers are kept; most models have one size."""
MADE_UP = 224
"""Height and width of synthetic pictures where the model's are open."""


class ImagePreprocessor(Preprocessor[ImageConfig]):
    """Turns one image, or one region of it, into one tensor.

    The data of a sample is an array of height x width x 3, uint8, in the order blue, green, red; a caller may
    bring its own, and a ``Window`` or ``Region`` of it.  ``sample.geometry`` becomes a ``Geometry``, or for a
    ``Region`` an ``Affine``.  Sets the number of OpenCV's threads.
    """

    def __init__(self, config: ImageConfig, inputs: Sequence[TensorInfo]) -> None:
        super().__init__(config, inputs)
        self.target = settle(config, inputs)
        self.sizing = sizing(config, self.target.size, self.target.name)
        self._plans: dict[Any, Plan] = {}
        self._outputs: dict[Extent, Output] = {}
        self._store = np.empty(0, np.uint8)
        self._bordered = np.empty(0, np.uint8)
        self._last: Plan | None = None
        self._regions = Regions(config, self.sizing.fixed or (1, 1))
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
        plan, ready = self._ready(sample)
        return plan.feed(ready)

    def steps(self, sample: Sample) -> dict[str, int]:
        """Return the nanoseconds of resizing and of converting."""
        self(sample)  # makes the plan, and leaves the canvas to it
        begun = time.perf_counter_ns()
        plan, ready = self._ready(sample)
        resized = time.perf_counter_ns()
        plan.feed(ready)
        return {"resize": resized - begun, "layout, type and scale": time.perf_counter_ns() - resized}

    def items(self, sample: Sample, found: Any, /) -> Sequence[Sample]:
        """Return one sample for each region of each thing found, as the config says; the sample itself without one.

        :param found: ``Detections`` or ``Landmarks``.
        :raises ProcessorError: Nothing of the kind, or a thing that makes no region.
        """
        if not self.config.regions:
            return super().items(sample, found)
        try:
            made = self._regions(found)
        except ProcessorError as error:
            raise ProcessorError(f"{sample.name}: {error.what}", where=error.where, hint=error.hint) from None
        return [Sample(sample.name, sample.data, region=region, item=item) for item, region in made]

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        """Write the picture with what was found drawn on it, as a PNG file; None if there is nothing to show.

        :raises ProcessorError: Naming the file, if it cannot be written.
        """
        from lpbench_image._draw import write  # drawing is never timed

        return write(sample, described, folder)

    def _ready(self, sample: Sample) -> tuple[Plan, Picture]:
        """Return a picture of the input's size and the plan that it goes through; leaves the sample its geometry."""
        if sample.region is not None:
            return self._part(sample)
        picture = sample.data
        try:
            plan = self._plans[picture.shape, picture.dtype]
        except (KeyError, AttributeError):
            plan = self._remember(picture, sample.name)
        self._enter(plan)
        sample.geometry = plan.geometry
        return plan, plan.resize(picture)

    def _enter(self, plan: Plan) -> None:
        if plan is not self._last:
            plan.enter()
            self._last = plan

    def _part(self, sample: Sample) -> tuple[Plan, Picture]:
        """Do the same for a part of a picture: cut out where it is a window, else interpolated."""
        picture, part = sample.data, sample.region
        if isinstance(part, Window):
            return self._cut(sample, picture, part)
        if isinstance(part, Region):
            return self._turned(sample, picture, part)
        raise ProcessorError(
            f"a region is a Window or Region of lpbench_image.regions; found {type(part).__name__}", where=sample.name
        )

    def _cut(self, sample: Sample, picture: Picture, window: Window) -> tuple[Plan, Picture]:
        top, left, height, width = window
        try:
            rows, columns = picture.shape[:2]
            if top < 0 or left < 0 or top + height > rows or left + width > columns:
                picture = self._padded(sample, picture, window)
            else:
                picture = picture[top : top + height, left : left + width]
            plan = self._plans[picture.shape, picture.dtype]
        except (KeyError, AttributeError):
            plan = self._remember(picture, sample.name)
        self._enter(plan)
        sample.geometry = plan.geometry.within(top, left, (rows, columns))
        return plan, plan.resize(picture)

    def _turned(self, sample: Sample, picture: Picture, region: Region) -> tuple[Plan, Picture]:
        resized = self.sizing.resized(region.height, region.width)
        try:
            plan = self._plans[resized, picture.shape, picture.dtype]
        except (KeyError, AttributeError):
            _check(picture, sample.name)
            plan = self._make((resized, picture.shape, picture.dtype), region.extent, sample.name, resized=resized)
        self._enter(plan)
        try:
            ready, sample.geometry = plan.turn(picture, region)
        except cv2.error as error:
            raise ProcessorError(
                f"OpenCV cannot turn a region of {region.extent} of a picture of {picture.shape[:2]}: {error.err}",
                where=sample.name,
                hint="it takes less than 32767 pixels a side",
            ) from error
        return plan, ready

    def _padded(self, sample: Sample, picture: Picture, window: Window) -> Picture:
        """Return a part of a picture that sticks out of it, in the colour of the padding where it does."""
        _check(picture, sample.name)
        top, left, height, width = window
        if height * width > self.config.max_pixels:
            raise ProcessorError(
                f"a region of {width} x {height} pixels is more than max_pixels, {self.config.max_pixels}",
                where=sample.name,
            )
        needed = height * width * 3
        if needed > self._bordered.size:
            self._bordered = aligned((needed,), "uint8")
        into = self._bordered[:needed].reshape(height, width, 3)
        inside = picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        pad = colour(self.config.resize)
        if not inside.size:
            into[:] = pad
            return into
        above, before = max(-top, 0), max(-left, 0)
        below, behind = height - above - inside.shape[0], width - before - inside.shape[1]
        return cv2.copyMakeBorder(inside, above, below, before, behind, cv2.BORDER_CONSTANT, into, pad)

    def _remember(self, picture: Picture, name: str) -> Plan:
        """Make the plan for pictures of one size."""
        _check(picture, name)
        local = self.config.resize.interpolation in LOCAL
        return self._make((picture.shape, picture.dtype), picture.shape[:2], name, local=local)

    def _make(
        self, key: object, source: Extent, name: str, *, resized: Extent | None = None, local: bool = False
    ) -> Plan:
        try:
            placement = self.sizing.place(source, resized=resized, local=local)
        except ProcessorError as error:
            raise ProcessorError(error.what, where=name, hint=error.hint) from None
        if len(self._plans) >= PLANS:
            self._plans.clear()
        plan = Plan(self.config.resize, placement, self._canvas(placement), self._output(placement.size))
        self._plans[key] = plan
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
            if sum(each.nbytes for each in self._outputs.values()) > KEPT:
                self._outputs.clear()
                self._plans.clear()  # they hold outputs
            self._outputs[size] = Output(self.config, self.target, size)
        return self._outputs[size]


def _check(picture: object, name: str) -> None:
    fits = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3  # noqa: PLR2004 - axes
    if fits and picture.shape[2] == 3 and picture.size:  # type: ignore[attr-defined] # noqa: PLR2004 - blue, green, red
        return
    found = f"{picture.dtype} {list(picture.shape)}" if isinstance(picture, np.ndarray) else type(picture).__name__
    raise ProcessorError(
        f"a picture is a uint8 array [height, width, 3] of blue, green, red; found {found}", where=name
    )
