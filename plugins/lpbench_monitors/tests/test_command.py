"""``lpbench monitors``, tested on this machine and on boards that are kept as text."""

from __future__ import annotations

import json
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
