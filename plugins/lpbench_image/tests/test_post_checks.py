"""Every postprocessor of this package keeps the contract, by the kit that judges everybody's.

Two of them go through every check, each in a process of its own; the others, for
the sake of time, in this one, through those that need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_image.tests.posts import infos, sample

from lpbench.plugin import registry
from lpbench.testing import PostprocessorCase, postprocessor_checks
from lpbench.testing._checks import NotApplicable
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import PostprocessorSubject
from lpbench_image.geometry import Geometry
from lpbench_image.post.head_pose import IDS, MODEL
from lpbench_image.post.specs import SPECS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from plugins.lpbench_image.tests.posts import Array

HERE = {
    name: each
    for name, each in TESTED["postprocessor"].checks.items()
    if each.section in {"config", "running"} and name != "config_builds_without_side_effects"
}
"""Checks that need no process of their own."""
OPENCV = {"process_is_left_as_it_was": "importing cv2 puts a folder of its own into LD_LIBRARY_PATH"}
CYCLES = (200, 1000)
WHOLE = Geometry(1, 1, 0, 0, (64, 64), (64, 64))


def case(given: Mapping[str, Array], other: Mapping[str, Array], **more: Any) -> PostprocessorCase:
    outputs = tuple(infos(dict(given)))
    return PostprocessorCase(outputs=outputs, given=given, other=other, sample=sample(WHOLE), cycles=CYCLES, **more)


def random(**shapes: tuple[int, ...]) -> list[dict[str, Array]]:
    """Return two sets of outputs, from 0 to 1."""
    randoms = (np.random.default_rng(seed) for seed in (0, 1))
    return [{name: each.random(shape).astype(np.float32) for name, shape in shapes.items()} for each in randoms]


def heads() -> list[dict[str, Array]]:
    """Return a face that looks into the camera, and one turned to the side."""
    found = []
    for angle in (0.0, 0.5):
        turn = np.array([(np.cos(angle), 0, np.sin(angle)), (0, 1, 0), (-np.sin(angle), 0, np.cos(angle))])
        points = np.zeros((1, 468, 3), np.float32)
        points[0, IDS, :2] = (MODEL @ turn.T)[:, :2] * 2 + 32
        found.append({"mesh": points})
    return found


def pages() -> list[dict[str, Array]]:
    """Return a page of one line and one of two."""
    maps = np.zeros((2, 1, 1, 64, 64), np.float32)
    maps[:, :, :, 10:20, 10:50] = 0.9
    maps[1, :, :, 30:40, 10:50] = 0.9
    return [{"map": each} for each in maps]


def known(folder: Path, _: Mapping[str, Any]) -> PostprocessorCase:
    """Return two vectors, and a gallery that knows the first."""
    np.savez(folder / "gallery.npz", ann=[1, 0], bob=[1, 1])
    vectors: list[dict[str, Array]] = [{"vector": np.array([each], np.float32)} for each in ([2, 0], [0, 2])]
    return case(*vectors, config={"gallery": {"file": str(folder / "gallery.npz")}})


def segmented(_: Path, __: Mapping[str, Any]) -> PostprocessorCase:
    """Return two maps of probabilities of another size than the picture."""
    return case(*random(map=(1, 32, 32, 1)), labels=("person",))


CASES: dict[str, Callable[[Path, Mapping[str, Any]], PostprocessorCase]] = {
    "mesh": lambda *_: case(*random(points=(1, 468, 3), flag=(1, 1)), config={"points": "points", "flag": "flag"}),
    "iris": lambda *_: case(*random(lids=(1, 213), iris=(1, 15)), config={"contour": "lids", "iris": "iris"}),
    "head-pose": lambda *_: case(*heads()),
    "keypoints": lambda *_: case(*random(out=(1, 6, 56))),
    "embedding": known,
    "age-gender": lambda *_: case(*random(age=(1, 100), sex=(1, 1)), config={"age": "age", "gender": "sex"}),
    "mask": segmented,
    "text-boxes": lambda *_: case(*pages()),
    "ctc": lambda *_: case(*random(out=(1, 20, 4)), labels=("a", "b", "c")),
}


@pytest.mark.parametrize("check", HERE)
@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
def test_outputs_become_predictions_as_the_contract_says(name: str, check: str, tmp_path: Path) -> None:
    """What the kit says of settings and of predictions."""
    subject = PostprocessorSubject(registry.POSTPROCESSORS, name, lambda _: CASES[name](tmp_path, {}), tmp_path)
    try:
        HERE[check].function(subject)
    except NotApplicable as reason:
        assert str(reason)  # noqa: PT017 - it must say why


@postprocessor_checks("embedding", known)
def test_embeddings_keep_the_contract(check: Callable[[], None]) -> None:
    """Every check of the kit."""
    check()


@postprocessor_checks("mask", segmented, expected_failures=OPENCV)
def test_masks_keep_the_contract(check: Callable[[], None]) -> None:
    """Every check of the kit; a mask keeps buffers from call to call."""
    check()
