"""How fast a picture and a detector's outputs become boxes: lpbench beside lines written by hand, taking turns.

Each detector of the catalogue, one with 16,128 anchors and a YOLO find made-up things, as many
boxes around each as real models yield.  The lines by hand stand in _detector_cases.py; all are
checked to give the same tensor and to find the same.  Prints the median of each in microseconds,
postprocessing alone and with preprocessing, lpbench's ratios to the best, and whether the goals
are met.  Takes a minute.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from _detector_cases import Case, decoded, distributed, faces, objects

from lpbench_image.boxes.config import Anchors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Job = Callable[[], object]

LIMIT = 1.1
LIMIT_US = 1000
MANY = 16128
CLOSE = 0.01


def check(case: Case) -> int:
    """Return how many things were found, once all ways agree."""
    tensor = case.our_pre(case.sample)["input"]
    for name, pre in case.pre.items():
        if np.abs(pre(case.sample.data) - tensor).max() > CLOSE:
            message = f"{case.title}: {name} makes another tensor"
            raise AssertionError(message)
    ours = case.our_post(case.outputs, case.sample)
    expected = (ours.boxes, ours.scores, ours.classes, ours.points)
    for name, way in case.post.items():
        found = way(case.outputs)
        order = np.argsort(-found[1], kind="stable")
        for mine, other in zip(expected, found, strict=True):
            if mine.shape != other.shape or np.abs(mine - other[order]).max(initial=0) > CLOSE:
                message = f"{case.title}: {name} finds something else"
                raise AssertionError(message)
    return len(ours)


def measure(jobs: Mapping[str, Job], rounds: int) -> dict[str, float]:
    """Return the median microseconds of each, in turns whose order is reversed every other round."""
    order = list(jobs.items())
    times: dict[str, list[int]] = collections.defaultdict(list)
    for _ in range(rounds):
        for name, job in order:
            job()  # the caches are its own then
            start = time.perf_counter_ns()
            job()
            times[name].append(time.perf_counter_ns() - start)
        order.reverse()
    return {name: statistics.median(each) / 1000 for name, each in times.items()}


def report(title: str, medians: dict[str, float]) -> tuple[float, float]:
    """Print the medians and return lpbench's, and its ratio to the best by hand."""
    ours = medians.pop("lpbench")
    print(f"{title}\n  {ours:8.1f} us  lpbench")
    for name, each in sorted(medians.items(), key=lambda item: item[1]):
        print(f"  {each:8.1f} us  {name}")
    return ours, ours / min(medians.values())


def compare(case: Case, rounds: int) -> tuple[float, float, float]:
    """Return lpbench's microseconds of postprocessing, its ratio, and that of both steps."""
    found = check(case)
    post: dict[str, Any] = {name: partial(way, case.outputs) for name, way in case.post.items()}
    ours = partial(case.our_post, case.outputs, case.sample)
    us, alone = report(f"{case.title}, {found} found: postprocessing", measure({"lpbench": ours, **post}, rounds))
    print(f"  lpbench / best by hand: {alone:.3f}")

    def both(first: Job, second: Job) -> Job:
        return lambda: (first(), second())

    jobs = {
        f"{name}; {way}": both(partial(pre, case.sample.data), post[way])
        for name, pre in case.pre.items()
        for way in post
        if way.startswith("early")
    }
    whole = {"lpbench": both(partial(case.our_pre, case.sample), ours), **jobs}
    _, ratio = report("  and preprocessing", measure(whole, rounds))
    print(f"  lpbench / best by hand: {ratio:.3f}, at most {LIMIT}: {'met' if ratio <= LIMIT else 'MISSED'}")
    return us, alone, ratio


def main() -> int:
    """Print all cases; the status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # moving between cores would be most of the noise
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}, 1 core, {rounds} rounds")
    short, full = Anchors((16, 8, 8, 8)), Anchors((48,), interpolated=None)
    many = faces(f"BlazeFace-style, {MANY:,} anchors", 384, Anchors((96, 48, 48, 48), interpolated=None), 30, 20)
    cases = [
        faces("BlazeFace short, 896 anchors", 128, short, 3, 8),
        faces("BlazeFace back, 896 anchors", 256, short, 3, 8),
        faces("BlazeFace full, 2,304 anchors", 192, full, 3, 8),
        objects(300, 3, 8),
        distributed(416, 4, 6),
        decoded(640, 6, 10),
    ]
    us, _, _ = first = compare(many, rounds)
    print(f"  postprocessing: {us:.0f} us, at most {LIMIT_US}: {'met' if us <= LIMIT_US else 'MISSED'}")
    ratios = [each[2] for each in (first, *(compare(case, rounds) for case in cases))]
    return int(max(ratios) > LIMIT or us > LIMIT_US)


if __name__ == "__main__":
    sys.exit(main())
