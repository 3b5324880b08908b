"""A plugin of three files, written outside this repository, installed beside lpbench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

for needed in ("numpy", "hatchling", "pip"):
    pytest.importorskip(needed, reason=f"needs {needed}")

MODEL = '{"factor": 2.0}'
PLUGIN = Path(__file__).parents[1] / "data" / "lpbench-acme"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the plugin with pip into a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", *offline, str(PLUGIN)], check=True)
    return folder


def lpbench(site: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run lpbench where the plugin is installed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_DATA_HOME": str(cwd), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "lpbench", *words]
    return subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True, check=False)


def test_the_plugin_is_three_files_on_one_screen() -> None:
    files = [path for path in PLUGIN.rglob("*") if path.suffix in {".py", ".toml"}]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if line]
    assert len(files) == 3
    assert len(lines) < 50


def test_its_engine_is_listed(site: Path, tmp_path: Path) -> None:
    done = lpbench(site, "engines", cwd=tmp_path)
    (line,) = [line for line in done.stdout.splitlines() if line.strip().startswith("acme")]
    assert "ready" in line
    assert "lpbench-acme 1.0" in lpbench(site, "plugins", cwd=tmp_path).stdout


def test_its_engine_runs_an_app(site: Path, tmp_path: Path) -> None:
    """A bare model file of the plugin's own format, measured in worker processes."""
    (tmp_path / "double.acme").write_text(MODEL, encoding="utf-8")
    done = lpbench(site, "run", "double.acme", "--number", "20", "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "engines/acme" in done.stdout
    assert '"acme"' in (tmp_path / "r.json").read_text(encoding="utf-8")
    json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))


def test_its_errors_are_told_like_our_own(site: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.acme").write_text("two", encoding="utf-8")
    done = lpbench(site, "run", "wrong.acme", "--number", "20", cwd=tmp_path)
    assert done.returncode in {2, 3}
    assert "wrong.acme: cannot be loaded: Expecting value" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_its_engine_keeps_the_contract(site: Path, tmp_path: Path) -> None:
    """Every check of the kit that applies to an engine without options, probe and case; none is expected to fail."""
    (tmp_path / "double.acme").write_text(MODEL, encoding="utf-8")
    done = lpbench(site, "check", "acme", "--model", "double.acme", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0, [each for each in found["checks"] if not each["ok"]]
    counts = Counter(each["status"] for each in found["checks"])
    assert set(counts) == {"passed", "not applicable"}
    assert counts["passed"] > 40
