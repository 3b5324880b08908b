"""Worker processes: the process rules, and every way in which they end; real processes, a fake engine."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.errors import EngineError, LpbenchError, WorkerError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.util import process_state
from lpbench.worker import client, wire
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.protocol import VERSION, Channel, ClosedError
from lpbench.worker.requests import CloseApp, EvaluateQuality, MeasureSlice, OpenRequest, ReadEnvironment, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.progress import Activity


def _request(folder: Path) -> OpenRequest:
    app = load_app(folder)
    return OpenRequest(app.request(), EngineConfiguration("fake"), samples=tuple(map(str, app.samples)))


@dataclass(frozen=True)
class Strange(Request[int]):
    """Asks for the environment, and takes the answer for a number."""

    phase = "being strange"


Strange.__name__ = "ReadEnvironment"


def _opened(folder: Path, **options: Any) -> Worker:
    worker = Worker(WorkerOptions(**{"timeout": 20.0, **options}))
    worker.request(_request(folder))
    return worker


def test_a_worker_answers_and_ends_by_itself(fake_app: Callable[..., Path]) -> None:
    with Worker(WorkerOptions()) as worker:
        opened = worker.request(_request(fake_app()))
        assert opened.facts["version"] == "1.0"
        assert opened.load_ns > 0
        assert len(worker.request(MeasureSlice(7)).block) == 7 * 4 * 8
        pid = worker.pid
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("orders", "outcome"),
    [
        ({"at": "load", "do": "crash"}, "crashed: SIGSEGV while loading"),
        ({"at": "load", "do": "exit"}, "ended: exit status 3 while loading"),
        ({"at": "run", "do": "crash", "after": 3}, "crashed: SIGSEGV while measuring"),
        ({"at": "run", "do": "kill"}, "killed: SIGKILL while measuring"),
        ({"at": "close", "do": "crash"}, "crashed: SIGSEGV while closing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_end_of_a_worker_is_said_in_one_line(
    fake_app: Callable[..., Path], orders: dict[str, Any], outcome: str
) -> None:
    with pytest.raises(WorkerError) as caught:
        _whole_run(fake_app(**orders))
    assert str(caught.value.outcome) == outcome


def _whole_run(folder: Path) -> None:
    with Worker(WorkerOptions(timeout=20.0)) as worker:
        worker.request(_request(folder))
        worker.request(MeasureSlice(10))
        worker.request(CloseApp())


def test_a_hanging_worker_is_noticed_and_killed(fake_app: Callable[..., Path]) -> None:
    worker = Worker(WorkerOptions(timeout=0.5))
    with pytest.raises(WorkerError, match="timeout=1 allows") as caught:
        worker.request(_request(fake_app(at="load", do="hang")))
    assert str(caught.value.outcome) == "hung: no answer in 0.5 s while loading"
    assert not Path(f"/proc/{worker.pid}").exists()


def test_one_that_reports_what_takes_long_does_not_count_as_hung(fake_app: Callable[..., Path]) -> None:
    heard: list[str] = []
    folder = fake_app(reports={"count": 8, "each_s": 0.5})
    with Worker(WorkerOptions(timeout=3.0)) as worker:
        worker.request(_request(folder), hear=lambda activity: heard.append(str(activity)))
        assert worker.request(MeasureSlice(2)).block
    assert "building the engine, 50 %" in heard


def test_one_that_hangs_after_its_reports_is_noticed(fake_app: Callable[..., Path]) -> None:
    worker = Worker(WorkerOptions(timeout=0.5))
    with pytest.raises(WorkerError) as caught:
        worker.request(_request(fake_app(at="load", do="hang", reports={"count": 2, "each_s": 0.1})))
    assert caught.value.outcome.kind == "hung"


def test_a_listener_that_fails_leaves_no_answer_for_the_next_question(fake_app: Callable[..., Path]) -> None:
    def broken(_: Activity) -> None:
        raise OSError("the screen is gone")

    worker = Worker(WorkerOptions(timeout=20.0))
    with pytest.raises(OSError, match="screen"):
        worker.request(_request(fake_app(reports={"count": 1})), hear=broken)
    assert not worker.alive
    with pytest.raises(WorkerError, match="was interrupted"):
        worker.request(ReadEnvironment())


def test_progress_where_none_may_be_ends_the_worker(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame in the middle of a measurement would be a part of what is measured."""
    worker = _opened(fake_app())
    monkeypatch.setattr(Channel, "receive", lambda *_: ({"progress": {"what": "building", "done": 0.5}}, b""))
    with pytest.raises(WorkerError) as caught:
        worker.request(MeasureSlice(1))
    assert caught.value.outcome.kind == "protocol"


def test_a_killed_worker_is_an_outcome(fake_app: Callable[..., Path]) -> None:
    worker = _opened(fake_app())
    os.kill(worker.pid, signal.SIGSEGV)
    with pytest.raises(WorkerError) as caught:
        worker.request(MeasureSlice(1))
    assert str(caught.value.outcome) == "crashed: SIGSEGV while measuring"


def test_a_real_time_signal_has_a_name_as_well(fake_app: Callable[..., Path]) -> None:
    """Python has names for the first and the last of them alone."""
    worker = _opened(fake_app())
    os.kill(worker.pid, signal.SIGRTMIN + 2)
    with pytest.raises(WorkerError) as caught:
        worker.request(MeasureSlice(1))
    assert str(caught.value.outcome) == "crashed: SIGRTMIN+2 while measuring"


def test_ctrl_c_between_question_and_answer_ends_the_worker(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would otherwise be taken for that to the next question."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    worker = _opened(fake_app())
    monkeypatch.setattr(Channel, "receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        worker.request(MeasureSlice(1))
    monkeypatch.undo()
    assert not worker.alive
    with pytest.raises(WorkerError, match="was interrupted"):
        worker.request(ReadEnvironment())


@pytest.mark.parametrize("hello", [{"hello": 1}, {"hello": None}, {}], ids=["older", "none", "not a hello"])
def test_a_worker_serves_no_parent_that_speaks_another_version(hello: dict[str, Any]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "lpbench.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdin
    assert process.stdout
    channel = Channel(process.stdout, process.stdin)
    channel.receive(60.0)
    channel.send(hello)
    answer, _ = channel.receive(60.0)
    assert f"this worker {VERSION}" in answer["error"]["what"]
    with pytest.raises(ClosedError):
        channel.receive(60.0)
    assert process.wait(60.0) == 0
    channel.close()


def test_a_worker_that_is_gone_says_again_how_it_ended(fake_app: Callable[..., Path]) -> None:
    worker = _opened(fake_app())
    os.kill(worker.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(WorkerError, match="killed: SIGKILL"):
            worker.request(MeasureSlice(1))


def test_what_a_crashing_library_said_is_kept(fake_app: Callable[..., Path]) -> None:
    worker = Worker(WorkerOptions())
    with pytest.raises(WorkerError):
        worker.request(_request(fake_app(at="load", do="crash")))
    assert "Segmentation fault" in worker.stderr_tail


def test_a_refusal_keeps_its_class_place_and_remedy(fake_app: Callable[..., Path]) -> None:
    with Worker(WorkerOptions()) as worker:
        with pytest.raises(EngineError) as caught:
            worker.request(_request(fake_app(at="load", do="raise")))
        assert (caught.value.what, caught.value.where) == ("this model is not liked", "model.fake")
        assert caught.value.hint == "like it"
        assert worker.request(ReadEnvironment())


def test_a_bug_in_an_engine_is_an_error_and_not_the_end(fake_app: Callable[..., Path]) -> None:
    with Worker(WorkerOptions()) as worker, pytest.raises(LpbenchError, match="ValueError"):
        worker.request(_request(fake_app(at="load", do="bug")))


def test_what_a_vendor_prints_does_not_break_the_protocol(fake_app: Callable[..., Path]) -> None:
    with Worker(WorkerOptions()) as worker:
        worker.request(_request(fake_app(at="load", do="print")))
        worker.request(MeasureSlice(1))
    assert "vendor banner on standard output" in worker.stderr_tail


def test_what_a_vendor_prints_without_ends_of_lines_takes_few_reads() -> None:
    """A pipe without a buffer looks for the end of a line byte by byte, and the worker waits meanwhile."""

    class Pipe(io.FileIO):
        reads = 0

        def readinto(self, buffer: Any) -> int | None:
            self.reads += 1
            return super().readinto(buffer)

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return super().read(size)

    ours, theirs = os.pipe()

    def write() -> None:
        os.write(theirs, b"." * (1 << 20) + b"\nthe end\n")
        os.close(theirs)

    writer = threading.Thread(target=write)
    writer.start()
    printed = bytearray()
    with Pipe(ours) as pipe:
        client.listen(pipe, printed)
    writer.join()
    assert pipe.reads < 10_000
    assert printed.endswith(b"..\nthe end\n")
    assert len(printed) == client.KEPT


def test_a_worker_that_stops_reading_does_not_block_the_parent(fake_app: Callable[..., Path]) -> None:
    """A request larger than a pipe holds, to a process that is stopped by somebody else."""
    worker = _opened(fake_app())
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(WorkerError) as caught:
        worker.request(EvaluateQuality((("x" * (1 << 20), {}),)), timeout=0.5)
    assert str(caught.value.outcome) == "hung: no answer in 0.5 s while evaluating quality"
    assert not Path(f"/proc/{worker.pid}").exists()


def test_an_answer_that_is_not_what_was_asked_for_is_an_outcome(fake_app: Callable[..., Path]) -> None:
    worker = _opened(fake_app())
    worker.request(CloseApp())
    with pytest.raises(WorkerError) as caught:
        worker.request(Strange())
    assert (caught.value.outcome.kind, caught.value.outcome.phase) == ("protocol", "being strange")
    assert caught.value.outcome.detail.startswith("answer to ReadEnvironment: ")


def test_variables_are_set_before_the_engine_is_imported(fake_app: Callable[..., Path]) -> None:
    with Worker(WorkerOptions(environment={"FAKE_SEEN": "yes"})) as worker:
        opened = worker.request(_request(fake_app()))
    assert opened.facts["environment"]["FAKE_SEEN"] == "yes"


def test_a_worker_runs_on_the_cores_it_is_given(fake_app: Callable[..., Path]) -> None:
    core = max(os.sched_getaffinity(0))
    worker = _opened(fake_app(), affinity=[core])
    assert os.sched_getaffinity(worker.pid) == {core}
    worker.close()


def test_a_core_that_is_not_there_is_named() -> None:
    with pytest.raises(LpbenchError, match=r"cannot run with cores \[4000\].*\n.*cores here: "):
        Worker(WorkerOptions(affinity=[4000]))


def test_a_worker_that_rests_uses_no_core_until_it_is_asked(fake_app: Callable[..., Path]) -> None:
    """Its engine leaves a thread behind that spins, as thread pools do."""
    with _opened(fake_app(at="run", do="spin")) as worker:
        worker.request(MeasureSlice(1))
        _wait_until_it_spins(worker.pid)
        worker.suspend()
        assert _ticks(worker.pid, 0.3) == 0
        assert len(worker.request(MeasureSlice(2)).block) == 2 * 4 * 8
        _wait_until_it_spins(worker.pid)


def test_a_worker_that_rests_ends_as_others_do(fake_app: Callable[..., Path]) -> None:
    ended = []
    for end in (Worker.close, Worker.kill):
        worker = _opened(fake_app(f"app-{end.__name__}"))
        worker.suspend()
        begun = time.monotonic()
        end(worker)
        ended.append(time.monotonic() - begun)
        assert not Path(f"/proc/{worker.pid}").exists()
    assert max(ended) < 4  # without waiting for one that cannot hear


def test_a_worker_that_died_can_rest(fake_app: Callable[..., Path]) -> None:
    worker = _opened(fake_app())
    os.kill(worker.pid, signal.SIGKILL)
    worker.suspend()
    with pytest.raises(WorkerError, match="killed: SIGKILL"):
        worker.request(MeasureSlice(2))


def _wait_until_it_spins(pid: int) -> None:
    """Wait until a process has used more than 5 ticks: on a busy machine it does not get them at once."""
    before = _used(pid)
    _wait_for(lambda: _used(pid) > before + 5)


def _ticks(pid: int, seconds: float) -> int:
    """Return the ticks of CPU time, of 10 ms mostly, that a process uses in some time."""
    before = _used(pid)
    time.sleep(seconds)
    return _used(pid) - before


def _used(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_worker_has_a_session_of_its_own_and_leaves_ctrl_c_to_the_parent(fake_app: Callable[..., Path]) -> None:
    worker = _opened(fake_app())
    assert os.getsid(worker.pid) == worker.pid != os.getsid(0)
    os.kill(worker.pid, signal.SIGINT)
    assert len(worker.request(MeasureSlice(2)).block) == 2 * 4 * 8
    worker.close()


@pytest.mark.parametrize("resting", [False, True])
def test_a_worker_dies_with_its_parent(fake_app: Callable[..., Path], tmp_path: Path, *, resting: bool) -> None:
    """Also while it is stuck in a run, or rests, and with all that its engine has started.

    The parent is killed outright and cannot tell it.
    """
    litter = tmp_path / "litter"
    program = (
        "import sys, json, time; from lpbench.worker.client import Worker, WorkerOptions\n"
        "from lpbench.worker import wire\n"
        "w = Worker(WorkerOptions()); print(w.pid, flush=True)\n"
        "w.request(wire.decode_request(json.loads(sys.argv[1])))\n"
        "w.suspend(); print('at rest', flush=True); time.sleep(60)"
    )
    import json

    faults = {} if resting else {"at": "load", "do": "hang"}
    request = json.dumps(wire.encode_request(_request(fake_app(litter=str(litter), **faults))))
    with subprocess.Popen([sys.executable, "-c", program, request], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        _wait_for(litter.is_file)
        if resting:
            assert parent.stdout.readline() == "at rest\n"
        pids = [pid, *_littered(litter)]
        parent.kill()
    _wait_for(lambda: not any(map(_alive, pids)))


@pytest.mark.parametrize(
    ("faults", "end"),
    [
        ({}, Worker.close),
        ({}, Worker.kill),
        ({"at": "run", "do": "crash"}, None),
        ({"at": "run", "do": "exit"}, None),
        ({"at": "run", "do": "kill"}, None),
        ({"at": "run", "do": "hang"}, None),
    ],
    ids=["closed", "killed", "crashes", "exits", "killed by itself", "hangs"],
)
def test_what_an_engine_started_ends_with_its_worker(
    fake_app: Callable[..., Path], tmp_path: Path, faults: dict[str, Any], end: Callable[[Worker], None] | None
) -> None:
    """A child, one deaf to SIGTERM, one with a session of its own, and daemons."""
    worker = _opened(
        fake_app(litter=str(tmp_path / "litter"), **faults), timeout=5.0 if "hang" in faults.values() else 20.0
    )
    pids = _littered(tmp_path / "litter")
    assert all(map(_alive, pids))
    if end:
        end(worker)
    else:
        with pytest.raises(WorkerError):
            worker.request(MeasureSlice(1), timeout=1.0 if "hang" in faults.values() else None)
    assert not any(map(_alive, [worker.pid, *pids]))


def test_a_crash_is_noticed_although_a_daemon_has_the_stream(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    """A daemon that was forked has inherited the worker's end of it and would hold it open for ever."""
    worker = _opened(fake_app(litter=str(tmp_path / "litter"), at="run", do="crash"))
    with pytest.raises(WorkerError) as caught:
        worker.request(MeasureSlice(1))
    assert str(caught.value.outcome) == "crashed: SIGSEGV while measuring"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV], ids=lambda each: each.name)
def test_what_ends_a_guardian_ends_the_worker_and_what_it_started(
    fake_app: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    """It is the parent's child, and so the first that is found by whoever looks for workers."""
    worker = _opened(fake_app(litter=str(tmp_path / "litter")))
    guardian = int(Path(f"/proc/{worker.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    os.kill(guardian, number)
    with pytest.raises(WorkerError, match=number.name):
        _wait_for(lambda: worker.request(MeasureSlice(1)) is None)  # the kernel may take a moment
    assert not any(map(_alive, _littered(tmp_path / "litter")))
    _wait_for(lambda: not _alive(worker.pid))  # the kernel ends it by itself


@pytest.mark.parametrize(
    ("counted", "words"),
    [(0, "killed: SIGKILL while measuring"), (1, "killed: SIGKILL (the system ran out of memory) while measuring")],
)
def test_a_worker_that_was_killed_says_where_memory_ran_out(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, counted: int, words: str
) -> None:
    """The kernel counts whom it ends for memory; without, nobody knows who it was."""
    worker = _opened(fake_app())
    before = process_state.oom_kills()
    monkeypatch.setattr(client, "oom_kills", lambda: before + counted)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError) as caught:
        worker.request(MeasureSlice(1))
    assert str(caught.value.outcome) == words
    assert "dmesg" in caught.value.hint


def test_a_limit_on_processes_is_how_a_worker_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself does not hold for root."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(WorkerError, match=r"a worker cannot be started: Resource temporarily unavailable\n.*ulimit -u"):
        Worker(WorkerOptions())


def test_a_limit_on_threads_is_how_a_worker_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(
        WorkerError, match=r"thread that reads .* cannot be started: can't start new thread\n.*ulimit -u"
    ):
        Worker(WorkerOptions())


def _littered(path: Path) -> list[int]:
    _wait_for(path.is_file)
    return list(map(int, path.read_text("ascii").split()))


def _wait_for(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 40
    while not happened():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet has ended all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
