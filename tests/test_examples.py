"""Every example runs as its docstring says; real engines and models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def _run(name: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, EXAMPLES / name, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _measure_app(folder: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    pytest.importorskip("lpbench_image", reason="needs lpbench-image")
    from lpbench.app import catalogue
    from lpbench.errors import PullError

    try:
        catalogue.pull("imagenet-mobilenet-v2")
    except PullError as error:
        pytest.skip(f"needs network: {error.what}")
    printed = _run("measure_app.py")
    assert "Egyptian Mau" in printed
    assert "power: unknown" in printed


def _every_app(folder: Path) -> None:
    for module in ("onnx", "onnxruntime", "lpbench_image"):
        pytest.importorskip(module, reason=f"needs {module}")
    from lpbench.app import catalogue
    from lpbench.errors import PullError

    try:
        catalogue.pull("digits-mlp")
    except PullError as error:
        pytest.skip(f"needs network: {error.what}")
    (row, engines) = _run("every_app.py", "digits-mlp").splitlines()
    assert row.split()[:3] == ["digits-mlp", "ok", "image_classification"]
    assert "top1 0.9" in row
    assert "onnxruntime" in engines


def _own_engine(folder: Path) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    assert "MatrixEngine, in this process" in _run("own_engine.py")


def _two_settings(folder: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 64]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "relu.onnx")
    printed = _run("two_settings.py", str(folder / "relu.onnx"))
    assert [line.split()[0] for line in printed.splitlines()] == ["disabled", "all"]


TESTS: dict[str, Callable[[Path], None]] = {
    "every_app.py": _every_app,
    "measure_app.py": _measure_app,
    "own_engine.py": _own_engine,
    "two_settings.py": _two_settings,
}


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    TESTS[name](tmp_path)


def test_no_example_is_untested() -> None:
    assert sorted(TESTS) == sorted(each.name for each in EXAMPLES.glob("*.py"))
