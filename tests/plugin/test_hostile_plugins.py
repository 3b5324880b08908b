"""Whatever a plugin does when it is imported or asked what it offers costs that plugin, and not lpbench."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.cli import main
from lpbench.plugin import registry, trial, trials
from lpbench.plugin.registry import ENGINES
from lpbench.plugin.specs import State

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., Path]

pytestmark = pytest.mark.long

FINE = """
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import Availability, EngineSpec, State

@hookimpl
def lpbench_register_engines(register):
    register(EngineSpec("NAME", "NAME:Engine", formats={"onnx": (".onnx",)}))
"""
SPEC = """
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import READY, Availability, EngineSpec, State

class Spec(EngineSpec):
    BODY

@hookimpl
def lpbench_register_engines(register):
    register(Spec("acme", "acme:Engine"))
"""
HOOK = """
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec

@hookimpl
def lpbench_register_engines(register):
    BODY
"""


STUBBORN = """
while True:
    try:
        while True: pass
    except BaseException: pass
"""
FATAL = {
    "exit": ("import os; os._exit(3)", "ends its process while it is imported: exit status 3"),
    "exit 0": ("import os; os._exit(0)", "ends its process while it is imported: exit status 0"),
    "crash": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "while it is imported: crashed: SIGSEGV"),
    "wild pointer": ("import ctypes; ctypes.string_at(0)", "while it is imported: crashed: SIGSEGV"),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "while it is imported: crashed: SIGKILL"),
    "interrupt": ("raise KeyboardInterrupt", "raises KeyboardInterrupt"),
    "hang": ("import time; time.sleep(1000)", "hangs while it is imported"),
    "busy": ("while True: pass", "hangs while it is imported"),
    "stubborn": (STUBBORN, "hangs while it is imported"),
    "thread": (
        "import threading, time; threading.Thread(target=time.sleep, args=(1000,)).start()",
        "hangs when the process ends",
    ),
    "at exit": ("import atexit, time; atexit.register(time.sleep, 1000)", "hangs when the process ends"),
    "crash at exit": ("import atexit, os; atexit.register(os.abort)", "when the process ends: crashed: SIGABRT"),
    "fork": ("import os, time\nif not os.fork(): time.sleep(1000)", "starts a process that goes on"),
    "helper": ("import subprocess; subprocess.Popen(['sleep', '1000'])", "starts a process that goes on"),
    "hook hangs": (HOOK.replace("BODY", "import time; time.sleep(1000)"), "hangs while it lists what it offers"),
    "hook exits": (HOOK.replace("BODY", "import os; os._exit(1)"), "ends its process while it lists what it offers"),
    "hook interrupts": (HOOK.replace("BODY", "raise KeyboardInterrupt"), "raises KeyboardInterrupt"),
    "stubborn hook": (
        HOOK.replace(
            "BODY", "\n    while True:\n        try: register(EngineSpec('x', 'y'))\n        except BaseException: pass"
        ),
        "hangs while it lists what it offers",
    ),
    "availability hangs": (
        SPEC.replace("BODY", "def availability(self):\n        while True: pass"),
        "hangs while it lists what it offers",
    ),
    "availability exits": (
        SPEC.replace("BODY", "def availability(self):\n        import os; os._exit(1)"),
        "ends its process while it lists what it offers",
    ),
}
RECORDED = {
    "system exit": ("import sys; sys.exit('no')", "SystemExit: no"),
    "generator exit": ("raise GeneratorExit('no')", "GeneratorExit: no"),
    "own kind": ("class No(BaseException): pass\nraise No('no')", "No: no"),
    "no message": (
        "class No(Exception):\n  def __str__(self): raise OSError\nraise No",
        "No: its message cannot be read: OSError",
    ),
    "message that is no text": (
        "class No(Exception):\n  def __str__(self): return 7\nraise No",
        "No: its message cannot be read: TypeError",
    ),
    "deep": ("def deep(): deep()\ndeep()", "RecursionError"),
    "exit in hook": (HOOK.replace("BODY", "import sys; sys.exit(2)"), "SystemExit: 2"),
    "cancelled": (HOOK.replace("BODY", "import asyncio; raise asyncio.CancelledError"), "CancelledError"),
    "endless": (
        HOOK.replace("BODY", "\n    while True: register(EngineSpec('x', 'y'))"),
        "registered more than 1,000 of one kind",
    ),
    "name is None": (HOOK.replace("BODY", "register(EngineSpec(None, 'y'))"), "name=None; expected str"),
    "name is empty": (HOOK.replace("BODY", "register(EngineSpec('', 'y'))"), "the name ''; expected a word"),
    "name of control": (HOOK.replace("BODY", "register(EngineSpec('a\\x1b[2J', 'y'))"), r"the name 'a\x1b[2J'"),
    "name of megabytes": (HOOK.replace("BODY", "register(EngineSpec('x' * 5_000_000, 'y'))"), "characters left out"),
    "text for tuple": (
        HOOK.replace("BODY", "register(EngineSpec('x', 'y', requires='numpy'))"),
        "requires='numpy'; expected tuple[str, ...]",
    ),
    "text for endings": (
        HOOK.replace("BODY", "register(EngineSpec('x', 'y', formats={'onnx': '.onnx'}))"),
        "expected Mapping[str, tuple[str, ...]]",
    ),
    "alias of bytes": (HOOK.replace("BODY", "register(EngineSpec('x', 'y', aliases=(b'z',)))"), "aliases=(b'z',)"),
    "own text": (
        "class T(str):\n  def __eq__(self, other): raise OSError\n  __hash__ = str.__hash__\n"
        + HOOK.replace("BODY", "register(EngineSpec(T('x'), 'y'))"),
        "expected str",
    ),
    "field raises": (
        SPEC.replace("BODY", "def __init__(self, *_): pass\n    summary = property(lambda self: 1 / 0)"),
        "",
    ),
    "repr raises": (
        HOOK.replace("BODY", "register(type('No', (), {'__repr__': lambda self: 1 / 0})())"),
        "ZeroDivisionError",
    ),
}
UNAVAILABLE = {
    "raises": ("raise OSError('gone')", "availability() raised OSError: gone"),
    "exits": ("raise SystemExit(3)", "availability() raised SystemExit: 3"),
    "no message": ("raise type('No', (Exception,), {'__str__': lambda self: 1 / 0})", "cannot be read"),
    "nothing": ("return None", "availability() returned a NoneType"),
    "truth": ("return True", "availability() returned a bool"),
    "state": ("return Availability('ready')", "availability() returned a Availability"),
    "reason": ("return Availability(State.MISSING, 7)", "gave a reason or a hint that is no text"),
}


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for hanging plugins as short as a busy machine allows."""
    monkeypatch.setattr(trial, "TIMEOUT", 6.0)
    monkeypatch.setattr(trial, "LEAST", 0.1)


def named(name: str) -> str:
    return FINE.replace("NAME", name)


def reasons(plugin: str = "acme") -> list[str]:
    current = registry.current()
    for kind in registry.KINDS:
        current.all(kind)
    return [failure.reason for failure in current.failures if failure.plugin == plugin]


@pytest.mark.long
@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("how", list(FATAL))
def test_what_would_end_the_process_or_never_end_is_a_record(
    install: Install, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, told = FATAL[how]
    install("acme", source)
    install("fine", named("fine"))
    assert main(["plugins", "--json"]) == 0
    shown = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert told in shown["acme"]["failures"][0]
    assert shown["fine"]["offers"] == {"engine": ["fine"]}
    assert "acme" not in sys.modules
    assert main(["plugins"]) == 0
    assert "LPBENCH_DISABLED_PLUGINS=NAME" in capsys.readouterr().out


@pytest.mark.parametrize("how", list(RECORDED))
def test_what_a_plugin_raises_or_registers_wrongly_is_a_record(
    install: Install, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, told = RECORDED[how]
    install("acme", source)
    install("fine", named("fine"))
    (reason,) = reasons()
    assert told in reason
    assert len(reason) < 2_000
    assert registry.current().get(ENGINES, "fine").availability()
    for command in ("plugins", "engines"):
        assert main([command]) == 0
        assert "fine" in capsys.readouterr().out
    assert main(["plugins", "-v"]) == 0
    assert lpbench.plugins()["acme"].failures == (reason,)


@pytest.mark.parametrize("how", list(UNAVAILABLE))
def test_an_availability_that_fails_is_an_engine_that_is_broken(
    install: Install, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body, told = UNAVAILABLE[how]
    install("acme", SPEC.replace("BODY", f"def availability(self):\n        {body}"))
    install("fine", named("fine"))
    available = registry.current().get(ENGINES, "acme").availability()
    assert available.state is State.BROKEN
    assert told in available.reason
    assert main(["engines", "--json"]) == 0
    states = {each["name"]: each["state"] for each in json.loads(capsys.readouterr().out)}
    assert (states["acme"], states["fine"]) == ("broken", "ready")


def test_a_version_that_fails_is_not_known(install: Install) -> None:
    install("acme", SPEC.replace("BODY", "def version(self): raise OSError"))
    assert lpbench.engines()["acme"].version == ""


CHANGES = """
import locale, multiprocessing, os, signal, sys, warnings
sys.stdout = sys.stderr = sys.__stdout__
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: None)
os.chdir("/")
os.environ["OMP_NUM_THREADS"] = "1"
del os.environ["XDG_DATA_HOME"]
warnings.simplefilter("error")
locale.setlocale(locale.LC_ALL, "C.UTF-8")
multiprocessing.set_start_method("spawn")
"""


def test_what_a_plugin_changes_of_the_process_is_put_back(install: Install) -> None:
    """When it is imported, and again when it is asked."""
    import locale
    import multiprocessing
    import signal
    import warnings

    def state() -> list[Any]:
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        words = locale.setlocale(locale.LC_ALL), multiprocessing.get_start_method(allow_none=True), Path.cwd()
        return [sys.stdout, sys.stderr, dict(os.environ), list(warnings.filters), *handlers, *words]

    multiprocessing.set_start_method(None, force=True)  # what a plugin may set, as long as nobody has
    body = indent(CHANGES.replace('"spawn")', '"spawn", force=True)'), "    ")
    install("acme", f"{CHANGES}\n{named('acme')}\n{body}\n")
    before = state()
    assert registry.current().get(ENGINES, "acme").availability()
    assert state() == before


@pytest.mark.parametrize(
    "change", ["sys.path[:] = ['/added']", "sys.path = ['/added']", "sys.path.insert(0, '/added')"]
)
def test_what_a_plugin_adds_to_the_search_path_shadows_nothing(
    install: Install, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    install("acme", f"import sys\n{change}\n{named('acme')}")
    before = list(sys.path)
    assert registry.current().get(ENGINES, "acme").availability()
    assert sys.path == [*before, "/added"]


def test_a_notebook_prints_what_a_plugin_prints_on_standard_error(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("acme", f"print('hello')\n{named('acme')}")
    assert "acme" in lpbench.engines()
    assert capsys.readouterr() == ("", "hello\n")


DAMAGED = {
    "entry points that are not text": ("entry_points.txt", b"[lpbench]\nacme = \xff\xfe\n"),
    "entry points without a value": ("entry_points.txt", b"[lpbench]\nacme\n"),
    "entry points without a section": ("entry_points.txt", b"acme = acme\n"),
    "metadata that is not text": ("METADATA", b"Name: \xff\xfe\nVersion: 1\n"),
    "metadata without a name": ("METADATA", b"Version: 1\n"),
    "empty metadata": ("METADATA", b""),
    "metadata of a megabyte": ("METADATA", b"Name: " + b"x" * 1_000_000),
    "value of nonsense": ("entry_points.txt", b"[lpbench]\nacme = :::\n"),
    "value with a NUL": ("entry_points.txt", b"[lpbench]\nacme = a\0b\n"),
    "value that is empty": ("entry_points.txt", b"[lpbench]\nacme = \n"),
    "name of control": ("entry_points.txt", b"[lpbench]\n\x1b[2J = os\n"),
}


@pytest.mark.parametrize("what", list(DAMAGED))
@pytest.mark.parametrize("folder", ["lpbench_acme-1.0.dist-info", "zebra-1.0.dist-info", "aaa-1.0.egg-info"])
def test_one_damaged_distribution_stops_nobody(
    install: Install, site: Path, what: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a plugin or of any other package on the path: the metadata of all are read for the entry points of one."""
    install("fine", named("fine"))
    name, content = DAMAGED[what]
    (site / folder).mkdir()
    (site / folder / "METADATA").write_bytes(b"Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (site / folder / name).write_bytes(content)
    assert registry.current().get(ENGINES, "fine").distribution == "lpbench-fine 1.0"
    for command in (["engines"], ["plugins"], ["--help"], ["plugins", "--json"]):
        assert main(command) == 0
        assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["entry_points.txt", "METADATA"])
def test_a_distribution_that_cannot_be_read_stops_nobody(install: Install, site: Path, name: str) -> None:
    """A file that is a link to itself fails for everybody, root too."""
    install("fine", named("fine"))
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    (info / name).symlink_to(name)
    assert registry.current().get(ENGINES, "fine").availability()


def test_entry_points_that_cannot_be_read_are_shown_with_the_place(install: Install, site: Path) -> None:
    install("fine", named("fine"))
    info = site / "zebra-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(b"\xff")
    shown = lpbench.plugins()["zebra-1.0.dist-info"]
    assert "UnicodeDecodeError" in shown.failures[0]
    assert str(info) in shown.failures[0]
    assert "install it again, or remove the folder" in shown.failures[0]


def count_of_trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the name of each plugin that is tried."""
    tried: list[str] = []
    attempt = trial.attempt

    def counting(points: Any, variable: str) -> Any:
        tried.extend(point.name for point in points)
        return attempt(points, variable)

    monkeypatch.setattr(trial, "attempt", counting)
    return tried


def forget(module: str) -> None:
    """Have the next discovery import a module, as another process would."""
    sys.modules.pop(module, None)


def test_a_plugin_is_tried_once_and_again_when_one_of_its_files_changes(
    install: Install, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = count_of_trials(monkeypatch)
    install("acme", f"import acme_part\n{named('acme')}")
    (site / "acme_part.py").write_text("a = 1\n", encoding="utf-8")
    for _ in range(2):
        assert "acme" in registry.refresh().all(ENGINES)
        forget("acme")
    assert tried == ["acme"]
    (site / "acme_part.py").write_text("a = 1000\n", encoding="utf-8")
    assert "acme" in registry.refresh().all(ENGINES)
    assert tried == ["acme", "acme"]


@pytest.mark.parametrize("trouble", ["import sys; sys.exit(0)", "import os; os._exit(1)", "1 / 0"])
def test_a_plugin_that_failed_is_tried_again_when_its_file_changes(
    install: Install, site: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Its module is none of those that were imported, and what it does next is not known."""
    tried = count_of_trials(monkeypatch)
    install("acme", trouble)
    for _ in range(2):
        monkeypatch.setattr(registry, "_current", None)
        assert "acme" not in registry.current().all(ENGINES)
    assert tried == ["acme"]
    # Python takes bytecode of the same second and length for that of the new text
    (site / "acme.py").write_text(f"import os  # not {trouble!r}\nos._exit(7)\n", encoding="utf-8")
    monkeypatch.setattr(registry, "_current", None)
    assert "exit status 7" in reasons()[0]
    assert tried == ["acme", "acme"]


def test_a_plugin_is_tried_again_when_the_part_changes_that_failed(
    install: Install, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = count_of_trials(monkeypatch)
    install("acme", f"import acme_part\n{named('acme')}")
    (site / "acme_part.py").write_text("1 / 0\n", encoding="utf-8")
    assert "acme" not in registry.refresh().all(ENGINES)
    (site / "acme_part.py").write_text("a = 1000\n", encoding="utf-8")
    monkeypatch.setattr(registry, "_current", None)
    assert "acme" in registry.current().all(ENGINES)
    assert tried == ["acme", "acme"]


def test_a_plugin_that_was_refused_is_tried_again_when_asked(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``lpbench plugins`` and ``lpbench.refresh()`` try it again; other commands take the last answer."""
    tried = count_of_trials(monkeypatch)
    trouble = tmp_path / "trouble"
    trouble.touch()
    install("acme", f"import os\nif os.path.exists({str(trouble)!r}): os._exit(1)\n{named('acme')}")
    assert main(["engines"]) == 0
    trouble.unlink()
    monkeypatch.setattr(registry, "_current", None)
    assert main(["engines"]) == 0
    assert tried == ["acme"]
    assert "broken" in capsys.readouterr().out
    monkeypatch.setattr(registry, "_current", None)
    assert main(["plugins"]) == 0
    assert tried == ["acme", "acme"]
    assert not lpbench.plugins()["acme"].failures


def test_a_plugin_that_was_fine_and_ends_a_process_now_is_left_out_by_the_next(
    install: Install, site: Path, tmp_path: Path
) -> None:
    """As where a driver has gone: nothing of the plugin has changed."""
    trouble = tmp_path / "trouble"
    install("acme", f"import os\nif os.path.exists({str(trouble)!r}): os._exit(9)\n{named('acme')}")

    def engines() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lpbench", "engines"]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert re.search(r"^ *acme +ready", engines().stdout, flags=re.MULTILINE)
    trouble.touch()
    assert engines().returncode == 9
    done = engines()
    assert done.returncode == 0
    assert "exit status 9" in done.stdout


@pytest.mark.parametrize("what", ["read-only", "file", "nowhere", "fifo", "folder", "garbage", "huge", "old"])
def test_the_cache_costs_time_at_most(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It cannot be written, or somebody wrote into it what he liked."""
    cache = tmp_path / "cache" / "lpbench" / "plugins"
    cache.mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self/nowhere" if what == "nowhere" else str(tmp_path / "cache"))
    if what == "read-only":
        cache.chmod(0o500)
    elif what == "file":
        cache.rmdir()
        cache.touch()
    elif what == "fifo":
        os.mkfifo(cache / trials.FILE)
    elif what == "folder":
        (cache / trials.FILE).mkdir()
    elif what == "garbage":
        (cache / trials.FILE).write_bytes(bytes(range(256)) * 100)
    elif what == "huge":
        with (cache / trials.FILE).open("wb") as file:
            file.truncate(1 << 40)
    elif what == "old":
        (cache / f"{trials.WITNESS}x\x1b").write_bytes(b"\xff")
        (cache / f"{trials.WITNESS}999999999999").write_bytes(b"acme")
    install("acme", named("acme"))
    install("bolt", "import os; os._exit(1)")
    assert "acme" in registry.refresh().all(ENGINES)
    assert "ends its process" in reasons("bolt")[0]


def test_no_trial_leaves_anything_behind(install: Install, tmp_path: Path) -> None:
    """Neither what a plugin started nor a note of what was imported."""
    pid = tmp_path / "pid"
    code = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n"
    install("acme", f"import os\n{code}open({str(pid)!r}, 'a').write(f'{{child.pid}}\\n')\nos._exit(1)")
    assert "ends its process" in reasons()[0]
    (number,) = pid.read_text(encoding="ascii").split()
    state = Path(f"/proc/{number}/stat")
    assert not state.exists() or state.read_text(encoding="ascii").split()[2] == "Z"
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "lpbench" / trials.FOLDER
    assert [each.name for each in folder.iterdir()] == [trials.FILE]


def test_a_plugin_that_asks_for_the_plugins_when_it_is_imported_does_not_go_round_in_circles(install: Install) -> None:
    install("acme", f"import lpbench\nlpbench.engines()\n{named('acme')}")
    assert "acme" in registry.current().all(ENGINES)
