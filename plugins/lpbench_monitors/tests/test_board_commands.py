"""tegrastats and vcgencmd as programs that hang and fail.  Tested on scripts of our own (fixtures)."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.monitor import FileTree, MonitorTarget, Reading, SystemCommands, Unavailable
from lpbench_monitors._emc import EmcMonitor
from lpbench_monitors._ina3221 import Ina3221Monitor
from lpbench_monitors._jetson_gpu import JetsonGpuMonitor
from lpbench_monitors._tegrastats import TegrastatsMonitor
from lpbench_monitors._vcgencmd import VcgencmdMonitor

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.monitor import Monitor, Readings
    from lpbench.testing import Machine

LINE = "RAM 9/99MB (lfb 1x4MB) CPU [1%@1000] GR3D_FREQ {load}%@500 CPU@40C VDD_IN 4000mW/4000mW"
PATIENCE_S = 20.0


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is searched for programs before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def script(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def here(folder: Path) -> MonitorTarget:
    return MonitorTarget(None, FileTree(folder), SystemCommands(), 0.1)


def awaited(monitor: Monitor, metric: str) -> Readings:
    """Return the first sample that tells of a metric."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = monitor.sample()
        if metric in found:
            return found
        time.sleep(0.01)
    raise AssertionError("no sample in time")


def test_tegrastats_is_followed_until_it_fails(programs: Path, tmp_path: Path) -> None:
    script(programs, "tegrastats", f"echo '{LINE.format(load=7)}'; sleep 0.2; exit 3")
    with TegrastatsMonitor(here(tmp_path)) as monitor:
        load = awaited(monitor, "GPU_LOAD")["GPU_LOAD"]
        while not isinstance(ended := awaited(monitor, "GPU_LOAD")["GPU_LOAD"], Unavailable):
            pass  # it lives for some moments
    assert isinstance(load, Reading)
    assert load.value == 7
    assert "exit status 3" in ended.reason


def test_half_a_line_is_none_until_it_is_complete(programs: Path, tmp_path: Path) -> None:
    script(programs, "tegrastats", f"printf '{LINE[:30]}'; sleep 30")
    with TegrastatsMonitor(here(tmp_path)) as monitor:
        silent = awaited(monitor, "CPU_TEMP")["CPU_TEMP"]
    assert isinstance(silent, Unavailable)
    assert "no line" in silent.reason


def test_leaving_ends_tegrastats(programs: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    body = f"trap 'touch {mark}; exit 0' TERM; while true; do echo '{LINE.format(load=1)}'; sleep 0.05; done"
    script(programs, "tegrastats", body)
    with TegrastatsMonitor(here(tmp_path)) as monitor:
        awaited(monitor, "GPU_LOAD")
    assert mark.exists()


def test_a_vcgencmd_that_hangs_keeps_the_deadline_and_says_so(programs: Path, tmp_path: Path) -> None:
    script(programs, "vcgencmd", "sleep 30")
    with VcgencmdMonitor(here(tmp_path)) as monitor:
        begun = time.monotonic()
        found = monitor.sample()
        assert time.monotonic() - begun < 4
    assert all("did not answer" in str(told) for told in found.values())


def test_a_firmware_that_refuses_by_its_exit_status_has_no_sensor(programs: Path, tmp_path: Path) -> None:
    body = """case "$1" in
    measure_temp) echo "temp=50.1'C";;
    *) echo 'error=1 error_msg="Command not registered"'; exit 254;;
    esac"""
    script(programs, "vcgencmd", body)
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.5\0", encoding="utf-8")
    with VcgencmdMonitor(here(tmp_path)) as monitor:
        found = monitor.sample()
    power, temperature = found["POWER_CONSUMPTION"], found["CPU_TEMP"]
    assert isinstance(power, Unavailable)
    assert power.code == "no-sensor"
    assert isinstance(temperature, Reading)
    assert temperature.value == 50.1


class Locked(FileTree):
    """Files that are there and that this user may not read, by how their names end."""

    endings = ("curr1_input", "/load", "mc_all")

    def text(self, name: str) -> str | None:
        return None if name.endswith(self.endings) else super().text(name)

    def missing(self, name: str) -> Unavailable:
        if name.endswith(self.endings) and self.exists(name):
            return Unavailable(f"/{name} may not be read by this user", "no-permission")
        return super().missing(name)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        (Ina3221Monitor, "POWER_CONSUMPTION"),
        (JetsonGpuMonitor, "GPU_LOAD"),
        (EmcMonitor, "MEMORY_BANDWIDTH"),
    ],
)
def test_a_file_that_may_not_be_read_has_a_hint(machine: Machine, kind: type[Monitor], metric: str) -> None:
    chip = "sys/bus/i2c/devices/1-0040"
    machine.write(f"{chip}/name", "ina3221")
    machine.write(f"{chip}/hwmon/hwmon1/in1_label", "VDD_IN")
    machine.write(f"{chip}/hwmon/hwmon1/in1_input", 5000)
    machine.write(f"{chip}/hwmon/hwmon1/curr1_input", 1000)
    machine.write("sys/devices/gpu.0/load", 500)
    machine.write("sys/kernel/actmon_avg_activity/mc_all", 1000)
    with kind(dataclasses.replace(machine.target(), files=Locked(machine.folder))) as monitor:
        told = monitor.sample()[metric]
    assert isinstance(told, Unavailable)
    assert told.code == "no-permission"
    assert "root" in told.hint
