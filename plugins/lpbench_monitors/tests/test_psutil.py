"""The psutil monitor.  Tested with the real psutil on the hardware here, a Linux; on macOS and Windows nowhere."""

from __future__ import annotations

import math
import os
import time
from collections import namedtuple
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.lpbench_monitors.tests.proc_files import PID, reason, value

from lpbench.plugin.monitor import MonitorTarget, Reading
from lpbench.testing import monitor_checks
from lpbench_monitors import _psutil
from lpbench_monitors._psutil import PsutilMonitor, _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing import Machine

GONE = 2**22 + 1
WindowsTimes = namedtuple("WindowsTimes", "user system idle interrupt dpc")  # noqa: PYI024 - as psutil makes them
LinuxTimes = namedtuple("LinuxTimes", "user nice system idle iowait steal guest")  # noqa: PYI024 - likewise
Switches = namedtuple("Switches", "voluntary involuntary")  # noqa: PYI024 - likewise


@monitor_checks("psutil")
def test_psutil(check: Callable[[], None]) -> None:
    check()


def test_it_tells_load_and_memory_of_a_process() -> None:
    with PsutilMonitor(MonitorTarget(os.getpid())) as monitor:
        monitor.sample()
        begun = time.monotonic()
        while time.monotonic() < begun + 0.3:
            pass
        found = monitor.sample()
    assert 0 < value(found, "CPU_LOAD") <= 100
    assert 0 <= value(found, "CPU_LOAD/foreign") <= 100
    assert len([name for name in found if name.startswith("CPU_LOAD/core")]) == min(40, os.cpu_count() or 1)
    assert 1 < value(found, "CPU_MEM") < 100_000


def test_without_a_process_the_machine_s_load_is_told() -> None:
    with PsutilMonitor(MonitorTarget()) as monitor:
        monitor.sample()
        time.sleep(0.05)
        found = monitor.sample()
    assert reason(found, "CPU_LOAD").reason == reason(found, "CPU_MEM").reason == "no process is watched"
    assert 0 <= value(found, "CPU_LOAD/foreign") <= 100


def test_a_process_that_is_gone_has_ended() -> None:
    with PsutilMonitor(MonitorTarget(GONE)) as monitor:
        assert reason(monitor.sample(), "CPU_MEM").reason == f"process {GONE} has ended"


def test_a_recorded_machine_is_not_mistaken_for_this_one(machine: Machine) -> None:
    with PsutilMonitor(machine.target(PID)) as monitor:
        assert reason(monitor.sample(), "CPU_LOAD").code == "other-machine"


@pytest.mark.parametrize(
    ("error", "code"), [(psutil.AccessDenied(PID), "no-permission"), (psutil.NoSuchProcess(PID), "not-here")]
)
def test_what_psutil_may_not_read_is_a_reason(monkeypatch: pytest.MonkeyPatch, error: Exception, code: str) -> None:
    def refuse(self: psutil.Process) -> None:
        raise error

    with PsutilMonitor(MonitorTarget(os.getpid())) as monitor:
        monkeypatch.setattr(psutil.Process, "num_ctx_switches", refuse)
        found = monitor.sample()
    assert reason(found, "CPU_MEM").code == reason(found, "CPU_LOAD").code == code


@pytest.mark.parametrize("wrong", [math.nan, -1, math.inf])
def test_numbers_that_cannot_be_are_no_readings(monkeypatch: pytest.MonkeyPatch, wrong: float) -> None:
    with PsutilMonitor(MonitorTarget(os.getpid())) as monitor:
        monkeypatch.setattr(psutil.Process, "num_ctx_switches", lambda _: Switches(wrong, 0))
        found = monitor.sample()
    assert not any(isinstance(reading, Reading) for reading in found.values())


def test_switches_are_those_of_all_threads_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with PsutilMonitor(MonitorTarget(os.getpid())) as monitor:
        monkeypatch.setattr(_psutil, "_counts_first_thread", lambda: True)
        assert reason(monitor.sample(), "CONTEXT_SWITCHES").code == "not-supported"
        monkeypatch.setattr(_psutil, "_counts_first_thread", lambda: False)
        monkeypatch.setattr(psutil.Process, "num_ctx_switches", lambda _: Switches(7, 2))
        found = monitor.sample()
    assert value(found, "CONTEXT_SWITCHES") == 9
    assert value(found, "CONTEXT_SWITCHES/involuntary") == 2


def test_every_system_has_fields_of_its_own() -> None:
    assert _core(WindowsTimes(5, 3, 90, 1, 1)) == (10, 100)
    assert _core(LinuxTimes(5, 1, 3, 80, 10, 1, 4)) == (9, 100)  # the guest's time is part of the user's


@given(st.tuples(*[st.floats()] * 5))
def test_no_time_of_a_core_is_outside_its_range(numbers: tuple[float, float, float, float, float]) -> None:
    try:
        busy, total = _core(WindowsTimes(*numbers))
    except ValueError:
        return
    assert 0 <= busy <= total < math.inf
