"""Building on NVIDIA's real TensorRT-RTX, which needs no GPU for it; running what was built needs one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_trt.tests.real import rtx

from lpbench.testing import onnx_models
from lpbench.testing.setups import write_app
from lpbench_ort import qdq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.lpbench_trt.tests.library import Library

pytestmark = pytest.mark.long

FLOAT, HALF = onnx_models.FLOAT, 10
node = onnx.helper.make_node
random = np.random.default_rng(11)
SHAPE = (1, 3, 12, 12)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return rtx.unpacked(tmp_path_factory.mktemp("rtx"))


def network(
    path: Path, operator: str = "Relu", shape: onnx_models.Shape = SHAPE, layers: int = 1, **saving: Any
) -> Path:
    """Save convolutions with biases, followed by an operator."""
    weights = {"w": random.standard_normal((3, 3, 3, 3)).astype(np.float32), "b": np.ones(3, np.float32)}
    names = ["x", *(f"t{number}" for number in range(layers))]
    nodes = [
        node("Conv", [names[at], "w", "b"], [names[at + 1]], name=f"conv{at}", pads=[1] * 4) for at in range(layers)
    ]
    nodes.append(node(operator, [names[-1]], ["y"], name="last layer"))
    return onnx_models.save(path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)], weights, **saving)


def half(path: Path) -> Path:
    values = [("x", HALF, SHAPE)], [("y", HALF, SHAPE)]
    return onnx_models.save(path, [node("Sigmoid", ["x"], ["y"], name="half")], *values)


def by_default(source: Path, target: Path) -> None:
    """Quantise as ONNX Runtime does by default: unsigned activations, quantised biases."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime ships without complete types
        left = 2

        def get_next(self) -> dict[str, Any] | None:
            self.left -= 1
            return feeds() if self.left else None

    quantize_static(str(source), str(target), Reader(), activation_type=QuantType.QUInt8)


def feeds() -> dict[str, Any]:
    return {"x": random.standard_normal(SHAPE).astype(np.float32)}


@pytest.fixture(scope="module")
def told(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return what became of each model, all tried in one process: a refused one leaves the library usable."""
    folder = tmp_path_factory.mktemp("models")
    network(folder / "good.onnx")
    network(folder / "open.onnx", shape=("N", 3, "H", 12))
    network(folder / "deep.onnx", layers=60)
    network(folder / "unknown.onnx", "NoSuchOperator")
    network(folder / "beside.onnx", save_as_external_data=True, size_threshold=0, location="beside.bin")
    network(folder / "lost.onnx", save_as_external_data=True, size_threshold=0, location="lost.bin")
    (folder / "lost.bin").unlink()
    half(folder / "half.onnx")
    qdq.quantise(folder / "good.onnx", folder / "int8.onnx", [feeds() for _ in range(3)])
    by_default(folder / "good.onnx", folder / "default.onnx")
    (folder / "empty.onnx").touch()
    (folder / "noise.onnx").write_bytes(random.bytes(5000))
    (folder / "cut.onnx").write_bytes((folder / "good.onnx").read_bytes()[:200])
    (folder / "plugin.so").write_text("no library")
    sizes = {"min_shapes": {"x": [1, 3, 6, 12]}, "max_shapes": {"x": [4, 3, 24, 12]}}
    requests = [
        ["good", "good.onnx", "F32", {}, {}],
        ["deep", "deep.onnx", "F32", {"optimization_level": 2, "workspace_mb": 64, "max_aux_streams": 0}, {}],
        ["unknown", "unknown.onnx", "F32", {}, {}],
        ["beside", "beside.onnx", "F32", {}, {}],
        ["lost", "lost.onnx", "F32", {}, {}],
        ["empty", "empty.onnx", "F32", {}, {}],
        ["noise", "noise.onnx", "F32", {}, {}],
        ["cut", "cut.onnx", "F32", {}, {}],
        ["int8", "int8.onnx", "auto", {}, {}],
        ["int8 as floats", "int8.onnx", "F32", {}, {}],
        ["default", "default.onnx", "auto", {}, {}],
        ["half", "half.onnx", "auto", {}, {}],
        ["half as floats", "half.onnx", "F32", {}, {}],
        ["F16", "good.onnx", "F16", {}, {}],
        ["open", "open.onnx", "F32", {}, {}],
        ["closed", "open.onnx", "F32", {}, {"x": [2, 3, 8, 12]}],
        ["range", "open.onnx", "F32", sizes, {"x": [2, 3, 8, 12]}],
        ["outside", "open.onnx", "F32", sizes, {"x": [2, 3, 48, 12]}],
        ["plugin", "good.onnx", "F32", {"plugins": [str(folder / "plugin.so")]}, {}],
        ["no plugin", "good.onnx", "F32", {"plugins": [str(folder / "none.so")]}, {}],
        ["good again", "good.onnx", "F32", {}, {}],
    ]
    return library.build(folder, requests)


def test_a_good_model_becomes_a_plan(told: Mapping[str, Any]) -> None:
    for name in ("good", "good again"):
        assert told[name]["bytes"] > 1000
        assert told[name]["inputs"] == {"x": ["float32", list(SHAPE)]}
        assert told[name]["outputs"] == {"y": ["float32", list(SHAPE)]}
        assert told[name]["tools"] == {"tensorrt_rtx": rtx.VERSION}


def test_an_operator_that_it_lacks_is_named_with_its_node(told: Mapping[str, Any]) -> None:
    assert '"last layer" (NoSuchOperator)' in told["unknown"]["error"]
    assert "unknown.onnx" in told["unknown"]["error"]
    assert told["unknown"]["left"] == []


@pytest.mark.parametrize("name", ["empty", "noise", "cut"])
def test_a_damaged_model_is_refused_with_its_file(told: Mapping[str, Any], name: str) -> None:
    assert f"{name}.onnx" in told[name]["error"]
    assert "again" in told[name]["error"]


def test_weights_beside_the_model_are_read_and_missed(told: Mapping[str, Any]) -> None:
    assert told["beside"]["bytes"] > 1000
    assert "lost.bin" in told["lost"]["error"]


def test_the_recipe_for_8_bits_is_accepted(told: Mapping[str, Any]) -> None:
    """ONNX Runtime's own default is not, which is why there is a recipe."""
    assert told["int8"]["bytes"] > 1000
    assert "default.onnx" in told["default"]["error"]


@pytest.mark.parametrize(("name", "found"), [("int8 as floats", "quantise"), ("half as floats", "F16")])
def test_what_is_not_f32_is_not_built_as_f32(told: Mapping[str, Any], name: str, found: str) -> None:
    assert "precision F32 was requested" in told[name]["error"]
    assert found in told[name]["error"]
    assert "request auto" in told[name]["error"]
    assert told["half"]["inputs"]["x"][0] == "float16"


def test_a_precision_that_the_model_must_have_is_not_a_request(told: Mapping[str, Any]) -> None:
    assert "precision F16 was requested" in told["F16"]["error"]
    assert "modelopt.onnx.autocast" in told["F16"]["error"]
    assert "precision=auto" in told["F16"]["error"]


def test_open_dimensions_take_the_requested_shapes(told: Mapping[str, Any]) -> None:
    assert told["closed"]["inputs"]["x"][1] == [2, 3, 8, 12]
    assert told["range"]["bytes"] > 1000
    assert 'input "x" has open dimensions: Nx3xHx12' in told["open"]["error"]
    assert "2x3x48x12" in told["outside"]["error"]
    assert "4x3x24x12" in told["outside"]["error"]


def test_a_library_of_layers_is_missed_by_its_name(told: Mapping[str, Any]) -> None:
    assert "none.so is not there" in told["no plugin"]["error"]
    assert "plugin.so" in told["plugin"]["error"]
    assert "invalid ELF header" in told["plugin"]["error"] or "too short" in told["plugin"]["error"]


def test_a_build_tells_its_progress(told: Mapping[str, Any]) -> None:
    shares = [share for share in told["deep"]["done"] if share is not None]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2


def test_a_plan_depends_on_the_library(told: Mapping[str, Any]) -> None:
    assert told["bound"]["tensorrt_rtx"] == rtx.VERSION


def test_a_foreign_plan_is_refused_with_the_librarys_reason(told: Mapping[str, Any]) -> None:
    assert len(told["foreign"]) == 4
    for said in told["foreign"]:
        assert "cannot load the plan" in said
        assert "Error Code" in said
        assert "build it here" in said


def test_lpbench_converts_what_it_cannot_check_only_if_asked_to(library: Library, tmp_path: Path) -> None:
    """The plan is real and unchecked: nothing here runs it."""
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("needs a machine without CUDA")
    network(tmp_path / "model.onnx")
    np.savez(tmp_path / "sample.npz", **feeds())
    app = write_app(tmp_path, {"onnx": {"file": "model.onnx"}}, samples=["sample.npz"])
    refused = library.run("-m", "lpbench", "convert", app, "--to", "plan")
    assert refused.returncode != 0
    assert "--unchecked" in refused.stderr
    assert "driver" in refused.stderr or "libcudart" in refused.stderr
    assert list(tmp_path.glob("*.plan")) == []
    done = library.run("-m", "lpbench", "convert", app, "--to", "plan", "--unchecked")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchecked" in done.stdout + done.stderr
    (plan,) = tmp_path.rglob("*.plan")
    assert plan.stat().st_size > 1000


def test_engines_are_listed_with_what_to_do(library: Library) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("needs a machine without CUDA")
    listed = json.loads(library.run("-m", "lpbench", "engines", "--probe", "--json").stdout)
    text = json.dumps(listed)
    assert "unsupported" in text
    assert "NVIDIA driver" in text or "nvidia-cuda-runtime" in text


def test_the_probe_says_what_to_do_without_a_driver(library: Library) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("needs a machine without CUDA")
    code = "import json; from lpbench_trt._probe import probe; print(json.dumps(probe()))"
    found = library.ask("-c", code)
    assert found["devices"] == []
    assert found["version"] == rtx.VERSION
    assert "libcudart" in found["unusable"]["gpu"] or "driver" in found["unusable"]["gpu"]
    assert found["hint"]
