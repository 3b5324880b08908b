"""The cases with which ``lpbench check`` checks the processors: small tensors, written on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.testing import PostprocessorCase, PreprocessorCase
from lpbench_image.geometry import Geometry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Outputs = dict[str, npt.NDArray[Any]]

OPENCV = {"process_is_left_as_it_was": "importing cv2 puts a folder of its own into LD_LIBRARY_PATH"}
CYCLES = (200, 1000)
"""A call is short; buffers are made in the first ones."""
SIDE = 64
"""Height and width of the picture and of the model's input, where the outputs need them."""
WHOLE = Geometry(1, 1, 0, 0, (SIDE, SIDE), (SIDE, SIDE))
MEAN, DEVIATION = 0.5, 0.25


def image(folder: Path, options: Mapping[str, Any]) -> PreprocessorCase:
    """Return two pictures of different sizes, letterboxed, and what the first, which has the model's size, becomes."""
    pictures = [np.random.default_rng(size).integers(0, 256, (size, 24, 3), np.uint8) for size in (24, 12)]
    paths = tuple(folder / f"photo{at}.ppm" for at in range(len(pictures)))
    for path, picture in zip(paths, pictures, strict=True):  # red, green, blue; written without OpenCV
        path.write_bytes(b"P6 %d %d 255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes())
    expected = ((pictures[0].transpose(2, 0, 1)[None] / 255 - MEAN) / DEVIATION).astype(np.float32)
    return PreprocessorCase(
        inputs=(TensorInfo("image", "float32", (1, 3, 24, 24)),),
        config={"resize": {"mode": "letterbox"}, "normalise": {"mean": MEAN, "std": DEVIATION}},
        samples=paths,
        expected={"image": expected},
        cycles=CYCLES,
        expected_failures=OPENCV,
    )


def classification(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return scores of three classes, already probabilities."""
    scores = [{"scores": np.array([each], np.float32)} for each in ((0.25, 0.75, 0), (1, 0, 0))]
    best = [("b", 1, 0.75), ("a", 0, 0.25), ("c", 2, 0.0)]
    top = [{"label": label, "index": index, "score": score} for label, index, score in best]
    return _case(*scores, config={"activation": "none"}, labels=("a", "b", "c"), expected={"top": top})


def ssd(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return a face detector with four anchors that sees a face, and one that sees another."""
    given, other = ({"b": np.zeros((1, 4, 6), np.float32), "s": np.full((1, 4, 1), -9, np.float32)} for _ in range(2))
    for outputs, at in ((given, 1), (other, 2)):
        outputs["b"][0, at] = (-8, 8, 16, 16, 1, 2)  # the anchor of the second is at 48, 16
        outputs["s"][0, at] = 3
    config: dict[str, Any] = {"boxes": "b", "scores": "s", "order": "xywh"}
    config |= {
        "anchors": {"maps": [2], "interpolated": None},
        "divisors": [64.0, 64.0, 64.0, 64.0],
        "size": "linear",
        "points": 1,
        "overlap": 0.3,
    }
    score = float(1 / (1 + np.exp(np.float32(-3))))
    item = {"label": "face", "score": score, "box": [32, 16, 48, 32], "points": [[49, 18]]}
    return _case(given, other, config=config, labels=("face",), expected={"items": [item]})


def nanodet(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return a detector with two levels that sees something, and one that sees nothing."""
    rows = {"0": 16, "1": 4}
    shapes = {f"{key}{at}": (1, count, width) for at, count in rows.items() for key, width in (("s", 2), ("b", 12))}
    given = {name: np.full(shape, 0.9, np.float32) for name, shape in shapes.items()}
    given["s0"][0, 5:] = given["s1"][0, 1:] = 0
    config = {"scores": ["s0", "s1"], "boxes": ["b0", "b1"], "strides": [16, 32], "bins": 3}
    return _case(given, {name: np.zeros_like(each) for name, each in given.items()}, config=config)


def boxes(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return boxes with their classes and how many there are."""

    def of(index: float) -> Outputs:
        found = {"b": np.ones((1, 3, 4)), "s": np.ones((1, 3)), "c": np.full((1, 3), index), "n": np.array([2])}
        return {name: each.astype(np.float32) for name, each in found.items()}

    return _case(of(1), of(2), config={"boxes": "b", "scores": "s", "classes": "c", "count": "n"})


def mesh(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return points and the logit of a face."""
    return _case(*_random(points=(1, 468, 3), flag=(1, 1)), config={"points": "points", "flag": "flag"})


def iris(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return points of lids and iris."""
    return _case(*_random(lids=(1, 213), iris=(1, 15)), config={"contour": "lids", "iris": "iris"})


def head_pose(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return a face that looks into the camera, and one turned to the side."""
    from lpbench_image.post.head_pose import IDS, MODEL

    found: list[Outputs] = []
    for angle in (0.0, 0.5):
        turn = np.array([(np.cos(angle), 0, np.sin(angle)), (0, 1, 0), (-np.sin(angle), 0, np.cos(angle))])
        points = np.zeros((1, 468, 3), np.float32)
        points[0, IDS, :2] = (MODEL @ turn.T)[:, :2] * 2 + SIDE / 2
        found.append({"mesh": points})
    return _case(*found)  # the import above has loaded OpenCV before the checks look


def keypoints(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return six bodies."""
    return _case(*_random(out=(1, 6, 56)))


def embedding(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return two vectors, and a gallery that knows the first."""
    np.savez(folder / "gallery.npz", ann=[1, 0], bob=[1, 1])
    vectors: list[Outputs] = [{"vector": np.array([each], np.float32)} for each in ([2, 0], [0, 2])]
    return _case(*vectors, config={"gallery": {"file": str(folder / "gallery.npz")}})


def age_gender(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return probabilities of ages and of a gender."""
    return _case(*_random(age=(1, 100), sex=(1, 1)), config={"age": "age", "gender": "sex"})


def mask(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return two maps of probabilities of another size than the picture."""
    return _case(*_random(map=(1, 32, 32, 1)), labels=("person",), expected_failures=OPENCV)


def text_boxes(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return a page of one line and one of two."""
    maps = np.zeros((2, 1, 1, SIDE, SIDE), np.float32)
    maps[:, :, :, 10:20, 10:50] = 0.9
    maps[1, :, :, 30:40, 10:50] = 0.9
    return _case(*({"map": each} for each in maps), expected_failures=OPENCV)


def ctc(folder: Path, options: Mapping[str, Any]) -> PostprocessorCase:
    """Return scores of three characters and the blank for twenty steps."""
    return _case(*_random(out=(1, 20, 4)), labels=("a", "b", "c"))


def _case(given: Mapping[str, Any], other: Mapping[str, Any], **more: Any) -> PostprocessorCase:
    sample = Sample("picture", None)
    sample.geometry = WHOLE
    outputs = tuple(TensorInfo(name, str(each.dtype), each.shape) for name, each in given.items())
    return PostprocessorCase(outputs=outputs, given=given, other=other, sample=sample, cycles=CYCLES, **more)


def _random(**shapes: tuple[int, ...]) -> list[Outputs]:
    """Return two sets of outputs, from 0 to 1."""
    randoms = (np.random.default_rng(seed) for seed in (0, 1))
    return [{name: each.random(shape).astype(np.float32) for name, shape in shapes.items()} for each in randoms]
