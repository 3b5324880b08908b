"""Speed of detection processors, from picture and outputs to boxes: lpbench beside handwritten code, interleaved.

Each detector of the catalogue, one with 16,128 anchors and a YOLO find synthetic objects, with as many
boxes around each as real models yield.  The handwritten code is in _detector_cases.py; all versions are
checked to give the same tensor and the same detections.  Prints the median of each in microseconds,
postprocessing alone and with preprocessing, lpbench's ratios to the best, and whether the goals
are met.  Takes two minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
from _detector_cases import Case, decoded, distributed, faces, objects
from _turns import OURS, ROUNDS, Turns

from lpbench_image.boxes.config import Anchors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Job = Callable[[], object]

LIMIT = 1.1
LIMIT_US = 1000
MANY = 16128
CLOSE = 0.01
PLACES = 10


def check(case: Case) -> int:
    """Check that all versions agree and return the number of detections."""
    tensor = case.our_pre(case.sample)["input"]
    for name, pre in case.pre.items():
        if np.abs(pre()(case.sample.data) - tensor).max() > CLOSE:
            raise AssertionError(f"{case.title}: {name} makes a different tensor")
    ours = case.our_post(case.outputs, case.sample)
    expected = (ours.boxes, ours.scores, ours.classes, ours.points)
    for name, way in case.post.items():
        found = way(case.outputs)
        order = np.argsort(-found[1], kind="stable")
        for mine, other in zip(expected, found, strict=True):
            if mine.shape != other.shape or np.abs(mine - other[order]).max(initial=0) > CLOSE:
                raise AssertionError(f"{case.title}: {name} finds something else")
    return len(ours)


def report(title: str, places: Sequence[Mapping[str, Job]], rounds: int) -> tuple[float, float]:
    """Print the medians and return lpbench's, and its ratio to the best by hand.

    :param places: The same jobs with arrays at different addresses, which alone change times by a tenth.
    """
    turns = Turns()
    for jobs in places:
        turns.take(jobs, rounds)
    print(f"{title}\n  {turns.medians[OURS]:8.1f} us  {OURS}")
    for name, each in turns.medians.items():
        if name != OURS:
            print(f"  {each:8.1f} us  {name}")
    return turns.medians[OURS], turns.ratio()


def post_jobs(case: Case) -> dict[str, Job]:
    """Return postprocessing by lpbench and by hand."""
    ours: Job = partial(case.our_post, case.outputs, case.sample)
    return {"lpbench": ours, **{name: partial(way, case.outputs) for name, way in case.post.items()}}


def whole_jobs(case: Case) -> dict[str, Job]:
    """Return both steps by lpbench, and by every combination of the faster handwritten versions."""

    def both(first: Job, second: Job) -> Job:
        return lambda: (first(), second())

    post = post_jobs(case)
    jobs = {"lpbench": both(partial(case.our_pre, case.sample), post["lpbench"])}
    for name, pre in case.pre.items():
        ways = [way for way in post if way.startswith("early")]
        jobs |= {f"{name}; {way}": both(partial(pre(), case.sample.data), post[way]) for way in ways}
    return jobs


def compare(make: Callable[[], Case], rounds: int) -> tuple[float, float]:
    """Return lpbench's microseconds of postprocessing, and its ratio of both steps."""
    cases = [make() for _ in range(PLACES)]
    found = check(cases[0])
    for case in cases[1:]:
        case.our_pre(case.sample)  # sets the sample's geometry
    us, alone = report(f"{cases[0].title}, {found} found: postprocessing", [*map(post_jobs, cases)], rounds)
    print(f"  lpbench / best by hand: {alone:.3f}")
    _, ratio = report("  and preprocessing", [*map(whole_jobs, cases)], rounds)
    print(f"  lpbench / best by hand: {ratio:.3f}, at most {LIMIT}: {'met' if ratio <= LIMIT else 'MISSED'}")
    return us, ratio


def main() -> int:
    """Print all cases; the status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds for each memory placement (default %(default)s)"
    )
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # migration between cores would be most of the noise
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}, 1 core, {rounds} rounds")
    short, full = Anchors((16, 8, 8, 8)), Anchors((48,), interpolated=None)
    many = Anchors((96, 48, 48, 48), interpolated=None)
    cases = [
        partial(faces, "BlazeFace short, 896 anchors", 128, short, 3, 8),
        partial(faces, "BlazeFace back, 896 anchors", 256, short, 3, 8),
        partial(faces, "BlazeFace full, 2,304 anchors", 192, full, 3, 8),
        partial(objects, 300, 3, 8),
        partial(distributed, 416, 4, 6),
        partial(decoded, 640, 6, 10),
    ]
    us, ratio = compare(partial(faces, f"BlazeFace-style, {MANY:,} anchors", 384, many, 30, 20), rounds)
    print(f"  postprocessing: {us:.0f} us, at most {LIMIT_US}: {'met' if us <= LIMIT_US else 'MISSED'}")
    ratios = [ratio, *(compare(case, rounds)[1] for case in cases)]
    return int(max(ratios) > LIMIT or us > LIMIT_US)


if __name__ == "__main__":
    sys.exit(main())
