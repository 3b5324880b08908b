"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import onnxruntime
import pytest

import lpbench_ort
from lpbench.plugin import registry, specs
from lpbench.plugin.engine import EngineError
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config
from lpbench_ort import _probe, _providers

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models


spec = fixtures.engine_spec(lpbench_ort, "onnxruntime")


@pytest.mark.parametrize("name", ["onnxruntime", "ort", "onnx", "lne", "lpdnn"])
def test_every_name_gives_the_engine(name: str) -> None:
    """Aliases are asked for; the name in results stays onnxruntime."""
    assert fixtures.alone(lpbench_ort).get(registry.ENGINES, name).spec.name == "onnxruntime"


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == onnxruntime.__version__
    assert spec.load().__name__ == "OrtEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, lpbench_ort; print(sorted({'numpy', 'onnxruntime', 'lpbench_ort._engine'} & set(sys.modules)))"
    assert python(code).strip() == "[]"


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON with the CPU among the devices."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(python(code, spec.environment))
    assert found["version"] == onnxruntime.__version__
    assert "cpu" in found["devices"]
    assert "CPUExecutionProvider" in found["providers"]


@pytest.mark.parametrize(("name", "said"), [("cuda", "lpbench[ort-gpu]"), ("rocm", "install what is missing")])
def test_a_provider_that_cannot_be_started_comes_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """As on a machine with the build for GPUs and without their libraries."""

    class Absent:
        def open(self, *_: object, **__: object) -> None:
            raise EngineError("libcudart.so.12: cannot open shared object file", hint="install what is missing")

    monkeypatch.setattr(_providers, "devices", lambda: [name])
    monkeypatch.setattr(_probe, "OrtEngine", Absent)
    found = _probe.probe()
    assert "cannot open" in found["unusable"][name]
    assert said in found["hints"][name]


def test_no_file_is_written_and_no_thread_is_left(models: Models, spec: specs.EngineSpec, tmp_path: Path) -> None:
    """With the spec's environment a worker that opens, runs and closes writes nothing into the home folder."""
    home = tmp_path / "home"
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
    assert python(code, {**spec.environment, "OPENBLAS_NUM_THREADS": "1"}, home=home).strip() == "0"
    assert list(home.rglob("*")) == []
