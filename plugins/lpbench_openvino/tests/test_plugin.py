"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import openvino
import pytest

import lpbench_openvino
from lpbench.plugin import registry, specs
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models


@pytest.fixture
def spec() -> specs.EngineSpec:
    found = registry.Registry()
    found.add("openvino", lpbench_openvino)
    return found.get(registry.ENGINES, "openvino").spec


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == openvino.__version__.partition("-")[0]
    assert spec.load().__name__ == "OpenvinoEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_listing_imports_nothing_heavy() -> None:
    modules = "{'numpy', 'openvino', 'lpbench_openvino._engine'}"
    assert _python(f"import sys, lpbench_openvino; print(sorted({modules} & set(sys.modules)))").strip() == "[]"


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON: the CPU, and for other devices why not."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(_python(code, **spec.environment))
    assert found["version"] == openvino.__version__.partition("-")[0]
    assert "cpu" in found["devices"]
    assert found["names"]["cpu"]
    assert "FP32" in found["capabilities"]["cpu"]
    assert {name.partition(":")[0] for name in (*found["devices"], *found["unusable"])} == {"cpu", "gpu", "npu"}
    assert all(found["unusable"].values())


OPEN_AND_RUN = """
import numpy
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_openvino._engine import OpenvinoEngine
from lpbench_openvino.config import OpenvinoConfig
with OpenvinoEngine().open(Model("onnx", Path({path!r})), OpenvinoConfig(threads=1), shapes={{}}) as session:
    session.run({{"x": numpy.ones((1, 3), "float32")}})
"""


def test_no_file_is_written(models: Models, spec: specs.EngineSpec, tmp_path: Path) -> None:
    """With the spec's environment a worker that opens, runs and closes writes nothing into the home folder."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    _python(OPEN_AND_RUN.format(path=str(models.one("Relu"))), **environment, **spec.environment)
    assert list(home.rglob("*")) == []


def _python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    kept = {key: value for key, value in os.environ.items() if key not in {"CI", "TF_BUILD", "JENKINS_URL"}}
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=True, timeout=120
    ).stdout
