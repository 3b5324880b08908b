"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openvino

import lpbench_openvino
from lpbench.plugin import specs
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models


spec = fixtures.engine_spec(lpbench_openvino, "openvino")


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == openvino.__version__.partition("-")[0]
    assert spec.load().__name__ == "OpenvinoEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_listing_imports_nothing_heavy() -> None:
    modules = "{'numpy', 'openvino', 'lpbench_openvino._engine'}"
    assert (
        python(f"import sys, lpbench_openvino; print(sorted({modules} & set(sys.modules)))", without=CI).strip() == "[]"
    )


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON: the CPU, and for other devices why not."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(python(code, spec.environment, without=CI))
    assert found["version"] == openvino.__version__.partition("-")[0]
    assert "cpu" in found["devices"]
    assert found["names"]["cpu"]
    assert "FP32" in found["capabilities"]["cpu"]
    assert {name.partition(":")[0] for name in (*found["devices"], *found["unusable"])} == {"cpu", "gpu", "npu"}
    assert all(found["unusable"].values())
    absent = {"gpu", "npu"} - {name.partition(":")[0] for name in found["devices"]}
    assert all("driver" in found["hints"][name] for name in absent)


CI = ("CI", "TF_BUILD", "JENKINS_URL")
"""Variables by which OpenVINO sees that nobody's uses are to be counted; without them only the spec says so."""

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
    python(OPEN_AND_RUN.format(path=str(models.one("Relu"))), spec.environment, home=home, without=CI)
    assert list(home.rglob("*")) == []
