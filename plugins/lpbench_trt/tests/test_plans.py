"""Plans in lpbench's cache: built once, never taken for another's, never trusted when damaged; over the fake."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_trt.tests import fake_site

from lpbench.errors import LpbenchError
from lpbench.plugin import progress
from lpbench.plugin.engine import EngineError, Model, TensorInfo
from lpbench.testing import onnx_models
from lpbench.util import atomic_folders
from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fake = fake_site.Fake
FLOAT = onnx_models.FLOAT
node = onnx.helper.make_node


@pytest.fixture
def cache(fake_tensorrt: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cached plans, of a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lpbench" / "plans"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return network(tmp_path / "model.onnx")


def network(path: Path, operator: str = "Relu", factor: float = 2, **saving: Any) -> Path:
    """Save ``y = operator(x * factor)`` with an open batch."""
    nodes = [node("Mul", ["x", "f"], ["m"], name="multiply"), node(operator, ["m"], ["y"], name="after")]
    shape = ("N", 3)
    weights = {"f": np.full((1, 3), factor, np.float32)}
    return onnx_models.save(path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)], weights, **saving)


def obtained(path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None, **options: Any) -> Any:
    from lpbench_trt import _plans

    return _plans.obtain(Model("onnx", path), TensorrtConfig(**options), shapes or {})


def kept(cache: Path) -> list[Path]:
    """Return what is in the cache beside the files of locks."""
    return [entry for entry in cache.iterdir() if not entry.name.endswith(".lock")]


def test_a_plan_is_built_once(cache: Path, path: Path) -> None:
    first, second = obtained(path), obtained(path)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert bytes(second.content) == bytes(first.content)
    assert second.build_s == first.build_s > 0
    assert second.facts == first.facts
    assert second.facts["tf32"] is False


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "F16"},
        {"tf32": True},
        {"workspace_mb": 7},
        {"optimization_level": 1},
        {"max_aux_streams": 0},
        {"max_shapes": {"x": (4, 3)}},
    ],
)
def test_another_option_is_another_plan(cache: Path, path: Path, options: dict[str, Any]) -> None:
    obtained(path)
    assert obtained(path, **options).from_cache is False
    assert obtained(path, **options).from_cache is True
    assert obtained(path).from_cache is True


@pytest.mark.parametrize("options", [{"graph": True}, {"wait": "block"}, {"timing_cache": False}])
def test_what_does_not_change_a_plan_does_not_build_another(cache: Path, path: Path, options: dict[str, Any]) -> None:
    obtained(path)
    assert obtained(path, **options).from_cache is True


def test_other_shapes_content_and_weights_are_other_plans(cache: Path, path: Path) -> None:
    obtained(path)
    assert obtained(path, {"x": (2, 3)}).from_cache is False
    network(path, factor=3)
    assert obtained(path).from_cache is False
    beside: dict[str, Any] = {"save_as_external_data": True, "size_threshold": 0, "location": "weights.bin"}
    network(path, factor=3, **beside)
    assert obtained(path).from_cache is False
    assert obtained(path).from_cache is True
    weights = path.with_name("weights.bin")
    weights.write_bytes(np.full(3, 9, np.float32).tobytes())
    assert obtained(path).from_cache is False
    weights.unlink()
    with pytest.raises(EngineError, match=r"weights\.bin"):
        obtained(path)


@pytest.mark.parametrize("where", ["branch", "function"])
def test_weights_beside_the_model_count_wherever_they_are_used(fake_tensorrt: Fake, tmp_path: Path, where: str) -> None:
    """In a branch of an If and in a function of the model: a change of their file is a change of the model."""
    from lpbench_trt import _sources

    constant = node("Constant", [], ["c"], value=beside(tmp_path / "weights.bin"))
    inner = [constant, node("Add", ["c", "c"], ["y"])]
    helper = onnx.helper
    out = helper.make_tensor_value_info("y", FLOAT, [3])
    if where == "branch":
        body = helper.make_graph(inner, "body", [], [out])
        nodes, functions = [node("If", ["x"], ["y"], then_branch=body, else_branch=body)], []
    else:
        versions = [helper.make_opsetid("", 17)]
        nodes, functions = (
            [node("F", [], ["y"], domain="own")],
            [helper.make_function("own", "F", [], ["y"], inner, versions)],
        )
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", onnx.TensorProto.BOOL, [])], [out])
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph, functions=functions).SerializeToString())
    first = _sources.digest(Model("onnx", path))
    (tmp_path / "weights.bin").write_bytes(b"other" * 3)
    assert _sources.digest(Model("onnx", path)) != first


def beside(path: Path) -> onnx.TensorProto:
    """Return a tensor whose values are in another file."""
    path.write_bytes(bytes(12))
    tensor = onnx.TensorProto(name="c", data_type=FLOAT, dims=[3], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=path.name)
    return tensor


def test_a_device_of_another_kind_gets_another_plan(fake_tensorrt: Fake, cache: Path, path: Path) -> None:
    obtained(path)
    fake_tensorrt.set(compute=89)
    assert obtained(path).from_cache is False


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.plan", flip),
        ("model.plan", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("model.plan", lambda path: path.write_bytes(b"")),
        ("model.plan", Path.unlink),
        ("plan.json", Path.unlink),
        ("plan.json", lambda path: path.write_bytes(b"\xff{")),
        ("plan.json", lambda path: path.write_text("[]")),
        ("plan.json", lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "build_s": "long"}))),
    ],
)
def test_a_damaged_plan_is_built_again(cache: Path, path: Path, name: str, damage: Callable[[Path], object]) -> None:
    whole = bytes(obtained(path).content)
    (entry,) = kept(cache)
    damage(entry / name)
    again = obtained(path)
    assert again.from_cache is False
    assert bytes(again.content) == whole
    assert obtained(path).from_cache is True
    assert kept(cache) == [entry]


def test_without_the_cache_nothing_is_kept(cache: Path, path: Path) -> None:
    assert obtained(path, plan_cache=False).from_cache is False
    assert obtained(path, plan_cache=False, timing_cache=False).from_cache is False
    assert not cache.exists()


def test_a_full_disk_does_not_lose_a_build(cache: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_folders, "install", full)
    plan = obtained(path)
    assert plan.facts["plan_not_kept"] == "No space left on device"
    assert len(plan.content) > 0
    assert kept(cache) == []


def test_a_cache_that_cannot_be_used_is_named_with_the_remedy(cache: Path, path: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.touch()
    with pytest.raises(EngineError, match="cache") as caught:
        obtained(path)
    assert str(cache) in str(caught.value)
    assert "plan_cache=false" in caught.value.hint
    assert obtained(path, plan_cache=False).from_cache is False


SLOW = """
import sys, time
from pathlib import Path
from lpbench.plugin import progress
from lpbench.plugin.engine import Model
from lpbench_trt import _plans
from lpbench_trt.config import TensorrtConfig
progress.EVERY = 0
def slow(activity):
    if activity.done is not None:
        print("building", flush=True)
        time.sleep(float(sys.argv[2]))
with progress.listening(slow):
    plan = _plans.obtain(Model("onnx", Path(sys.argv[1])), TensorrtConfig(), {})
print("built" if plan.from_cache is False else "found", flush=True)
"""


def slow_build(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process that builds slowly, and wait until it builds."""
    command = [sys.executable, "-c", SLOW, str(path), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    return process


def test_an_interrupt_ends_the_build_and_leaves_nothing(cache: Path, path: Path) -> None:
    with slow_build(path, 60) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait() != 0
    assert kept(cache) == []
    assert obtained(path).from_cache is False


def test_a_killed_build_leaves_no_half_plan_and_no_lock(cache: Path, path: Path) -> None:
    with slow_build(path, 60) as process:
        process.kill()
    assert obtained(path).from_cache is False
    assert len(kept(cache)) == 1
    assert obtained(path).from_cache is True


def test_of_two_processes_one_builds_and_the_other_waits_and_says_so(cache: Path, path: Path) -> None:
    heard: list[str] = []
    with slow_build(path, 1) as process, progress.listening(lambda activity: heard.append(activity.what)):
        plan = obtained(path)
        assert process.stdout is not None
        assert process.stdout.read().split()[-1] == "built"
    assert plan.from_cache is True
    assert heard == ["waiting for another process, which builds the same plan"]


def test_what_another_app_states_is_another_plan(cache: Path, path: Path) -> None:
    from lpbench_trt import _plans

    def stated(rows: int) -> Any:
        inputs = (TensorInfo("x", "float32", (rows, 3)),)
        return _plans.obtain(Model("onnx", path, inputs=inputs), TensorrtConfig(), {})

    assert [stated(2).from_cache, stated(5).from_cache, stated(2).from_cache] == [False, False, True]


def test_what_the_app_states_closes_open_dimensions(cache: Path, tmp_path: Path) -> None:
    from lpbench_trt import _plans

    nodes = [node("Relu", ["x"], ["y"], name="relu")]
    path = onnx_models.save(tmp_path / "m.onnx", nodes, [("x", FLOAT, ("N", "C"))], [("y", FLOAT, ("N", "C"))])
    with pytest.raises(LpbenchError, match="open dimensions: NxC"):
        obtained(path)
    stated = Model("onnx", path, inputs=(TensorInfo("x", "float32", (2, 5)),))
    plan = _plans.obtain(stated, TensorrtConfig(), {})
    assert plan.facts["optimized_for"] == {"x": [2, 5]}


def test_layers_that_fell_back_from_a_dla_core_are_listed(fake_tensorrt: Fake, cache: Path, tmp_path: Path) -> None:
    fake_tensorrt.set(dla_cores=1)
    path = network(tmp_path / "model.onnx", "Erf")
    plan = obtained(path, device="dla:0", precision="F16", dla_fallback=True)
    assert plan.facts["dla_fallback_layers"] == ["after"]
    assert "dla_fallback_layers" not in obtained(path).facts


def test_a_users_plan_is_taken_as_it_is(cache: Path, tmp_path: Path) -> None:
    from lpbench_trt import _plans

    def given(path: Path) -> Any:
        return _plans.obtain(Model("plan", path), TensorrtConfig(), {})

    path = tmp_path / "users.plan"
    path.write_bytes(b"anything")
    plan = given(path)
    assert (bytes(plan.content), plan.from_cache, plan.build_s) == (b"anything", None, None)
    path.write_bytes(b"")
    for wrong in (path, tmp_path, tmp_path / "none.plan"):
        with pytest.raises(EngineError) as caught:
            given(wrong)
        assert str(wrong) in str(caught.value)
    assert not cache.exists()
