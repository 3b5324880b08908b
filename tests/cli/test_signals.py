"""What ends a benchmark loses nothing: Ctrl-C once and twice, TERM, a terminal that is closed, kill -9."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]
    Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.long
LONG = ("--runs", "40", "--alone", "0.05", "--max-time", "600", "--no-yardstick", "--engine", "fake,fake:extra_us=2000")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def start(*words: str, before: str = "true") -> subprocess.Popen[str]:
    """Start lpbench.

    :param before: What the shell does before.
    """
    shell = ["sh", "-c", f'{before}; exec "$@"', "sh"]
    command = [*shell, sys.executable, "-m", "lpbench", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], run: int) -> int:
    """Wait until a run is said to be under way; return how many runs of each configuration have ended before it."""
    assert process.stderr
    for line in process.stderr:
        found = re.match(r"fake\S* run (\d+)/\d+ · ", line)
        if found and int(found[1]) >= run:
            return int(found[1]) - 1
    raise AssertionError(f"it ended with {process.wait()}")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_each_signal_ends_with_its_own_status_and_what_was_measured_is_saved(
    fake_app: Make, tmp_path: Path, number: signal.Signals
) -> None:
    with start("run", str(fake_app(work_us=2000)), *LONG, "-o", str(tmp_path / "r.json")) as process:
        ended = until(process, 2)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in out + err
    assert re.search(r"^saved .*\.json$", out, re.MULTILINE)
    found = store.load("last")
    assert found.state == "interrupted"
    assert all(len(each.counted) >= ended for each in found.configurations)
    assert store.load(tmp_path / "r.json") == found


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_same_signal_again_and_again_loses_nothing(fake_app: Make, number: signal.Signals) -> None:
    with start("run", str(fake_app(work_us=2000)), *LONG) as process:
        ended = until(process, 2)
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.02)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in out + err
    assert "Exception ignored" not in err
    found = store.load("last")
    assert all(len(each.counted) >= ended for each in found.configurations)


def test_the_status_is_that_of_the_first_signal(fake_app: Make) -> None:
    with start("run", str(fake_app(work_us=2000)), *LONG) as process:
        until(process, 2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 143


def test_a_signal_that_is_ignored_stays_ignored(fake_app: Make) -> None:
    """As under nohup: the terminal closes, and the benchmark goes on to its end."""
    with start("run", str(fake_app(work_us=2000)), *LONG, before="trap '' HUP") as process:
        ended = until(process, 2)
        for _ in range(5):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        assert until(process, ended + 2) == ended + 1
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 130


def answer(words: list[str], capsys: Capture) -> str:
    """Return what a command prints once it finds a result, after a benchmark was killed.

    A process that was being started holds the journal's lock until it runs its own program.
    """
    late = time.monotonic() + 20
    while True:
        status, printed = main(words), capsys.readouterr().out
        if status == 0 and printed.strip() != "[]":
            return printed
        assert time.monotonic() < late


def test_kill_9_loses_no_finished_run(fake_app: Make, capsys: Capture) -> None:
    with start("run", str(fake_app(work_us=2000)), *LONG) as process:
        ended = until(process, 3)
        process.kill()
        process.wait()
    shown = answer(["show", "last"], capsys)
    assert "interrupted" in shown
    assert "ended without saving its result" in shown
    assert all(len(each.counted) >= ended for each in store.load("last").configurations)
    assert [each.suffix for each in store.folder().iterdir()] == [".json"]


@pytest.mark.parametrize("words", [["results", "--json"], ["compare", "last", "last", "--json"]])
def test_every_command_that_reads_results_finds_what_a_kill_left(
    fake_app: Make, capsys: Capture, words: list[str]
) -> None:
    with start("run", str(fake_app(work_us=2000)), *LONG) as process:
        until(process, 2)
        process.kill()
        process.wait()
    assert json.loads(answer(words, capsys))


def test_comparing_now_and_the_published_command_keep_what_was_measured(fake_app: Make) -> None:
    app = str(fake_app(work_us=2000))
    live = ["compare", "--live", app, "--engine", "fake", "--engine", "fake:extra_us=2000", "--runs", "40"]
    published = ["benchmark-analyzer", "--target-config", "local", "--ai-app", app, "--number", "4000"]
    for words in (live, published):
        with start(*words) as process:
            until(process, 2)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=120)
        assert process.returncode == 143, out + err
        assert "Traceback" not in out + err
        assert store.load("last").state == "interrupted"


def test_a_reader_of_progress_that_leaves_costs_the_progress_alone(fake_app: Make) -> None:
    """``lpbench run … 2>&1 | head -1``."""
    with start("run", str(fake_app(work_us=2000)), "--runs", "4", "--max-time", "8") as process:
        until(process, 1)
        assert process.stderr
        process.stderr.close()
        assert process.stdout
        process.stdout.read()
        assert process.wait(120) == 0
    assert store.load("last").state == "OK"
    assert len(store.load("last").configurations[0].counted) == 4


def patched(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run lpbench in a process of its own, which a signal may end, after ``code`` has changed something in it."""
    script = (
        "import os, signal, sys, threading, time\n"
        "from lpbench.results import store\n"
        "from lpbench.util import interrupts\n"
        f"{code}\n"
        "from lpbench.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=False, timeout=240
    )


def test_a_signal_while_the_result_is_saved_waits_until_it_is(fake_app: Make) -> None:
    code = (
        "keep = store.keep\n"
        "def late(*given, **more):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return keep(*given, **more)\n"
        "store.keep = late"
    )
    done = patched(code, "run", str(fake_app()), "--number", "12", "--runs", "2")
    assert done.returncode == 143
    assert "saved " in done.stdout
    assert store.load("last").state == "OK"


def test_a_signal_that_a_library_swallows_ends_the_benchmark_all_the_same(fake_app: Make) -> None:
    """What a handler raises may be lost in a callback that nobody can raise through."""
    code = (
        "ours = interrupts._end\n"
        "def swallowed(number, frame):\n"
        "    try:\n"
        "        ours(number, frame)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "interrupts._end = swallowed\n"
        "def once_measuring():\n"
        "    while not any(each.read_bytes().count(b'\\n') > 3 for each in store.folder().glob('*.journal')):\n"
        "        time.sleep(0.05)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "threading.Thread(target=once_measuring, daemon=True).start()"
    )
    done = patched(code, "run", str(fake_app(work_us=2000)), *LONG)
    assert (done.returncode, store.load("last").state) == (143, "interrupted")


def test_the_status_is_right_wherever_the_signal_came(tmp_path: Path) -> None:
    """After Ctrl-C inside a text that ``exec`` ran, as dataclasses do, ``python -m`` ends by SIGINT."""
    (tmp_path / "wrapped.py").write_text(
        "import os, signal, sys\n"
        "from lpbench import cli\n"
        "from lpbench.cli import doctor\n"
        "doctor.main = lambda options: exec('os.kill(os.getpid(), signal.SIGTERM); 1')\n"
        "sys.exit(cli.main())\n"
    )
    command = [sys.executable, "-m", "wrapped", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (143, "interrupted\n")


def test_as_a_library_signals_are_left_alone(fake_app: Make) -> None:
    import lpbench

    before = {number: signal.getsignal(number) for number in SIGNALS}
    during: list[bool] = []
    lpbench.benchmark(
        fake_app(),
        number=6,
        progress=lambda _: during.append({number: signal.getsignal(number) for number in SIGNALS} == before),
    )
    assert during
    assert all(during)


def test_handlers_are_put_back_after_a_command() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    assert main(["--version"]) == 0
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_in_another_thread_nothing_is_installed(capsys: Capture) -> None:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(main(["--version"])))
    thread.start()
    thread.join()
    assert statuses == [0]


def test_a_signal_that_is_lost_in_a_destructor_prints_nothing() -> None:
    """Python tells of what a destructor raises; the benchmark ends by asking for the signal."""
    code = (
        "import os, signal, sys\n"
        "from lpbench.util import interrupts\n"
        "interrupts.install(); sys.unraisablehook = interrupts.hide_lost\n"
        "class Ends:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGTERM)\n"
        "Ends()\n"
        "sys.exit(interrupts.status() if interrupts.requested() else 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (143, "")
