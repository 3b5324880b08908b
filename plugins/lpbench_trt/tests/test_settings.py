"""What the options ask for reaches the library: read back from the builder and the runtime that the plugin used."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.testing import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

MIB = 1 << 20


@pytest.fixture
def asked(
    models: Graphs, fake_tensorrt: Fake, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Return a function that opens a model with options, and returns the settings that the builder was given."""
    trt = fake_tensorrt.module
    used: list[Any] = []
    build = trt.Builder.build_serialized_network

    def noted(builder: Any, network: Any, config: Any) -> Any:
        used.append(config)
        return build(builder, network, config)

    monkeypatch.setattr(trt.Builder, "build_serialized_network", noted)

    def settings(**options: Any) -> Any:
        open_session(models.one("Relu", (2, 3)), plan_cache=False, **options)
        return used[-1]

    return settings


@pytest.mark.parametrize(
    ("options", "setting", "expected"),
    [
        ({"workspace_mb": 7}, lambda config, trt: config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE), 7 * MIB),
        ({"optimization_level": 0}, lambda config, _: config.builder_optimization_level, 0),
        ({"max_aux_streams": 0}, lambda config, _: config.max_aux_streams, 0),
        ({"tf32": True}, lambda config, trt: config.get_flag(trt.BuilderFlag.TF32), True),
        ({}, lambda config, trt: config.get_flag(trt.BuilderFlag.TF32), False),
        ({"precision": "F16"}, lambda config, trt: config.get_flag(trt.BuilderFlag.FP16), True),
        ({}, lambda config, trt: config.get_flag(trt.BuilderFlag.FP16), False),
        ({}, lambda config, trt: config.profiling_verbosity == trt.ProfilingVerbosity.DETAILED, True),
    ],
)
def test_the_builder_is_given_the_options(
    asked: Callable[..., Any],
    fake_tensorrt: Fake,
    options: dict[str, Any],
    setting: Callable[[Any, Any], Any],
    expected: object,
) -> None:
    """F32 is F32: the library's own default is TF32."""
    assert setting(asked(**options), fake_tensorrt.module) == expected


def test_the_dla_core_is_given_to_builder_and_runtime(
    asked: Callable[..., Any], fake_tensorrt: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    trt, cores = fake_tensorrt.module, []
    fake_tensorrt.set(dla_cores=2)
    load = trt.Runtime.deserialize_cuda_engine

    def noted(runtime: Any, content: Any) -> Any:
        cores.append(runtime.DLA_core)
        return load(runtime, content)

    monkeypatch.setattr(trt.Runtime, "deserialize_cuda_engine", noted)
    config = asked(device="dla:1", precision="F16", dla_fallback=True)
    assert (config.DLA_core, cores) == (1, [1])
    assert config.get_flag(trt.BuilderFlag.GPU_FALLBACK)


@pytest.mark.parametrize(("wait", "flags"), [("spin", ["cudaSetDeviceFlags"]), ("block", [])])
def test_spinning_is_asked_of_the_device(
    asked: Callable[..., Any], fake_tensorrt: Fake, wait: str, flags: list[str]
) -> None:
    asked(wait=wait)
    assert [name for name in fake_tensorrt.calls() if name == "cudaSetDeviceFlags"] == flags


def test_with_a_profile_runs_stay_asynchronous(
    fake_tensorrt: Fake,
    models: Graphs,
    open_session: Opener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Layers are reported after the run: TensorRT's default would wait within it, and the device's spans with it."""
    trt, told = fake_tensorrt.module, []
    execute = trt.IExecutionContext.execute_async_v3

    def noted(context: Any, stream: int) -> bool:
        told.append(context.enqueue_emits_profile)
        return bool(execute(context, stream))

    monkeypatch.setattr(trt.IExecutionContext, "execute_async_v3", noted)
    session = open_session(models.one("Relu", (2, 3)), profile=True)
    session.run({"x": np.ones((2, 3), np.float32)})
    assert told == [False]


def test_tensorrts_own_custom_layers_are_registered(fake_tensorrt: Fake) -> None:
    """Models and plans may need them: NMS of detectors, for example."""
    entries = fake_tensorrt.run("from lpbench_trt import _custom; _custom.load(())")
    assert "init_libnvinfer_plugins" in ledger.calls(entries)


def test_another_library_of_custom_layers_is_another_plan(
    fake_sites: Mapping[str, Path], models: Graphs, open_session: Opener, tmp_path: Path
) -> None:
    """Of the same name, with other content: what its layers compute may differ."""
    library = tmp_path / "layers.so"
    shutil.copy(next(fake_sites["10"].rglob("libcudart.so.12")), library)

    def from_cache() -> bool:
        session = open_session(models.one("Relu", (2, 3)), plugins=(str(library),))
        return bool(session.describe()["from_cache"])

    assert [from_cache(), from_cache()] == [False, True]
    changed = library.read_bytes() + b"changed"
    library.unlink()
    library.write_bytes(changed)
    assert from_cache() is False


def test_tensors_of_another_format_are_refused(
    fake_tensorrt: Fake, models: Graphs, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their elements lie in another order than an array's."""
    trt = fake_tensorrt.module
    monkeypatch.setattr(trt.ICudaEngine, "get_tensor_format", lambda *_: trt.TensorFormat.CHW4)
    assert 'input "x" has the format CHW4' in open_session.refused(models.one("Relu", (2, 3)))


@pytest.mark.usefixtures("fake_tensorrt")
def test_an_interrupt_tells_the_builder_to_stop() -> None:
    """False ends the build; an exception would end the process in some versions."""
    from lpbench.plugin import progress
    from lpbench_trt._progress import Monitor

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monitor = Monitor()
    monitor.phase_start("all", None, 2)
    assert monitor.step_complete("all", 0) is True
    with progress.listening(interrupted):
        assert monitor.step_complete("all", 1) is False
