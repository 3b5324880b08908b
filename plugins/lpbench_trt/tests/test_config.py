"""The options: what is absurd is refused before anything is loaded."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

import lpbench_trt
from lpbench.errors import ConfigError
from lpbench.plugin import specs
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config
from lpbench_trt.config import TensorrtConfig


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"device": "cpu"}, "gpu:0 or dla:0"),
        ({"device": "gpu:-1"}, "gpu:0 or dla:0"),
        ({"device": "cuda:0"}, "gpu:0 or dla:0"),
        ({"precision": "FP16"}, "'F16'"),
        ({"workspace_mb": -1}, "0 to"),
        ({"workspace_mb": 1 << 40}, "0 to"),
        ({"optimization_level": 6}, "-1 to 5"),
        ({"max_aux_streams": -2}, "-1 to"),
        ({"dla_fallback": True}, "dla:0"),
        ({"min_shapes": {"x": [-1, 3]}}, "sizes from 0 to"),
        ({"max_shapes": {"x": [1 << 40]}}, "sizes from 0 to"),
        ({"max_shapes": {"x": [1] * 9}}, "at most 8"),
        ({"min_shapes": {"x": [2, 3]}, "max_shapes": {"x": [1, 3]}}, "at most max_shapes"),
        ({"min_shapes": {"x": [2]}, "max_shapes": {"x": [2, 3]}}, "at most max_shapes"),
        ({"min_shapes": {"x": "1,3"}}, "a list"),
        ({"plugins": "liblayers.so"}, "a list"),
    ],
)
def test_an_absurd_option_is_refused_by_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(TensorrtConfig, values)
    assert next(iter(values)) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("device", "unit", "gpu", "processor"),
    [("gpu", "gpu:0", 0, "GPU"), ("GPU:3", "gpu:3", 3, "GPU"), ("dla:1", "dla:1", 0, "DLA")],
)
def test_a_device_is_a_gpu_or_a_dla_core(device: str, unit: str, gpu: int, processor: str) -> None:
    config = TensorrtConfig(device=device)
    assert (config.unit, config.gpu, config.processor) == (unit, gpu, processor)


def test_listing_imports_nothing_heavy() -> None:
    modules = "{'numpy', 'tensorrt', 'tensorrt_rtx', 'lpbench_trt._library'}"
    code = f"import sys, lpbench_trt, lpbench_trt.config; print(sorted({modules} & set(sys.modules)))"
    assert python(code).strip() == "[]"


spec = fixtures.engine_spec(lpbench_trt, "tensorrt")


def test_an_app_may_not_load_code_or_choose_files(spec: specs.EngineSpec) -> None:
    """Apps come from other people: what they may say of an engine is the precision."""
    assert spec.app_options == ("precision",)


def test_where_tensorrt_is_missing_the_remedy_says_how_to_get_it(spec: specs.EngineSpec) -> None:
    if importlib.util.find_spec("tensorrt") or importlib.util.find_spec("tensorrt_rtx"):
        pytest.skip("needs a machine without TensorRT")
    found = spec.availability()
    assert found.state is specs.State.MISSING
    assert "pip install tensorrt" in found.hint
    assert "JetPack" in found.hint
