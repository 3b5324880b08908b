"""What users get: wheels of the core and of every plugin, installed into a fresh environment."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

for needed in ("build", "hatchling", "onnx"):
    pytest.importorskip(needed, reason=f"needs {needed}")

ROOT = Path(__file__).parent.parent
PROJECTS = [ROOT, *(each.parent for each in sorted(ROOT.glob("plugins/*/pyproject.toml")))]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without anything of this checkout in its environment, and return it once it ended well."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment |= {"XDG_DATA_HOME": str(cwd), "XDG_CACHE_HOME": str(cwd)}
    done = subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build every wheel, as ``make dist`` does."""
    folder = tmp_path_factory.mktemp("dist")
    for project in PROJECTS:
        run(sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "--outdir", folder, project, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install lpbench and its plugins from the wheels into a fresh environment; the rest comes from the registry."""
    asked = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed", "--no-deps", "pluggy"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("needs network: pip does not reach its registry")
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "-qq", "--find-links", str(wheels)]
    run(*pip, "-c", ROOT / "constraints.txt", "lpbench[x86,trt,acl,algorithms]", cwd=folder)
    return folder / "venv" / "bin"


def test_there_is_a_wheel_for_the_core_and_each_plugin(wheels: Path) -> None:
    assert len(list(wheels.glob("*.whl"))) == len(PROJECTS) > 1


@pytest.mark.long
def test_what_is_installed_are_our_wheels(wheels: Path, installed: Path) -> None:
    """No namesake from the registry: every file has the hash that the wheel states."""
    (site,) = installed.parent.glob("lib/python*/site-packages")
    for wheel in wheels.glob("*.whl"):
        (record,) = [name for name in ZipFile(wheel).namelist() if name.endswith("/RECORD")]
        stated = {line for line in ZipFile(wheel).read(record).decode().splitlines() if "sha256=" in line}
        assert stated <= set((site / record).read_text(encoding="utf-8").splitlines())


def test_links_of_the_readme_in_a_wheel_lead_to_files_of_that_wheel(wheels: Path) -> None:
    """Seen from the metadata; pages that no wheel holds are named, not linked."""
    (wheel,) = wheels.glob("lpbench-[0-9]*.whl")
    names = set(ZipFile(wheel).namelist())
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    text = ZipFile(wheel).read(metadata).decode()
    links = re.findall(r"\]\(([^)]+)\)", text)
    places = {posixpath.normpath(posixpath.join(posixpath.dirname(metadata), link)) for link in links}
    assert links
    assert places <= names
    assert "(docs/index.md of the sources)" in text
    assert "# lpbench" in text


@pytest.mark.long
def test_engines_are_listed_from_wheels(installed: Path, tmp_path: Path) -> None:
    lines = run(installed / "lpbench", "engines", cwd=tmp_path).stdout.splitlines()
    (line,) = [line for line in lines if line.split()[:1] == ["onnxruntime"]]
    assert "ready" in line


@pytest.mark.long
def test_an_app_runs_from_wheels(installed: Path, tmp_path: Path) -> None:
    """A small model of two layers, as a bare file, measured by the installed command."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    make = onnx.helper
    shape = ["batch", 4]
    tensor = onnx.TensorProto.FLOAT
    nodes = [make.make_node("Relu", ["x"], ["h"]), make.make_node("Softmax", ["h"], ["y"])]
    ends = [[make.make_tensor_value_info(name, tensor, shape)] for name in ("x", "y")]
    graph = make.make_graph(nodes, "small", *ends)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "model.onnx"))
    done = run(installed / "lpbench", "run", "model.onnx", "--shape", "x=1,4", "--number", "20", cwd=tmp_path)
    assert "engines/onnxruntime" in done.stdout
