"""Plugins written from the template, installed and checked as a third party would."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lpbench.errors import LpbenchError
from lpbench.plugin.kit.scaffold import new_plugin

for needed in ("numpy", "hatchling", "pip"):
    pytest.importorskip(needed, reason=f"needs {needed}")

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "write-an-engine.md"


def install(project: Path, site: Path) -> None:
    """Install a project with pip into a folder of its own."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", *offline, str(project)], check=True)


def python(*words: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a module where the project is installed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_DATA_HOME": str(cwd), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, env=environment, text=True, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the plugin and install it; return the folder that holds both."""
    folder = tmp_path_factory.mktemp("acme")
    install(new_plugin("acme", folder / "acme"), folder / "site")
    return folder


@pytest.mark.long
def test_its_own_tests_pass_as_it_was_written(acme: Path) -> None:
    done = python("pytest", "-q", "-p", "no:cacheprovider", "acme", site=acme / "site", cwd=acme)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 25


@pytest.mark.long
def test_it_is_checked_and_measured_on_a_board(acme: Path) -> None:
    """``lpbench check`` on the plugin as it was written, and a benchmark of a model in its format."""
    done = python("lpbench", "check", "acme", "--json", site=acme / "site", cwd=acme)
    found = json.loads(done.stdout)
    assert done.returncode == 0, [each for each in found["checks"] if not each["ok"]]
    assert found["ok"]
    code = "import numpy; numpy.savez(open('m.acme', 'wb'), w=numpy.ones((4, 3), 'float32'))"
    subprocess.run([sys.executable, "-c", code], cwd=acme, check=True)
    done = python("lpbench", "run", "m.acme", "--number", "20", site=acme / "site", cwd=acme)
    assert "engines/acme" in done.stdout, done.stderr


def test_names_of_several_words_are_names_of_modules_and_classes_too(tmp_path: Path) -> None:
    project = new_plugin("lpbench-acme-npu2", tmp_path / "p")
    assert (project / "src" / "lpbench_acme_npu2" / "_engine.py").is_file()
    texts = {path: path.read_text(encoding="utf-8") for path in project.rglob("*") if path.is_file()}
    assert [path for path, text in texts.items() if re.search(r"@\w+@", text)] == []
    for path, text in texts.items():
        if path.suffix == ".py":
            ast.parse(text)
    assert "class AcmeNpu2Engine" in texts[project / "src" / "lpbench_acme_npu2" / "_engine.py"]


@pytest.mark.long
def test_the_guide_leads_to_a_real_engine_that_keeps_the_contract(tmp_path: Path) -> None:
    """docs/how-to/write-an-engine.md, done as it says: OpenCV in the place of numpy, in under 60 lines."""
    pytest.importorskip("cv2", reason="needs cv2")
    pytest.importorskip("onnx", reason="needs onnx")
    engine, lines, case = re.findall(
        r"```(?:python|diff)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert len(engine.splitlines()) < 60
    package = new_plugin("opencv", tmp_path / "opencv") / "src" / "lpbench_opencv"
    (package / "_engine.py").write_text(engine, encoding="utf-8")
    (package / "case.py").write_text(case, encoding="utf-8")
    spec = (package / "__init__.py").read_text(encoding="utf-8")
    for line in lines.splitlines():
        key = line.partition("=")[0]
        spec, changed = re.subn(rf"^{key}=.*$", line.replace("\\", r"\\"), spec, flags=re.MULTILINE)
        assert changed == 1, key
    (package / "__init__.py").write_text(spec, encoding="utf-8")
    install(tmp_path / "opencv", tmp_path / "site")
    done = python("lpbench", "check", "opencv", "--json", site=tmp_path / "site", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0, [each for each in found["checks"] if not each["ok"]]
    assert [each["check"] for each in found["checks"] if each["status"] == "expected failure"] == [
        "process_is_left_as_it_was"
    ]


def test_a_full_disk_leaves_no_half_written_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third file cannot be written: an error that says how much is needed, and the folder is as it was."""
    import errno
    import os

    write, written = Path.write_text, list[Path]()

    def full(self: Path, *text: str, **how: str) -> int:
        written.append(self)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return write(self, *text, **how)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(LpbenchError, match=r"(?s)No space left on device; nothing was kept.* needed.*--dir DIR"):
        new_plugin("acme", tmp_path / "acme")
    assert list(tmp_path.iterdir()) == []
