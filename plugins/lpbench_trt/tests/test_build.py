"""Plans are built as asked for or not at all; over the fake of TensorRT 8, 10 and 11, which computes without a GPU."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_trt.tests.library import Library

from lpbench.testing import onnx_models

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FLOAT = onnx_models.FLOAT
SHAPE = (1, 3, 6, 6)
node = onnx.helper.make_node
random = np.random.default_rng(3)


def network(path: Path, operator: str = "Relu", shape: onnx_models.Shape = SHAPE, **saving: Any) -> Path:
    weights = {"w": random.standard_normal((3, 3, 3, 3)).astype(np.float32)}
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="first", pads=[1] * 4),
        node(operator, ["c"], ["y"], name="last layer"),
    ]
    return onnx_models.save(path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)], weights, **saving)


def quantised(path: Path) -> Path:
    weights = {"s": np.float32(0.1), "z": np.int8(0)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantise"),
        node("DequantizeLinear", ["q", "s", "z"], ["d"], name="dequantise"),
        node("Relu", ["d"], ["y"], name="relu"),
    ]
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    return onnx_models.save(path, nodes, [("x", FLOAT, SHAPE)], [("y", FLOAT, SHAPE)], arrays)


def half(path: Path) -> Path:
    return onnx_models.save(path, [node("Relu", ["x"], ["y"], name="half")], [("x", 10, SHAPE)], [("y", 10, SHAPE)])


REQUESTS: list[list[Any]] = [
    ["good", "good.onnx", "F32", {}, {}],
    *([f"good {name}", "good.onnx", name, {}, {}] for name in ("F16", "BF16", "S8", "auto")),
    *([f"quantised {name}", "quantised.onnx", name, {}, {}] for name in ("F32", "F16", "S8", "auto")),
    *([f"half {name}", "half.onnx", name, {}, {}] for name in ("F32", "auto")),
    ["unknown", "unknown.onnx", "F32", {}, {}],
    ["beside", "beside.onnx", "F32", {}, {}],
    ["outside", "outside.onnx", "F32", {}, {}],
    ["noise", "noise.onnx", "F32", {}, {}],
    ["open", "open.onnx", "F32", {}, {}],
    ["batch", "batch.onnx", "F32", {}, {}],
    ["closed", "open.onnx", "F32", {}, {"x": [2, 3, 5, 6]}],
    ["dla as F32", "good.onnx", "F32", {"device": "dla:0"}, {}],
    ["dla", "good.onnx", "F16", {"device": "dla:0"}, {}],
    ["other dla", "good.onnx", "F16", {"device": "dla:7"}, {}],
    ["dla alone", "cast.onnx", "F16", {"device": "dla:0"}, {}],
    ["dla and GPU", "cast.onnx", "F16", {"device": "dla:0", "dla_fallback": True}, {}],
    ["other GPU", "good.onnx", "F32", {"device": "gpu:5"}, {}],
]


def libraries(sites: Mapping[str, Path], folder: Path, version: str, **variables: str) -> Library:
    return Library(sites[version], folder, {"FAKE_TENSORRT": version, "FAKE_DLA_CORES": "2", **variables})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    network(folder / "good.onnx")
    network(folder / "cast.onnx", "Erf")
    network(folder / "unknown.onnx", "NoSuchOperator")
    network(folder / "open.onnx", shape=("N", 3, "H", 6))
    network(folder / "batch.onnx", shape=("N", 3, 6, 6))
    quantised(folder / "quantised.onnx")
    half(folder / "half.onnx")
    network(folder / "beside.onnx", save_as_external_data=True, size_threshold=0, location="beside.bin")
    network(folder / "outside.onnx", save_as_external_data=True, size_threshold=0, location="inside.bin")
    content = (folder / "outside.onnx").read_bytes()
    (folder / "outside.onnx").write_bytes(content.replace(b"inside.bin", b"../out.bin"))
    (folder / "noise.onnx").write_bytes(random.bytes(3000))
    return folder


@pytest.fixture(scope="module", params=["8", "10", "11"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def told(
    fake_sites: Mapping[str, Path], version: str, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    folder = tmp_path_factory.mktemp("told")
    shutil.copytree(models, folder, dirs_exist_ok=True)
    return libraries(fake_sites, folder, version).build(folder, REQUESTS)


def outcome(told: Mapping[str, Any], name: str) -> str:
    """Return the error, or "built"."""
    return str(told[name].get("error") or "built")


def test_a_good_model_is_built(told: Mapping[str, Any]) -> None:
    assert outcome(told, "good") == "built"
    assert told["good"]["inputs"] == {"x": ["float32", list(SHAPE)]}


def test_a_build_gives_signs_of_life(told: Mapping[str, Any], version: str) -> None:
    """As a share where the version tells one; by what it logs where it does not."""
    heard = told["good"]["done"]
    assert len(heard) > 1
    assert any(share is not None for share in heard) == (version != "8")


def test_an_operator_that_it_lacks_is_named_with_its_node(told: Mapping[str, Any]) -> None:
    """Also by 8, which tells the node's number alone."""
    assert 'node 1 "last layer" (NoSuchOperator)' in outcome(told, "unknown")


def test_unsupported_operators_are_listed_by_type_and_node(told: Mapping[str, Any]) -> None:
    """The parser's on a GPU; on a DLA core also those that it leaves to the GPU."""
    (found,) = told["operators"]["unknown.onnx gpu"]
    assert found[:2] == ["NoSuchOperator", ["last layer"]]
    assert found[2]
    assert told["operators"]["cast.onnx gpu"] == []
    assert [(names, reason) for _, names, reason in told["operators"]["cast.onnx dla:0"]] == [
        (["last layer"], "runs on the GPU")
    ]


def test_damaged_models_and_weights_elsewhere_are_refused(told: Mapping[str, Any]) -> None:
    assert outcome(told, "beside") == "built"
    assert "outside of its folder" in outcome(told, "outside")
    assert "noise.onnx" in outcome(told, "noise")


def test_open_dimensions_need_a_size_but_for_the_batch(told: Mapping[str, Any]) -> None:
    assert told["closed"]["inputs"]["x"][1] == [2, 3, 5, 6]
    assert told["batch"]["inputs"]["x"][1] == [1, 3, 6, 6]
    assert 'input "x" has open dimensions: Nx3xHx6' in outcome(told, "open")


BY_VERSION = {
    "8": {
        "good F16": "built",
        "good BF16": "lacks it",
        "good S8": "not quantised",
        "good auto": "request F32, F16 or S8",
        "quantised F32": "request S8",
        "quantised F16": "request S8",
        "quantised S8": "built",
        "quantised auto": "cannot compute as a model is typed",
        "half auto": "cannot compute as a model is typed",
    },
    "10": {
        "good F16": "built",
        "good BF16": "built",
        "good S8": "not quantised",
        "good auto": "built",
        "quantised F32": "request S8",
        "quantised F16": "request S8",
        "quantised S8": "built",
        "quantised auto": "built",
        "half auto": "built",
    },
    "11": {
        "good F16": "modelopt.onnx.autocast",
        "good BF16": "modelopt.onnx.autocast",
        "good S8": "modelopt.onnx.quantization",
        "good auto": "built",
        "quantised F32": "request auto",
        "quantised F16": "as the model types its tensors",
        "quantised S8": "precision=auto",
        "quantised auto": "built",
        "half F32": "tensors of the model are F16",
        "half auto": "built",
    },
}


def test_a_precision_is_built_as_asked_for_or_refused(told: Mapping[str, Any], version: str) -> None:
    """Never a silent F32: what a version cannot be asked for is an error with the remedy."""
    for name, words in BY_VERSION[version].items():
        assert words in outcome(told, name), name
        assert words == "built" or f"precision {name.partition(' ')[2]} was requested" in outcome(told, name)


def test_a_dla_core_runs_what_it_supports_and_the_gpu_only_what_it_may(told: Mapping[str, Any], version: str) -> None:
    if version == "11":
        assert "precision F16" in outcome(told, "dla")
        return
    assert outcome(told, "dla") == "built"
    assert "F16 or S8" in outcome(told, "dla as F32")
    assert "there is no device dla:7" in outcome(told, "other dla")
    assert "dla:0, dla:1" in outcome(told, "other dla")
    assert "does not support 1 of 2 layers: last layer" in outcome(told, "dla alone")
    assert "dla_fallback=true" in outcome(told, "dla alone")
    assert outcome(told, "dla and GPU") == "built"


def test_what_a_plan_depends_on_names_library_and_device(told: Mapping[str, Any], version: str) -> None:
    assert told["bound"]["tensorrt"].startswith(version)
    assert told["bound"]["GPU"]
    assert told["bound"]["compute capability"] == "8.7"


@pytest.mark.parametrize("version", ["10"])
def test_too_little_device_memory_is_said_with_what_is_left(
    fake_sites: Mapping[str, Path], version: str, tmp_path: Path
) -> None:
    network(tmp_path / "good.onnx")
    library = libraries(fake_sites, tmp_path, version, FAKE_DEVICE_MEMORY="1000")
    told = library.build(tmp_path, [["good", "good.onnx", "F32", {}, {}]])
    assert "OutOfMemory" in outcome(told, "good")
    assert "GiB of device memory are free" in outcome(told, "good")
    assert "workspace_mb" in outcome(told, "good")


@pytest.mark.parametrize("version", ["10"])
def test_a_missing_library_of_custom_layers_is_named(
    fake_sites: Mapping[str, Path], version: str, tmp_path: Path
) -> None:
    network(tmp_path / "good.onnx")
    options = {"plugins": ["/none/layers.so"]}
    told = libraries(fake_sites, tmp_path, version).build(tmp_path, [["good", "good.onnx", "F32", options, {}]])
    assert "the library /none/layers.so is not there" in outcome(told, "good")
