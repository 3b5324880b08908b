"""What opening refuses, and what an open session says of itself."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import openvino
import pytest

from lpbench.errors import ConfigError
from lpbench.plugin.kit.cores import physical_cores
from lpbench.testing import onnx_models
from lpbench.util import dataclass_config
from lpbench_openvino.config import OpenvinoConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

X = {"x": np.ones((1, 3, 8, 8), np.float32)}
COMPUTES_IN_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
COMPUTES_IN_F16 = "FP16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.fixture
def refused(open_session: Opener) -> Callable[..., str]:
    def refused(path: Path, **given: Any) -> str:
        told = open_session.refused(path, **given)
        assert "src/" not in told, "C++ places tell a user nothing"
        return told

    return refused


@pytest.mark.parametrize("given", [False, True])
def test_endings_may_be_in_upper_case(models: Models, open_session: Opener, *, given: bool) -> None:
    """OpenVINO itself looks for a .bin in lower case."""
    path = models.ir()
    wanted = open_session(path).run(X)["y"].copy()
    weights = path.with_suffix(".bin").rename(models.folder / "NET.BIN")
    upper = path.rename(models.folder / "NET.XML")
    session = open_session(upper, extra=[weights] if given else [])
    assert np.array_equal(session.run(X)["y"], wanted)


@pytest.mark.parametrize("name", ["x", "y", "node"])
def test_a_name_that_is_not_utf8_is_an_error_that_names_the_file(
    models: Models, refused: Callable[..., str], name: str
) -> None:
    x, y, node = ("strange" if each == name else each for each in ("x", "y", "node"))
    nodes = [  # fused into one layer, which states the name of each
        onnx.helper.make_node("Relu", [x], ["h"], name=node),
        onnx.helper.make_node("Sigmoid", ["h"], [y], name="sigmoid"),
    ]
    path = models.save(nodes, [(x, onnx_models.FLOAT, (1, 4))], [(y, onnx_models.FLOAT, (1, 4))])
    path.write_bytes(path.read_bytes().replace(b"strange", b"strang\xff"))
    told = refused(path)
    assert str(path) in told
    assert "text in it is not UTF-8" in told


def test_an_xml_whose_version_is_no_number_is_an_error(models: Models, refused: Callable[..., str]) -> None:
    path = models.ir()
    text = path.read_text(encoding="utf-8")
    assert 'version="11"' in text
    path.write_text(text.replace('version="11"', 'version="11x"', 1), encoding="utf-8")
    assert "is not in OpenVINO" in refused(path)


def test_a_missing_model_is_named(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "none.onnx does not exist" in refused(tmp_path / "none.onnx")


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "empty.onnx").touch()
    assert "is empty" in refused(tmp_path / "empty.onnx")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_truncated_model_is_an_error(
    models: Models, refused: Callable[..., str], share: float, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A model cut off at several places: an EngineError that says what may be wrong, and no frontend's noise."""
    path = models.ir() if suffix == ".xml" else models.convolution()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    found = refused(path)
    assert "fetch" in found
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("ending", [".onnx", ".xml", ".tflite"])
def test_a_text_file_is_no_model(tmp_path: Path, refused: Callable[..., str], ending: str) -> None:
    path = tmp_path / f"notes{ending}"
    path.write_text("hello, this is not a model\n" * 40)
    assert f"notes{ending} is not in " in refused(path)


@pytest.mark.parametrize(
    ("ending", "source", "words"),
    [
        (".tflite", ".onnx", "is not in TFLite format; it is ONNX"),
        (".onnx", ".xml", "is not in ONNX format; it is OpenVINO IR"),
        (".xml", ".onnx", "is not in OpenVINO IR format; it is ONNX"),
    ],
)
def test_a_model_of_another_format_is_called_so(
    models: Models, refused: Callable[..., str], ending: str, source: str, words: str
) -> None:
    path = models.folder / f"renamed{ending}"
    shutil.copy(models.ir() if source == ".xml" else models.convolution(), path)
    path.with_suffix(".bin").write_bytes(b"")
    assert words in refused(path)


def test_weights_beside_an_ir_are_needed(models: Models, refused: Callable[..., str]) -> None:
    """The .bin is named when it is missing, and called cut short when it is; a network without constants needs none."""
    path = models.ir()
    weights = path.with_suffix(".bin")
    content = weights.read_bytes()
    weights.unlink()
    assert "model.bin does not exist" in refused(path)
    assert "model.bin does not exist" in refused(path, extra=[weights])
    weights.write_bytes(content[:100])
    assert ".bin is truncated" in refused(path)


def test_a_network_without_weights_needs_no_bin(models: Models, open_session: Opener) -> None:
    path = models.ir(models.one("Relu"))
    path.with_suffix(".bin").unlink()
    assert open_session(path).run({"x": np.array([[-1, 0, 2]], np.float32)})["y"].tolist() == [[0, 0, 2]]


def test_weights_of_another_name_are_read(models: Models, open_session: Opener) -> None:
    """A .bin that the app names, which does not lie where OpenVINO looks by itself."""
    path = models.ir()
    wanted = np.array(open_session(path).run(X)["y"])
    moved = path.with_suffix(".bin").rename(models.folder / "weights.data")
    assert np.array_equal(open_session(path, extra=[moved]).run(X)["y"], wanted)


def test_weights_of_an_onnx_model_in_a_file_of_their_own(
    models: Models, open_session: Opener, refused: Callable[..., str]
) -> None:
    """External data gives the same numbers as the model in one file; missing, it is said to be."""
    whole = np.array(open_session(models.convolution()).run(X)["y"])
    path = models.convolution(weights_beside=True)
    assert np.array_equal(open_session(path).run(X)["y"], whole)
    (models.folder / "weights.bin").unlink()
    assert "its weights are in a separate file" in refused(path)


def test_all_unknown_operators_are_named(models: Models, refused: Callable[..., str]) -> None:
    """Two operators and one of a foreign domain; the one that only fails because of them is not."""
    path = models.convolution()
    model = onnx.load(path)
    for node, name in zip(model.graph.node, ("Levitate", "Hover", "Spin"), strict=True):
        node.op_type = name
    model.graph.node[2].domain = "acme"
    onnx.save(model, path)
    assert "OpenVINO does not have these operators: Hover, Levitate, acme.Spin\n" in refused(path)


def test_the_first_unknown_layer_of_an_ir_is_named(models: Models, refused: Callable[..., str]) -> None:
    """OpenVINO names no more of its own format's layers than one; trying them one by one brings it down."""
    path = models.ir()
    path.write_text(path.read_text().replace('type="ReLU"', 'type="Levitate"'))
    assert "OpenVINO does not have the operator Levitate\n" in refused(path)


def test_text_is_refused(models: Models, refused: Callable[..., str]) -> None:
    """Text tensors bring OpenVINO's CPU down (2026.4: free(): invalid pointer), so they do not get there."""
    path = models.one("Identity", element=onnx.TensorProto.STRING)
    assert 'input "x" is string, which cannot be passed to OpenVINO' in refused(path)


def test_a_device_that_is_not_here_is_an_error(models: Models, refused: Callable[..., str]) -> None:
    """No GPU of Intel's: the error says why and what there is; nothing runs on the CPU instead."""
    if any(name.startswith("GPU") for name in openvino.Core().available_devices):
        pytest.skip("needs a machine without Intel's GPU")
    found = refused(models.convolution(), device="GPU.1", threads=0)
    assert 'device "GPU.1" is not usable' in found
    assert "here: cpu" in found
    assert "an Intel GPU needs its driver" in found


def test_a_gpu_runs_what_the_cpu_runs(models: Models, open_session: Opener) -> None:
    """A small convolution on Intel's GPU, in F32, against the CPU."""
    if not any(name.startswith("GPU") for name in openvino.Core().available_devices):
        pytest.skip("needs Intel's GPU and its driver")
    path = models.convolution((1, 3, 8, 8))
    session = open_session(path, device="gpu")
    assert np.allclose(session.run(X)["y"], open_session(path).run(X)["y"], atol=1e-4)
    assert session.describe()["processor"] == "GPU"


@pytest.mark.parametrize("name", ["CPU", "cpu", "Cpu"])
def test_a_device_may_be_written_in_several_ways(models: Models, open_session: Opener, name: str) -> None:
    facts = open_session(models.one("Relu"), device=name).describe()
    assert (facts["device"], facts["processor"]) == ("cpu", "CPU")


@pytest.mark.parametrize(
    ("written", "target", "unit"),
    [("gpu", "GPU", "gpu"), ("gpu:1", "GPU.1", "gpu:1"), ("GPU.0", "GPU.0", "gpu:0"), ("npu", "NPU", "npu")],
)
def test_devices_have_one_name(written: str, target: str, unit: str) -> None:
    """As OpenVINO takes it, and as lpbench records it."""
    settings = OpenvinoConfig(device=written)
    assert (settings.target, settings.unit) == (target, unit)


def test_a_session_says_what_ran_where(models: Models, open_session: Opener) -> None:
    facts = open_session(models.convolution((1, 3, 8, 8))).describe()
    assert facts["version"] == openvino.__version__.partition("-")[0]
    assert facts["device_name"]
    assert facts["precision"] == "F32"
    assert facts["precisions"]["F32"] >= 2
    assert (facts["threads"], facts["streams"], facts["hint"], facts["pinning"]) == (1, 1, "none", False)
    assert facts["bytes_copied"] == {"inputs": 0, "outputs": 0}
    assert facts["properties"]["INFERENCE_NUM_THREADS"] == "1"


def test_facts_are_ready_for_json(models: Models, open_session: Opener) -> None:
    facts = open_session(models.convolution()).describe()
    assert json.loads(json.dumps(facts)) == facts


def test_f32_is_f32(models: Models, open_session: Opener) -> None:
    """1 + 2^-9 + 2^-15 times one is exact, where OpenVINO's own choice loses bits on CPUs with BF16."""
    path = _identity(models)
    fingerprint = 1 + 2**-9 + 2**-15
    x = {"x": np.full((1, 16, 8, 8), fingerprint, np.float32)}
    assert np.array_equal(open_session(path).run(x)["y"], x["x"])
    chosen = open_session(path, precision="auto")
    facts = chosen.describe()
    error = float(np.abs(np.array(chosen.run(x)["y"]) - fingerprint).max())
    assert (error > 0) == (facts["precision"] != "F32")


def test_what_openvino_chooses_is_what_it_can(models: Models, open_session: Opener) -> None:
    """On a CPU with BF16, auto computes in it, and so does asking for it; the record says BF16."""
    if not COMPUTES_IN_BF16:
        pytest.skip("needs a CPU that computes in BF16")
    path = _identity(models)
    for precision in ("auto", "BF16"):
        facts = open_session(path, precision=precision).describe()
        assert (facts["precision"], facts["precision_asked"]) == ("BF16", precision)


def test_f16_that_is_not_met_is_an_error(models: Models, refused: Callable[..., str]) -> None:
    """OpenVINO itself answers BF16 or F32 where it is asked for F16, and goes on."""
    if COMPUTES_IN_F16:
        pytest.skip("needs a CPU that does not compute in F16")
    found = refused(_identity(models), precision="F16")
    assert "precision F16 was requested; OpenVINO computes in" in found
    assert "or auto to leave" in found


def test_bf16_that_no_layer_runs_in_is_an_error(models: Models, refused: Callable[..., str]) -> None:
    """A lone Softmax stays in F32 although OpenVINO takes the request."""
    found = refused(models.one("Softmax"), precision="BF16")
    assert "F32" in found
    assert "was requested" in found


def test_a_quantised_model_says_what_its_layers_run_in(models: Models, open_session: Opener) -> None:
    """Asked for F32, the convolution of an 8-bit model still runs in 8 bits, and the record says so."""
    facts = open_session(models.quantised()).describe()
    if facts["precision"] == "F32":
        pytest.skip("needs a CPU on which OpenVINO computes in 8 bits")
    assert facts["precision"] in {"U8", "S8"}
    assert facts["precisions"][facts["precision"]] >= 1


def test_weights_that_are_stored_in_f16_are_computed_in_f32(models: Models, open_session: Opener) -> None:
    """A TFLite model whose weights are F16: OpenVINO states F16 of a kernel that computes in F32."""
    write = pytest.importorskip("lpbench_tflite._write", reason="needs lpbench-tflite, which writes the model")
    network = write.Network()
    x, inner, y = (network.tensor(name, (1, 4, 4, 16)) for name in ("x", "inner", "y"))
    kernel = np.eye(16, dtype=np.float16).reshape(16, 1, 1, 16)
    stored = network.tensor("stored", kernel.shape, "float16", data=kernel)
    weights = network.tensor("weights", kernel.shape)
    bias = network.tensor("bias", (16,), data=np.zeros(16, np.float32))
    options = {0: write.Number("b", 0), **dict.fromkeys((1, 2, 4, 5), write.Number("i", 1))}
    network.operator(write.Kind(6), [stored], [weights])
    network.operator(write.CONV_2D, [x, weights, bias], [inner], options)
    network.operator(write.CONV_2D, [inner, weights, bias], [y], options)
    path = models.folder / "model.tflite"
    path.write_bytes(network.save([x], [y]))
    session = open_session(path)
    data = np.full((1, 4, 4, 16), 1 + 2**-9 + 2**-15, np.float32)
    assert np.array_equal(session.run({"x": data})["y"], data)
    assert session.describe()["precision"] == "F32"
    session = open_session(path.rename(models.folder / "MODEL.TFLITE"))  # OpenVINO knows the ending in lower case only
    assert np.array_equal(session.run({"x": data})["y"], data)


def _identity(models: Models) -> Path:
    weights = np.eye(16, dtype=np.float32).reshape(16, 16, 1, 1)
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], name="identity")
    shape = (1, 16, 8, 8)
    return models.save([node], [("x", 1, shape)], [("y", 1, shape)], {"w": weights})


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 2},
        {"streams": 2, "threads": 2},
        {"hint": "latency"},
        {"hint": "throughput", "threads": 0},
        {"pinning": True},
        {"properties": {"ENABLE_HYPER_THREADING": True}},
    ],
)
def test_options_change_no_result(models: Models, open_session: Opener, options: dict[str, Any]) -> None:
    path = models.convolution()
    session = open_session(path, **options)
    assert np.allclose(session.run(X)["y"], open_session(path).run(X)["y"], atol=1e-5)
    assert session.describe()["hint"] == options.get("hint", "none")


def test_properties_are_in_force(models: Models, open_session: Opener) -> None:
    session = open_session(models.one("Relu"), properties={"ENABLE_CPU_RESERVATION": False})
    assert session.describe()["properties"]["ENABLE_CPU_RESERVATION"] == "False"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"NO_SUCH": 1}, "Unsupported property NO_SUCH"),
        ({"CPU_DENORMALS_OPTIMIZATION": "maybe"}, "Wrong value maybe for property key CPU_DENORMALS_OPTIMIZATION"),
    ],
)
def test_properties_that_openvino_refuses_are_named(
    models: Models, refused: Callable[..., str], properties: dict[str, Any], words: str
) -> None:
    assert words in refused(models.one("Relu"), properties=properties)


def test_threads_zero_is_a_number_in_the_record(models: Models, open_session: Opener) -> None:
    """0 means the physical cores that the process may use; more than there are cores are not taken."""
    assert open_session(models.one("Relu"), threads=0).describe()["threads"] == physical_cores()
    most = open_session(models.one("Relu"), threads=4096).describe()["threads"]
    assert 1 <= most <= (os.cpu_count() or 1)


def test_compiled_models_are_kept_where_asked(models: Models, open_session: Opener) -> None:
    """The second opening reads the cache, gives the same numbers and says so; without a folder nothing is kept."""
    path, cache = models.convolution((1, 3, 8, 8)), models.folder / "cache"
    first = open_session(path, cache_dir=str(cache))
    again = open_session(path, cache_dir=str(cache))
    assert np.array_equal(first.run(X)["y"], again.run(X)["y"])
    assert (first.describe()["from_cache"], again.describe()["from_cache"]) == (False, True)
    assert again.describe()["precision"] == "F32"
    assert any(cache.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "cuda:0"}, 'device: found "cuda:0"; expected cpu, gpu, gpu:0 or npu'),
        ({"device": "cpu:0"}, "expected cpu: there is only one"),
        ({"device": "AUTO:GPU,CPU"}, "a measurement needs one device"),
        ({"threads": -1}, "threads: found -1; expected 0 or more"),
        ({"streams": -1}, "streams: found -1; expected 0 or more"),
        ({"precision": "F64"}, "precision: found 'F64'"),
        ({"hint": "fast"}, "hint: found 'fast'"),
        ({"properties": {"NUM_STREAMS": 2}}, 'found NUM_STREAMS; expected the option "streams"'),
        ({"properties": {"a": []}}, "properties.a: found []"),
        ({"thread": 2}, 'unknown key "thread"\n  did you mean "threads"?'),
    ],
)
def test_wrong_options_say_what_is_right(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(OpenvinoConfig, options, where="options of openvino")
    assert words in str(caught.value)
