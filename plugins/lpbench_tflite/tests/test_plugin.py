"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

import lpbench_tflite
from lpbench.plugin import registry, specs
from lpbench.plugin.engine import EngineError, Model
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config
from lpbench_tflite import _spec
from lpbench_tflite._library import library

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_tflite.tests.conftest import Models


spec = fixtures.engine_spec(lpbench_tflite, "tflite")


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == library().version
    assert spec.load().__name__ == "TfliteEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_the_engine_is_found_by_its_new_name() -> None:
    assert fixtures.alone(lpbench_tflite).get(registry.ENGINES, "litert").spec.name == "tflite"


def test_listing_imports_nothing_heavy() -> None:
    modules = "{'numpy', 'ai_edge_litert', 'tflite_runtime', 'lpbench_tflite._engine'}"
    assert python(f"import sys, lpbench_tflite; print(sorted({modules} & set(sys.modules)))").strip() == "[]"


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON with the CPU among the devices."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(python(code, spec.environment).splitlines()[-1])
    assert found["version"] == library().version
    assert found["devices"] == ["cpu"]
    assert found["xnnpack"] is True


@pytest.fixture
def old_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it look as though tflite-runtime were installed in LiteRT's place, with numpy 2."""
    versions = {"numpy": "2.4.6", "tflite-runtime": "2.14.0"}
    monkeypatch.setattr(importlib.util, "find_spec", _found_old)
    monkeypatch.setattr(importlib.metadata, "version", versions.__getitem__)


def _found_old(name: str) -> Any:
    return type("Found", (), {"origin": "there"})() if name == _spec.RUNTIME else None


@pytest.mark.usefixtures("old_library")
def test_the_old_library_with_numpy_2_is_unsupported(spec: specs.EngineSpec) -> None:
    """It imports, pip is content, and then it fails: the listing says so, and so does opening."""
    found = spec.availability()
    assert found.state is specs.State.UNSUPPORTED
    assert found.reason == "tflite-runtime 2.14.0 was compiled for numpy 1 and fails with numpy 2.4.6"
    assert 'pip install "numpy<2"' in found.hint
    with pytest.raises(EngineError, match="fails with numpy 2"):
        library()


def test_the_old_library_with_numpy_1_is_ready(
    spec: specs.EngineSpec, old_library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", {"numpy": "1.26.4", "tflite-runtime": "2.14.0"}.__getitem__)
    assert spec.availability()


OPEN_AND_RUN = """
import numpy, os
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_tflite._engine import TfliteEngine
from lpbench_tflite.config import TfliteConfig
before = len(os.listdir("/proc/self/task"))
with TfliteEngine().open(Model("tflite", Path({path!r})), TfliteConfig(threads=2), shapes={{}}) as session:
    session.run({{name: numpy.ones((1, 4), "float32") for name in "ab"}})
    session.describe()
print(len(os.listdir("/proc/self/task")) - before)
"""


def test_no_file_is_written_and_no_thread_is_left(models: Models, spec: specs.EngineSpec, tmp_path: Path) -> None:
    """A worker that opens, runs and closes writes nothing into the home folder."""
    home = tmp_path / "home"
    code = OPEN_AND_RUN.format(path=str(models.add()))
    assert python(code, spec.environment, home=home).split()[-1] == "0"
    assert list(home.rglob("*")) == []


def test_others_are_judged_by_literts_own_kernels(spec: specs.EngineSpec, models: Models) -> None:
    """As a reference every operator is run by the kernels that say what it does, none by XNNPACK."""
    kind: Any = specs.load(spec.config, who=spec.name)
    options = dataclass_config.build(kind, spec.reference or {})
    with spec.load()().open(Model("tflite", models.convolution()), options, shapes={}) as session:
        nodes = session.describe()["nodes"]
    assert nodes == {"XNNPACK": 0, "TFLite": 2}
