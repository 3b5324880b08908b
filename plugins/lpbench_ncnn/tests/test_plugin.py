"""The plugin as lpbench finds it: through its entry point, importing nothing heavy, leaving no traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ncnn
import pytest

import lpbench_ncnn
from lpbench.plugin import specs
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ncnn.tests.conftest import Models


spec = fixtures.engine_spec(lpbench_ncnn, "ncnn")


def test_the_spec_leads_to_what_it_names(spec: specs.EngineSpec) -> None:
    assert spec.availability()
    assert spec.version() == ncnn.__version__
    assert spec.load().__name__ == "NcnnEngine"
    kind: Any = specs.load(spec.config, who=spec.name)
    assert dataclass_config.build(kind, {}) == kind()


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, lpbench_ncnn; print(sorted({'numpy', 'ncnn', 'lpbench_ncnn._engine'} & set(sys.modules)))"
    assert python(code).strip() == "[]"


def test_the_probe_finds_the_cpu(spec: specs.EngineSpec) -> None:
    """The probe in a child process, as lpbench runs it, gives JSON with the CPU among the devices."""
    code = f"import json; from lpbench.plugin.specs import load; print(json.dumps(load({spec.probe!r}, who='x')()))"
    found = json.loads(python(code))
    assert found["version"] == ncnn.__version__
    assert found["devices"][0] == "cpu"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("raise ImportError('libacme.so.1: cannot open shared object file')", "libacme.so.1: cannot open"),
        ("__version__ = '0'", "AttributeError"),
    ],
)
def test_a_library_that_is_there_but_broken_is_an_error_of_ours(tmp_path: Path, content: str, words: str) -> None:
    """A module ncnn that does not load, or is another one: a PluginError that names it."""
    (tmp_path / "ncnn.py").write_text(content)
    code = """
import lpbench_ncnn
from lpbench.plugin import registry
found = registry.Registry()
found.add("ncnn", lpbench_ncnn)
spec = found.get(registry.ENGINES, "ncnn").spec
try:
    spec.load()
except Exception as error:
    print(type(error).__name__, error)
"""
    found = python(code, {"PYTHONPATH": str(tmp_path)})
    assert found.startswith("PluginError ncnn: cannot load lpbench_ncnn._engine:NcnnEngine")
    assert words in found


def test_no_file_is_written_and_one_known_thread_is_left(models: Models, tmp_path: Path) -> None:
    """A worker that opens, runs on two threads and closes, three times over.

    Nothing stands in the home folder, the working directory and the variables are as they were, and only
    OpenMP's one helper thread remains.
    """
    home = tmp_path / "home"
    code = f"""
import os, numpy
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_ncnn._engine import NcnnEngine
from lpbench_ncnn.config import NcnnConfig
before = len(os.listdir("/proc/self/task")), os.getcwd(), dict(os.environ)
for _ in range(3):
    model = Model("ncnn", Path({str(models.network())!r}))
    with NcnnEngine().open(model, NcnnConfig(threads=2), shapes={{"in0": (1, 3, 8, 8)}}) as session:
        session.run({{"in0": numpy.ones((1, 3, 8, 8), "float32")}})
assert (os.getcwd(), dict(os.environ)) == before[1:]
print(len(os.listdir("/proc/self/task")) - before[0])
"""
    assert int(python(code, {"OPENBLAS_NUM_THREADS": "1"}, home=home)) <= 1
    assert list(home.rglob("*")) == []
