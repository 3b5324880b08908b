"""Systems other than Linux, as far as hiding what they lack shows it: no real macOS or Windows ran these tests."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.jobs.new_app import new_app

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
RESULTS = HERE / "data" / "results-v1"
QUICK = ("--engine", "fake", "--runs", "1", "--number", "12")

IMPORT_ALL = """
import importlib, pkgutil, sys
names = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
for name in names:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        if found.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name in ("fcntl", "resource", "termios", "pwd", "grp"):
                raise
print(len(names))
"""

READ_MACHINE = """
import json
from lpbench import machine
before = machine.snapshot()
found = machine.between(before, machine.snapshot())
facts = machine.environment()
print(json.dumps([
    [name for part in facts.values() for name, fact in part.items() if isinstance(fact, dict) and "value" in fact
     and fact["value"] is None and not fact.get("reason")],
    facts["subject"]["affinity"], str(found.involuntary_switches), str(found.foreign_share),
]))
"""

FOLDERS = """
import sys
from pathlib import Path
from lpbench.util import atomic_folders
parent = Path(sys.argv[1])
for content in ("old", "new"):
    with atomic_folders.locked(parent, "app"):
        atomic_folders.sweep(parent)
        with atomic_folders.staging(parent, "app") as stage:
            (stage / "made").mkdir()
            (stage / "made" / "file").write_text(content)
            atomic_folders.install(stage / "made", parent / "app", stage)
print((parent / "app" / "file").read_text())
"""


@pytest.fixture(params=["macos", "windows"])
def system(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def elsewhere(system: str) -> dict[str, str]:
    """Return the environment of a process on a system that lacks what another one lacks; its children lack it too."""
    path = os.pathsep.join(filter(None, (str(HERE / "elsewhere"), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path, "ELSEWHERE": system}


@pytest.fixture
def python(system: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python on such a system."""

    def run(*words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *words], env=elsewhere(system), capture_output=True, text=True, timeout=250, check=False
        )
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def lpbench(python: Callable[..., Any]) -> Callable[..., Any]:
    def run(*words: str, status: int = 0) -> Any:
        return python("-m", "lpbench", *words, status=status)

    return run


def test_every_module_can_be_imported(python: Callable[..., Any]) -> None:
    plugins = sorted(path.name for path in (HERE.parent / "plugins").iterdir() if path.is_dir())
    assert int(python("-c", IMPORT_ALL, "lpbench", *plugins).stdout) >= 1


def test_listing_reading_and_comparing_work(lpbench: Callable[..., Any]) -> None:
    for words in (["engines"], ["plugins"], ["apps"]):
        assert lpbench(*words).stdout
    one, several = (str(RESULTS / name) for name in ("one-engine.json", "in-lockstep.json"))
    assert "latency" in lpbench("show", several).stdout
    assert lpbench("compare", one, one).stdout


def test_the_calling_process_can_measure(
    lpbench: Callable[..., Any], fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    """The result holds latencies; what the system does not count is left out, and is not 0."""
    output = tmp_path / "result.json"
    lpbench("run", str(fake_app()), *QUICK, "--no-isolate", "-o", str(output))
    run = json.loads(output.read_text("utf-8"))["configurations"][0]["runs"][0]
    assert run["samples"] == 12
    assert run["disturbance"].get("foreign_share") is None
    assert not {"peak_bytes", "rss_bytes", "baseline_bytes"} & run["counters"].keys()
    assert lpbench("show", str(output)).stdout


@pytest.mark.long
def test_an_isolated_run_works_or_says_why_not(
    system: str, lpbench: Callable[..., Any], fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    output = tmp_path / "result.json"
    words = (
        "run",
        str(fake_app()),
        "--engine",
        "fake,fake:threads=2",
        "--runs",
        "2",
        "--alone",
        "0.1",
        "-o",
        str(output),
    )
    if system == "windows":
        error = lpbench(*words, status=2).stderr
        assert "worker processes do not run on this system: it has no SIGSTOP, SIGCONT, SIGKILL, killpg, poll" in error
        assert "--no-isolate" in error
        assert not output.exists()
        return
    lpbench(*words)
    found = json.loads(output.read_text("utf-8"))
    assert [run["samples"] > 0 for each in found["configurations"] for run in each["runs"]] == [True] * 4


def _marked(mark: str) -> list[int]:
    """Return the processes that have a text in their environment."""
    found = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found += [int(each.parent.name)] if mark.encode() in each.read_bytes() else []
    return found


def _wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def _suspended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


@pytest.mark.long
def test_a_suspended_worker_ends_with_a_parent_of_whose_end_no_signal_tells(fake_app: Callable[..., Path]) -> None:
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    words = ["run", str(fake_app(work_us=1000)), "--engine", "fake,fake:threads=2", "--number", "200", "--runs", "99"]
    with subprocess.Popen(
        [sys.executable, "-m", "lpbench", *words],
        env={**elsewhere("macos"), "LPBENCH_MARK": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as command:
        _wait(lambda: any(map(_suspended, _marked(mark))))
        command.kill()
    _wait(lambda: not _marked(mark))


def test_cores_and_priority_that_cannot_be_set_are_refused(
    system: str, lpbench: Callable[..., Any], fake_app: Callable[..., Path]
) -> None:
    refused = {
        "macos": "cannot run with cores [0]: this system does not bind processes to cores",
        "windows": "worker processes do not run on this system",
    }
    error = lpbench("run", str(fake_app()), *QUICK, "--affinity", "0", status=2).stderr
    assert refused[system] in error


def test_doctor_works_or_says_why_not(system: str, lpbench: Callable[..., Any]) -> None:
    if system == "windows":
        assert "worker processes do not run on this system" in lpbench("doctor", status=2).stderr
        return
    assert "not known: there is no /proc/meminfo\n" in lpbench("doctor").stdout


def test_an_engine_that_cannot_be_probed_is_ready(system: str, lpbench: Callable[..., Any], fakes: object) -> None:
    engines = json.loads(lpbench("engines", "--probe", "--json").stdout)
    (fake,) = (engine for engine in engines if engine["name"] == "fake")
    assert fake["state"] == "ready"
    assert ("worker processes do not run" in str(fake["unusable"])) == (system == "windows")


def test_unknown_facts_have_reasons(python: Callable[..., Any], system: str) -> None:
    without_reason, affinity, switches, foreign = json.loads(python("-c", READ_MACHINE).stdout)
    assert without_reason == []
    assert affinity == {"value": None, "reason": "this system has no sched_getaffinity"}
    assert "getrusage" in switches if system == "windows" else switches.isdigit()
    assert "/proc/stat" in foreign


def test_folders_still_appear_complete(python: Callable[..., Any], tmp_path: Path) -> None:
    """Where there are no locks, nobody waits, and nothing of others is swept away."""
    others = tmp_path / ".other.abc"
    others.mkdir()
    assert python("-c", FOLDERS, str(tmp_path)).stdout.strip() == "new"


def test_a_new_app_is_written_although_no_worker_can_open_the_model(
    system: str, lpbench: Callable[..., Any], fakes: object, tmp_path: Path
) -> None:
    (tmp_path / "net.fake").write_text("{}", encoding="ascii")
    done = lpbench("new-app", str(tmp_path / "app"), "--class", "model", "--model", str(tmp_path / "net.fake"))
    assert (tmp_path / "app" / "ai_app_config.json").is_file()
    assert ("worker processes do not run" in done.stdout + done.stderr) == (system == "windows")


def test_an_app_is_validated_as_far_as_that_goes_without_workers(
    system: str, lpbench: Callable[..., Any], fakes: object, tmp_path: Path
) -> None:
    """What only a worker can tell is a note: the app's files are still held against the format."""
    (tmp_path / "net.fake").write_text("{}", encoding="ascii")
    new_app(tmp_path / "app", app_class="model", model=tmp_path / "net.fake")
    told = lpbench("validate", str(tmp_path / "app")).stdout
    assert "app: ok" in told
    assert ("the processors were not built: worker processes do not run" in told) == (system == "windows")
    config = tmp_path / "app" / "ai_app_config.json"
    config.write_text(config.read_text("utf-8").replace('"preprocessing"', '"preprocesing"'), encoding="utf-8")
    assert 'did you mean "preprocessing"?' in lpbench("validate", str(tmp_path / "app"), status=2).stdout
