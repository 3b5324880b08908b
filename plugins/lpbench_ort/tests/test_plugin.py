"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import onnxruntime
import pytest

import lpbench_ort
from lpbench.plugin import registry, specs
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models


@pytest.fixture
def spec() -> specs.EngineSpec:
    found = registry.Registry()
    found.add("ort", lpbench_ort)
    return found.get(registry.ENGINES, "onnxruntime").spec


@pytest.mark.parametrize("name", ["onnxruntime", "onnx", "lne", "lpdnn"])
def test_every_name_gives_the_engine(name: str) -> None:
    """Aliases are asked for; the name in results stays onnxruntime."""
    found = registry.Registry()
    found.add("ort", lpbench_ort)
    assert found.get(registry.ENGINES, name).spec.name == "onnxruntime"


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == onnxruntime.__version__
    assert spec.load().__name__ == "OrtEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, lpbench_ort; print(sorted({'numpy', 'onnxruntime', 'lpbench_ort._engine'} & set(sys.modules)))"
    assert _python(code).strip() == "[]"


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON with the CPU among the devices."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(_python(code, **spec.environment))
    assert found["version"] == onnxruntime.__version__
    assert "cpu" in found["devices"]
    assert "CPUExecutionProvider" in found["providers"]


def test_no_file_is_written_and_no_thread_is_left(models: Models, spec: specs.EngineSpec, tmp_path: Path) -> None:
    """With the spec's environment a worker that opens, runs and closes writes nothing into the home folder."""
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import os, numpy
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_ort._engine import OrtEngine
from lpbench_ort.config import OrtConfig
before = len(os.listdir("/proc/self/task"))
with OrtEngine().open(Model("onnx", Path({str(models.double())!r})), OrtConfig(threads=1), shapes={{}}) as session:
    session.run({{"x": numpy.ones((1, 3), "float32")}})
print(len(os.listdir("/proc/self/task")) - before)
"""
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    assert _python(code, **environment, **spec.environment, OPENBLAS_NUM_THREADS="1").strip() == "0"
    assert list(home.rglob("*")) == []


def _python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True, timeout=120
    ).stdout
