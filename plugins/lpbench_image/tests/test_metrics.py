"""Metrics of boxes against pycocotools and slow references; masks and points against definitions."""

from __future__ import annotations

import contextlib
import io
import itertools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import LpbenchError
from lpbench_image.metrics.boxes import CocoAveragePrecision, VocAveragePrecision
from lpbench_image.metrics.pixels import Dice, MeanIntersectionOverUnion, NormalisedMeanError
from lpbench_image.post import run_lengths

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.quality import QualityMetric

LABELS = ("cat", "dog", "cup")
Picture = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""What was found and what is there."""


def pictures(seed: int, count: int = 6) -> list[Picture]:
    """Return pictures in which boxes are found about where they are, missed, invented, and seen twice."""
    random = np.random.default_rng(seed)

    def box() -> np.ndarray[Any, Any]:
        corner, size = random.uniform(0, 80, 2), random.uniform(5, 60, 2)
        return np.concatenate([corner, corner + size])

    def one() -> Picture:
        there = [
            {"box": box().tolist(), "label": str(random.choice(LABELS)), "crowd": bool(random.random() < 0.15)}
            for _ in range(random.integers(0, 6))
        ]
        seen = [
            {"box": (np.array(each["box"]) + random.normal(0, 4, 4)).tolist(), "label": each["label"]}
            for each in there
            for _ in range(random.integers(0, 3))
        ]
        synthetic = [{"box": box().tolist(), "label": str(random.choice(LABELS))} for _ in range(random.integers(0, 4))]
        # few different scores, so that there are ties
        found = [{**each, "score": float(random.integers(1, 9) / 10)} for each in (*seen, *synthetic)]
        for each in found:
            low, high = np.array(each["box"][:2]), np.array(each["box"][2:])
            each["box"] = [*low.tolist(), *np.maximum(high, low + 1).tolist()]
        return found, there

    return [one() for _ in range(count)]


def over(metric: QualityMetric, every: list[Picture]) -> Any:
    """Return what a metric says of pictures."""
    for found, there in every:
        metric.add({"items": found}, {"items": there})
    return metric.result()


def reference(every: list[Picture]) -> float:
    """Return what pycocotools says: its own format, and its printing kept away."""
    coco = pytest.importorskip("pycocotools.coco", reason="needs pycocotools")
    evaluation = pytest.importorskip("pycocotools.cocoeval", reason="needs pycocotools")
    ids = {label: at for at, label in enumerate(LABELS, start=1)}

    def record(picture: int, each: dict[str, Any]) -> dict[str, Any]:
        left, top, right, bottom = each["box"]
        return {"image_id": picture, "category_id": ids[each["label"]], "bbox": [left, top, right - left, bottom - top]}

    there = [
        {**record(at, each), "area": (b := record(at, each)["bbox"])[2] * b[3], "iscrowd": int(each["crowd"])}
        for at, (_, boxes) in enumerate(every)
        for each in boxes
    ]
    found = [{**record(at, each), "score": each["score"]} for at, (boxes, _) in enumerate(every) for each in boxes]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": at} for at in range(len(every))],
            "annotations": [{**each, "id": at} for at, each in enumerate(there, start=1)],
            "categories": [{"id": at, "name": label} for label, at in ids.items()],
        }
        truth.createIndex()
        done = evaluation.COCOeval(truth, truth.loadRes(found), "bbox")
        done.evaluate()
        done.accumulate()
    precision = done.eval["precision"][:, :, :, 0, 2]
    return float(precision[precision > -1].mean())


@pytest.mark.parametrize("seed", range(12))
def test_average_precision_is_cocos(seed: int) -> None:
    every = pictures(seed)
    assert over(CocoAveragePrecision(LABELS), every).value == pytest.approx(reference(every), abs=1e-9)


def slow_voc(every: list[Picture], label: str) -> float | None:
    """Return VOC's average precision of a class by its definition, one box after another."""
    found = [
        (each["score"], at, each["box"])
        for at, (boxes, _) in enumerate(every)
        for each in boxes
        if each["label"] == label
    ]
    there = {at: [each["box"] for each in boxes if each["label"] == label] for at, (_, boxes) in enumerate(every)}
    count = sum(map(len, there.values()))
    if not count:
        return None
    taken: set[tuple[int, int]] = set()
    points, right = [(0.0, 1.0)], 0
    for done, (_, at, box) in enumerate(sorted(found, key=lambda each: -each[0]), start=1):
        shares = [overlap(box, other) for other in there[at]]
        best = int(np.argmax(shares)) if shares else -1
        if best >= 0 and shares[best] >= 0.5 and (at, best) not in taken:
            taken.add((at, best))
            right += 1
        points.append((right / count, right / done))
    return sum(
        (recall - before) * max(precision for reached, precision in points if reached >= recall)
        for (before, _), (recall, _) in itertools.pairwise(points)
    )


def overlap(one: list[float], other: list[float]) -> float:
    """Return intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    area = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (one, other))
    return shared / (area - shared)


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_vocs(seed: int) -> None:
    every = [(found, [{**each, "crowd": False} for each in there]) for found, there in pictures(seed)]
    expected = {label: value for label in LABELS if (value := slow_voc(every, label)) is not None}
    assert over(VocAveragePrecision(LABELS), every).parts == pytest.approx(expected)


def test_a_difficult_box_neither_counts_nor_spoils() -> None:
    box = [0.0, 0.0, 10.0, 10.0]
    far = [50.0, 50.0, 60.0, 60.0]
    found: list[dict[str, Any]] = [
        {"box": box, "label": "cat", "score": 0.9},
        {"box": far, "label": "cat", "score": 0.8},
    ]
    there: list[dict[str, Any]] = [{"box": box, "label": "cat", "difficult": True}, {"box": far, "label": "cat"}]
    assert over(VocAveragePrecision(LABELS), [(found, there)]).value == 1


def test_data_without_boxes_have_no_average_precision() -> None:
    nothing = over(CocoAveragePrecision(LABELS), [([], [])])
    assert (nothing.value, nothing.n, nothing.reason) == (None, 1, "the data contain no boxes")
    with pytest.raises(LpbenchError, match="the data have no boxes"):
        CocoAveragePrecision(LABELS).add({"items": []}, {"label": "cat"})
    with pytest.raises(LpbenchError, match="the data have no boxes"):  # points alone are ground truth too
        CocoAveragePrecision(LABELS).add({"items": []}, {"items": [{"box": None, "points": [[1, 2]]}]})
    with pytest.raises(LpbenchError, match="predictions have no boxes"):
        CocoAveragePrecision(LABELS).add({"top": []}, {"items": []})


MASKS = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=3, max_size=3).map(np.array)


@settings(max_examples=50)
@given(MASKS, MASKS)
def test_masks_are_compared_pixel_by_pixel(found: Any, there: Any) -> None:
    described = {"mask": run_lengths.encode(found), "share": {"person": float(found.mean())}}
    truth = {"mask": run_lengths.encode(there)}
    values = []
    for metric in (MeanIntersectionOverUnion([]), Dice([])):
        metric.add(described, truth)
        values.append(metric.result().value)
    both, either = int((found & there).sum()), int((found | there).sum())
    expected = [both / either, 2 * both / (int(found.sum()) + int(there.sum()))] if either else [None, None]
    assert values == pytest.approx(expected)


def test_masks_of_several_classes_come_from_a_picture_of_indices(tmp_path: Path) -> None:
    there = np.array([[0, 0, 1], [2, 2, 1]], np.uint8)
    found = np.array([[0, 1, 1], [2, 2, 2]], np.uint8)
    cv2.imwrite(str(tmp_path / "mask.png"), there)
    described = {"masks": {LABELS[at]: run_lengths.encode(found == at) for at in range(3)}}
    metric = MeanIntersectionOverUnion(LABELS)
    metric.add(described, {"mask": str(tmp_path / "mask.png")})
    assert metric.result().parts == pytest.approx({"cat": 1 / 2, "dog": 1 / 3, "cup": 2 / 3})


INDICES: Any = np.array([[0, 0, 1], [2, 2, 1]])
WORDS = " ".join(map(str, INDICES.flat))


@pytest.mark.parametrize(
    "picture",
    [
        f"P2 3 2 2\n{WORDS}\n".encode(),
        f"P2 3 2 300\n{WORDS}\n".encode(),
        b"P5 3 2 20\n" + INDICES.astype("u1").tobytes(),
        b"P5 3 2 65535\n" + INDICES.astype(">u2").tobytes(),
        cv2.imencode(".png", INDICES.astype(np.uint16))[1].tobytes(),
    ],
    ids=["P2", "P2, wide", "P5", "P5, wide", "PNG of 16 bits"],
)
def test_indices_of_classes_are_the_values_in_the_file(tmp_path: Path, picture: bytes) -> None:
    """No maximum scales them, and none of 16 bits are dropped."""
    (tmp_path / "mask").write_bytes(picture)
    described = {"masks": {LABELS[at]: run_lengths.encode(at == INDICES) for at in range(3)}}
    metric = MeanIntersectionOverUnion(LABELS)
    metric.add(described, {"mask": str(tmp_path / "mask")})
    assert metric.result().parts == {"cat": 1, "dog": 1, "cup": 1}


@pytest.mark.parametrize(
    "picture",
    [b"P1 3 1\n1 0 0\n", b"P2 3 1 1\n0 1 1\n", b"P5 3 1 15\n\0\x0f\x08", b"P5 3 1 300\n\0\0\1\x2c\1\0"],
    ids=["P1", "P2", "P5", "P5, wide"],
)
def test_the_mask_of_one_class_is_lighter_than_half_of_white(tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "mask").write_bytes(picture)
    described = {"mask": run_lengths.encode(np.array([[False, True, True]])), "share": {"person": 2 / 3}}
    metric = MeanIntersectionOverUnion([])
    metric.add(described, {"mask": str(tmp_path / "mask")})
    assert metric.result().value == 1


def test_colours_are_no_indices_of_classes(tmp_path: Path) -> None:
    """Of a palette, for example: their grey values would be taken for other classes."""
    cv2.imwrite(str(tmp_path / "mask.png"), np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    described = {"masks": {"cat": run_lengths.encode(np.ones((2, 2), np.bool_))}}
    with pytest.raises(LpbenchError, match="it has colours"):
        Dice(LABELS).add(described, {"mask": str(tmp_path / "mask.png")})


def test_masks_of_other_sizes_or_none_are_refused(tmp_path: Path) -> None:
    described = {"mask": run_lengths.encode(np.ones((2, 2), np.bool_)), "share": {"person": 1.0}}
    for truth, wrong in (
        ({"mask": run_lengths.encode(np.ones((2, 3), np.bool_))}, "2, 2"),
        ({"mask": {"size": [2, 2], "counts": [1]}}, "run lengths of a mask are invalid"),
        ({"mask": str(tmp_path / "gone.png")}, r"gone\.png: cannot be read as a picture"),
        ({"mask": {"size": [100_000, 100_000], "counts": [10**10]}}, "100000 x 100000 pixels; at most"),
        ({"mask": {"size": [2, 2], "counts": [2**62, 2**62, 2**62, 2**62, 4]}}, "run lengths from 4 to"),
        ({"mask": {"size": [2, 2], "counts": [10**30]}}, "more than 64 bits"),
        ({"mask": {"size": [-2, -2], "counts": [4]}}, "not height and width"),
        ({"mask": {"size": "22", "counts": [4]}}, "not height and width"),
        ({"mask": {"size": [2, 2], "counts": "dkj3"}}, "run lengths of a mask are invalid"),
        ({"label": "cat"}, "have no mask"),
    ):
        with pytest.raises(LpbenchError, match=wrong):
            Dice([]).add(described, truth)


def test_the_error_of_points_is_a_share_of_their_boxs_size() -> None:
    there = [[0.0, 0.0], [40.0, 0.0], [0.0, 10.0]]
    metric = NormalisedMeanError([])
    metric.add(
        {"items": [], "mesh": [{"item": 0, "points": [[3.0, 4.0], [40.0, 0.0], [0.0, 10.0]]}]}, {"points": there}
    )
    assert metric.result().value == pytest.approx(5 / 3 / 20)
    with pytest.raises(LpbenchError, match="2 true points for 3 predicted"):
        metric.add({"points": there}, {"points": there[:2]})
