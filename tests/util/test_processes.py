"""Helper programs end with all that they have started, and with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import LpbenchError
from lpbench.util import guardian, processes

if TYPE_CHECKING:
    from collections.abc import Callable

LITTER = "import sys; from lpbench_fakes import litter; litter.start(sys.argv[1])"
"""Starts processes of every kind and ends."""
ENDINGS = {
    "ends": "",
    "crashes": "; import ctypes; ctypes.string_at(0)",
    "is killed": "; import os; os.kill(os.getpid(), 9)",
    "fails": "; sys.exit(3)",
}
STATUS = {"ends": 0, "crashes": -signal.SIGSEGV, "is killed": -signal.SIGKILL, "fails": 3}
HANG = "; import time; time.sleep(300)"
PARENT = """
import sys
from pathlib import Path
from lpbench.util import processes
words = [] if sys.argv[1] == "python" else ["env"]
command = [*words, *processes.python("-c", sys.argv[2], sys.argv[3])]
processes.run(command, log=Path(sys.argv[4]), timeout=60, tick=lambda _: None)
"""


def wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 40
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Say whether a process is there and no mere remainder that nobody waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(path: Path) -> list[int]:
    """Return the processes that were started, when all of them are there."""
    wait(path.is_file)
    return list(map(int, path.read_text().split()))


def run(tmp_path: Path, *command: str, timeout: float = 60) -> int:
    return processes.run(command, log=tmp_path / "log", timeout=timeout, tick=lambda _: None)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("before", [(), ("env",)], ids=["python", "program"])
def test_what_a_helper_started_ends_with_it(tmp_path: Path, how: str, before: tuple[str, ...]) -> None:
    """A child, one deaf to SIGTERM, one with a session of its own, daemons; its own exit status is kept."""
    pids = tmp_path / "pids"
    assert run(tmp_path, *before, *processes.python("-c", LITTER + ENDINGS[how], str(pids))) == STATUS[how]
    assert [pid for pid in started(pids) if runs(pid)] == []


@pytest.mark.usefixtures("fakes")
def test_what_a_late_helper_started_ends_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    def tick(_: float) -> None:
        if pids.is_file():
            raise TimeoutError("enough")

    command = processes.python("-c", LITTER + HANG, str(pids))
    with pytest.raises(TimeoutError, match="enough"):
        processes.run(command, log=tmp_path / "log", timeout=60, tick=tick)
    assert [pid for pid in started(pids) if runs(pid)] == []


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("kind", ["python", "program"])
def test_what_a_helper_started_ends_with_the_killed_parent(tmp_path: Path, kind: str) -> None:
    """SIGKILL leaves the parent no time to end anything."""
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", PARENT, kind, LITTER + HANG, str(pids), str(tmp_path / "log")]
    with subprocess.Popen(command, start_new_session=True) as parent:
        numbers = started(pids)
        parent.kill()
    wait(lambda: not any(map(runs, numbers)))


@pytest.mark.usefixtures("fakes")
def test_what_a_helper_started_ends_with_a_killed_guardian(tmp_path: Path) -> None:
    """Whoever kills what looks like the helper may hit its guardian."""
    pids = tmp_path / "pids"
    child = processes.Child(
        processes.python("-c", LITTER + HANG, str(pids)), what="a helper", streams=(subprocess.DEVNULL,) * 3
    )
    numbers = started(pids)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(20) == -signal.SIGKILL
    child.end()
    assert [pid for pid in numbers if runs(pid)] == []


def test_a_helper_of_a_helper_ends_with_it(tmp_path: Path) -> None:
    """A converter's tool does not outlive the conversion that was given up."""
    number = tmp_path / "pid"
    words = f"echo $$ > {number}; sleep 60"
    nested = f"from pathlib import Path; from lpbench.util import processes; processes.run(['sh', '-c', {words!r}], "
    nested += f"log=Path({str(tmp_path / 'inner')!r}), timeout=60, tick=lambda _: None)"

    def tick(_: float) -> None:
        if number.is_file() and number.read_text().endswith("\n"):
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        processes.run(processes.python("-c", nested), log=tmp_path / "log", timeout=60, tick=tick)
    wait(lambda: not runs(int(number.read_text())))


def test_a_late_helper_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"ran longer than 0\.3 s"):
        run(tmp_path, "sleep", "60", timeout=0.3)


def test_the_thread_that_started_a_helper_may_end_before_it(tmp_path: Path) -> None:
    """The kernel's signal for a dead parent comes when the thread ends."""
    import threading

    made: list[processes.Child] = []

    def make() -> None:
        command = processes.python("-c", "import time; time.sleep(300)")
        made.append(processes.Child(command, what="a helper", streams=(subprocess.DEVNULL,) * 3))
        wait(lambda: "-m" not in Path(f"/proc/{made[0].pid}/cmdline").read_text() and _child(made[0].pid))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert made[0].wait(0.5) is None
    made[0].end()
    assert made[0].ended() is not None


def _child(pid: int) -> bool:
    """Say whether a process has a child; its signals are settled by then."""
    stats = [path for path in Path("/proc").glob("[0-9]*/stat") if _parent_is(path, pid)]
    return bool(stats)


def _parent_is(path: Path, pid: int) -> bool:
    try:
        return int(path.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == pid
    except OSError:
        return False


def test_a_guardian_uses_no_processor_time(tmp_path: Path) -> None:
    """Also while what it guards is stopped and continued, as lockstep does."""
    child = processes.Child(
        processes.python("-c", "import time; time.sleep(300)"), what="a helper", streams=(subprocess.DEVNULL,) * 3
    )
    wait(lambda: _child(child.pid))
    guarded = next(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent_is(path, child.pid))
    wait(lambda: os.getpgid(guarded) == guarded)
    time.sleep(0.5)  # until it has nothing more to do
    before = _switches(child.pid)
    for _ in range(50):
        os.killpg(guarded, signal.SIGSTOP)
        time.sleep(0.002)
        os.killpg(guarded, signal.SIGCONT)
        time.sleep(0.002)
    assert _switches(child.pid) - before <= (0 if hasattr(os, "pidfd_open") else 200)
    child.end()


def _switches(pid: int) -> int:
    """Return how often a process had a core and left it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def test_a_helper_is_what_the_system_ends_where_memory_runs_out(tmp_path: Path) -> None:
    own = Path("/proc/self/oom_score_adj").read_text(encoding="ascii")
    for before in ((), ("env",)):
        code = "print(open('/proc/self/oom_score_adj').read())"
        assert run(tmp_path, *before, *processes.python("-c", code)) == 0
        assert processes.last_line(tmp_path / "log") == guardian.MOST_LIKELY_VICTIM
    assert Path("/proc/self/oom_score_adj").read_text(encoding="ascii") == own


def test_a_program_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the working directory does not count, though an empty entry of PATH would have it found."""
    (tmp_path / "acme-tool").write_text("#!/bin/sh\n", encoding="ascii")
    (tmp_path / "acme-tool").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}:")
    with pytest.raises(LpbenchError, match=r"acme-tool cannot be started: No such file.*\n.*not installed"):
        run(tmp_path, "acme-tool")


def test_a_program_that_cannot_run_says_why(tmp_path: Path) -> None:
    program = tmp_path / "acme-tool"
    program.write_bytes(b"\0nothing that runs")
    program.chmod(0o755)
    assert run(tmp_path, str(program)) == guardian.NOT_FOUND
    assert processes.last_line(tmp_path / "log") == f"{program} cannot be started: Exec format error"


LIMITED = """
import resource, sys
from pathlib import Path
from lpbench.errors import LpbenchError
from lpbench.util import processes
import subprocess
log = Path(sys.argv[1])
held = [log.open("wb")]
resource.setrlimit(resource.RLIMIT_NOFILE, (held[0].fileno() + 3,) * 2)
try:
    processes.run(["true"], log=log, timeout=60, tick=lambda _: None)
except LpbenchError as error:
    print(error)
"""


def test_too_many_open_files_are_an_error_with_a_remedy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "log"], text=True, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == (
        "true cannot be started: Too many open files\n  too many files are open: ulimit -n shows the limit; raise it\n"
    )


def test_a_limit_on_processes_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself does not hold for root."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(LpbenchError, match=r"true cannot be started: Resource temporarily unavailable\n.*ulimit -u"):
        run(tmp_path, "true")


def test_a_program_gets_the_signals_that_python_ignores(tmp_path: Path) -> None:
    """A program that writes to a closed pipe is to end, as it does in a shell."""
    run(tmp_path, "sh", "-c", "grep SigIgn /proc/self/status")
    ignored = int(processes.last_line(tmp_path / "log").split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("one\ntwo \n\n", "two"),
        ("lib: no memory\n\nFatal Python error: Aborted\n\n  File a.py, line 3 in f\n", "lib: no memory"),
        ("Fatal Python error: Aborted\n\n  File a.py, line 3 in f\n", "Fatal Python error: Aborted"),
    ],
)
def test_the_last_words_of_a_program_are_its_own(text: str, words: str) -> None:
    """Not the stack that the interpreter prints after a crash."""
    assert processes.last_words(text) == words
