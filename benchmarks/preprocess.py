"""Speed of preprocessing, from image to tensor: lpbench beside handwritten code, interleaved in one process.

A photo-like picture of 512 x 512 becomes 224 x 224, NCHW, float32, normalised as
for ImageNet, with one thread.  The handwritten versions cover every method that we
could think of; each has preallocated buffers, and each is checked to give the same
numbers.  Prints the median of each in microseconds, and lpbench's ratio to the best.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from _turns import OURS, ROUNDS, Turns

from lpbench.plugin.engine import TensorInfo
from lpbench_image._pre import ImagePreprocessor
from lpbench_image._tensor import aligned
from lpbench_image.config import ImageConfig, Normalise, Resize

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.processor import Sample

    Job = Callable[[], Any]
    Ready = Callable[[], Any]

SOURCE, SIDE, SHORT = 512, 224, 256
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
FACTOR, SUMMAND = 1 / (255 * STD), -MEAN / STD
LIMIT = 1.1
CLOSE = 1e-5
PLACES = 10


class Buffers:
    """Buffers for every step, aligned to cache lines like lpbench's own.

    :param size: Height and width of the tensor.
    """

    def __init__(self, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        self.size = size
        self.small = aligned((*size, 3), "uint8")
        self.middle = aligned((SHORT, SHORT, 3), "uint8")
        self.floats = aligned((*size, 3), "float32")
        self.planes = aligned((3, *size), "uint8")
        self.out = aligned((1, 3, *size), "float32")
        self.flat = self.out.reshape(3, -1)
        self.reversed_planes = list(self.planes[::-1])
        self.reversed_out = list(self.out[0, ::-1])


TABLES = [np.float32(np.arange(256)[None] * FACTOR[at] + SUMMAND[at]) for at in range(3)]
INTERLEAVED = np.ascontiguousarray(np.stack(TABLES[::-1], axis=-1))
FACTORS, SUMMANDS = FACTOR.reshape(3, 1), SUMMAND.reshape(3, 1)


def stretched(picture: Any, to: Buffers) -> Any:
    """Resize to the model's size."""
    return cv2.resize(picture, (SIDE, SIDE), to.small)


def cropped(picture: Any, to: Buffers) -> Any:
    """Resize the short side to 256, then take the centre."""
    start = (SHORT - SIDE) // 2
    return cv2.resize(picture, (SHORT, SHORT), to.middle)[start : start + SIDE, start : start + SIDE]


def cropped_tight(picture: Any, to: Buffers) -> Any:
    """Do the same, and close the gaps between the rows."""
    np.copyto(to.small, cropped(picture, to))
    return to.small


def cropped_first(picture: Any, to: Buffers) -> Any:
    """Resize only the part that the crop keeps; equivalent if its borders are on whole pixels."""
    start, side = (SHORT - SIDE) // 2 * SOURCE // SHORT, SIDE * SOURCE // SHORT
    return cv2.resize(picture[start : start + side, start : start + side], (SIDE, SIDE), to.small)


def plain_numpy(ready: Ready, _: Buffers) -> Any:
    """Write it as the formula reads."""
    values = ready()[:, :, ::-1].astype(np.float32) / 255
    return np.ascontiguousarray(((values - MEAN) / STD).transpose(2, 0, 1))[None]


def strided_copy(ready: Ready, to: Buffers) -> Any:
    """Convert while transposing, then calculate in place."""
    np.copyto(to.out[0], ready()[:, :, ::-1].transpose(2, 0, 1))
    np.multiply(to.flat, FACTORS, to.flat)
    return np.add(to.flat, SUMMANDS, to.flat)


def split_copy(ready: Ready, to: Buffers) -> Any:
    """Split bytes, convert all at once, calculate in place."""
    cv2.split(ready(), to.reversed_planes)
    np.copyto(to.out[0], to.planes)
    np.multiply(to.flat, FACTORS, to.flat)
    return np.add(to.flat, SUMMANDS, to.flat)


def split_multiply(ready: Ready, to: Buffers) -> Any:
    """Split bytes, convert while multiplying."""
    cv2.split(ready(), to.reversed_planes)
    np.multiply(to.planes.reshape(3, -1), FACTORS, to.flat)
    return np.add(to.flat, SUMMANDS, to.flat)


def split_channels(ready: Ready, to: Buffers) -> Any:
    """Do the same channel by channel, while it is in the cache."""
    cv2.split(ready(), to.reversed_planes)
    for plane, values, factor, summand in zip(to.planes, to.out[0], FACTOR, SUMMAND, strict=True):
        np.multiply(plane, factor, values)
        np.add(values, summand, values)
    return to.out


def split_table(ready: Ready, to: Buffers) -> Any:
    """Split bytes and look up each value."""
    cv2.split(ready(), to.reversed_planes)
    for plane, values, table in zip(to.planes, to.out[0], TABLES, strict=True):
        cv2.LUT(plane, table, values)
    return to.out


def split_take(ready: Ready, to: Buffers) -> Any:
    """Look up each value with numpy."""
    cv2.split(ready(), to.reversed_planes)
    for plane, values, table in zip(to.planes, to.out[0], TABLES, strict=True):
        np.take(table[0], plane, out=values, mode="clip")
    return to.out


def split_weighted(ready: Ready, to: Buffers) -> Any:
    """Use OpenCV's weighted sum, which converts on the way."""
    cv2.split(ready(), to.reversed_planes)
    for plane, values, factor, summand in zip(to.planes, to.out[0], FACTOR, SUMMAND, strict=True):
        cv2.addWeighted(plane, float(factor), plane, 0.0, float(summand), values, cv2.CV_32F)
    return to.out


def split_filter(ready: Ready, to: Buffers) -> Any:
    """Use a separable filter of one tap, which converts, scales and adds."""
    cv2.split(ready(), to.reversed_planes)
    one = np.ones((1, 1), np.float32)
    for plane, values, factor, summand in zip(to.planes, to.out[0], FACTOR, SUMMAND, strict=True):
        cv2.sepFilter2D(plane, cv2.CV_32F, one * factor, one, values, delta=float(summand))
    return to.out


def table_split(ready: Ready, to: Buffers) -> Any:
    """Look up interleaved bytes, then split the floats."""
    cv2.split(cv2.LUT(ready(), INTERLEAVED, to.floats), to.reversed_out)
    return to.out


def arithmetic_split(ready: Ready, to: Buffers) -> Any:
    """Use OpenCV's arithmetic on interleaved values, then split the floats."""
    mean, scale = (np.array([*each[::-1], 0.0]) for each in (MEAN * 255, FACTOR))
    cv2.subtract(ready(), mean, to.floats, dtype=cv2.CV_32F)
    cv2.split(cv2.multiply(to.floats, scale, to.floats), to.reversed_out)
    return to.out


def transform_split(ready: Ready, to: Buffers) -> Any:
    """Use OpenCV's colour matrix, then split the floats."""
    np.copyto(to.floats, ready())
    matrix = np.hstack([np.diag(FACTOR[::-1]), SUMMAND[::-1, None]])
    cv2.split(cv2.transform(to.floats, matrix, to.floats), to.reversed_out)
    return to.out


def blob(ready: Ready, to: Buffers) -> Any:
    """Use OpenCV's own blob, then divide."""
    values = cv2.dnn.blobFromImage(ready(), 1.0, to.size[::-1], swapRB=True).reshape(3, -1)
    np.multiply(values, FACTORS, values)
    return np.add(values, SUMMANDS, values)


def blob_with_parameters(ready: Ready, _: Buffers) -> Any:
    """Let OpenCV's own blob do it all."""
    parameters = cv2.dnn.Image2BlobParams()
    parameters.scalefactor, parameters.mean = ((*map(float, each), 0.0) for each in (FACTOR, MEAN * 255))
    parameters.swapRB = True
    return cv2.dnn.blobFromImageWithParams(ready(), parameters)


BY_HAND = (
    plain_numpy,
    strided_copy,
    split_copy,
    split_multiply,
    split_channels,
    split_table,
    split_take,
    split_weighted,
    split_filter,
    table_split,
    arithmetic_split,
    transform_split,
    blob,
    blob_with_parameters,
)


def processor(*, crop: bool) -> ImagePreprocessor:
    """Return lpbench's preprocessor for one of the two jobs."""
    config = ImageConfig(
        resize=Resize("short-side", SHORT) if crop else Resize(),
        crop=SIDE if crop else None,
        normalise=Normalise(mean=tuple(MEAN.tolist()), std=tuple(STD.tolist())),
    )
    return ImagePreprocessor(config, [TensorInfo("input", "float32", (1, 3, SIDE, SIDE))])


def jobs(sample: Sample, *, crop: bool) -> dict[str, Job]:
    """Return lpbench and every handwritten combination, by name; lpbench has its own buffers."""
    to, ours = Buffers(), partial(processor(crop=crop), sample)
    candidates: dict[str, Job] = {"lpbench": lambda: ours()["input"]}
    for way in BY_HAND:
        for resize in (cropped, cropped_tight, cropped_first) if crop else (stretched,):
            candidates[f"{way.__name__}({resize.__name__})"] = partial(way, partial(resize, sample.data, to), to)
    return candidates


def check(candidates: dict[str, Job], close: float = CLOSE) -> dict[str, Job]:
    """Check that all candidates agree and return those that this OpenCV can run."""
    ours, *by_hand = candidates.items()
    expected, usable = ours[1]().copy(), dict([ours])
    for name, job in by_hand:
        try:
            error = float(np.abs(np.reshape(job(), expected.shape) - expected).max())
        except (AttributeError, cv2.error) as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        if error > close:
            raise AssertionError(f"{name} differs by {error}")
        usable[name] = job
    return usable


def measure(make: Callable[[], dict[str, Job]], rounds: int, close: float = CLOSE) -> Turns:
    """Run the candidates interleaved in several memory placements, which alone change times by a tenth.

    :param make: Makes new candidates, each with its own buffers.
    :param close: Largest permitted difference between two candidates.
    """
    turns, kept = Turns(), []
    for _ in range(PLACES):
        kept.append(check(make(), close))  # kept alive, so that the next ones get different addresses
        turns.take(kept[-1], rounds)
    return turns


def report(title: str, turns: Turns) -> float:
    """Print the medians and return lpbench's ratio to the best by hand."""
    print(f"{title}\n  {turns.medians[OURS]:8.1f} us  {OURS}")
    for name, each in turns.medians.items():
        if name != OURS:
            print(f"  {each:8.1f} us  {name}")
    ratio = turns.ratio()
    print(f"  lpbench / best by hand ({turns.best_by_hand()}): {ratio:.3f}  (at most {LIMIT})")
    return ratio


def main() -> int:
    """Print both jobs; the status is 1 if either ratio exceeds the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds for each memory placement (default %(default)s)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    maker = ImagePreprocessor(ImageConfig(), [TensorInfo("input", "uint8", (1, SOURCE, SOURCE, 3))])
    sample = maker.generate(0, seed=0)
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}, 1 thread, {options.rounds} rounds")
    ratios = []
    for crop, title in ((True, "short side 256, crop 224"), (False, "stretch to 224")):
        ratios.append(report(title, measure(partial(jobs, sample, crop=crop), options.rounds)))
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
