"""Tools of their own: in the cache, made once, whole or not at all, and out of the user's environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import ConversionError
from lpbench.plugin.kit import downloads, tool_environments
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = sys.version_info[:2]
FAKE = """#!/bin/sh
# a Python that makes environments of itself and installs nothing
case "$*" in
    "-I -c "*) echo "{version}" ;;
    *" venv "*) mkdir -p "$4/bin" && ln -s "$0" "$4/bin/python" ;;
    *" pip "*) echo install >> "{log}"; sleep {nap}; printf '{words}'; exit {status} ;;
esac
"""


def tool(*requirements: str, pythons: tuple[tuple[int, int], ...] = (HERE,), size: int = 1) -> tool_environments.Tool:
    return tool_environments.Tool("acme", requirements, pythons, size)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put a Python of some version where pyenv does, and hide all others; return the file that counts installs."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(tool_environments, "PLACES", ())
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    log = tmp_path / "installs"

    def make(version: str = "3 4", words: str = "", status: int = 0, nap: float = 0) -> Path:
        path = tmp_path / "pyenv" / "versions" / version.replace(" ", ".") / "bin" / "python"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE.format(version=version, log=log, words=words, status=status, nap=nap), encoding="ascii")
        path.chmod(0o755)
        return log

    return make


OLD = ((3, 4), (3, 3))
"""Versions that no machine of ours has."""


def left() -> list[str]:
    """Return the folders among the tools."""
    return sorted(path.name for path in (atomic_folders.cache_folder() / "tools").iterdir() if path.is_dir())


def wheel(folder: Path, name: str = "acme", module: str = "ANSWER = 42\n") -> Path:
    """Write a wheel with a module and a program."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    about = {
        f"{name}.py": module,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nowhere-to-be-had\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as opened:
        for member, text in about.items():
            opened.writestr(zipfile.ZipInfo(member), text)
        program = zipfile.ZipInfo(f"{name}/program")
        program.external_attr = 0o100755 << 16
        opened.writestr(program, "#!/bin/sh\necho it runs\n")
    return path


@pytest.mark.long
def test_an_environment_holds_what_is_listed_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one, deaf to the user's variables, made once and found again.

    What a distribution says that it needs is not followed, since everything is listed.
    """
    wheel(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    (tmp_path / "acme.py").write_text("ANSWER = 'a namesake'", encoding="ascii")
    steps = set[str]()
    python = tool_environments.environment(tool("acme==1.0"), progress=lambda step, *_: steps.add(step))
    command = [str(python), "-c", "import acme, sys; print(acme.ANSWER, sys.prefix)"]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **tool_environments.ALONE}
    )
    assert said.stdout.split() == ["42", str(python.parent.parent)]
    assert steps == {"install"}
    before = python.parent.parent.stat()
    assert tool_environments.environment(tool("acme==1.0")) == python
    assert python.parent.parent.stat() == before
    assert left() == [python.parent.parent.name]


def test_other_requirements_are_another_environment(fake: Callable[..., Path]) -> None:
    log = fake()
    first, second, again = (tool_environments.environment(tool(each, pythons=OLD)) for each in ("a==1", "a==2", "a==1"))
    assert first == again != second
    assert log.read_text().count("install") == 2


def test_one_of_several_at_once_makes_it(fake: Callable[..., Path]) -> None:
    log, found, steps = fake(nap=0.3), list[object](), list[str]()

    def make() -> None:
        found.append(tool_environments.environment(tool(pythons=OLD), progress=lambda step, *_: steps.append(step)))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert "wait" in steps
    assert log.read_text().count("install") == 1


def test_an_environment_whose_python_was_removed_is_made_again(fake: Callable[..., Path], tmp_path: Path) -> None:
    log = fake("3 4")
    python = tool_environments.environment(tool(pythons=OLD))
    shutil.rmtree(tmp_path / "pyenv")
    fake("3 3")
    assert tool_environments.environment(tool(pythons=OLD)) == python
    assert "3.3" in str(python.resolve())
    assert log.read_text().count("install") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "WARNING: Retrying (Retry(total=4)) after ...\\nERROR: No matching distribution found for acme==1.0\\n",
            "cannot be created: ERROR: No matching distribution found for acme==1.0 (the registry cannot be reached)",
        ),
        (
            "ERROR: No matching distribution found for a==1\\n",
            "cannot be created: ERROR: No matching distribution found",
        ),
        ("ERROR: [Errno 28] No space left on device\\n", "the environment of acme: No space left on device"),
        ("", "cannot be created: exit status 3"),
    ],
)
def test_what_pip_fails_with_is_told_and_nothing_is_left(fake: Callable[..., Path], words: str, said: str) -> None:
    fake(words=words, status=3)
    with pytest.raises(ConversionError) as caught:
        tool_environments.environment(tool(pythons=OLD))
    assert said in str(caught.value)
    assert caught.value.hint
    assert left() == []


def test_a_disk_without_space_is_told_before(fake: Callable[..., Path]) -> None:
    log = fake()
    with pytest.raises(ConversionError, match=r"needs 10{12} MB; \d+ MB are free\n.*XDG_CACHE_HOME"):
        tool_environments.environment(tool(pythons=OLD, size=10**18))
    assert not log.exists()


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ConversionError, match="XDG_CACHE_HOME"):
        tool_environments.environment(tool(pythons=OLD))


def test_the_python_that_the_tool_likes_best_is_taken(fake: Callable[..., Path]) -> None:
    """The newest by the tool's list, not by how its folder is called; what does not run is passed over."""
    for version in ("3 2", "3 3", "3 4"):
        fake(version)
    assert "3.4" in str(tool_environments.environment(tool(pythons=OLD)).resolve())
    assert "3.3" in str(tool_environments.environment(tool(pythons=((3, 9999), (3, 3)))).resolve())


def test_this_python_is_taken_if_it_fits(fake: Callable[..., Path]) -> None:
    fake("{} {}".format(*HERE))
    assert tool_environments._python(tool()) == sys.executable


@pytest.mark.parametrize("broken", ["exit 1", "echo no version", "echo", "sleep 60"])
def test_without_a_python_the_hint_says_which_to_install(
    fake: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """There is one, and it does not run, as the shims of version managers do."""
    fake("3 4")
    monkeypatch.setattr(tool_environments, "ASKING", 0.5)
    (tmp_path / "pyenv" / "versions" / "3.4" / "bin" / "python").write_text(f"#!/bin/sh\n{broken}\n", encoding="ascii")
    with pytest.raises(ConversionError) as caught:
        tool_environments.environment(tool(pythons=OLD))
    assert "acme needs Python 3.4 or 3.3, which is not installed" in caught.value.what
    assert "pyenv install 3.4" in caught.value.hint
    assert "python3.4-venv" in caught.value.hint


@pytest.fixture
def package(tmp_path: Path) -> downloads.Package:
    """Return a package that is in the cache already."""
    path = wheel(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    target = atomic_folders.cache_folder() / "downloads" / f"{digest}-{path.name}"
    target.parent.mkdir(parents=True)
    shutil.copy(path, target)
    members = {"acme/program": "bin/program", "acme.py": "acme.py"}
    return downloads.Package("pip", "acme", "1.0", path.name, digest, path.stat().st_size, "MIT", members)


def test_a_program_out_of_a_wheel_runs(package: downloads.Package) -> None:
    """Only what is executable in the wheel is so afterwards; it is unpacked once."""
    folder = tool_environments.unpacked(package)
    run = subprocess.run([folder / "bin" / "program"], capture_output=True, text=True, check=True)
    assert run.stdout == "it runs\n"
    assert not os.access(folder / "acme.py", os.X_OK)
    before = folder.stat()
    assert tool_environments.unpacked(package) == folder
    assert folder.stat() == before


def test_a_wheel_without_the_member_is_an_error_and_leaves_nothing(package: downloads.Package) -> None:
    from dataclasses import replace

    with pytest.raises(ConversionError, match="'acme/gone' is not in the archive"):
        tool_environments.unpacked(replace(package, members={"acme/gone": "gone"}))
    assert left() == []
