"""A failure at every single call of the libraries, and a device that is lost: errors that say so, nothing left behind.

The table of calls and outcomes: ``pytest -s plugins/lpbench_trt/tests/test_failures.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.failing_calls import OneSession, Rules, call_itself, fail_each
from lpbench.testing.onnx_models import FLOAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
RELEASES = dict.fromkeys(
    (
        "cudaFree",
        "cudaFreeHost",
        "cudaStreamDestroy",
        "cudaEventDestroy",
        "cudaGraphDestroy",
        "cudaGraphExecDestroy",
    ),
    1,
)
"""Of what these fail to free, the fake keeps one thing each."""
GOES_ON = {
    "ICudaEngine.create_engine_inspector": "the precision is not known, with the reason",
    "cudaGetDevice": "the fake asks for itself",
    "EngineInspector.get_engine_information": "the precision is not known, with the reason",
}
"""Calls whose failure costs a fact alone."""


def plain(models: Graphs) -> tuple[Path, dict[str, Any]]:
    return models.one("Relu", (2, 3)), {}


def profiled(models: Graphs) -> tuple[Path, dict[str, Any]]:
    return models.one("Relu", (2, 3)), {"profile": True, "wait": "block"}


def captured(models: Graphs) -> tuple[Path, dict[str, Any]]:
    return models.one("Relu", (2, 3)), {"graph": True}


def decided_by_data(models: Graphs) -> tuple[Path, dict[str, Any]]:
    node = onnx.helper.make_node("NonZero", ["x"], ["y"], name="positions")
    return models.save([node], [("x", FLOAT, (2, 3))], [("y", onnx.TensorProto.INT64, (2, "K"))]), {}


def reasons(call: str) -> Iterable[str]:
    """Return what an error may say instead of the function: TensorRT's own words, and those of its bindings."""
    return *call_itself(call), "asked for", "factory function"


@pytest.mark.long
@pytest.mark.parametrize("scenario", [plain, profiled, captured, decided_by_data])
def test_every_call_may_fail(
    models: Graphs,
    open_session: Opener,
    fake_tensorrt: Fake,
    scenario: Callable[[Graphs], tuple[Path, dict[str, Any]]],
) -> None:
    """From the first call to the last, each in a session of its own: an EngineError that names file and call."""
    path, options = scenario(models)
    program = OneSession(open_session, path, {"x": X}, options=options)
    table = fail_each(fake_tensorrt, program, Rules(RELEASES, GOES_ON, reasons))
    print(f"\n{scenario.__name__}: {table}")  # noqa: T201 - the table of the docstring
    assert len(table.outcomes) > len(GOES_ON)


@pytest.mark.parametrize("raised", [False, True])
def test_each_failure_has_its_own_reason(
    models: Graphs, open_session: Opener, fake_tensorrt: Fake, monkeypatch: pytest.MonkeyPatch, *, raised: bool
) -> None:
    """Reasons stand in TensorRT's log alone; that of an earlier failure is not the reason of a later one."""
    from lpbench_trt._logger import log

    session = open_session(*plain(models))
    trt = fake_tensorrt.module
    for reason in ("first reason", "second reason"):

        def fail(*_: object, reason: str = reason) -> bool:
            log().log(trt.ILogger.Severity.ERROR, reason)
            if raised:
                raise RuntimeError("Internal error")
            return False

        monkeypatch.setattr(trt.IExecutionContext, "execute_async_v3", fail)
        with pytest.raises(EngineError, match=reason) as caught:
            session.run({"x": X})
        assert ("first" in str(caught.value)) == (reason == "first reason")


def several(session: Session) -> None:
    for _ in range(9):
        session.run({"x": X})


@pytest.mark.parametrize("scenario", [plain, captured, decided_by_data])
def test_a_device_that_is_lost_closes_the_session_once(
    models: Graphs,
    open_session: Opener,
    fake_tensorrt: Fake,
    scenario: Callable[[Graphs], tuple[Path, dict[str, Any]]],
) -> None:
    """Whichever call of CUDA's is the first to tell: one error with the reason, then the session is closed."""
    path, how = scenario(models)
    for number in range(1, 6):
        fake_tensorrt.begin()
        session = open_session(path, **how)
        session.run({"x": X})
        session.run({"x": X})
        done = sum(name.startswith("cuda") for name in fake_tensorrt.calls())
        fake_tensorrt.set(lost_at=done + number)
        with pytest.raises(EngineError, match=r"the device is lost and the session is closed\n.*dmesg"):
            several(session)
        with pytest.raises(EngineError, match=r": the session is closed$"):
            session.run({"x": X})
        session.close()
        open_session.sessions.clear()
        fake_tensorrt.set(lost_at=0)
