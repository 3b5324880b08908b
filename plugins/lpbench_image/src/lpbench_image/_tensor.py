"""Turns pixels into a model's tensor: colour order, normalisation, layout and type.

A picture is height x width x 3, uint8, in the order blue, green, red, as OpenCV
decodes it.  Channels and layout are rearranged as bytes, which need a quarter of the
memory traffic of floats; then every value is converted once, in place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image.config import Normalise, channels

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from lpbench_image._target import Target
    from lpbench_image.geometry import Extent

Picture = Any
"""uint8 array, height x width x 3; Any because numpy's and OpenCV's annotations are incompatible."""

VALUES = np.arange(256, dtype=np.float64)
"""All values of a pixel."""
ONE_PASS = int(cv2.__version__.split(".")[0]) >= 5  # noqa: PLR2004 - a version
"""OpenCV 5 has vector code from bytes to floats; OpenCV 4 takes twice as long as three passes of numpy."""
CACHE_LINE = 64
"""Bytes; also the widest vector of today's CPUs."""


def normalisation(given: Normalise | None, target: Target) -> Normalise:
    """Return the config's normalisation, or the default for the input: see ``ImageConfig``."""
    whole = target.dtype in {"uint8", "int8", "int32"} and target.scale is None
    normalise = given or Normalise(scale=1.0 if whole else 1 / 255)
    counts = {len(channels(values)) for values in (normalise.scale, normalise.mean, normalise.std)}
    if counts - {1, target.channels}:
        raise ProcessorError(
            f"{max(counts)} numbers for {target.channels} channel ({target.color})",
            where="preprocessing.normalise",
            hint="give one number, or one for each channel",
        )
    return normalise


def lookup(normalise: Normalise, target: Target) -> npt.NDArray[Any]:
    """Return the look-up table of pixel values: channels x 256, in the target's type.

    Values of quantised tensors are rounded to the nearest step and clipped to the type's range.

    :raises ProcessorError: An integer input without a scale cannot hold the values.
    """
    scale, mean, std = (
        np.reshape(channels(values), (-1, 1)) for values in (normalise.scale, normalise.mean, normalise.std)
    )
    real = np.broadcast_to((VALUES * scale - mean) / std, (target.channels, 256))
    if target.dtype.startswith("float"):
        return real.astype(target.dtype)
    limits = np.iinfo(target.dtype)
    steps = np.rint(real / (target.scale or 1.0)) + target.zero_point
    if target.scale is None and (steps.min() < limits.min or steps.max() > limits.max):
        what = f'values {steps.min():g} to {steps.max():g} do not fit input "{target.name}" of type {target.dtype}'
        hint = 'set the input\'s scale and zero_point in the app, or map pixels to its range with "normalise"'
        raise ProcessorError(what, where="preprocessing", hint=hint)
    quantised: npt.NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(target.dtype)
    return quantised


def aligned(shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Return an uninitialised array that begins on a cache line, which makes vector code up to a quarter faster."""
    count = math.prod(shape) * np.dtype(dtype).itemsize
    store = np.empty(count + CACHE_LINE, np.uint8)
    start = -store.ctypes.data % CACHE_LINE
    return store[start : start + count].view(dtype).reshape(shape)


class TensorWriter:
    """Writes pictures of one size into one tensor, which is reused.

    :param size: Height and width.
    :raises ProcessorError: The normalisation does not fit the tensor.
    """

    def __init__(self, target: Target, normalise: Normalise | None, size: Extent) -> None:
        self.array = aligned(target.shape(size), target.dtype)
        """The tensor; valid until the next ``write``."""
        self._planar = target.layout == "NCHW" or target.channels == 1
        self._color = target.color
        self._out = self.array.reshape((target.channels, *size) if self._planar else (*size, target.channels))
        settled = normalisation(normalise, target)
        self._table = lookup(settled, target)
        unchanged = bool((self._table == VALUES).all())
        in_place = unchanged and target.dtype == "uint8"
        self._bytes = self._out if in_place else aligned(self._out.shape, "uint8")
        self._arrange = self._arrangement(in_place=in_place)
        self._convert: Callable[[Picture], None] | None = None
        if not in_place:
            # float32 passes are also used for other types where no value changes; they then only convert
            passes = None if unchanged else settled
            self._convert = self._arithmetic(passes) if unchanged or target.dtype == "float32" else self._lookups()

    def write(self, picture: Picture) -> None:
        """Fill the tensor from a picture of the writer's size."""
        arranged = self._arrange(picture)
        if self._convert:
            self._convert(arranged)

    def _arrangement(self, *, in_place: bool) -> Callable[[Picture], Picture]:
        """Return the function that arranges a picture's bytes in the tensor's order, in ``_bytes`` where needed."""
        target = self._bytes
        if self._color == "GREY":
            return lambda picture: cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY, target[0])[None]
        if self._planar:
            planes = list(target) if self._color == "BGR" else list(target[::-1])
            tight = aligned((*target.shape[1:], 3), "uint8")

            def separate(picture: Picture) -> Picture:
                if not picture.flags.c_contiguous:  # OpenCV 5 splits rows that end between vectors 20 times slower
                    np.copyto(tight, picture)
                    picture = tight
                cv2.split(picture, planes)
                return target

            return separate
        if self._color == "RGB":
            return lambda picture: cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, target)
        return (lambda picture: np.copyto(target, picture)) if in_place else (lambda picture: picture)

    def _arithmetic(self, normalise: Normalise | None) -> Callable[[Picture], None]:
        """Return the conversion ``value * factor + summand``; a pass that would change nothing is omitted."""
        given = normalise or Normalise(scale=1.0)
        scale, mean, std = (np.array(channels(values)) for values in (given.scale, given.mean, given.std))
        passes = [(np.multiply, scale / std, 1.0), (np.add, -mean / std, 0.0)]
        if ONE_PASS and any((values != neutral).any() for _, values, neutral in passes):
            if all((values == values[0]).all() for _, values, _ in passes):
                return self._weighted_alike(*(float(values[0]) for _, values, _ in passes))
            if self._planar:
                return self._weighted(scale / std, -mean / std)
        out = self._out
        flat = out.reshape(len(out), -1)  # channels x pixels, or rows x (columns and channels)
        steps = [(step, self._spread(values)) for step, values, neutral in passes if (values != neutral).any()]

        def convert(source: Picture) -> None:
            np.copyto(out, source)
            for step, operand in steps:
                step(flat, operand, flat)

        return convert

    def _weighted(
        self, factors: npt.NDArray[np.float64], summands: npt.NDArray[np.float64]
    ) -> Callable[[Picture], None]:
        """Return the conversion in one OpenCV pass for each plane."""
        terms = zip(*(np.broadcast_to(term, len(self._out)).tolist() for term in (factors, summands)), strict=True)
        steps = list(zip(self._bytes, terms, self._out, strict=True))

        def convert(_: Picture) -> None:
            for plane, (factor, summand), out in steps:
                cv2.addWeighted(plane, factor, plane, 0.0, summand, out, cv2.CV_32F)

        return convert

    def _weighted_alike(self, factor: float, summand: float) -> Callable[[Picture], None]:
        """Return the conversion in one OpenCV pass for all channels."""
        width: int = list(self._out.shape)[-1]
        out = self._out.reshape(-1, width) if self._planar else self._out

        def convert(source: Picture) -> None:
            source = source.reshape(-1, width) if self._planar else source  # stack the planes vertically
            cv2.addWeighted(source, factor, source, 0.0, summand, out, cv2.CV_32F)

        return convert

    def _spread(self, values: npt.NDArray[np.float64]) -> Any:
        """Return a value for each channel in a shape that broadcasts over the flat tensor without inner loops of 3."""
        if (values == values[0]).all():
            return np.float32(values[0])
        if self._planar:
            return values.astype(np.float32).reshape(-1, 1)
        return np.tile(values.astype(np.float32), self._out[0].size // len(values))

    def _lookups(self) -> Callable[[Picture], None]:
        """Return the conversion by a table look-up of every byte."""
        table, out = _opencv_type(self._table), _opencv_type(self._out)
        if not self._planar:
            interleaved = np.ascontiguousarray(table.T).reshape(1, 256, -1)

            def convert_all(source: Picture) -> None:
                cv2.LUT(source, interleaved, out)

            return convert_all
        rows = [np.ascontiguousarray(row).reshape(1, 256) for row in table]

        def convert(source: Picture) -> None:
            for plane, row, values in zip(source, rows, out, strict=True):
                cv2.LUT(plane, row, values)

        return convert


def _opencv_type(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view in a type that every OpenCV version supports: half floats are copied as 16-bit integers."""
    return array.view(np.int16) if array.dtype == np.float16 else array
