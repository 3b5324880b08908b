"""The catalogue's apps whose models come as they are or are trained here."""

from __future__ import annotations

import gzip
import importlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.lpbench_image.tests.light_graphs import light
from plugins.lpbench_image.tests.looking import looked, seen

from lpbench.app import catalogue, dataset
from lpbench.app.model import load_app
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.long

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("cv2", reason="needs opencv")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from lpbench_image import apps  # noqa: E402 - after what may skip this file
from lpbench_image._decode import read_picture  # noqa: E402
from lpbench_image.apps import (  # noqa: E402
    _digits,
    _entries_faces,
    _entries_more,
    _entries_random,
    _faces,
    _text,
)
from lpbench_image.apps._writing import write_labelled  # noqa: E402
from lpbench_image.boxes._anchors import anchors  # noqa: E402
from lpbench_image.boxes.config import SsdConfig  # noqa: E402

ENTRIES = {
    each.name: each
    for module in (_entries_faces, _entries_more, _entries_random)
    for each in vars(module).values()
    if isinstance(each, catalogue.Entry)
}
TFLITE = "ai_edge_litert"


@pytest.mark.parametrize("name", ENTRIES)
def test_definitions_hold_together(name: str) -> None:
    """Each is on offer under its name; its recipe exists; samples are members, and no two members have one name."""
    entry = ENTRIES[name]
    (offer,) = (each for each in apps.ENTRIES if each.name == name)
    module, _, constant = offer.target.partition(":")
    assert getattr(importlib.import_module(module), constant) is entry
    module, _, recipe = entry.recipe.partition(":")
    assert callable(getattr(importlib.import_module(module), recipe))
    members = [name for package in entry.packages for name in package.members.values()]
    assert set(entry.samples) <= set(members)
    assert len(set(members)) == len(members)
    assert all(entry.licences())


# What is seen


@pytest.mark.parametrize(("name", "score"), [("short", 0.92), ("back", 0.88), ("full", 0.94)])
def test_blazeface_finds_the_astronauts_face(built: Callable[[str], Path], name: str, score: float) -> None:
    """One face, with the score that was recorded, its eyes and nose where they are."""
    pytest.importorskip(TFLITE, reason="needs LiteRT")
    (face,) = seen(built(f"blazeface-{name}"), engine="tflite")["astronaut.png"]["items"]
    assert face["score"] == pytest.approx(score, abs=0.01)
    right_eye, left_eye, nose = face["points"][:3]
    assert right_eye == pytest.approx([204, 102], abs=4)
    assert left_eye == pytest.approx([247, 105], abs=6)
    assert nose == pytest.approx([225, 128], abs=5)


def test_blazeface_tells_faces_from_other_things(built: Callable[[str], Path]) -> None:
    """200 patches of photos, half of them faces: the area under the curve is at least 0.99, and the gate passes."""
    pytest.importorskip(TFLITE, reason="needs LiteRT")
    found = looked(built("blazeface-back"), engine="tflite", quality=True).quality
    assert (found["metric"], found["n"]) == ("auc", 200)
    assert found["value"] >= 0.99
    assert found["gate"]["passes"]


def test_a_chain_goes_from_the_face_to_both_irises(built: Callable[[str], Path]) -> None:
    """Both irises, to two pixels of what was recorded, although one eye is shown to the model in the mirror."""
    pytest.importorskip(TFLITE, reason="needs LiteRT")
    (face,) = seen(built("eye-gaze"), engine="tflite")["astronaut.png"]["mesh"]
    assert face["score"] > 0.99
    assert [eye["iris"] for eye in face["iris"]] == [
        pytest.approx([203.4, 100.9], abs=2),
        pytest.approx([246.4, 103.3], abs=2),
    ]


def test_the_astronaut_looks_ahead_and_is_happy(built: Callable[[str], Path]) -> None:
    """The head is turned by a few degrees at most; of seven emotions, it is the one that everybody sees."""
    pytest.importorskip(TFLITE, reason="needs LiteRT")
    (head,) = seen(built("head-pose"), engine="tflite")["astronaut.png"]["pose"]
    assert abs(head["yaw"]) < 8
    assert 0 < head["roll"] < 8
    (face,) = seen(built("emotion"), engine="tflite")["astronaut.png"]["emotion"]
    assert face["top"][0]["label"] == "happy"
    assert face["top"][0]["score"] > 0.95


def test_the_astronaut_fills_half_of_the_picture(built: Callable[[str], Path]) -> None:
    """The app asks for the engine that knows the model's own operator."""
    pytest.importorskip(TFLITE, reason="needs LiteRT")
    assert seen(built("selfie-segmentation"))["astronaut.png"]["share"]["person"] == pytest.approx(0.545, abs=0.02)


@pytest.mark.long
def test_seven_lines_are_read_without_a_mistake(built: Callable[[str], Path]) -> None:
    found = looked(built("ppocr-v6"), engine="onnxruntime", quality="cer")
    assert [each["text"] for each in found.predictions[0]["recognition"]] == list(_text.PAGE)
    assert found.quality["value"] == 0


@pytest.mark.long
def test_digits_are_named(built: Callable[[str], Path]) -> None:
    """Of the 500 digits that it was not trained on, the network names at least 92 %; building again changes nothing."""
    app = built("digits-mlp")
    found = looked(app, engine="onnxruntime", quality=True).quality
    assert (found["metric"], found["n"]) == ("top1", 500)
    assert found["value"] >= 0.92
    before = load_app(app).digest()
    catalogue.pull("digits-mlp", force=True)
    assert load_app(app).digest() == before


# How it is built


@pytest.mark.parametrize(("kind", "rows"), [("short", 896), ("back", 896), ("full", 2304)])
def test_each_row_of_a_detector_has_an_anchor(kind: str, rows: int) -> None:
    """As many as the model files say; the first lies in the middle of the first cell."""
    post = {key: value for key, value in _faces.detector(kind)["postprocessing"].items() if key != "type"}
    found = anchors(dataclass_config.build(SsdConfig, post).anchors)
    assert found.shape == (rows, 4)
    side = {896: 16, 2304: 48}[rows]
    np.testing.assert_allclose(found[0], [0.5 / side, 0.5 / side, 1, 1])


def test_a_patch_lies_on_its_mean(tmp_path: Path) -> None:
    """Two patches, a grey one and one with a light half, written and read again as a data set."""
    pair = np.full((101, 25, 25), 0.5)
    pair[100, :, 12:] = 1.0
    np.save(tmp_path / "patches.npy", pair)
    write_labelled(tmp_path / "labelled", _faces.patches(tmp_path / "patches.npy"), "value")
    found = dataset.load(tmp_path / "labelled", (".png",))
    assert [each.truth["value"] for each in found] == [1.0] * 100 + [0.0]
    grey, half = (read_picture(found[at].path, 10**6) for at in (0, 100))
    assert grey.shape == (256, 256, 3)
    assert np.unique(grey).tolist() == [128]
    assert half[0, 0, 0] == round(pair[100].mean() * 255)
    assert half[128, [60, 200], 0].tolist() == [128, 255]


def synthetic_digits(path: Path, *, random: bool = False) -> Path:
    """Write digits that are a light row each, the label its number; or that have nothing to do with their labels."""
    numbers = np.random.default_rng(3).integers(0, 8, 1797)
    pixels = np.zeros((1797, 8, 8))
    pixels[np.arange(1797), np.roll(numbers, 1) if random else numbers] = 16
    table = np.concatenate([pixels.reshape(1797, 64), numbers[:, None]], axis=1)
    with gzip.open(path, "wt", encoding="ascii") as file:
        np.savetxt(file, table, fmt="%d", delimiter=",")
    return path


def test_the_network_in_the_file_is_the_one_that_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits that can be told apart, as an app: ONNX Runtime gives numpy's scores, for one picture and for three."""
    monkeypatch.setattr(_digits, "STEPS", 50)
    synthetic_digits(tmp_path / "digits.csv.gz")
    _digits.digits(tmp_path, tmp_path)
    app = load_app(tmp_path)
    assert app.quality == {"metric": "top1", "reference": 1.0, "at_least_of_reference": 0.99}
    assert len(app.samples) == 10
    labelled = dataset.load(tmp_path / "labelled", (".png",), app.labels)
    pixels, labels = _digits.read(tmp_path / "digits.csv.gz")
    assert [int(each.truth["label"]) for each in labelled] == labels[1297:].tolist()
    assert (read_picture(labelled[7].path, 100)[..., 0] == pixels[1304]).all()
    values = pixels[:3, None].astype(np.float32) / 255
    session = ort.InferenceSession(tmp_path / "model.onnx")
    weights = [onnx.numpy_helper.to_array(each) for each in onnx.load(tmp_path / "model.onnx").graph.initializer]
    wanted = _digits.logits(values.reshape(3, 64), weights)
    for count in (1, 3):
        (found,) = session.run(None, {"input": values[:count]})
        np.testing.assert_allclose(found, wanted[:count], rtol=1e-4, atol=1e-4)


def test_a_network_that_learned_nothing_is_no_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that have nothing to do with the pictures."""
    monkeypatch.setattr(_digits, "STEPS", 10)
    synthetic_digits(tmp_path / "digits.csv.gz", random=True)
    with pytest.raises(ValueError, match="of the digits that it was not trained on; expected 92% or more"):
        _digits.digits(tmp_path, tmp_path)


def test_gradients_are_those_of_the_loss() -> None:
    """Against differences of the mean cross entropy and decay, at random weights."""
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(5, 6)), random.integers(0, 10, 5)
    weights = [random.normal(size=shape) for shape in ((6, 4), (4,), (4, 10), (10,))]

    def loss() -> float:
        hidden = np.maximum(values @ weights[0] + weights[1], 0)
        scores = hidden @ weights[2] + weights[3]
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        decay = sum((each**2).sum() for each in (weights[0], weights[2])) * _digits.DECAY / 2
        return float(decay - np.log(shares[np.arange(5), labels]).mean())

    found = _digits.gradients(values, np.eye(10)[labels], weights)
    for each, slope in zip(weights, found, strict=True):
        place = (1,) * each.ndim
        each[place] += 1e-6
        above = loss()
        each[place] -= 2e-6
        below = loss()
        each[place] += 1e-6
        assert slope[place] == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-8)


def test_characters_are_those_of_the_model(tmp_path: Path) -> None:
    """In the order of the classes, spaces of other scripts included; a model that says none is refused."""
    model = light()
    onnx.save(model, tmp_path / "recognition.onnx")
    with pytest.raises(ValueError, match=r"recognition\.onnx does not list its characters"):
        _text.characters(tmp_path / "recognition.onnx")
    onnx.helper.set_model_props(model, {"character": "a\nb\n\u3000\né"})
    onnx.save(model, tmp_path / "recognition.onnx")
    assert _text.characters(tmp_path / "recognition.onnx") == ["a", "b", "\u3000", "é"]


def test_the_page_and_its_text_stand_beside_the_app(tmp_path: Path) -> None:
    """Synthetic models: the page is twice as large, and its truth has as many lines as can be read."""
    from lpbench_image.apps._writing import write_picture

    model = light()
    onnx.helper.set_model_props(model, {"character": "a\nb"})
    members, app = tmp_path / "members", tmp_path / "app"
    app.mkdir()
    write_picture(members / "page.png", np.arange(12, dtype=np.uint8).reshape(3, 4))
    for name in ("detection.onnx", "recognition.onnx"):
        onnx.save(model, members / name)
    _text.ppocr(members, app)
    assert (app / "characters.txt").read_text("utf-8") == "a\nb\n"
    (page,) = dataset.load(app / "labelled", (".png",))
    assert page.truth["text"].count("\n") == 6
    assert read_picture(page.path, 100)[:2, :4, 0].tolist() == [[0, 0, 1, 1]] * 2
    written = json.loads((app / "ai_app_config.json").read_text("utf-8"))
    assert [each["name"] for each in written["components"]] == ["detection", "recognition"]
    assert [sample.name for sample in load_app(app).samples] == ["page.png"]
