"""Nothing in the working directory is imported, and what PYTHONPATH names is there without shadowing anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.jobs.probing import probe
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.kit import tool_environments
from lpbench.testing.setups import write_distribution
from lpbench.util import processes
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import MeasureSlice, OpenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
FAKES = HERE.parent / "fakes"
SHADOWS = ("json", "numpy", "typing", "runpy", "site", "sitecustomize", "usercustomize", "pip", "ctypes", "select")
PACKAGES = ("lpbench", "encodings", "pluggy", "lpbench_fakes")
RELATIVE = ("", ":", ".", "./inner", "inner:", "~")
"""Entries of PYTHONPATH that mean whatever folder one is in."""
WITH_PYTHON = {"site", "sitecustomize", "usercustomize"}.union(
    subprocess.check_output([sys.executable, "-c", "import sys; print(*sys.modules)"], text=True).split()
)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with modules that are called like others and write a file ``executed`` if they are imported."""
    folder = tmp_path / "hostile"
    for place in (folder, folder / "inner", folder / "~"):
        _fill(place, folder / "executed", [*SHADOWS, "lpbench_evil"], PACKAGES)
        write_distribution(place, "lpbench_evil", plugin="evil")
        (place / "pyvenv.cfg").write_text(f"home = {folder}\n", encoding="utf-8")
        for name in ("python3", f"python{sys.version_info[0]}.{sys.version_info[1]}", "npm"):
            (place / name).write_text(f"#!/bin/sh\ntouch {folder / 'executed'}\necho 3 10\n", encoding="utf-8")
            (place / name).chmod(0o755)
    monkeypatch.chdir(folder)
    return folder


def _fill(folder: Path, mark: Path, modules: list[str], packages: tuple[str, ...] = ()) -> None:
    folder.mkdir(exist_ok=True)
    files = [folder / f"{name}.py" for name in modules]
    for name in packages:
        (folder / name).mkdir()
        files.append(folder / name / "__init__.py")
    for file in files:
        line = f"import os; os.write(os.open({str(mark)!r}, os.O_CREAT | os.O_WRONLY), {file.name.encode()!r})\n"
        file.write_text(f"{line}raise ImportError('shadowed')\n", encoding="utf-8")


@pytest.mark.parametrize("path", RELATIVE)
def test_no_child_imports_from_the_working_directory(
    fake_app: Callable[..., Path], hostile: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    """Neither a worker nor a helper, whatever PYTHONPATH has besides what it is needed for."""
    app = load_app(fake_app())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([path, os.environ["PYTHONPATH"], path]))
    with Worker(WorkerOptions(timeout=60)) as worker:
        worker.request(OpenRequest(app.request(), EngineConfiguration("fake"), samples=tuple(map(str, app.samples))))
        assert len(worker.request(MeasureSlice(2)).block) == 2 * 4 * 8
    assert probe("fake").devices == ("cpu",)
    code = (
        "import sys, json, typing, runpy, ctypes, select, pluggy, lpbench.plugin.registry; print(json.dumps(sys.path))"
    )
    told = processes.capture(processes.python("-c", code), timeout=60)
    assert told.status == 0, told.errors
    assert [entry for entry in json.loads(told.output) if entry in {"", "."} or entry.startswith(str(hostile))] == []
    log = tmp_path / "log"
    for module in ("json.tool", "lpbench.jobs.conversion.child", "lpbench.app.recipe", "lpbench.testing"):
        processes.run(processes.python("-m", module, "--help"), log=log, timeout=60, tick=lambda _: None)
    assert not (hostile / "executed").exists(), (hostile / "executed").read_text()


def test_plugins_in_the_working_directory_are_not_found(hostile: Path) -> None:
    """Neither by the command nor by ``python -m lpbench``; its own start-up is Python's."""
    for name in ("lpbench", "runpy.py", "typing.py", "encodings", "site.py"):  # Python takes these before we run
        (hostile / name).rename(hostile / f"unused-{name}")
    script = [
        sys.executable,
        "-c",
        "import sys; sys.path[:] = filter(None, sys.path); from lpbench.__main__ import main; main()",
    ]
    for command in (script, [sys.executable, "-m", "lpbench"]):
        done = subprocess.run([*command, "plugins"], text=True, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "evil" not in done.stdout
        assert not (hostile / "executed").exists(), (hostile / "executed").read_text()


def test_the_command_leaves_relative_entries_of_pythonpath_out(hostile: Path) -> None:
    """As its workers do: what it lists, they can open."""
    code = "import sys; from lpbench.__main__ import main; main(); print(*sys.path, sep='\\n')"
    # Python itself imports these while it starts
    for folder in (hostile / "inner", hostile):
        for name in ("encodings", "site.py", "sitecustomize.py", "usercustomize.py", "lpbench"):
            (folder / name).rename(folder / f"unused-{name}")
    environment = {**os.environ, "PYTHONPATH": "inner"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; del sys.path[0]; sys.argv = ['lpbench', 'plugins']; {code}"],
        env=environment,
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert str(hostile) not in done.stdout
    assert "evil" not in done.stdout


def test_the_program_executes_nothing_that_lies_where_it_is_called(hostile: Path) -> None:
    """With an entry of PYTHONPATH that is empty, as ``export PYTHONPATH=/folder:$PYTHONPATH`` leaves it."""
    (installed,) = entry_points(group="console_scripts", name="lpbench")
    for name in ("encodings", "lpbench", *(path.name for path in hostile.glob("*.py") if path.stem in WITH_PYTHON)):
        (hostile / name).rename(hostile / f"unused-{name}")  # Python itself imports these while it starts
    for module in sys.stdlib_module_names.difference(sys.builtin_module_names, WITH_PYTHON):
        mark = f"open({str(hostile / 'executed')!r}, 'a').write({module!r})\n"
        (hostile / f"{module}.py").write_text(mark, encoding="utf-8")
    code = f"from {installed.module} import main; import sys; sys.argv = ['lpbench', 'plugins']; main()"
    code = f"import sys; del sys.path[0]; {code}"  # what -c adds
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", str(FAKES)])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=False)
    assert not (hostile / "executed").exists(), (hostile / "executed").read_text()
    assert "builtin" in done.stdout, done.stderr


def test_what_pythonpath_names_is_imported_everywhere_and_shadows_nothing(
    fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    """An engine that nothing else names is listed, probed and measured; beside it lie modules of known names."""
    extra, output = tmp_path / "extra", tmp_path / "result.json"
    _fill(extra, tmp_path / "executed", ["json", "difflib", "argparse", "statistics"], ("numpy",))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(extra), os.environ["PYTHONPATH"]])}

    def lpbench(*words: str) -> Any:
        command = [sys.executable, "-m", "lpbench", *words]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = json.loads(lpbench("engines", "--probe", "--json"))
    assert next(each["devices"] for each in listed if each["name"] == "fake") == ["cpu"]
    lpbench("run", str(fake_app()), "--engine", "fake", "--runs", "1", "--number", "12", "-o", str(output))
    assert json.loads(output.read_text("utf-8"))["configurations"][0]["runs"][0]["samples"] == 12
    assert not (tmp_path / "executed").exists(), (tmp_path / "executed").read_text()


def test_entries_of_pythonpath_are_searched_last_and_in_order(tmp_path: Path) -> None:
    folders = [str(tmp_path / name) for name in ("one", "two")]
    code = "import json, os, sys; print(json.dumps([sys.path, os.environ['PYTHONPATH']]))"
    told = processes.capture(
        processes.python("-c", code), timeout=60, environment={"PYTHONPATH": os.pathsep.join(["", *folders, "."])}
    )
    path, variable = json.loads(told.output)
    assert path[-2:] == folders
    assert variable == os.pathsep.join(folders)  # for what is started there in turn


def test_a_sitecustomize_that_pythonpath_names_still_runs(tmp_path: Path) -> None:
    """Tools that watch every process are started by it."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.watched = True", encoding="ascii")
    command = processes.python("-c", "import sys; print(sys.watched)")
    assert processes.capture(command, timeout=60, environment={"PYTHONPATH": str(tmp_path)}).output == "True\n"


def test_the_user_site_stays(tmp_path: Path) -> None:
    """Users install plugins there; environments have none, so this asks the Python that made ours."""
    base = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    if not Path(base).is_file():
        pytest.skip("needs the Python that made this environment")
    environment = {**os.environ, "PYTHONUSERBASE": str(tmp_path)}
    asked = [base, "-c", "import site; print(site.getusersitepackages())"]
    place = Path(subprocess.run(asked, env=environment, text=True, capture_output=True, check=True).stdout.strip())
    place.mkdir(parents=True)
    (place / "acme_of_user.py").write_text("ANSWER = 42", encoding="ascii")
    command = [base, processes.LAUNCHER, "-c", "import acme_of_user; print(acme_of_user.ANSWER)"]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    assert done.stdout == "42\n"


def test_interpreters_and_programs_are_not_searched_in_the_working_directory(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "inner", os.environ["PATH"], ""]))
    monkeypatch.setenv("PYENV_ROOT", "inner")
    candidates = list(tool_environments._candidates((sys.version_info[:2],)))
    assert [each for each in candidates if not Path(each).is_absolute() or str(hostile) in each] == []
    assert str(hostile) not in processes.program("npm")
    for python in candidates:
        tool_environments._version_of(python)
    assert not (hostile / "executed").exists(), (hostile / "executed").read_text()


def test_a_python_that_would_wait_for_its_user_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PYTHONINSPECT one that fails asks for more, and then ends as if nothing had happened."""
    monkeypatch.setenv("PYTHONINSPECT", "1")
    command = processes.python("-c", "import sys; sys.exit(3)")
    assert processes.run(command, log=tmp_path / "log", timeout=60, tick=lambda _: None) == 3
