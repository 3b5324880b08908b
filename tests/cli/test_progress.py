"""Progress as a person sees it: on a terminal with and without rich, and where there is none."""

from __future__ import annotations

import dataclasses
import io
import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import _steps, main
from lpbench.cli._progress import Live, words
from lpbench.errors import EngineError
from lpbench.jobs import agreement
from lpbench.jobs.measuring.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WITHOUT_RICH = "import sys; sys.modules['rich'] = None; from lpbench.cli import main; sys.exit(main(sys.argv[1:]))"
WITH_RICH = "import sys; from lpbench.cli import main; sys.exit(main(sys.argv[1:]))"


def at(phase: str = "measuring", run: int = 0, done: float = 0.5) -> Progress:
    return Progress("fake", phase, run, 8, done, 4.2, 0.0061, 100)


def in_a_terminal(code: str, *arguments: str, **environment: str) -> tuple[str, int]:
    """Run Python code with a terminal as its standard streams; return what came out and the exit status."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as child:
        os.close(theirs)
        out, end = b"", time.monotonic() + 120
        while time.monotonic() < end:
            if select.select([ours], [], [], 1.0)[0]:
                try:
                    out += os.read(ours, 65536)
                except OSError:  # Linux: the other end was closed
                    break
        os.close(ours)
    return out.decode(), child.returncode


def test_the_words_say_what_is_done_how_sure_it_is_and_how_long_it_takes() -> None:
    assert words(at(run=5), 11.2) == "run 6/8 · measuring · 11 s · ±0.61 % · about 4 s left"
    assert "±" not in words(dataclasses.replace(at(run=5), interval=4.12), 11.2), "±412 % says nothing"
    starting = Progress("fake", "starting", 0, 8, 0.0, None, None, 0)
    assert words(starting, 0.2) == "run 1/8 · starting"
    building = dataclasses.replace(starting, phase="loading", activity="building the engine, 42 %")
    assert words(building, 12.0) == "run 1/8 · loading: building the engine, 42 % · 12 s"


@pytest.mark.parametrize("code", [WITHOUT_RICH, WITH_RICH])
def test_a_terminal_shows_one_line_that_changes_and_goes_away(code: str, fake_app: Callable[..., Path]) -> None:
    """With rich and without: the same words, no line of them left among the lines of the result."""
    if code == WITH_RICH:
        pytest.importorskip("rich", reason="needs rich")
    app = str(fake_app(work_us=2000))
    out, status = in_a_terminal(code, "run", app, "--runs", "3", "--max-time", "4", TERM="xterm", COLUMNS="100")
    assert status == 0, out
    assert re.search(r"fake .*━.* run 2/3", out)
    assert re.search(r"about \S+ s left|under 1 s left", out)
    last = re.split(r"\r|\n", out[: out.index("latency")])[-1]
    assert "run" not in last
    assert "\x1b[1mlatency" in out


def test_no_color_is_honoured(fake_app: Callable[..., Path]) -> None:
    environment = {"TERM": "xterm", "NO_COLOR": "1"}
    out, status = in_a_terminal(WITHOUT_RICH, "run", str(fake_app()), "--number", "12", **environment)
    assert status == 0
    assert "latency" in out
    assert not re.search(r"\x1b\[\d*m", out)


def test_a_narrow_terminal_gets_lines_that_fit(fake_app: Callable[..., Path]) -> None:
    """80 columns: neither the progress line nor the tables wrap."""
    arguments = ["run", str(fake_app(work_us=1000)), "--runs", "2", "--max-time", "2"]
    out, _ = in_a_terminal(WITHOUT_RICH, *arguments, TERM="xterm", COLUMNS="80")
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[\d*[a-zA-Z]", "", out))
    assert [line for line in lines if len(line) > 80 and not line.startswith("saved")] == []


def test_without_a_terminal_there_is_a_line_for_each_run_of_a_long_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lpbench.cli import _progress

    live = Live(io.StringIO())
    live(at())
    assert capsys.readouterr().err == ""  # not two seconds yet
    monkeypatch.setattr(_progress, "PATIENCE", 0.0)
    for run in (0, 0, 0, 1, 1):
        live(at(run=run))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" · ")[0] for line in lines] == ["fake run 1/8", "fake run 2/8"]
    assert "\x1b" not in "".join(lines)


def test_loading_that_takes_long_is_told_of_though_nothing_moves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A board that compiles a model for minutes: the benchmark calls once, the lines go on."""
    from lpbench.cli import _progress

    for name in ("PATIENCE", "PULSE", "AGAIN"):
        monkeypatch.setattr(_progress, name, 0.01)
    with Live(io.StringIO()) as live:
        live(at("loading", done=0.0))
        end, said = time.monotonic() + 20, ""
        while said.count("loading") < 3 and time.monotonic() < end:
            said += capsys.readouterr().err
            time.sleep(0.02)
    assert said.count("fake run 1/8 · loading") >= 3


def test_what_is_measured_is_left_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """While samples are timed nothing is drawn but what the benchmark itself tells."""
    from lpbench.cli import _progress

    for name, seconds in (("PATIENCE", 0.0), ("PULSE", 0.01), ("AGAIN", 0.01)):
        monkeypatch.setattr(_progress, name, seconds)
    with Live(io.StringIO()) as live:
        live(at("measuring"))
        time.sleep(0.3)
    assert capsys.readouterr().err.count("measuring") == 1


def wait_for(word: str, times: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was said on standard error until a word was said often enough."""
    end, said = time.monotonic() + 20, ""
    while said.count(word) < times and time.monotonic() < end:
        said += capsys.readouterr().err
        time.sleep(0.02)
    return said


def test_a_step_that_reports_nothing_is_told_of_again_and_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that opens a model for minutes: before the first report, and between two."""
    for name, seconds in (("PATIENCE", 0.0), ("PULSE", 0.01), ("QUIET", 0.01)):
        monkeypatch.setattr(_steps, name, seconds)
    with _steps.Beating("reading the app") as steps:
        assert wait_for("reading the app", 3, capsys).count("reading the app") >= 3
        steps.tell("fake", "fake · opening")
        assert wait_for("fake · opening", 3, capsys).count("fake · opening") >= 3
    capsys.readouterr()
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_what_is_done_in_a_moment_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with _steps.Beating("reading the app") as steps:
        steps.tell("fake", "fake · opening")
    assert capsys.readouterr().err == ""


def test_agree_says_what_it_waits_for_before_the_first_engine_answers(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that takes its time to open a model."""

    def slow(*_: object, **__: object) -> None:
        time.sleep(1)
        raise EngineError("it cannot be opened")

    monkeypatch.setattr(agreement, "agree", slow)
    for name, seconds in (("PATIENCE", 0.0), ("PULSE", 0.01)):
        monkeypatch.setattr(_steps, name, seconds)
    main(["agree", str(fake_app()), "--engines", "fake"])
    said = capsys.readouterr().err
    assert re.match("reading the app|fake · ", said)
    assert "it cannot be opened" in said
