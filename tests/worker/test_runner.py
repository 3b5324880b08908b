"""The runner's own words: what it refuses, and what JSON can carry of what plugins return."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.app.model_choice import merge
from lpbench.errors import EngineError
from lpbench.machine.process_memory import memory, reset_peak
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import TensorInfo
from lpbench.util.jsonable import to_jsonable
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import (
    BeginInterference,
    EndInterference,
    MeasureSlice,
    OpenReferenceKernel,
    OpenRequest,
    PinnedThreads,
    PinThreads,
    Predict,
)
from lpbench.worker.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

SEEN = (TensorInfo("data", "uint8", (1, 8)), TensorInfo("mask", "bool", (1,)))


def test_what_the_app_says_of_a_tensor_completes_what_the_engine_sees() -> None:
    stated = TensorInfo("data", "uint8", (), layout="NHWC", scale=0.5, zero_point=128)
    merged = merge(SEEN, [stated])
    assert merged[0] == TensorInfo("data", "uint8", (1, 8), "NHWC", 0.5, 128)
    assert merged[1] == SEEN[1]


def test_what_the_engine_knows_is_not_overridden() -> None:
    known = TensorInfo("data", "uint8", (1, 8), "NCHW", 0.25, 3)
    assert merge([known], [TensorInfo("data", "uint8", (), "", 0.5, 128)]) == (known,)


def test_a_layout_that_the_app_states_counts() -> None:
    """An engine takes four dimensions for its format's custom; whoever made the file knows better."""
    custom = TensorInfo("data", "uint8", (1, 3, 8, 8), "NHWC")
    (found,) = merge([custom], [TensorInfo("data", "uint8", (), "NCHW")])
    assert found.layout == "NCHW"


def test_a_tensor_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(EngineError, match=r'names a tensor "dota"; the model has data, mask\n.*did you mean "data"'):
        merge(SEEN, [TensorInfo("dota", "uint8", ())])


def test_another_type_than_the_model_has_is_named() -> None:
    with pytest.raises(EngineError, match='states "data" as float32; the model has uint8'):
        merge(SEEN, [TensorInfo("data", "float32", ())])


class _Array:
    """Looks like a numpy array or scalar."""

    def tolist(self) -> list[Any]:
        return [1.5, math.inf, [2]]


def test_what_json_cannot_carry_becomes_what_it_can() -> None:
    value = {1: (math.nan, _Array()), "path": Path("a"), "set": {3}, "ok": [True, None, "x", 2, 0.5]}
    expected = {"1": [None, [1.5, None, [2]]], "path": "a", "set": [3], "ok": [True, None, "x", 2, 0.5]}
    assert to_jsonable(value) == expected


def test_nothing_is_measured_before_something_is_open() -> None:
    with pytest.raises(EngineError, match="nothing is open"):
        Runner().handle(Predict())


def test_variables_of_the_engine_are_set_here_too_unless_the_caller_has_set_them(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAKE_TELEMETRY", raising=False)
    app = load_app(fake_app())
    request = OpenRequest(app.request(), EngineConfiguration("fake"))
    Runner().handle(request)
    assert os.environ["FAKE_TELEMETRY"] == "0"
    monkeypatch.setenv("FAKE_TELEMETRY", "1")
    Runner().handle(request)
    assert os.environ["FAKE_TELEMETRY"] == "1"


def test_the_peak_is_that_of_what_came_after_the_reset() -> None:
    large = bytearray(os.urandom(1 << 20) * 64)
    assert memory()["peak_bytes"] >= len(large)
    before = memory()["rss_bytes"]
    del large
    reset_peak()
    assert memory()["peak_bytes"] < before


def test_what_others_do_is_watched_and_told_as_json() -> None:
    runner = Runner()
    runner.handle(BeginInterference())
    time.sleep(0.05)
    found = runner.handle(EndInterference())
    assert found["seconds"] >= 0.05
    assert isinstance(found["disturbed"], str)
    assert to_jsonable(found) == found


@pytest.mark.long
@pytest.mark.parametrize("enough", [True, False])
def test_threads_that_compute_are_spread_over_the_cores_where_there_is_one_for_each(*, enough: bool) -> None:
    """The yardstick of two threads; the worker's further threads, which wait, may go where they like."""
    pytest.importorskip("numpy", reason="needs numpy")
    from lpbench.worker.reference_kernel import environment

    cores = sorted(os.sched_getaffinity(0))[: 2 if enough else 1]
    if len(cores) < 1 + enough:
        pytest.skip("needs two cores")
    with Worker(WorkerOptions(environment(2), affinity=cores)) as worker:
        facts = worker.request(OpenReferenceKernel(2))
        found = worker.request(PinThreads(40))
        places = [os.sched_getaffinity(int(each.name)) for each in Path(f"/proc/{worker.pid}/task").iterdir()]
    if "OpenBLAS" not in facts["blas"].split():
        pytest.skip("numpy has another BLAS")
    assert found.cores == (tuple(cores) if enough else ())
    assert sorted(core for each in places if len(each) == 1 for core in each) == (
        cores if enough else cores * len(places)
    )


def test_one_thread_stays_free() -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    from lpbench.worker.reference_kernel import environment

    with Worker(WorkerOptions(environment(1))) as worker:
        worker.request(OpenReferenceKernel())
        assert worker.request(PinThreads(10)) == PinnedThreads(1, ())
        assert os.sched_getaffinity(worker.pid) == os.sched_getaffinity(0)


def test_load_is_the_cpu_time_of_samples_without_that_of_decoding(fake_app: Callable[..., Path]) -> None:
    """Decoding takes CPU time here, between samples: neither the wall time nor the CPU time has it."""
    app = load_app(fake_app())
    runner = Runner()
    runner.handle(OpenRequest(app.request(), EngineConfiguration("fake"), samples=tuple(map(str, app.samples))))
    samples = runner._app.samples
    samples._remember = lambda *_: None  # type: ignore[method-assign] # each sample is larger than the cache
    load, decode = samples._preprocessor.load, []

    def slow(path: Path) -> Any:
        begun = time.process_time_ns()
        while time.process_time_ns() - begun < 2_000_000:
            pass
        decode.append(time.process_time_ns() - begun)
        return load(path)

    samples._preprocessor.load = slow  # type: ignore[method-assign]
    measured = runner.handle(MeasureSlice(40))
    assert len(decode) == 40
    assert measured.cpu_ns < sum(decode) / 4
    assert measured.wall_ns < sum(decode) / 4
