"""Parser, builder and loader of the fake refuse what the real ones refuse, and say why through the logger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import PROFILE, SHAPES, X, network, quantised, save, value
from plugins.lpbench_trt.tests.vendor import built, logger, parsed

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake


@pytest.fixture
def trt(fake_tensorrt: Fake) -> Any:
    return fake_tensorrt.module


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> bytes:
    return bare.plan(network(tmp_path), profile=PROFILE)


def refused(trt: Any, content: bytes) -> str:
    """Return why a plan is not loaded."""
    log, said = logger(trt)
    assert trt.Runtime(log).deserialize_cuda_engine(content) is None
    return said[-1]


def test_a_foreign_plan_is_not_loaded(trt: Any) -> None:
    assert "Magic tag does not match" in refused(trt, b"ftrt" + bytes(100))


def test_a_damaged_plan_is_not_loaded(trt: Any, plan: bytes) -> None:
    assert "readSize == expectedSize" in refused(trt, plan[:-1] + b"!")
    assert "Serialization" in refused(trt, plan[:20])


def test_a_plan_of_another_version_is_not_loaded(trt: Any, plan: bytes) -> None:
    assert "Version tag does not match" in refused(trt, plan.replace(b"10.16.1", b"10.15.1", 1))


def test_a_plan_for_another_device_is_not_loaded(fake_tensorrt: Fake, plan: bytes) -> None:
    fake_tensorrt.set(compute=90)
    assert "expecting compute 9.0 got compute 8.7" in refused(fake_tensorrt.module, plan)


def test_an_unknown_operator_is_reported_with_node_and_name(trt: Any, tmp_path: Path) -> None:
    node = helper.make_node("Nonsense", ["x"], ["y"], name="here", domain="elsewhere")
    found = parsed(trt, save(tmp_path, [node], [value("x", [1])], [value("y", [1])]))
    error = found.get_error(0)
    assert (found.num_errors, error.node(), error.node_name(), error.node_operator()) == (1, 0, "here", "Nonsense")


def test_quantisation_must_be_symmetric(trt: Any, tmp_path: Path) -> None:
    assert "zero point" in parsed(trt, quantised(tmp_path, symmetric=False)).get_error(0).desc()
    assert parsed(trt, quantised(tmp_path)).num_errors == 0


def test_strings_have_no_type(trt: Any, tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    kinds = [value("x", [1], TensorProto.STRING)], [value("y", [1], TensorProto.STRING)]
    assert "STRING" in parsed(trt, save(tmp_path, [node], *kinds)).get_error(0).desc()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"no model"])
def test_a_broken_model_is_not_parsed(trt: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(content)
    assert parsed(trt, str(tmp_path / "broken.onnx")).get_error(0).code() == trt.ErrorCode.MODEL_DESERIALIZE_FAILED


def test_weights_beside_the_model_are_found_from_a_file_alone(trt: Any, tmp_path: Path) -> None:
    path = network(tmp_path)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights", size_threshold=0)
    assert parsed(trt, path).num_errors == 0
    log, said = logger(trt)
    network_of = trt.OnnxParser(trt.Builder(log).create_network(1), log)
    assert not network_of.parse(Path(path).read_bytes())
    assert "weights" in said[-1]


def test_shapes_that_vary_need_a_profile(trt: Any, tmp_path: Path) -> None:
    plan, said = built(trt, network(tmp_path))
    assert plan is None
    assert "no optimization profile" in said[-1]


def test_a_profile_is_a_range(trt: Any) -> None:
    log, _ = logger(trt)
    profile = trt.Builder(log).create_optimization_profile()
    with pytest.raises(ValueError, match="max is inconsistent"):
        profile.set_shape("x", (1, 3), (2, 3), (1, 3))


def test_reduced_precision_shows_in_the_numbers(fake_tensorrt: Fake, tmp_path: Path) -> None:
    computed = {}
    for flags in ((), ("TF32",), ("FP16",), ("BF16",)):
        content = bare.plan(network(tmp_path), flags=flags, profile=PROFILE)
        computed[flags] = bare.Bare(content, SHAPES).run({"x": X})["y"].copy()
    errors = [float(abs(each - bare.expected(X)).max()) for each in computed.values()]
    assert errors[0] == 0
    assert errors == sorted(errors, key=lambda error: (error > 0, error))
    assert errors[-1] < 0.1


def test_eight_bits_need_a_quantised_model(trt: Any, tmp_path: Path) -> None:
    plan, said = built(trt, network(tmp_path, batch=2), "INT8")
    assert plan is None
    assert "no scaling factors" in said[-1]
    assert built(trt, quantised(tmp_path), "INT8")[0] is not None
    assert built(trt, quantised(tmp_path))[0] is None


def test_a_typed_network_takes_no_precision(trt: Any, tmp_path: Path) -> None:
    plan, said = built(trt, network(tmp_path, batch=2), "FP16", strongly_typed=True)
    assert plan is None
    assert "strongly typed" in said[-1]


def test_what_a_layer_computes_in_stands_in_the_inspectors_report(trt: Any, tmp_path: Path) -> None:
    content, _ = built(trt, network(tmp_path, batch=2), "FP16", profiling_verbosity=trt.ProfilingVerbosity.DETAILED)
    log, _ = logger(trt)
    runtime = trt.Runtime(log)
    engine = runtime.deserialize_cuda_engine(content)
    report = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    assert "Row major linear FP16" in report
    assert '"Bindings": ["x", "y"]' in report


class TestDla:
    def test_a_layer_that_cannot_run_there_needs_leave_to_fall_back(self, fake_tensorrt: Fake, tmp_path: Path) -> None:
        fake_tensorrt.set(dla_cores=2)
        trt = fake_tensorrt.module
        there = {"default_device_type": trt.DeviceType.DLA, "DLA_core": 1}
        plan, said = built(trt, network(tmp_path, batch=2), "FP16", **there)
        assert plan is None
        assert "layer multiply is not supported on DLA" in said[-1]
        plan, said = built(trt, network(tmp_path, batch=2), "FP16", "GPU_FALLBACK", **there)
        assert plan is not None
        assert any("multiply" in each and "Falling back to GPU" in each for each in said)

    def test_a_device_without_one_refuses(self, trt: Any, tmp_path: Path) -> None:
        plan, _ = built(trt, network(tmp_path, batch=2), "FP16", default_device_type=trt.DeviceType.DLA, DLA_core=0)
        assert plan is None


def test_a_monitor_can_end_a_build(trt: Any, tmp_path: Path) -> None:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # the module is imported at run time
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.told: list[object] = []

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.told.append((phase_name, parent_phase, num_steps))

        def step_complete(self, phase_name: str, step: int) -> bool:
            return step < 1

        def phase_finish(self, phase_name: str) -> None:
            self.told.append(phase_name)

    monitor = Monitor()
    plan, said = built(trt, network(tmp_path, batch=2), progress_monitor=monitor)
    assert plan is None
    assert "cancelled" in said[-1]
    assert monitor.told == [("Building Engine", None, 2), "Building Engine"]


def test_an_interface_must_be_initialised(trt: Any) -> None:
    class Wrong(trt.IProfiler):  # type: ignore[misc]  # the module is imported at run time
        def __init__(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"IProfiler.__init__\(\) must be called"):
        Wrong()


def test_a_timing_cache_belongs_to_a_version_and_a_device(fake_tensorrt: Fake, tmp_path: Path) -> None:
    trt = fake_tensorrt.module
    log, _ = logger(trt)
    config = trt.Builder(log).create_builder_config()
    content = bytes(config.create_timing_cache(b"").serialize())
    assert config.set_timing_cache(config.create_timing_cache(content), ignore_mismatch=False)
    assert config.create_timing_cache(b"something else") is None
    fake_tensorrt.set(compute=90)
    assert not config.set_timing_cache(config.create_timing_cache(content), ignore_mismatch=False)


def test_types_that_numpy_lacks_are_refused(trt: Any) -> None:
    assert np.dtype(trt.nptype(trt.DataType.INT64)) == np.int64
    for each in (trt.DataType.BF16, trt.DataType.FP8):
        with pytest.raises(TypeError, match="numpy"):
            trt.nptype(each)


def test_enumerations_are_no_numbers(trt: Any) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(trt.DataType)
    assert trt.DataType.FLOAT != 0
    assert int(trt.DataType.HALF) == 1


def test_a_plan_has_no_length_of_its_own(trt: Any, tmp_path: Path) -> None:
    content, _ = built(trt, network(tmp_path, batch=2))
    assert content.nbytes == len(bytes(content)) == len(memoryview(content))
    with pytest.raises(TypeError, match="len"):
        len(content)


def test_a_quantised_product_is_computed_in_eight_bits(trt: Any, tmp_path: Path) -> None:
    constants = {"s": np.float32(0.1), "z": np.int8(0), "w": np.ones((3, 4), np.float32)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"], name="multiply"),
    ]
    model = save(tmp_path, nodes, [value("x", [2, 3])], [value("y", [2, 4])], constants)
    content, _ = built(trt, model, "INT8", profiling_verbosity=trt.ProfilingVerbosity.DETAILED)
    runtime = trt.Runtime(logger(trt)[0])
    engine = runtime.deserialize_cuda_engine(content)
    report = json.loads(engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON))
    product = next(each for each in report["Layers"] if each["Name"] == "multiply")
    assert [each["Format/Datatype"] for each in product["Inputs"]] == ["Row major linear Int8"]
    assert [each["Format/Datatype"] for each in product["Outputs"]] == ["Row major linear FP32"]


def test_quantised_values_are_multiples_of_the_scale(fake_tensorrt: Fake, tmp_path: Path) -> None:
    running = bare.Bare(bare.plan(quantised(tmp_path), flags=("INT8",)))
    expected = np.clip(np.rint(X / np.float32(0.1)), -128, 127) * np.float32(0.1)
    assert np.allclose(running.run({"x": X})["y"], expected)
