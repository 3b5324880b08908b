"""What ``lpbench engines`` says where the module ``acl`` is missing, somebody else's or not found; none is imported.

The two distributions on PyPI that bring such a module no longer install on Python 3, but earlier installs of them are
there to stay: they are laid out here as pip left them.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin import registry
from lpbench.plugin.specs import State
from lpbench_acl import _cann

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.specs import Availability

EXPLODES = "raise SystemExit('the module acl was imported')\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the root of a machine without CANN, whose module ``acl`` is looked for anew."""
    for name in _cann.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not (Path(each) / "acl").exists()])
    monkeypatch.delitem(sys.modules, "acl", raising=False)
    importlib.invalidate_caches()
    yield tmp_path / "machine"
    importlib.invalidate_caches()


def package(site: Path, distribution: str, number: str) -> Path:
    """Lay out a distribution with a package ``acl`` that must not be imported; return the package's file."""
    file = site / "acl" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text(EXPLODES, encoding="utf-8")
    info = site / f"{distribution}-{number}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 1.0\nName: {distribution}\nVersion: {number}\n", encoding="utf-8"
    )
    (info / "top_level.txt").write_text("acl\n", encoding="utf-8")
    return file


def installation(root: Path, product: str, version: str) -> Path:
    """Lay out what a toolkit's installer makes, as far as it is looked at; return its root."""
    place = root / "usr/local/Ascend" / product
    for file, text in {
        "set_env.sh": "export ASCEND_TOOLKIT_HOME=...\n",
        "python/site-packages/acl.so": "\x7fELF",
        "aarch64-linux/ascend_toolkit_install.info": f"package_name=Ascend-cann-toolkit\nversion={version}\n",
    }.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(text, encoding="utf-8")
    return place


def problem(machine: Path) -> str:
    found = _cann.problem(machine)
    assert found
    return " -> ".join(found)


def listed(**environment: str) -> str:
    """Return what ``lpbench engines`` prints."""
    command = [sys.executable, "-m", "lpbench", "engines"]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize(("distribution", "number"), [("acl", "0.2"), ("pyacl", "1.0a1")])
def test_a_namesake_from_pypi_is_named_with_the_command_that_removes_it(
    tmp_path: Path, distribution: str, number: str
) -> None:
    file = package(tmp_path / "site", distribution, number)
    (line,) = [
        line
        for line in listed(PYTHONPATH=str(tmp_path / "site"), COLUMNS="999").splitlines()
        if line.startswith("acl ")
    ]
    assert line.split()[1] == "missing"
    assert f"the module acl in {file} is not CANN's" in line
    assert f"{distribution} {number}" in line
    assert f"pip uninstall {distribution}, then" in line
    assert "set_env.sh" in line


def test_running_with_a_namesake_names_it_too(tmp_path: Path) -> None:
    package(tmp_path / "site", "acl", "0.2")
    (tmp_path / "model.om").write_bytes(b"IMOD")
    command = [sys.executable, "-m", "lpbench", "run", str(tmp_path / "model.om"), "--engine", "acl"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "is not CANN's" in done.stderr
    assert "pip uninstall acl" in done.stderr
    assert "was imported" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["acl.py", "acl.so", "acl/__init__.py"])
def test_a_module_of_ones_own_is_told_apart(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text(EXPLODES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    assert str(file) in problem(machine)
    assert f"take {tmp_path / 'own'} off the search path" in problem(machine)
    assert "acl" not in sys.modules


def test_a_folder_of_that_name_is_no_module(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acl").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "there is no module acl" in problem(machine)


def test_without_cann_the_remedy_is_to_install_it_and_not_by_pip(machine: Path) -> None:
    assert problem(machine).startswith("CANN is not installed")
    assert "set_env.sh" in problem(machine)
    assert "PyPI" in problem(machine)


@pytest.mark.parametrize("product", ["ascend-toolkit", "cann", "cann-8.5.0", "nnrt"])
def test_an_installation_that_was_not_sourced_is_named_with_the_line_to_source(machine: Path, product: str) -> None:
    place = installation(machine, product, "8.0.0")
    assert f"CANN is installed in {place}, and its environment is not set" in problem(machine)
    assert f"source {place}/set_env.sh" in problem(machine)


def test_of_two_installations_the_newer_is_to_be_sourced(machine: Path) -> None:
    installation(machine, "cann-8.5.0", "8.5.0")
    assert f"source {installation(machine, 'cann-9.0.0', '9.0.0')}/set_env.sh" in problem(machine)


def test_an_installation_at_home_is_found_too(machine: Path, tmp_path: Path) -> None:
    script = tmp_path / "home/Ascend/ascend-toolkit/set_env.sh"
    script.parent.mkdir(parents=True)
    script.touch()
    assert f"source {script}" in problem(machine)


def test_beside_an_installation_a_namesake_is_removed_and_the_installation_sourced(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = installation(machine, "cann", "8.5.0")
    package(tmp_path / "site", "acl", "0.2")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert f"pip uninstall acl, then source {place}/set_env.sh" in problem(machine)


def test_a_sourced_environment_whose_pythonpath_was_replaced_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = installation(machine, "cann", "8.5.0")
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(place))
    assert "PYTHONPATH does not lead to" in problem(machine)
    assert f"export PYTHONPATH={place}/python/site-packages:$PYTHONPATH" in problem(machine)


def test_a_folder_that_is_only_named_as_canns_is_not_canns(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = package(tmp_path / "tools/python/site-packages", "acl", "0.2")
    monkeypatch.syspath_prepend(str(file.parent.parent))
    assert f"the module acl in {file} is not CANN's" in problem(machine)


def test_a_module_that_a_program_made_by_hand_is_none(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "acl", ModuleType("acl"))
    assert "there is no module acl" in problem(machine)


def available() -> Availability:
    return registry.current().get(registry.ENGINES, "acl").spec.availability()


def test_canns_module_is_ready_with_the_version_of_the_toolkit(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installation(machine, "cann", "8.5.0") / "python/site-packages"))
    assert available().state is State.READY
    assert _cann.version() == "8.5.0"


def test_the_toolkits_version_counts_before_that_of_a_runtime(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = installation(machine, "cann", "8.5.0")
    (place / "aarch64-linux/ascend_nnrt_install.info").write_text("version=8.0.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(place / "python/site-packages"))
    assert _cann.version() == "8.5.0"


def test_canns_module_of_old_versions_lies_deeper(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = machine / "usr/local/Ascend/ascend-toolkit/latest"
    folder = place / "pyACL/python/site-packages/acl"
    folder.mkdir(parents=True)
    (folder / "acl.so").write_bytes(b"\x7fELF")
    (place / "version.cfg").write_text("# version: 1.0\ntoolkit_installed_version=[1.79.T7:5.0.2]\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    assert available().state is State.READY
    assert _cann.version() == "5.0.2"


def test_canns_library_is_known_where_it_was_copied_to(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acl.so").write_bytes(b"\x7fELF" + bytes(9000) + b"aclrtSetDevice\0")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert available().state is State.READY
    assert _cann.version() == ""


def test_a_version_file_that_is_nonsense_gives_no_version(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = installation(machine, "cann", "8.5.0")
    (place / "aarch64-linux/ascend_toolkit_install.info").write_bytes(b"version=\x1b[31m8\n\xff\xfe" * 9)
    monkeypatch.syspath_prepend(str(place / "python/site-packages"))
    assert _cann.version() == ""
