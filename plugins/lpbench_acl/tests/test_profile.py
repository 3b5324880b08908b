"""The profile by operator: what AscendCL writes to a pipe, and sessions on the fake."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError
from lpbench_acl import _profile
from lpbench_acl._calls import Calls
from lpbench_acl._profile import OperatorTimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

X = np.random.default_rng(2).standard_normal((1, 3, 8, 8)).astype(np.float32)
MODEL, SETTINGS = 3, 91
RECORD = struct.Struct("<QQQ8x")
"""Number of the operator, start and duration; the vendor's has more."""
CONVOLUTION, LAYOUT = ("conv1", "Conv2D"), ("trans_TransData_0", "TransData")


class Profiler:
    """Writes records as the vendor's runtime does: names are told once, and the pipe is closed at the end.

    :param fails: Calls that fail.
    :param closes: Whether it closes the pipe; else whoever made it has to.
    :param current: Whether it has the newer calls.
    """

    def __init__(self, fails: Sequence[str] = (), *, closes: bool = True, current: bool = True) -> None:
        self._fails, self._closes = fails, closes
        self._names: dict[tuple[str, int], str] = {}
        self._number = 0
        self.pipe, self._inode = -1, 0
        self.held: set[str] = set()
        told = {
            "create_subscribe_config": self._create,
            "model_subscribe": lambda *_: self._code("model_subscribe"),
            "destroy_subscribe_config": self._destroy,
            "get_op_desc_size": lambda: (RECORD.size, 0),
            "get_op_start": lambda *place: self._record(*place)[1],
            "get_op_duration": lambda *place: self._record(*place)[2],
        }
        for what in ("name", "type"):
            told |= self._current(what) if current else self._old(what)
        told["model_unsubscribe" if current else "model_un_subscribe"] = self._end
        module: Any = SimpleNamespace(prof=SimpleNamespace(**told), get_recent_err_msg=lambda: "EK0201: no room")
        self.calls = Calls(module)

    def ran(self, *operators: tuple[tuple[str, str], int]) -> bytes:
        """Return the records of one run: name, type and microseconds of each operator."""
        found = b""
        for (name, kind), taken in operators:
            self._number += 1
            self._names["name", self._number], self._names["type", self._number] = name, kind
            found += RECORD.pack(self._number, 1000 * self._number, taken)
        return found

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.pipe, data) :]

    def ends(self) -> int:
        """Return how many ends of the pipe are open."""
        return [_inode(entry) for entry in Path("/proc/self/fd").iterdir()].count(self._inode)

    def _create(self, times: int, metrics: int, pipe: int) -> int:
        assert (times, metrics) == (1, 0xFF)
        self.pipe, self._inode = pipe, os.fstat(pipe).st_ino
        self.held.add("settings")
        return SETTINGS

    def _destroy(self, settings: int) -> int:
        assert settings == SETTINGS
        self.held.remove("settings")
        return 0

    def _end(self, model: int) -> int:
        assert model == MODEL
        if self._closes:
            os.close(self.pipe)
        return self._code("model_unsubscribe")

    def _code(self, name: str) -> int:
        return 148047 if name in self._fails else 0

    def _record(self, address: int, size: int, index: int) -> tuple[int, int, int]:
        number, start, taken = RECORD.unpack_from(ctypes.string_at(address, size), index * RECORD.size)
        return number, start, taken

    def _current(self, what: str) -> dict[str, Any]:
        def told(*place: int) -> tuple[str | None, int]:
            name = self._names.pop((what, self._record(*place)[0]), None)
            return name, 0 if name is not None else 100000

        return {f"get_op_{what}_v2": told}

    def _old(self, what: str) -> dict[str, Any]:
        def length(*place: int) -> tuple[int, int]:
            return len(self._names[what, self._record(*place)[0]]) + 1, 0

        def told(address: int, size: int, index: int, room: int) -> tuple[str, int]:
            name = self._names.pop((what, self._record(address, size, index)[0]))
            return (name, 0) if len(name) < room <= 4096 else ("", 100000)

        return {f"get_op_{what}_len": length, f"get_op_{what}": told}


def _inode(entry: Path) -> int:
    try:
        return entry.stat().st_ino
    except OSError:  # the folder itself was one of its files while it was read
        return 0


def subscribed(profiler: Profiler, *runs: bytes) -> OperatorTimes:
    times = OperatorTimes(profiler.calls, MODEL)
    for run in runs:
        profiler.write(run)
        times.add()
    return times


@pytest.mark.parametrize("current", [True, False], ids=["new", "old"])
def test_each_operator_has_the_mean_of_its_runs_without_the_first(*, current: bool) -> None:
    """In the order of execution, in both generations of the calls; a second question has the same answer."""
    profiler = Profiler(current=current)
    runs = [profiler.ran((LAYOUT, taken), (CONVOLUTION, 10 * taken)) for taken in (900, 1, 3)]
    times = subscribed(profiler, *runs)
    expected = [
        {
            "name": "trans_TransData_0",
            "type": "TransData",
            "category": "data arrangement",
            "ns": 2000,
            "runs_ns": [1000, 3000],
        },
        {"name": "conv1", "type": "Conv2D", "category": "convolution", "ns": 20_000, "runs_ns": [10_000, 30_000]},
    ]
    assert times.records() == expected
    assert times.records() == expected
    assert profiler.held == set()


def test_records_that_come_in_pieces_are_put_together() -> None:
    profiler = Profiler()
    times = subscribed(profiler, *[bytes([octet]) for octet in profiler.ran((CONVOLUTION, 7), (LAYOUT, 0))])
    assert [(record["name"], record["ns"]) for record in times.records()] == [("conv1", 7000), ("trans_TransData_0", 0)]


def test_an_operator_that_a_run_computes_twice_says_so() -> None:
    profiler = Profiler()
    runs = [profiler.ran((CONVOLUTION, 2), (LAYOUT, 1), (CONVOLUTION, taken)) for taken in (5, 6, 8)]
    first = subscribed(profiler, *runs).records()[0]
    assert (first["calls"], first["runs_ns"], first["ns"]) == (2, [8000, 10_000], 9000)


def test_more_records_than_a_pipe_holds_do_not_block_a_run() -> None:
    """Who writes would wait for ever if nobody read; of very many runs the mean alone is kept."""
    profiler = Profiler()
    times = subscribed(profiler, *[profiler.ran((CONVOLUTION, 4)) for _ in range(5000)])
    (found,) = times.records()
    assert found["ns"] == 4000
    assert "runs_ns" not in found


def test_what_no_memory_would_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_profile, "MOST_BYTES", 10 * RECORD.size + 5)
    profiler = Profiler()
    times = subscribed(profiler, *[profiler.ran((CONVOLUTION, 4)) for _ in range(20)])
    assert times.records()[0]["ns"] == 4000


@pytest.mark.parametrize("closes", [True, False])
def test_no_pipe_is_left(monkeypatch: pytest.MonkeyPatch, *, closes: bool) -> None:
    """Also of versions that do not close it; what has its number by then is not closed."""
    monkeypatch.setattr(_profile, "WAIT_S", 0.1)
    profiler = Profiler(closes=closes)
    times = subscribed(profiler, profiler.ran((CONVOLUTION, 4)))
    assert profiler.ends() == 2
    times.close()
    times.close()
    assert profiler.ends() == 0
    assert times.records()[0]["ns"] == 4000


def test_what_is_written_after_the_end_of_a_subscription_is_waited_for() -> None:
    """AscendCL closes the pipe when all is written, which may be later."""
    profiler = Profiler(closes=False)
    first, second = (profiler.ran((CONVOLUTION, taken)) for taken in (9, 4))
    times = subscribed(profiler, first)
    times.add()

    def finish() -> None:
        time.sleep(2 * _profile.POLL_MS / 1000)
        profiler.write(second)
        os.close(profiler.pipe)

    def end(_: int) -> int:
        threading.Thread(target=finish).start()
        return 0

    profiler.calls.module.prof.model_unsubscribe = end
    assert times.records()[0]["ns"] == 4000


def test_a_file_that_has_the_number_of_the_closed_pipe_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    profiler = Profiler(closes=False)
    times = subscribed(profiler)

    def replaced(name: str) -> bool:
        if name.endswith("model_unsubscribe"):
            os.dup2(other, profiler.pipe)
        return True

    other = os.open(os.devnull, os.O_RDONLY)
    monkeypatch.setattr(profiler.calls, "has", replaced)
    times.close()
    assert os.path.sameopenfile(other, profiler.pipe)
    os.close(profiler.pipe)
    os.close(other)


@pytest.mark.parametrize("call", ["model_subscribe", "model_unsubscribe"])
def test_a_refused_subscription_says_why_and_leaves_nothing(call: str) -> None:
    """As while msprof profiles this process."""
    profiler = Profiler([call])
    with pytest.raises(EngineError, match=f"acl.prof.{call} failed: .*148047.*: EK0201: no room"):
        subscribed(profiler).close()
    assert profiler.held == set()
    assert profiler.ends() == 0


def test_there_is_no_profile_before_a_run_nor_without_records() -> None:
    profiler = Profiler()
    times = subscribed(profiler)
    with pytest.raises(EngineError, match="has not run yet"):
        times.records()
    times.add()
    with pytest.raises(EngineError, match="told no times of operators"):
        times.records()


def test_a_name_that_is_no_text_is_an_error() -> None:
    profiler = Profiler()
    times = subscribed(profiler, RECORD.pack(77, 1, 2))
    with pytest.raises(EngineError, match="get_op_name_v2 failed"):
        times.records()


@pytest.mark.parametrize("api", ["new", "old"])
def test_a_session_tells_its_operators(models: Graphs, open_session: Opener, fake_acl: Fake, api: str) -> None:
    """In both generations of the calls, of which each name is asked for once; later runs do not count."""
    fake_acl.set(api=api)
    session = open_session(fake_acl.om(models.convolution(X.shape)), profile=True)
    for _ in range(4):
        session.run({"x": X})
    records = session.profile()
    convolution = next(record for record in records if record["category"] == "convolution")
    assert convolution["name"]
    assert all(record["ns"] > 0 and len(record["runs_ns"]) == 3 for record in records)
    session.run({"x": X})
    assert session.profile() == records


def test_a_profile_needs_a_run_and_a_session_for_it(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    path = fake_acl.om(models.one("Relu"))
    with pytest.raises(EngineError, match="the session has not run yet"):
        open_session(path, profile=True).profile()
    with pytest.raises(EngineError, match="was not opened with profile=True"):
        open_session(path).profile()


def test_a_session_without_its_profile_runs_and_says_why(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    fake_acl.set(fail_at="acl.prof.model_subscribe:1")
    session = open_session(fake_acl.om(models.one("Relu")), profile=True)
    assert session.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[1, 1, 1]]
    assert session.device_spans()
    with pytest.raises(EngineError, match=r"operators' times are not known: acl.prof.model_subscribe failed"):
        session.profile()
