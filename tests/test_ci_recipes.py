"""The job files and the script for ``git bisect`` of the documentation: their shell steps, with a fake engine."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Path]

pytestmark = pytest.mark.long

GUIDE = (Path(__file__).parent.parent / "docs/how-to/compare-in-ci.md").read_text(encoding="utf-8")
QUICK = "--runs 4 --max-time 1"
SLOW_US = 3000


def blocks(language: str) -> list[str]:
    """Return the guide's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def comparison(job: str) -> str:
    """Return the shell command of a job that compares, for the fake engine and in little time."""
    lines = job.splitlines()
    first = next(at for at, line in enumerate(lines) if "lpbench compare" in line)
    indent = len(lines[first]) - len(lines[first].lstrip())
    step = itertools.takewhile(lambda line: line.startswith(" " * indent), lines[first:])
    # a backslash at a line's end and the block style ">" of YAML both join lines
    command = " ".join(line.strip().removesuffix("\\") for line in step)
    return command.replace("onnxruntime", "fake").replace("--threads 1", QUICK)


def program(place: Path, *command: str) -> None:
    """Write a program that runs a command with the arguments that it is given."""
    place.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n', encoding="utf-8")
    place.chmod(0o755)


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder as jobs run theirs: it ends at the first failure."""
    how = {"cwd": folder, "env": {**os.environ, **variables}}
    return subprocess.run(["sh", "-e", "-c", script], capture_output=True, text=True, check=False, timeout=300, **how)  # type: ignore[call-overload, no-any-return] # typeshed wants each keyword by itself


@pytest.mark.parametrize("service", [0, 1], ids=["GitHub", "GitLab"])
@pytest.mark.parametrize("work_us", [0, SLOW_US], ids=["as fast", "slower"])
def test_a_job_fails_for_a_slowdown_and_leaves_a_summary_and_the_result(
    fake_app: Make, environment: Make, tmp_path: Path, service: int, work_us: int
) -> None:
    job = blocks("yaml")[service]
    for side in ("base", "head"):
        place = environment(f"venv-{side}")
        program(place / "bin/lpbench", f'"{place}/bin/python"', "-m", "lpbench")
    fake_app("base/app", engine="fake", work_us=1000)
    fake_app("head/app" if service == 0 else "app", engine="fake", work_us=1000 + work_us)
    page = tmp_path / "summary.md"
    done = shell(comparison(job), tmp_path, GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == bool(work_us), done.stderr
    assert page.read_text(encoding="utf-8").startswith("### lpbench: ")
    assert (tmp_path / "result.json").is_file()


def test_bisecting_finds_the_commit_that_made_it_slower(fake_app: Make, environment: Make, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    fake_app("app", engine="fake", work_us=1000)
    good, here = environment("venv-good"), environment("venv-here")
    program(here / "bin/pip", "true")
    program(here / "bin/lpbench", f'"{here}/bin/python"', "-m", "lpbench")
    (script,) = blocks("sh")
    (tmp_path / "bisect.sh").write_text(
        script.replace("onnxruntime", "fake").replace("--threads 1", QUICK), encoding="utf-8"
    )
    plugin = _in_a_repository(here, tmp_path)
    commits = [_commit(plugin, tmp_path, extra) for extra in (0, 1, SLOW_US, SLOW_US + 1, SLOW_US + 2)]
    found = shell(f"git bisect start {commits[-1]} {commits[0]} && git bisect run sh bisect.sh", tmp_path)
    assert f"{commits[2]} is the first" in found.stdout, found.stdout + found.stderr
    assert good.is_dir()


def _in_a_repository(here: Path, root: Path) -> Path:
    """Put the plugin that an environment has into a repository, and return the file that decides how fast it is."""
    link = next(here.glob("lib/python*/site-packages/lpbench_fakes"))
    source = link.resolve()
    link.unlink()
    shutil.copytree(source, root / "lpbench_fakes", ignore=shutil.ignore_patterns("__pycache__"))
    link.symlink_to(root / "lpbench_fakes")
    assert shell("git init -q . && git config user.name t && git config user.email t@localhost", root).returncode == 0
    return root / "lpbench_fakes/engine.py"


def _commit(file: Path, root: Path, extra_us: int) -> str:
    """Commit a version of the plugin that takes some microseconds longer, and return the commit."""
    text = re.sub(r"extra_us: float = [\d.]+", f"extra_us: float = {extra_us}.0", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    done = shell(f"git add lpbench_fakes && git commit -qm 'takes {extra_us}' && git rev-parse HEAD", root)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
