"""What .ci/run relies on: finding Pythons that run, recording outcomes, refusing avoidable skips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent / ".ci"
sys.path.insert(0, str(CI))

import groups  # noqa: E402 - found through the line above
import interpreters  # noqa: E402
import pinned  # noqa: E402
import readme  # noqa: E402
import skips  # noqa: E402

sys.path.remove(str(CI))

NEEDS = {
    "cuda": lambda _: False,
    "a machine without CUDA": lambda _: True,
    "network": lambda _: True,
    "python": lambda rest: rest == "3.12",
}


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_interpreters_are_found_by_running_them(tmp_path: Path) -> None:
    """Shims that fail, hang up, say nonsense or are no Python do not count; the newest release of a version does."""
    script(tmp_path / "a/bin/python3.11", 'echo "pyenv: command not found" >&2; exit 127')
    script(tmp_path / "b/bin/python3", "echo hello")
    script(tmp_path / "c/bin/python", "echo 3 12 1")
    script(tmp_path / "d/bin/python3.12", "echo 3 12 4")
    script(tmp_path / "e/bin/python3.10", "echo 3 10 13")
    script(tmp_path / "f/bin/python3.9", "echo 3 9 1")
    script(tmp_path / "g/bin/python3-config", "echo 3 13 0")
    (tmp_path / "h/bin").mkdir(parents=True)
    (tmp_path / "h/bin/python3").write_text("not executable", encoding="utf-8")
    found = interpreters.find([f"{tmp_path}/*/bin", "", "/nowhere"], {(3, 10), (3, 11), (3, 12), (3, 13)})
    assert found == {(3, 10, 13): f"{tmp_path}/e/bin/python3.10", (3, 12, 4): f"{tmp_path}/d/bin/python3.12"}
    assert list(found) == sorted(found)


def test_supported_versions_come_from_the_classifiers() -> None:
    text = (CI.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert interpreters.supported(text) >= {(3, 10), (3, 13)}
    assert interpreters.supported('"Programming Language :: Python :: 3",') == set()


def test_a_skip_in_one_job_is_fine_if_another_ran_the_test() -> None:
    bare = {"tests/test_a.py": ("skipped", "needs numpy"), "tests/test_b.py::one": ("skipped", "needs onnx")}
    full = {"tests/test_a.py::one": ("passed", ""), "tests/test_b.py::one": ("failed", "")}
    assert skips.never_ran({"bare": bare, "all": full}) == {}


def test_what_no_job_ran_is_named() -> None:
    """A module that is skipped as a whole and a single test, skipped in every job where they appear."""
    bare = {"tests/test_a.py": ("skipped", "needs numpy"), "tests/test_b.py::one": ("skipped", "slow")}
    full = {"tests/test_a.py": ("skipped", "needs cuda"), "tests/test_b.py::two": ("passed", "")}
    assert skips.never_ran({"bare": bare, "all": full}) == {
        "tests/test_a.py": "needs cuda",
        "tests/test_b.py::one": "slow",
    }


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        ("needs cuda", True),
        ("needs cuda: no GPU here", True),
        ("needs network", False),
        ("needs python 3.13", True),
        ("needs python 3.12", False),
        ("needs a rainy day", False),
        ("needs a machine without CUDA", False),
        ("cuda", False),
        ("slow", False),
        ("", False),
    ],
)
def test_only_needs_that_this_machine_does_not_meet_excuse(reason: str, allowed: bool) -> None:  # noqa: FBT001
    assert skips.allowed(reason, NEEDS) is allowed


@pytest.mark.parametrize("need", [">=3.10", "<3.14", "{}.{}".format(*sys.version_info)])
def test_a_python_that_runs_here_is_a_need_that_is_met(need: str) -> None:
    assert not skips.allowed(f"needs python {need}")
    assert skips.allowed("needs python 3.4")


def record(folder: Path, text: str, *options: str) -> dict[str, list[str]]:
    """Run pytest with the recorder on a test file and return what it wrote."""
    (folder / "test_it.py").write_text(f"import pytest\n{text}", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "recorder", "--record", "out.json", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(CI)}
    subprocess.run([*command, *options], cwd=folder, env=environment, check=False, capture_output=True)
    tests: dict[str, list[str]] = json.loads((folder / "out.json").read_text(encoding="utf-8"))["tests"]
    return tests


def test_recorder_tells_every_outcome_apart(tmp_path: Path) -> None:
    text = """
@pytest.fixture
def broken():
    yield
    raise OSError
def test_pass(): pass
def test_fail(): assert False
def test_teardown(broken): pass
def test_skip(): pytest.importorskip("no_such_module", reason="needs no_such_module")
@pytest.mark.skip(reason="needs cuda")
def test_mark(): pass
@pytest.mark.xfail
def test_xfail(): assert False
"""
    outcomes = {node.partition("::")[2]: outcome for node, outcome in record(tmp_path, text).items()}
    assert outcomes == {
        "test_pass": ["passed", ""],
        "test_fail": ["failed", ""],
        "test_teardown": ["failed", ""],
        "test_skip": ["skipped", "needs no_such_module"],
        "test_mark": ["skipped", "needs cuda"],
        "test_xfail": ["passed", ""],
    }


def test_recorder_sees_modules_that_are_skipped_or_fail_as_a_whole(tmp_path: Path) -> None:
    skipped = record(tmp_path, 'pytest.importorskip("no_such_module", reason="needs it")\ndef test_a(): pass\n')
    assert skipped == {"test_it.py": ["skipped", "needs it"]}
    assert record(tmp_path, "import no_such_module\n") == {"test_it.py": ["failed", ""]}


def report(folder: Path, job: str, tests: dict[str, tuple[str, str]]) -> None:
    (folder / f"{job}.json").write_text(json.dumps({"python": "3.10.1", "tests": tests}), encoding="utf-8")


def test_the_verdict_over_all_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Green while everything ran somewhere; red for a failure, for an avoidable skip and for no test at all."""
    assert skips.main(tmp_path) == 1
    report(tmp_path, "bare", {"t.py": ("skipped", "needs numpy")})
    report(tmp_path, "all", {"t.py::a": ("passed", "")})
    assert skips.main(tmp_path) == 0
    assert capsys.readouterr().out.endswith("1 passed, 0 failed, 0 skipped\n")
    report(tmp_path, "all", {"t.py::a": ("passed", ""), "t.py::b": ("skipped", "no idea")})
    assert skips.main(tmp_path) == 1
    assert "t.py::b: no idea  <- this machine could" in capsys.readouterr().out
    report(tmp_path, "all", {"t.py::a": ("failed", "")})
    assert skips.main(tmp_path) == 1


def test_a_plugins_other_environments_are_its_dependency_groups() -> None:
    table = '[dependency-groups]\ngpu = ["a"]\n# b = 1\nopen-vino = [\n  "b",\n]\n'
    text = f'[project]\nname = "x"\n\n{table}\n[tool.x]\ny = 1\n'
    assert groups.groups(text) == ["gpu", "open-vino"]
    assert groups.groups('[project]\nname = "x"\n') == []


def test_pins_are_those_of_this_python() -> None:
    text = 'pluggy==1.7.0 # why\n\n# numpy\nnumpy==1.0; python_version < "3.0"\nPy_Yaml==2.0; python_version >= "3.0"\n'
    assert {name: str(each.specifier) for name, each in pinned.pins(text).items()} == {
        "pluggy": "==1.7.0",
        "py-yaml": "==2.0",
    }


@pytest.mark.parametrize(
    ("lines", "status", "failed"),
    [
        (["true", "x=1", "test $x = 1"], 0, ""),
        (["true", "false  # what for", "touch after"], 1, "failed: false  # what for\n"),
        (["false  # exit status 1 if it is slower", "true"], 0, ""),
        (["(exit 2)  # exit status 1 if it is slower", "true"], 1, "failed: "),
    ],
)
def test_the_readmes_block_stops_at_the_line_that_fails(
    tmp_path: Path, lines: list[str], status: int, failed: str
) -> None:
    """Lines share one shell; only a line that says so may end with status 1."""
    code = readme.script(readme.Block("sh", "\n".join(lines)))
    done = subprocess.run(["/bin/bash", "-uc", code], cwd=tmp_path, text=True, capture_output=True, check=False)
    assert (done.returncode == 0) == (status == 0)
    assert failed in done.stderr
    assert not (tmp_path / "after").exists()


def test_the_readmes_blocks_begin_on_the_path_and_end_before_what_needs_more() -> None:
    first, second = readme.blocks((CI.parent / "README.md").read_text(encoding="utf-8"))
    assert first.code.startswith(". .venv/bin/activate")
    assert "new-app" not in first.code
    assert second.language == "python"
    assert "lpbench.benchmark" in second.code
