"""The plugin's types against those of NVIDIA's real bindings."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_trt.tests.real import stubs, wheels
from plugins.lpbench_trt.tests.real.versions import Versions

import lpbench
import lpbench_trt

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("mypy", reason="needs mypy")
pytest.importorskip("pybind11_stubgen", reason="needs pybind11-stubgen")

Error = tuple[str, int, str]
SOURCES = Path(lpbench_trt.__file__).parent
SETTINGS = """
[mypy]
strict = true
python_version = 3.10
warn_unused_ignores = false
disallow_untyped_calls = false
follow_imports = silent
follow_imports_for_stubs = true
ignore_missing_imports = true

[mypy-tensorrt.*]
implicit_optional = true
"""
"""As for the rest of the project.  Where TensorRT is not installed, its classes are Any, which takes some ignores."""


PROBE = "_misuse.py"
MISUSE = """
from lpbench_trt._library import trt

def build(builder: trt.Builder, config: trt.IBuilderConfig) -> None:
    if hasattr(trt.BuilderFlag, "FP16"):
        config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.FP16)  # 11
    builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))  # 11
    builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))  # 8
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, "1G")  # 8 10 11
    builder.create_optimization_profile().set_shape("x", (1, 3), [2, 3], trt.Dims((4, 3)))
    if builder.build_serialized_network(config):  # 8 10 11
        pass

def run(engine: trt.ICudaEngine, context: trt.IExecutionContext) -> int:
    if hasattr(engine, "device_memory_size_v2"):
        return int(engine.device_memory_size_v2)
    context.set_tensor_adress("x", 0)  # 8 10 11
    context.execute_async_v2([], 0)  # 10 11
    stream: str = context.execute_async_v3(0)  # 8 10 11
    return engine.device_memory_size  # 11

def reason(parser: trt.OnnxParser) -> str:
    return parser.get_error(0).node_name()  # 8
"""
"""Right and wrong uses; a wrong one names the major versions with which it is wrong."""


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Error]]:
    """Return a function that checks a copy of the plugin, beside the wrong uses, against a version.

    mypy does not know that ``hasattr`` of a module guards what is defined under it: such lines are left out.
    """
    folder = tmp_path_factory.mktemp("types")
    (folder / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    shutil.copytree(SOURCES, folder / "src" / "lpbench_trt")
    (folder / "src" / "lpbench_trt" / PROBE).write_text(MISUSE, encoding="utf-8")
    sources = {path.name: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")}
    versions = Versions(tmp_path_factory.mktemp)

    @functools.cache
    def run(version: str) -> list[Error]:
        absent = [use for use in versions.absent(sources, version) if use.guarded and not use.owner]
        guarded = {use.where for use in absent}
        found = errors(folder / "src", stubs.generate(versions.module(version), tmp_path_factory.mktemp("stubs")))
        return [error for error in found if f"{error[0]}:{error[1]}" not in guarded]

    return run


def errors(sources: Path, stubs_: Path) -> list[Error]:
    """Return what mypy reports of the package in a folder: file, line and message of each error."""
    paths = map(str, (stubs_, Path(lpbench.__file__).parent.parent))
    command = [sys.executable, "-m", "mypy", "--config-file", "../mypy.ini", "--cache-dir", "../cache", "lpbench_trt"]
    done = subprocess.run(
        [*command, "--hide-error-context", "--no-pretty"],
        env=os.environ | {"MYPYPATH": os.pathsep.join(paths)},
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    found = re.findall(r"^lpbench_trt/(.*?):(\d+): error: (.*)$", done.stdout, flags=re.MULTILINE)
    assert done.returncode == bool(found), done.stdout + done.stderr
    return [(file, int(line), message) for file, line, message in found]


@pytest.mark.long
@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_the_plugins_types_agree(check: Callable[[str], list[Error]], version: str) -> None:
    """With the plugin's guards: a name that a version lacks is accepted behind hasattr, and nowhere else."""
    found = [error for error in check(version) if error[0] != PROBE]
    assert not found, "\n".join(f"{file}:{line}: {message}" for file, line, message in found)


@pytest.mark.long
@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_wrong_uses_are_reported(check: Callable[[str], list[Error]], version: str) -> None:
    """Each of them, in the versions with which it is wrong, and nothing else."""
    major = version.partition(".")[0]
    lines = enumerate(MISUSE.splitlines(), 1)
    wrong = [line for line, text in lines if major in text.partition("  # ")[2].split()]
    assert sorted({line for file, line, _ in check(version) if file == PROBE}) == wrong, check(version)
