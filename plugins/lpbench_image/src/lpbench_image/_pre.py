"""The preprocessor ``image``: one resize, one reordering of bytes and one conversion, into reused buffers."""

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
"""Interpolations that read only the pixels next to a point."""
PLANS = 1024
"""Most sizes of pictures and regions whose plans are kept."""
KEPT = 64 << 20
"""Bytes of input buffers up to which they are kept; most models have one size."""
SYNTHETIC_SIDE = 224
"""Height and width of synthetic pictures where the model's are open."""


class ImagePreprocessor(Preprocessor[ImageConfig]):
    """Turns one image, or one region of it, into one tensor.

    The data of a sample is an array of height x width x 3, uint8, in the order blue, green, red; a caller may
    supply its own, and a ``Window`` or ``Region`` of it.  A call sets ``sample.geometry`` to a ``Geometry``, or
    for a ``Region`` to an ``Affine``.  The constructor sets the number of OpenCV's threads.
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
        self._output(self.sizing.fixed or (1, 1))  # checks the normalisation when the app is opened
        cv2.setNumThreads(config.threads)

    def load(self, path: Path) -> Sample:
        """Read and decode one file.

        :raises ProcessorError: The file cannot be used; the message says why.
        """
        return Sample(path.name, read_picture(path, self.config.max_pixels))

    def generate(self, index: int, seed: int) -> Sample:
        """Return a picture of the model's size with patches of many sizes and a little noise, similar to a photo."""
        height, width = self.sizing.fixed or [side or SYNTHETIC_SIDE for side in self.target.size]
        random = np.random.default_rng([index, seed % 2**64])
        picture = random.normal(128, 4, (height, width, 3)).astype(np.float32)
        for cells in (2, 5, 13, 34):
            patches = random.normal(0, 90 / cells**0.5, (cells, cells, 3)).astype(np.float32)
            picture += cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
        return Sample(str(index), np.clip(picture, 0, 255).astype(np.uint8))

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the tensor by the name of the input; it is valid until the next call.

        :raises ProcessorError: The sample is not a picture, or does not yield the model's size.
        """
        plan, ready = self._ready(sample)
        return plan.feed(ready)

    def steps(self, sample: Sample) -> dict[str, int]:
        """Return the nanoseconds that resizing and converting take."""
        self(sample)  # creates the plan and restores its padding
        begun = time.perf_counter_ns()
        plan, ready = self._ready(sample)
        resized = time.perf_counter_ns()
        plan.feed(ready)
        return {"resize": resized - begun, "layout, type and scale": time.perf_counter_ns() - resized}

    def items(self, sample: Sample, found: Any, /) -> Sequence[Sample]:
        """Return one sample for each configured region of each object found; without regions, the sample itself.

        :param found: ``Detections`` or ``Landmarks``.
        :raises ProcessorError: ``found`` has another type, or a region cannot be made from one of its objects.
        """
        if not self.config.regions:
            return super().items(sample, found)
        try:
            regions = self._regions(found)
        except ProcessorError as error:
            raise ProcessorError(f"{sample.name}: {error.what}", where=error.where, hint=error.hint) from None
        return [Sample(sample.name, sample.data, region=region, item=item) for item, region in regions]

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        """Write the picture with its prediction as a PNG file; return None if there is nothing to show.

        :raises ProcessorError: The file cannot be written.
        """
        from lpbench_image._draw import write  # drawing is never timed

        return write(sample, described, folder)

    def _ready(self, sample: Sample) -> tuple[Plan, Picture]:
        """Return the plan for a sample and its picture in the input's size; set the sample's geometry."""
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
        """Do the same as ``_ready`` for a part of a picture: a window is cut out, a region is interpolated."""
        picture, part = sample.data, sample.region
        if isinstance(part, Window):
            return self._cut(sample, picture, part)
        if isinstance(part, Region):
            return self._turned(sample, picture, part)
        raise ProcessorError(
            f"a region must be a Window or Region of lpbench_image.regions; found {type(part).__name__}",
            where=sample.name,
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
                f"OpenCV cannot rotate a region of {region.extent} of a picture of {picture.shape[:2]}: {error.err}",
                where=sample.name,
                hint="each side must be less than 32767 pixels",
            ) from error
        return plan, ready

    def _padded(self, sample: Sample, picture: Picture, window: Window) -> Picture:
        """Return a window that extends beyond the picture; pixels outside have the colour of the padding."""
        _check(picture, sample.name)
        top, left, height, width = window
        if height * width > self.config.max_pixels:
            raise ProcessorError(
                f"a region of {width} x {height} pixels exceeds max_pixels, {self.config.max_pixels}",
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
        """Create and keep the plan for pictures of one size."""
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
        """Return a buffer for the resized picture and its padding."""
        height, width = (max(sides) for sides in zip(placement.resized, placement.size, strict=True))
        needed = height * width * 3
        if needed > self._store.size:
            self._store = aligned((needed,), "uint8")
            self._plans.clear()  # they hold views of the smaller store
        return self._store[:needed].reshape(height, width, 3)

    def _output(self, size: Extent) -> Output:
        """Return the output for inputs of one size."""
        if size not in self._outputs:
            if sum(output.nbytes for output in self._outputs.values()) > KEPT:
                self._outputs.clear()
                self._plans.clear()  # they refer to the outputs
            self._outputs[size] = Output(self.config, self.target, size)
        return self._outputs[size]


def _check(picture: object, name: str) -> None:
    fits = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3  # noqa: PLR2004 - axes
    if fits and picture.shape[2] == 3 and picture.size:  # type: ignore[attr-defined] # noqa: PLR2004 - blue, green, red
        return
    actual = f"{picture.dtype} {list(picture.shape)}" if isinstance(picture, np.ndarray) else type(picture).__name__
    raise ProcessorError(
        f"a picture must be a uint8 array [height, width, 3] in the order blue, green, red; found {actual}", where=name
    )
