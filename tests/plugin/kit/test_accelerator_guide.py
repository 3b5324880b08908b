"""docs/how-to/write-an-engine-for-an-accelerator.md, done as it says: an engine over a fake, with its tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.plugin.kit.test_scaffold import install, python

from lpbench.plugin.kit.scaffold import new_plugin

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "write-an-engine-for-an-accelerator.md"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the plugin of the page and install it; return the folder that holds both."""
    folder = tmp_path_factory.mktemp("acme")
    project = new_plugin("acme", folder / "acme")
    text = GUIDE.read_text(encoding="utf-8")
    for name, code in re.findall(r"`acme/(\S+\.py)`:\n\n```python\n(.*?)```", text, flags=re.DOTALL):
        (project / name).write_text(code, encoding="utf-8")
    for name, lines in re.findall(r"`(\w+\.py)`:\n\n```diff\n(.*?)```", text, flags=re.DOTALL):
        change(project / "src" / "lpbench_acme" / name, lines)
    install(project, folder / "site")
    return folder


def change(path: Path, lines: str) -> None:
    """Put lines in the place of those that begin alike."""
    text = path.read_text(encoding="utf-8")
    for line in lines.splitlines():
        key = re.escape(re.split("[=:]", line)[0])
        text, changed = re.subn(rf"^{key}[=:].*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
        assert changed == 1, key
    path.write_text(text, encoding="utf-8")


def test_it_releases_everything_at_each_failing_call(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own tests, and the table that it shows."""
    done = run_pytest(project, "acme/tests/test_failures.py", monkeypatch)
    assert "3 passed" in done
    table = re.findall(r"```\n(\d+ failing calls\n.*?)\.\.\.\n```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(table) == 1
    assert set(table[0].splitlines()) <= set(done.splitlines())


@pytest.mark.long
def test_it_keeps_the_contract(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check of the conformance kit, over the fake."""
    assert int(re.findall(r"(\d+) passed", run_pytest(project, "acme/tests/test_conformance.py", monkeypatch))[0]) > 40


def run_pytest(folder: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run tests of the plugin with the fake on the search path; return what was printed."""
    search = os.pathsep.join([str(folder / "site"), str(folder / "acme" / "tests")])
    monkeypatch.delenv("FAKE_FAIL_AT", raising=False)
    done = python("pytest", "-s", "-q", "-p", "no:cacheprovider", file, site=Path(search), cwd=folder)
    assert done.returncode == 0, done.stdout
    return done.stdout
