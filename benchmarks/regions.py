"""Speed of preprocessing regions of an image: lpbench beside handwritten code, interleaved in one process.

Further jobs like those of ``preprocess.py``, with a picture of 720 x 1280 and sixteen
objects in it: a letterbox; the region around a box; a rotated region, as face
meshes use it; a face aligned by five points; a line of text at a height of 48.
From the detections to the normalised tensor, NCHW, float32, one thread.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from _turns import ROUNDS
from preprocess import BY_HAND, LIMIT, MEAN, STD, Buffers, measure, report

from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig
from lpbench_image.found import Detections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Job = Callable[[], Any]
    Resized = Callable[[Any, Detections, Buffers], Any]

HEIGHT, WIDTH = 720, 1280
THINGS = 16
SIDE, ALIGNED, LINE = 192, 112, (48, 320)
SLOW = ("plain_numpy", "split_take", "blob", "blob_with_parameters", "transform_split", "arithmetic_split")
"""The slowest handwritten versions in ``preprocess.py``, which would take most of the time here."""
LEVEL = 1.1 / 255 / float(STD.min())
"""One level of a pixel as a tensor value: OpenCV rounds rotated pixels, and matrices differ in their last digits."""
TEMPLATE = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
CENTRED = TEMPLATE - TEMPLATE.mean(axis=0)


def boxed(picture: Any, _: Detections, to: Buffers) -> Any:
    """Letterbox: resize between strips that remain black."""
    height = SIDE * HEIGHT // WIDTH
    top = (SIDE - height) // 2
    cv2.resize(picture, (SIDE, height), to.small[top : top + height])
    return to.small


def cut(picture: Any, found: Detections, to: Buffers) -> Any:
    """Crop the squared box, one and a half times as large, on whole pixels."""
    left, top, right, bottom = found.boxes[0].tolist()
    side = round(1.5 * max(right - left, bottom - top))
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    return cv2.resize(picture[y : y + side, x : x + side], (SIDE, SIDE), to.small)


def turned(picture: Any, found: Detections, to: Buffers) -> Any:
    """Rotate the same region until two points are level."""
    left, top, right, bottom = found.boxes[0].tolist()
    (ax, ay), (bx, by) = found.points[0, :2].tolist()
    scale = 1.5 * max(right - left, bottom - top) / SIDE
    angle = math.atan2(by - ay, bx - ax)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    x, y, middle = (left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5, SIDE / 2 - 0.5
    matrix = np.array(((cos, -sin, x - middle * (cos - sin)), (sin, cos, y - middle * (sin + cos))))
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), to.small, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def aligned_by_points(picture: Any, found: Detections, to: Buffers) -> Any:
    """Map five points onto a template by least squares, in closed form."""
    points = found.points[0]
    middle = points.mean(axis=0)
    x, y = (points - middle).T
    u, v = CENTRED.T
    square = x @ x + y @ y
    cos, sin = (x @ u + y @ v) / square, (x @ v - y @ u) / square
    goal_x, goal_y = TEMPLATE.mean(axis=0) - 0.5
    middle_x, middle_y = middle - 0.5
    matrix = np.array(
        (
            (cos, -sin, goal_x - cos * middle_x + sin * middle_y),
            (sin, cos, goal_y - sin * middle_x - cos * middle_y),
        )
    )
    return cv2.warpAffine(picture, matrix, (ALIGNED, ALIGNED), to.small)


def lined(picture: Any, found: Detections, to: Buffers) -> Any:
    """Rotate a line of text, given by its corners, until it is level, and fill the rest on the right with black."""
    (ax, ay), (bx, by), _, (dx, dy) = found.points[0].tolist()
    long, high = math.hypot(bx - ax, by - ay), math.hypot(dx - ax, dy - ay)
    width = round(long * LINE[0] / high)
    across, down = 1 / width, 1 / LINE[0]
    a, b, c, d = (bx - ax) * across, (dx - ax) * down, (by - ay) * across, (dy - ay) * down
    matrix = np.array(((a, b, ax + (a + b) / 2 - 0.5), (c, d, ay + (c + d) / 2 - 0.5)))
    into = to.small[:, :width]
    cv2.warpAffine(picture, matrix, (width, LINE[0]), into, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    to.small[:, width:] = 0
    return to.small


JOBS: dict[str, tuple[Resized, tuple[int, int], dict[str, Any]]] = {
    "letterbox to 192": (boxed, (SIDE, SIDE), {"resize": {"mode": "letterbox"}}),
    "region around a box, to 192": (cut, (SIDE, SIDE), {"region": {"square": True, "scale": 1.5}}),
    "turned region, to 192": (turned, (SIDE, SIDE), {"region": {"square": True, "scale": 1.5, "rotate": [0, 1]}}),
    "face aligned by five points, to 112": (
        aligned_by_points,
        (ALIGNED, ALIGNED),
        {"region": {"template": TEMPLATE.tolist()}},
    ),
    "line of text, to 48 x 320": (
        lined,
        LINE,
        {"resize": {"mode": "height"}, "region": {"points": [0, 1, 2, 3], "rotate": [0, 1]}},
    ),
}


def things(*, lines: bool) -> list[Detections]:
    """Return the objects in the picture: faces, or lines of text whose points are their corners."""
    random, found = np.random.default_rng(0), []
    for _ in range(THINGS):
        x, y, side = random.uniform(400, 800), random.uniform(300, 420), random.uniform(80, 150)
        angle = random.uniform(0.1, 0.4)
        axes = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        shape = [[-1.5, -0.2], [1.5, -0.2], [1.5, 0.3], [-1.5, 0.3]] if lines else CENTRED / ALIGNED
        points = np.array(shape) * side @ axes + (x, y)
        box = [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
        one = np.ones(1, np.float32)
        found.append(
            Detections(np.array([box], np.float32), one, np.zeros(1, np.int64), points[None].astype(np.float32))
        )
    return found


def jobs(title: str, picture: Any) -> dict[str, Job]:
    """Return lpbench and every handwritten version, by name; all cycle through the same objects."""
    resized, size, values = JOBS[title]
    found = things(lines=resized is lined)
    found_jobs: dict[str, Job] = {"lpbench": _ours(values, size, picture, _in_turn(found))}
    to = Buffers(size)
    to.small[:] = 0
    for way in BY_HAND:
        if way.__name__ not in SLOW:
            found_jobs[way.__name__] = partial(way, _resizing(resized, picture, found, to), to)
    return found_jobs


def _resizing(resized: Resized, picture: Any, found: list[Detections], to: Buffers) -> Job:
    turn = _in_turn(found)
    return lambda: resized(picture, next(turn), to)


def _in_turn(found: list[Detections]) -> Iterator[Detections]:
    """Yield the objects cyclically; the first one is yielded once more at the start, for the check."""
    return itertools.chain(found[:1], itertools.cycle(found))


def _ours(values: dict[str, Any], size: tuple[int, int], picture: Any, turn: Iterator[Detections]) -> Job:
    normalise = {"mean": MEAN.tolist(), "std": STD.tolist()}
    pre = ImagePreprocessor(
        dataclass_config.build(ImageConfig, {"normalise": normalise, **values}),
        [TensorInfo("input", "float32", (1, 3, *size))],
    )
    sample = Sample("picture", picture)

    def run() -> Any:
        for item in pre.items(sample, next(turn)):
            feeds = pre(item)
        return feeds["input"]

    return run


def main() -> int:
    """Print every job; the status is 1 if a ratio exceeds the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds for each memory placement (default %(default)s)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    maker = ImagePreprocessor(ImageConfig(), [TensorInfo("input", "uint8", (1, HEIGHT, WIDTH, 3))])
    picture = maker.generate(0, seed=0).data
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}, 1 thread, {options.rounds} rounds")
    ratios = [report(title, measure(partial(jobs, title, picture), options.rounds, LEVEL)) for title in JOBS]
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
