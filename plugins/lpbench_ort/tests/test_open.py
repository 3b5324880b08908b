"""What opening refuses, and what an open session says of itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

import lpbench
import lpbench_ort
from lpbench.errors import ConfigError
from lpbench.plugin.engine import EngineError, Model
from lpbench.plugin.kit.cores import physical_cores
from lpbench.testing import fixtures, onnx_models
from lpbench.util import dataclass_config
from lpbench_ort._engine import OrtEngine
from lpbench_ort._providers import devices
from lpbench_ort.config import OrtConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

TELLS_NODES = hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info")
X = {"x": np.ones((1, 3, 8, 8), np.float32)}
refused = fixtures.Opener(lpbench_ort, "onnxruntime", threads=1).refused


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    assert "none.onnx does not exist" in refused(tmp_path / "none.onnx")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    assert "is not a file" in refused(tmp_path)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    assert "is empty" in refused(tmp_path / "empty.onnx")


@pytest.mark.parametrize("name", ["x", "y", "node"])
@pytest.mark.parametrize("exposed", [False, True])
def test_a_name_that_is_not_utf8_is_an_error_that_names_the_file(models: Models, name: str, *, exposed: bool) -> None:
    names = {each: "strange" if each == name else each for each in ("x", "y", "node")}
    node = onnx.helper.make_node("Relu", [names["x"]], [names["y"]], name=names["node"])
    path = models.save([node], [(names["x"], onnx_models.FLOAT, (1, 4))], [(names["y"], onnx_models.FLOAT, (1, 4))])
    path.write_bytes(path.read_bytes().replace(b"strange", b"strang\xff"))
    opens = OrtEngine().open_exposed if exposed else OrtEngine().open
    if name == "node" and not TELLS_NODES:
        opens(Model("onnx", path), None, shapes={}).close()  # nothing asks for it
        return
    with pytest.raises(EngineError, match="name in it is not UTF-8") as refusal:
        opens(Model("onnx", path), None, shapes={})
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_a_truncated_model_is_an_error(models: Models, share: float) -> None:
    """A model cut off at several places: an EngineError that says what may be wrong."""
    path = models.convolution()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "it is truncated" in refused(path)


def test_a_text_file_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("hello, this is not a model\n" * 40)
    assert "it is not an ONNX model" in refused(path)


def test_a_truncated_model_with_shapes_is_the_same_error(models: Models, open_session: Opener) -> None:
    """Shapes make the file be read twice; the error is still ONNX Runtime's about the file."""
    path = models.double()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EngineError, match="cannot load the model"):
        open_session(path, {"x": (1, 3)})


def test_a_model_that_is_too_new_says_so(models: Models) -> None:
    path = models.double()
    model = onnx.load(path)
    model.ir_version = 99
    onnx.save(model, path)
    assert "pip install --upgrade onnxruntime" in refused(path)


def test_an_unknown_operator_is_named(models: Models) -> None:
    path = models.double()
    model = onnx.load(path)
    model.graph.node[0].op_type = "Levitate"
    onnx.save(model, path)
    found = refused(path)
    assert "No Op registered for Levitate" in found
    assert "onnxruntime_src" not in found, "C++ places tell a user nothing"


def test_weights_in_a_file_of_their_own_are_read(models: Models, open_session: Opener) -> None:
    """External data gives the same numbers as the model in one file."""
    whole = open_session(models.convolution()).run(X)["y"]
    path = models.convolution(weights_beside=True)
    session = open_session(path, extra=[models.folder / "weights.bin"])
    assert np.array_equal(session.run(X)["y"], whole)
    assert session.describe()["precision"] == "F32"


@pytest.mark.parametrize("keep", [0, 100])
def test_weights_that_are_gone_or_cut_short_are_an_error(models: Models, keep: int) -> None:
    path = models.convolution(weights_beside=True)
    weights = models.folder / "weights.bin"
    content = weights.read_bytes()[:keep]
    weights.unlink()
    if keep:
        weights.write_bytes(content)
    assert "must be complete and in the same folder" in refused(path)


def test_a_missing_extra_file_is_named(models: Models, open_session: Opener) -> None:
    with pytest.raises(EngineError, match=r"weights\.bin does not exist"):
        open_session(models.double(), extra=[models.folder / "weights.bin"])


def test_a_device_of_another_build_names_what_is_here(models: Models) -> None:
    """CUDA asked of a build without it: the error lists this build's devices and how to get one with CUDA."""
    if "cuda" in devices():
        pytest.skip("needs an onnxruntime built without CUDA")
    found = refused(models.double(), device="cuda:0")
    assert f"here: {', '.join(devices())}" in found
    assert "lpbench[ort-gpu]" in found


def test_a_device_whose_driver_is_missing_is_an_error(models: Models) -> None:
    """onnxruntime-gpu without CUDA's libraries: onnxruntime itself goes on with the CPU, lpbench does not."""
    if "cuda" not in devices():
        pytest.skip("needs onnxruntime-gpu")
    if _cuda_works(models.double()):
        pytest.skip("needs a machine without CUDA")
    assert "CUDAExecutionProvider is not usable" in refused(models.double(), device="cuda:0")


def test_an_unknown_device_gets_the_nearest_name(models: Models, open_session: Opener) -> None:
    with pytest.raises(ConfigError, match='did you mean "cuda"'):
        open_session(models.double(), device="cdua:0")


@pytest.mark.parametrize("wrong", ["onnxruntime:device=cdua", "onnxruntime:device=cdua:0"])
def test_an_unknown_device_among_others_ends_benchmarks_and_agreement(models: Models, wrong: str) -> None:
    """Only the library knows the names, and another configuration was right: a row beside it would hide the mistake."""
    path = str(models.double())
    for engines in (["onnxruntime", wrong], [wrong, "onnxruntime"]):
        with pytest.raises(ConfigError, match='did you mean "cuda"'):
            lpbench.benchmark(path, engine=engines, number=6, runs=1, yardstick=False)
        with pytest.raises(ConfigError, match='did you mean "cuda"'):
            lpbench.agree(path, engines)


def test_a_provider_that_took_no_node_is_an_error(models: Models) -> None:
    """The Azure provider is in the wheels and takes no ordinary operator: the CPU would run everything."""
    if "AzureExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs a build with the Azure provider")
    if not TELLS_NODES:
        pytest.skip("needs onnxruntime with get_provider_graph_assignment_info")
    assert "AzureExecutionProvider accepted none of the 3 nodes" in refused(models.convolution(), device="azure")


@pytest.mark.parametrize("name", ["CPU", "cpu", "CPUExecutionProvider"])
def test_a_device_may_be_written_in_several_ways(models: Models, open_session: Opener, name: str) -> None:
    assert open_session(models.double(), device=name).describe()["processor"] == "CPU"


def test_another_provider_takes_nodes_and_is_recorded(models: Models, open_session: Opener) -> None:
    """OpenVINO as a provider gives the CPU's numbers, and its nodes are counted as its own."""
    if "openvino" not in devices():
        pytest.skip("needs onnxruntime-openvino")
    path = models.convolution()
    session = open_session(path, device="openvino:CPU")
    assert np.allclose(session.run(X)["y"], open_session(path).run(X)["y"], atol=1e-2)
    facts = session.describe()
    assert facts["providers"][0] == "OpenVINOExecutionProvider"
    assert "does not report" in facts["precision_reason"]


@pytest.mark.cuda
def test_cuda_runs_what_the_cpu_runs(models: Models, open_session: Opener) -> None:
    """A small convolution on the first CUDA device, plain and bound, against the CPU."""
    path = models.convolution()
    if "cuda" not in devices() or not _cuda_works(path):
        pytest.skip("needs cuda: no CUDA device")
    expected = open_session(path).run(X)["y"]
    for io_binding in (False, True):
        session = open_session(path, device="cuda:0", io_binding=io_binding, provider_options={"use_tf32": False})
        assert np.allclose(session.run(X)["y"], expected, atol=1e-4)
        facts = session.describe()
        assert facts["processor"].startswith("GPU")
        assert facts["nodes"]["CUDAExecutionProvider"] > 0


def _cuda_works(path: Path) -> bool:
    try:
        OrtEngine().open(Model("onnx", path), OrtConfig("cuda:0"), shapes={}).close()
    except EngineError:
        return False
    return True


def test_a_session_says_what_ran_where(models: Models, open_session: Opener) -> None:
    facts = open_session(models.convolution(), threads=2).describe()
    assert facts["version"] == onnxruntime.__version__
    assert facts["device"] == "cpu"
    assert facts["processor"] == "CPU"
    assert facts["precision"] == "F32"
    assert facts["threads"] == 2
    assert facts["providers"] == ["CPUExecutionProvider"]
    assert facts["graph_optimization"] == "all"
    assert facts["build"]


def test_every_node_has_its_provider(models: Models, open_session: Opener) -> None:
    """Each node is listed under its provider where this version tells; else the reason stands there."""
    facts = open_session(models.convolution()).describe()
    if not TELLS_NODES:
        assert (
            facts["nodes_reason"] == f"onnxruntime {onnxruntime.__version__} does not report which provider runs a node"
        )
        return
    assert facts["nodes"] == {"CPUExecutionProvider": 3}
    nodes = [["Conv", "conv"], ["Relu", "relu"], ["GlobalAveragePool", "pool"]]
    assert facts["assignment"] == {"CPUExecutionProvider": nodes}


def test_facts_are_ready_for_json(models: Models, open_session: Opener) -> None:
    import json

    facts = open_session(models.double(), session_options={"session.intra_op.allow_spinning": False}).describe()
    assert json.loads(json.dumps(facts)) == facts


def test_precision_is_told_only_where_it_is_proven(models: Models, open_session: Opener) -> None:
    """float64 is; float16 on a CPU is not; a quantised model is not, and says which operators it has."""
    T = onnx.TensorProto  # noqa: N806 - onnx's own usage
    assert open_session(models.identity(T.DOUBLE)).describe()["precision"] == "F64"
    assert "F16 in F32" in open_session(models.convolution(element=T.FLOAT16)).describe()["precision_reason"]
    node = onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"], name="quantise")
    path = models.save([node], [("x", T.FLOAT, [3])], [("y", T.UINT8, [3])])
    assert "quantised (DynamicQuantizeLinear)" in open_session(path).describe()["precision_reason"]


def test_a_cast_to_another_type_is_seen(models: Models, open_session: Opener) -> None:
    """float32 in and out with float16 inside: no single precision, so none is claimed."""
    T = onnx.TensorProto  # noqa: N806
    nodes = [
        onnx.helper.make_node("Cast", ["x"], ["h"], name="down", to=T.FLOAT16),
        onnx.helper.make_node("Add", ["h", "h"], ["s"], name="add"),
        onnx.helper.make_node("Cast", ["s"], ["y"], name="up", to=T.FLOAT),
    ]
    path = models.save(nodes, [("x", T.FLOAT, [3])], [("y", T.FLOAT, [3])])
    assert "float16, float32" in open_session(path).describe()["precision_reason"]


def test_a_cast_inside_a_branch_is_seen(models: Models, open_session: Opener) -> None:
    """Subgraphs are read too: float16 in one branch of an If."""
    T = onnx.TensorProto  # noqa: N806
    value = onnx.helper.make_tensor_value_info
    down = onnx.helper.make_node("Cast", ["x"], ["h"], to=T.FLOAT16)
    up = onnx.helper.make_node("Cast", ["h"], ["a"], to=T.FLOAT)
    same = onnx.helper.make_node("Identity", ["x"], ["b"])
    then = onnx.helper.make_graph([down, up], "then", [], [value("a", T.FLOAT, [3])])
    other = onnx.helper.make_graph([same], "other", [], [value("b", T.FLOAT, [3])])
    node = onnx.helper.make_node("If", ["c"], ["y"], name="if", then_branch=then, else_branch=other)
    path = models.save([node], [("c", T.BOOL, []), ("x", T.FLOAT, [3])], [("y", T.FLOAT, [3])])
    assert "float16, float32" in open_session(path).describe()["precision_reason"]


@pytest.mark.parametrize("name", ["model.ort", "MODEL.ORT"])
def test_models_in_ort_format_run(models: Models, open_session: Opener, tmp_path: Path, name: str) -> None:
    """A model saved by ONNX Runtime in its own format: same numbers, shapes given all the same."""
    path = models.convolution()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / name)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    session = open_session(tmp_path / name, {"x": (1, 3, 8, 8)})
    assert session.inputs[0].shape == (1, 3, 8, 8)
    assert np.allclose(session.run(X)["y"], open_session(path).run(X)["y"], atol=1e-5)
    assert "ORT format" in session.describe()["precision_reason"]


@pytest.mark.parametrize(
    "options",
    [
        {"graph_optimization": "disabled"},
        {"graph_optimization": "basic"},
        {"graph_optimization": "extended"},
        {"graph_optimization": "layout"},
        {"arena": False, "memory_pattern": False},
        {"execution_mode": "parallel", "inter_op_threads": 2, "threads": 2},
        {"threads": 0},
        {"session_options": {"session.intra_op.allow_spinning": "0"}},
    ],
)
def test_options_change_no_result(models: Models, open_session: Opener, options: dict[str, Any]) -> None:
    path = models.convolution()
    if options.get("graph_optimization") == "layout" and not hasattr(
        onnxruntime.GraphOptimizationLevel, "ORT_ENABLE_LAYOUT"
    ):
        pytest.skip("needs onnxruntime with the layout level")
    session = open_session(path, **options)
    assert np.allclose(session.run(X)["y"], open_session(path).run(X)["y"], atol=1e-5)
    assert session.describe().items() >= {key: value for key, value in options.items() if value}.items()


def test_threads_zero_is_a_number_in_the_record(models: Models, open_session: Opener) -> None:
    """0 means the physical cores that the process may use, and the record says how many that is."""
    assert open_session(models.double(), threads=0).describe()["threads"] == physical_cores()
    assert 1 <= physical_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "cuda:"}, "expected a name such as cpu, cuda:0"),
        ({"device": "cpu:0"}, "expected cpu: there is only one"),
        ({"threads": -1}, "threads: found -1; expected 0 or more"),
        ({"inter_op_threads": 2}, 'expected 0 unless execution_mode is "parallel"'),
        ({"provider_options": {"a": 1}}, "the device cpu; expected none"),
        ({"session_options": {"a": []}}, "session_options.a: found []"),
        ({"graph_optimization": "most"}, "graph_optimization"),
        ({"thread": 2}, 'unknown key "thread"\n  did you mean "threads"?'),
    ],
)
def test_wrong_options_say_what_is_right(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(OrtConfig, options, where="options of onnxruntime")
    assert words in str(caught.value)
