"""Speed of postprocessors, from outputs to predictions: lpbench beside handwritten code, interleaved in one process.

Outputs are synthetic, of the size that the catalogue's models have.  The input is a
photo of 1280 x 720, letterboxed, or a rotated region of it if the model comes
later in a chain.  The handwritten code gives the same numbers, which is checked,
but checks neither sizes nor NaN.  Prints the median of each in microseconds over
several memory placements, and two ratios to the fastest handwritten version: of the
postprocessor alone, and of preprocessing and postprocessing together.  Both use
lpbench's preprocessing, since benchmarks/preprocess.py and regions.py compare that.
The limit applies to the second ratio.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from _turns import OURS, ROUNDS, Turns

from lpbench.plugin import registry, specs
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig, Resize
from lpbench_image.post.head_pose import IDS, MODEL
from lpbench_image.regions import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Job = Callable[[], Any]
    Made = tuple["Case", Callable[[Any], Sequence[Any]], dict[str, Job]]

SOURCE = (720, 1280)
LIMIT = 1.1
CLOSE = 1e-2
"""Tolerance in pixels, degrees and years; unit lengths and scores are far closer."""
RANDOM = np.random.default_rng(0)
PLACES = 5
HALF, TEXT, BODY, SMALLEST = 0.5, 0.3, 0.25, 3
"""lpbench's default thresholds: for masks and boxes, pixels of text, bodies, and the side of a box."""
LETTERS = [chr(0x4E00 + at) for at in range(18709)]
REGION = Region(600.0, 300.0, 240.0, 240.0, 0.2)


class Case:
    """One postprocessor, a model's outputs, and the corresponding sample.

    :param side: Height and width of the model's input.
    :param region: The region of the picture that is used; None is the whole picture, letterboxed.
    """

    def __init__(
        self, name: str, values: Mapping[str, Any], outputs: dict[str, Array], side: int, region: Region | None = None
    ) -> None:
        self.name, self.outputs = name, outputs
        info = TensorInfo("image", "float32", (1, side, side, 3), "NHWC")
        self.pre = ImagePreprocessor(ImageConfig(Resize("stretch" if region else "letterbox")), [info])
        maker = ImagePreprocessor(ImageConfig(), [TensorInfo("image", "uint8", (1, *SOURCE, 3), "NHWC")])
        self.sample = Sample("photo", maker.generate(0, seed=0).data, region=region)
        self.pre(self.sample)
        spec = registry.current().get(registry.POSTPROCESSORS, name).spec
        settled = dataclass_config.build(specs.load(spec.config, who=name), values)
        infos = [TensorInfo(each, str(array.dtype), array.shape) for each, array in outputs.items()]
        self.post = spec.load()(settled, infos, LETTERS if name == "ctc" else ())

    def ours(self) -> Any:
        """Return lpbench's prediction."""
        return self.post(self.outputs, self.sample)


def letterbox(case: Case) -> tuple[float, float, float]:
    """Return the parameters of the letterbox: scale, and offsets from the left and the top."""
    geometry = case.sample.geometry
    return geometry.scale_x, geometry.offset_x, geometry.offset_y


def in_picture(points: Array, case: Case) -> Array:
    """Map points of a rotated region back to the picture with the matrix of the crop."""
    matrix = case.sample.geometry.matrix
    turn = np.zeros((3, 3), np.float32)
    turn[:2, :2], turn[2, 2] = matrix[:, :2].T, math.hypot(matrix[0, 0], matrix[1, 0])
    mapped: Array = points @ turn
    mapped[:, :2] += matrix[:, 2]
    return mapped


def mesh() -> Made:
    """Make 468 points and a flag."""
    outputs = {"points": RANDOM.random((1, 1, 1, 1404), np.float32) * 192, "flag": np.array([[[[3.0]]]], np.float32)}
    case = Case("mesh", {"points": "points", "flag": "flag"}, outputs, 192, REGION)

    def plain() -> Sequence[Any]:
        points = in_picture(outputs["points"].reshape(468, 3), case)
        return points, [1 / (1 + math.exp(-outputs["flag"].item()))]

    return case, lambda found: (found.points, [found.score]), {"plain": plain}


def iris() -> Made:
    """Make 71 and 5 points."""
    outputs = {"lids": RANDOM.random((1, 213), np.float32) * 64, "iris": RANDOM.random((1, 15), np.float32) * 64}
    case = Case("iris", {"contour": "lids", "iris": "iris"}, outputs, 64, REGION)

    def plain() -> Sequence[Any]:
        points = np.concatenate([outputs["lids"].reshape(71, 3), outputs["iris"].reshape(5, 3)])
        return (in_picture(points, case),)

    return case, lambda found: (found.points,), {"plain": plain}


def head_pose() -> Made:
    """Make a face of which seven points are used."""
    outputs = {"points": np.zeros((1, 1, 1, 1404), np.float32)}
    turn = cv2.Rodrigues(np.array([0.2, 0.3, 0.1]))[0]
    outputs["points"].reshape(468, 3)[IDS, :2] = (MODEL @ turn.T)[:, :2] * 5 + 96
    case = Case("head-pose", {}, outputs, 192, REGION)

    def plain() -> Sequence[Any]:
        matrix = case.sample.geometry.matrix
        points = outputs["points"].reshape(468, 3)[IDS, :2] @ matrix[:, :2].T + matrix[:, 2]
        x, y = points.mean(axis=0)
        camera = np.array([[SOURCE[1], 0, x], [0, SOURCE[1], y], [0, 0, 1]])
        _, vector, _ = cv2.solvePnP(MODEL, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
        turned = cv2.Rodrigues(vector)[0]
        yaw, pitch = math.asin(turned[2, 0]), -math.atan2(turned[2, 1], turned[2, 2])
        return ([math.degrees(each) for each in (yaw, pitch, math.atan2(turned[1, 0], turned[0, 0]))],)

    return case, lambda found: (list(found),), {"plain": plain}


def keypoints() -> Made:
    """Make 17 points of one body."""
    outputs = {"out": RANDOM.random((1, 1, 17, 3), np.float32)}
    case = Case("keypoints", {}, outputs, 192)
    scale, left, top = letterbox(case)
    shift = np.array([left, top], np.float32)

    def plain() -> Sequence[Any]:
        found = outputs["out"][0, 0]
        scores = found[:, 2].copy()
        if scores.mean() < BODY:
            return ()
        return (found[:, 1::-1] * np.float32(192) - shift) / np.float32(scale), scores

    return case, lambda found: (found.points[0], found.scores[0]), {"plain": plain}


def embedding() -> Made:
    """Make 256 numbers, without a gallery."""
    outputs = {"out": RANDOM.standard_normal((1, 256), np.float32)}
    case = Case("embedding", {}, outputs, 112, REGION)
    unit = np.empty_like(outputs["out"])

    def norm() -> Sequence[Any]:
        return (outputs["out"][0] / np.linalg.norm(outputs["out"]),)

    def dot() -> Sequence[Any]:
        vector = outputs["out"][0]
        return (vector / math.sqrt(vector @ vector),)

    def opencv() -> Sequence[Any]:
        return (cv2.normalize(outputs["out"], unit)[0],)

    return case, lambda found: (found.vector,), {"norm": norm, "dot": dot, "opencv": opencv}


def age_gender() -> Made:
    """Make probabilities of a hundred ages and one number."""
    years = RANDOM.random((1, 100), np.float32)
    outputs = {"age": years / years.sum(), "gender": np.array([[0.3]], np.float32)}
    case = Case("age-gender", {"age": "age", "gender": "gender"}, outputs, 224, REGION)

    def partition() -> Sequence[Any]:
        probable = outputs["age"][0]
        best = np.argpartition(probable, -5)[-5:]
        return ([float(best @ probable[best] / probable[best].sum()), float(outputs["gender"][0, 0])],)

    def sort() -> Sequence[Any]:
        probable = outputs["age"][0]
        best = np.argsort(probable)[-5:]
        return ([float(best @ probable[best] / probable[best].sum()), outputs["gender"].item()],)

    return case, lambda found: (list(found),), {"partition": partition, "sort": sort}


def mask() -> Made:
    """Make 256 x 256 probabilities."""
    probabilities = cv2.GaussianBlur(RANDOM.random((256, 256), np.float32), (31, 31), 0)[None, :, :, None]
    outputs = {"out": probabilities + np.float32(0.5 - probabilities.mean())}
    case = Case("mask", {}, outputs, 256)
    top = round(letterbox(case)[2])
    height, width = SOURCE
    floats = np.empty(SOURCE, np.float32)

    def plain() -> Sequence[Any]:
        probable = cv2.resize(outputs["out"][0, top : 256 - top, :, 0], (width, height))
        return ((probable > HALF).astype(np.uint8),)

    def buffered() -> Sequence[Any]:
        cv2.resize(outputs["out"][0, top : 256 - top, :, 0], (width, height), floats)
        return ((floats > HALF).view(np.uint8),)

    def thresholded() -> Sequence[Any]:
        cv2.resize(outputs["out"][0, top : 256 - top, :, 0], (width, height), floats)
        return (cv2.threshold(floats, HALF, 1, cv2.THRESH_BINARY)[1].astype(np.uint8),)

    return case, lambda found: (found.values,), {"plain": plain, "buffered": buffered, "threshold": thresholded}


def text_boxes() -> Made:
    """Make a page of 20 lines in a map of 640 x 640."""
    probabilities = np.zeros((640, 640), np.float32)
    for line in range(20):
        corners = cv2.boxPoints(((320, 20 + 31 * line), (400 + 10 * line, 12), 1.0))
        cv2.fillConvexPoly(probabilities, np.rint(corners).astype(np.int32), 0.9)
    outputs = {"out": cv2.GaussianBlur(probabilities, (5, 5), 0)[None, None]}
    case = Case("text-boxes", {}, outputs, 640)
    scale, left, top = letterbox(case)

    def box(contour: Any) -> Any:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < SMALLEST:
            return None
        pixels = cv2.boxPoints(((x + 0.5, y + 0.5), (width, height), angle)).astype(np.int32)
        x0, y0, columns, rows = cv2.boundingRect(pixels)
        x0, y0 = max(x0, 0), max(y0, 0)
        part = outputs["out"][0, 0, y0 : y0 + rows, x0 : x0 + columns]
        inside = np.zeros(part.shape, np.uint8)
        cv2.fillConvexPoly(inside, pixels - (x0, y0), 1)
        score = cv2.mean(part, inside)[0]
        if score < HALF:
            return None
        by = width * height * 1.6 / (width + height)
        corners = cv2.boxPoints(((x + 0.5, y + 0.5), (width + by, height + by), angle))
        corners = np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)
        return (corners - (left, top)) / scale, score

    def plain() -> Sequence[Any]:
        text = (outputs["out"][0, 0] > TEXT).view(np.uint8)
        contours, _ = cv2.findContours(text, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        found = sorted(filter(None, map(box, contours)), key=lambda each: each[0][0, 1])
        return np.array([each for each, _ in found]), [each for _, each in found]

    return case, lambda found: (found.points, found.scores), {"plain": plain}


def ctc() -> Made:
    """Make 40 steps of 18,710 classes."""
    outputs = {"out": RANDOM.random((1, 40, 18710), np.float32) * np.float32(0.1)}
    outputs["out"][0, range(40), RANDOM.integers(0, 30, 40)] = 0.9
    case = Case("ctc", {}, outputs, 48, REGION)

    def loop() -> Sequence[Any]:
        steps = outputs["out"][0]
        text, scores, before = "", [], 0
        for at, step in enumerate(steps.argmax(axis=1).tolist()):
            if step not in {0, before}:
                text += LETTERS[step - 1]
                scores.append(steps[at, step])
            before = step
        return ([*map(ord, text), sum(scores) / len(scores)],)

    def maximum() -> Sequence[Any]:
        steps = outputs["out"][0]
        indices, scores = steps.argmax(axis=1), steps.max(axis=1)
        kept = (indices > 0) & (indices != np.concatenate([[0], indices[:-1]]))
        text = "".join(LETTERS[at - 1] for at in indices[kept])
        return ([*map(ord, text), scores[kept].mean()],)

    return case, lambda found: ([*map(ord, found.text), found.score],), {"loop": loop, "maximum": maximum}


CASES = (mesh, iris, head_pose, keypoints, embedding, age_gender, mask, text_boxes, ctc)


def check(made: Made) -> None:
    """Raise unless all versions give the same numbers."""
    case, flat, by_hand = made
    expected = flat(case.ours())
    for name, job in by_hand.items():
        for ours, theirs in zip(expected, job(), strict=True):
            error = float(np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).max())
            if error > CLOSE:
                raise AssertionError(f"{case.name}, {name}: differs by {error}")


def measure(make: Callable[[], Made], rounds: int) -> float:
    """Print one line and return the ratio with preprocessing."""
    turns, kept = Turns(), []
    for _ in range(PLACES):
        kept.append(make())  # kept alive, so that the next ones get different addresses
        case, _, by_hand = kept[-1]
        check(kept[-1])
        turns.take({OURS: case.ours, "pre": partial(case.pre, case.sample), **by_hand}, rounds)
    medians = turns.medians
    ours, pre = medians.pop(OURS), medians.pop("pre")
    best, fastest = next(iter(medians.items()))
    ratio = (pre + ours) / (pre + fastest)
    print(f"{case.name:<11} {ours:>8.1f} {fastest:>8.1f}  {best:<9} {ours / fastest:>5.2f} {pre:>8.1f} {ratio:>8.3f}")
    return ratio


def main() -> int:
    """Print every case; the status is 1 if a ratio with preprocessing exceeds the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds for each memory placement (default %(default)s)"
    )
    rounds: int = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # migration between cores would be most of the noise
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}, 1 thread, {rounds} rounds; microseconds")
    print(f"{'':<11} {'lpbench':>8} {'by hand':>8}  {'':<9} {'ratio':>5} {'pre':>8} {'with pre':>8}")
    ratios = [measure(make, rounds) for make in CASES]
    print(f"highest with preprocessing {max(ratios):.3f}, at most {LIMIT}")
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
