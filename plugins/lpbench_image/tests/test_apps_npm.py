"""The catalogue's apps out of npm packages: what they see, and that a conversion gone wrong is not handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_image.tests.looking import seen

from lpbench.app import catalogue
from lpbench.app.model import load_app
from lpbench.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytestmark = pytest.mark.long

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("cv2", reason="needs opencv")

from lpbench_image.apps import _coco, _entries_npm, _objectron  # noqa: E402 - after what may skip this file
from lpbench_image.apps._recorded import Recorded, check, synthetic  # noqa: E402

ENTRIES = {each.name: each for each in vars(_entries_npm).values() if isinstance(each, catalogue.Entry)}


def near(box: Sequence[float], wanted: Sequence[float]) -> bool:
    return bool(np.abs(np.subtract(box, wanted)).max() < 8)


THINGS = {
    ("nanodet-coco", "astronaut.png"): ("person", 0.73, [14, 14, 364, 508]),
    ("nanodet-coco", "coffee.png"): ("cup", 0.53, None),
    ("ssd-mobilenet-v2-oid", "astronaut.png"): ("Person", 0.58, None),
    ("ssd-mobilenet-v2-oid", "chelsea.png"): ("Cat", 0.85, [3, 1, 423, 300]),
    ("ssd-mobilenet-v2-oid", "coffee.png"): ("Coffee cup", 0.55, None),
}
"""Best thing, its score and box as they were seen before there was any code of ours."""


@pytest.mark.parametrize("name", ["nanodet-coco", "ssd-mobilenet-v2-oid"])
def test_detectors_see_what_was_recorded(built: Callable[[str], Path], name: str) -> None:
    """The best thing in each photo, its score to 0.02 and its box to 8 pixels."""
    pytest.importorskip("onnxruntime" if name == "nanodet-coco" else "openvino", reason="needs an engine")
    found = seen(built(name))
    for (app, photo), (label, score, box) in THINGS.items():
        if app == name:
            best = found[photo]["items"][0]
            assert best["label"] == label
            assert best["score"] == pytest.approx(score, abs=0.02)
            assert box is None or near(best["box"], box)


def test_movenet_finds_the_astronaut(built: Callable[[str], Path]) -> None:
    """The nose where it is, the left shoulder to the right of the right one, nobody beside the rocket."""
    pytest.importorskip("onnxruntime", reason="needs an engine")
    found = seen(built("movenet-lightning"))
    (body,) = found["astronaut.png"]["items"]
    points = dict(zip(_coco.KEYPOINTS, body["points"], strict=True))
    assert points["nose"] == pytest.approx([221, 120], abs=4)
    assert points["left shoulder"][0] > points["right shoulder"][0]
    assert found["rocket.jpg"]["items"] == []


def test_faces_are_found_and_looked_at(built: Callable[[str], Path]) -> None:
    """A woman of about 33 in one photo, and a vector of length 1; no face and nothing about it in the other."""
    pytest.importorskip("openvino", reason="needs an engine")
    people, vectors = seen(built("age-gender")), seen(built("face-recognition"))
    (about,) = people["astronaut.png"]["age-gender"]
    assert about["age"] == pytest.approx(33, abs=3)
    assert about["gender"]["label"] == "female"
    (vector,) = vectors["astronaut.png"]["embedding"]
    assert np.linalg.norm(vector["embedding"]) == pytest.approx(1, abs=1e-4)
    assert (people["china.jpg"]["age-gender"], vectors["china.jpg"]["embedding"]) == ([], [])


@pytest.mark.parametrize("name", ENTRIES)
def test_definitions_hold_together(name: str) -> None:
    """Every sample is a member; every package says its licence; what the recipe asks for is unpacked."""
    entry = ENTRIES[name]
    members = [name for package in entry.packages for name in package.members.values()]
    assert set(entry.samples) <= set(members)
    assert len(set(members)) == len(members)
    assert all(entry.licences())
    assert any(package.kind == "npm" for package in entry.packages)


def test_the_names_of_coco_are_complete() -> None:
    """80 things and 17 points, each once; the ends are where every list of COCO has them."""
    assert len(set(_coco.CLASSES)) == len(_coco.CLASSES) == 80
    assert (_coco.CLASSES[0], _coco.CLASSES[41], _coco.CLASSES[79]) == ("person", "cup", "toothbrush")
    assert len(set(_coco.KEYPOINTS)) == len(_coco.KEYPOINTS) == 17


NAMES = [*(f"name{at:03d}" for at in range(22)), "end"]
MODEL = b"\0\0\0\0TFL3rest"


def packed(folder: Path, names: Sequence[str] = ("???", *NAMES), model: bytes = MODEL) -> Path:
    """Write the names, one a line, and the model behind them; the real names take as many bytes."""
    (folder / "assets.data").write_bytes("".join(f"{name}\n" for name in names).encode() + model)
    return folder


def test_labels_and_model_are_taken_out_of_the_packed_file(tmp_path: Path) -> None:
    """The names lose the one for no class; the model is every byte behind them."""
    (tmp_path / "app/samples").mkdir(parents=True)
    _objectron.ssd(packed(tmp_path), tmp_path / "app")
    assert list(load_app(tmp_path / "app").labels) == NAMES
    assert (tmp_path / "app/model.tflite").read_bytes() == MODEL


@pytest.mark.parametrize(
    "change", [{"names": ["???", "n" * 179]}, {"names": ["none", *NAMES]}, {"model": b"\0\0\0\0ELF1"}]
)
def test_another_packed_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another number of names, or something else where the model begins."""
    with pytest.raises(ValueError, match="expected 23 labels, then a TFLite model"):
        _objectron.ssd(packed(tmp_path, **change), tmp_path)


def doubling(path: Path, factor: float = 2.0) -> None:
    """Write a model with one input x of [batch, 4] and one output y."""
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Mul", ["x", "f"], ["y"])]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xy"]
    constant = helper.make_tensor("f", TensorProto.FLOAT, [], [factor])
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def test_a_model_that_gives_other_numbers_is_refused(tmp_path: Path) -> None:
    """The recorded numbers pass; a factor that is one percent off, and NaN, do not."""
    picture = (synthetic([1, 4]) - 100) / 50 * 2
    told = (picture.mean(), picture.std(), picture[0, 0], picture[0, -1])
    recorded = Recorded({"y": told}, mean=100, std=50)
    doubling(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", recorded)
    for factor in (2.02, float("nan")):
        doubling(tmp_path / "m.onnx", factor)
        with pytest.raises(PullError, match=r'm\.onnx: output "y" has mean(?s:.*)mistake in the conversion'):
            check(tmp_path / "m.onnx", recorded)


def test_the_synthetic_picture_never_changes() -> None:
    """The recorded numbers depend on it, to the last value."""
    assert synthetic([2, 4]).tolist() == [[0, 55, 110, 166], [221, 21, 76, 132]]
    assert synthetic([1 << 16]).max() == 255
