"""``lpbench monitors``, tested on this machine and on boards that are kept as text."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import ConfigError
from lpbench.plugin.monitor import METRICS

BOARDS = Path(__file__).parent / "boards"
OF_RUNS = {"ENERGY_PER_INFERENCE", "ENERGY_EFFICIENCY", "INFERENCE_MEM_PEAK", "RESOURCE_PASS_SLOWDOWN"}


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["monitors", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_metric_of_this_machine_has_a_value_or_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys)["metrics"]
    assert {*METRICS, *OF_RUNS, "MEMORY_BANDWIDTH_PEAK"} <= set(found)
    for name, metric in found.items():
        assert (metric["value"] is None) == bool(metric.get("reason")), name
        assert metric["value"] is None or (metric["source"] and metric["scope"] and metric["monitor"]), name
    assert found["CPU_MEM"]["value"] > 5
    assert found["CPU_MEM"]["scope"] == "process"


def test_a_board_is_read_at_both_moments(capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "--root", str(BOARDS / "intel-nuc"))
    assert found["seconds"] == 2.0
    assert found["metrics"]["POWER_CONSUMPTION"]["value"] == pytest.approx(18.73)
    assert found["metrics"]["ENERGY"]["value"] == pytest.approx(2 * 18.73)
    assert found["metrics"]["ENERGY"]["seconds"] == 2.0


def test_the_screen_shows_values_then_reasons_together_and_parts_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = str(BOARDS / "raspberrypi5")
    assert main(["monitors", "--root", board]) == 0
    brief = capsys.readouterr().out
    assert main(["monitors", "--root", board, "-v"]) == 0
    verbose = capsys.readouterr().out
    values, reasons = brief.split("not known\n")
    assert "POWER_CONSUMPTION   4.36  W" in values
    assert "GPU_LOAD" not in values
    assert "NPU_LOAD, NPU_MEM, NPU_TEMP: " in reasons
    assert "lpbench run APP --resources" in reasons
    assert "POWER_CONSUMPTION/" not in brief
    assert "POWER_CONSUMPTION/" in verbose


def test_a_plain_root_is_a_machine_without_commands(tmp_path: Path) -> None:
    (tmp_path / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/type").write_text("cpu-thermal\n", encoding="utf-8")
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("48300\n", encoding="utf-8")
    found = lpbench.monitors(tmp_path)
    assert found.by_name()["CPU_TEMP"].value == pytest.approx(48.3)
    assert [each.name for each in found.known()] == ["CPU_TEMP"]
    assert "CPU_TEMP" in str(found)


def test_of_a_machine_with_several_power_sensors_that_is_the_reason(tmp_path: Path) -> None:
    for number in (0, 1):
        chip = tmp_path / f"sys/class/hwmon/hwmon{number}"
        chip.mkdir(parents=True)
        (chip / "name").write_text(f"chip{number}\n", encoding="utf-8")
        (chip / "power1_input").write_text("5000000\n", encoding="utf-8")
    found = lpbench.monitors(tmp_path).by_name()
    assert "several power sensors" in found["POWER_CONSUMPTION"].reason
    assert found["POWER_CONSUMPTION/chip0 power1"].value == 5.0
    assert "recorded" not in found["ENERGY"].reason


@pytest.mark.parametrize("content", ["", "{", '{"format": "other", "version": 1}', '{"format": "lpbench-recording"}'])
def test_what_is_no_machine_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    if content:
        (tmp_path / "recording.json").write_text(content, encoding="utf-8")
    assert main(["monitors", "--root", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_folder_or_a_monitor_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="/nowhere: is not a folder"):
        lpbench.monitors("/nowhere")
    with pytest.raises(ConfigError, match='there is no monitor "thermall"'):
        lpbench.monitors(options={"thermall": {}})


def _offer(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.skipif("sys.platform != 'linux'", reason="reads /proc")
def test_what_was_recorded_here_gives_the_same_metrics_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs, place = tmp_path / "bin", str(tmp_path / "board")
    _offer(
        programs,
        "vcgencmd",
        """
        case "$*" in
            measure_temp) echo "temp=44.1'C";;
            get_throttled) echo "throttled=0x2";;
            *) echo 'error=1 error_msg="Command not registered"';;
        esac""",
    )
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    here = _json(capsys, "--record", place)
    there = _json(capsys, "--root", place)
    told = [{name for name, each in found["metrics"].items() if each["value"] is not None} for found in (here, there)]
    assert told[0] == told[1] >= {"CPU_LOAD/foreign", "CPU_TEMP", "THROTTLING"}
    for name in ("CPU_TEMP", "THROTTLING"):
        assert here["metrics"][name] == there["metrics"][name]
    assert here["metrics"]["CPU_TEMP"]["value"] == pytest.approx(44.1)
    assert here["recorded"]["commands"] >= 2
    assert there["seconds"] == pytest.approx(2, abs=0.5)


def test_a_recording_tells_which_board_and_which_lpbench_it_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = lpbench.monitors(record="board").recorded
    assert made is not None
    about = (tmp_path / "board/about.md").read_text(encoding="utf-8")
    assert f"lpbench {lpbench.__version__}" in about
    assert "- kernel: " in about
    assert made.files == sum(path.is_file() for path in (tmp_path / "board/root").rglob("*"))
    assert not list((tmp_path / "board").glob("notes*"))
    assert lpbench.monitors(tmp_path / "board").machine == str(tmp_path / "board")


def test_a_folder_that_is_taken_is_not_recorded_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert main(["monitors", "--record", str(tmp_path)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["monitors", "--record", str(tmp_path / "new"), "--root", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.skipif("sys.platform != 'linux'", reason="reads /proc")
def test_ctrl_c_leaves_no_half_recording(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lpbench", "monitors", "--record", str(tmp_path / "board")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("proc/stat")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []
