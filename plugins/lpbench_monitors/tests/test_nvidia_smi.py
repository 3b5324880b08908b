"""NVIDIA GPUs through nvidia-smi.  Tested on fixtures: answers with numbers of our own, in the documented format."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, FileTree, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._nvidia_smi import COMMAND, NvidiaSmiMonitor, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings

LINE = " ".join(COMMAND)
ONE = "0, Stub H1, 37, 1000, 54, 61.25, 1410\n"
TWO = ONE + "1, Stub H1, 41, 3000, 60, 80.75, 1290\n"
BOTH = {"gpu0", "gpu1"}
GIVEN = {"GPU_LOAD", "GPU_MEM", "GPU_TEMP", "GPU_FREQ", "POWER_CONSUMPTION"}


@pytest.mark.long
@monitor_checks("nvidia-smi")
def test_nvidia_smi(check: Callable[[], None]) -> None:
    check()


def sampled(machine: Machine, answer: str | Unavailable) -> Readings:
    machine.answers[LINE] = answer
    with NvidiaSmiMonitor(machine.target()) as monitor:
        return monitor.sample()


def values(readings: Readings) -> dict[str, float]:
    return {name: each.value for name, each in readings.items() if isinstance(each, Reading)}


def reason(readings: Readings, name: str) -> Unavailable:
    found = readings[name]
    assert isinstance(found, Unavailable)
    return found


def test_a_gpu_tells_each_metric(machine: Machine) -> None:
    found = values(sampled(machine, ONE))
    assert found["GPU_LOAD"] == found["GPU_LOAD/gpu0"] == 37
    assert found["GPU_MEM"] == found["GPU_MEM/device"] == pytest.approx(1048.576)
    assert found["GPU_TEMP"] == 54
    assert found["GPU_FREQ"] == 1410
    assert found["POWER_CONSUMPTION"] == 61.25


def test_two_gpus_are_one_figure_and_two_parts(machine: Machine) -> None:
    found = values(sampled(machine, TWO))
    assert (found["GPU_LOAD"], found["GPU_LOAD/gpu1"]) == (39, 41)
    assert found["GPU_TEMP"] == 60
    assert found["POWER_CONSUMPTION"] == 142
    assert found["GPU_MEM"] == pytest.approx(4194.304)


@pytest.mark.parametrize(
    "line", ["1, Stub H1, 41, 3000, 60, 80,75, 1290\n", "1, Stub H1, 41, 3000, 60, 80.75, 12", "1, St"]
)
def test_a_gpu_whose_line_has_another_form_or_was_cut_tells_nothing(machine: Machine, line: str) -> None:
    """Its values cannot be told apart by their places, and sums without it would be too small."""
    readings = sampled(machine, ONE + line)
    found = values(readings)
    assert not any(name.endswith("gpu1") for name in found)
    assert found["POWER_CONSUMPTION/gpu0"] == 61.25
    assert reason(readings, "POWER_CONSUMPTION").code == "not-read"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("[N/A]", "not-supported"),
        ("N/A", "not-supported"),
        ("[Not Supported]", "not-supported"),
        ("[Insufficient Permissions]", "no-permission"),
        ("[Unknown Error]", "failed"),
        ("ERR!", "failed"),
        ("[GPU is lost]", "failed"),
        ("nan", "not-read"),
        ("", "not-read"),
        ("-12.0", "not-read"),
        ("99999999", "not-read"),
    ],
)
def test_a_value_that_is_none_fails_alone(machine: Machine, cell: str, code: str) -> None:
    readings = sampled(machine, ONE.replace("61.25", cell))
    assert "POWER_CONSUMPTION" not in values(readings)
    assert reason(readings, "POWER_CONSUMPTION").code == code
    assert set(values(readings)) >= GIVEN - {"POWER_CONSUMPTION"}


def test_a_sum_that_lacks_a_gpu_is_no_sum(machine: Machine) -> None:
    readings = sampled(machine, TWO.replace("80.75", "[N/A]"))
    assert reason(readings, "POWER_CONSUMPTION").reason.startswith("gpu1: ")
    assert values(readings)["POWER_CONSUMPTION/gpu0"] == 61.25


@pytest.mark.parametrize("status", ["exit status 9: ", ""])
def test_a_driver_that_does_not_answer_has_a_hint(machine: Machine, status: str) -> None:
    words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that"
    answer = Unavailable(f"nvidia-smi --query: {status}{words}", "failed") if status else words
    readings = sampled(machine, answer)
    assert set(readings) == GIVEN
    assert reason(readings, "GPU_LOAD").code == "not-here"
    assert "modprobe nvidia" in reason(readings, "GPU_LOAD").hint


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch", "failed"),
        ("Failed to initialize NVML: Insufficient Permissions", "no-permission"),
        ("No devices were found", "not-here"),
        ("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system", "failed"),
        ("did not answer within 4 s", "failed"),
        ("not installed: nvidia-smi", "not-installed"),
    ],
)
def test_a_command_that_fails_is_the_reason_of_all(machine: Machine, words: str, code: str) -> None:
    original = Unavailable(words, "not-installed" if "installed" in words else "failed")
    readings = sampled(machine, original)
    assert set(readings) == GIVEN
    assert {reason(readings, name).code for name in GIVEN} == {code}


@pytest.mark.parametrize("answer", ["", "0, Stub H1, 37", "\x00\xff,,,,,,", "index, name, a, b", ONE[:-8], ONE[:-3]])
def test_a_garbled_or_truncated_answer_is_a_reason(machine: Machine, answer: str) -> None:
    readings = sampled(machine, answer)
    assert not values(readings)
    assert reason(readings, "GPU_LOAD").code == "not-read"


def test_it_comes_back(machine: Machine) -> None:
    machine.answers[LINE] = Unavailable("did not answer", "failed")
    with NvidiaSmiMonitor(machine.target()) as monitor:
        assert not values(monitor.sample())
        machine.answers[LINE] = ONE
        assert values(monitor.sample())["GPU_LOAD"] == 37


@pytest.mark.parametrize(
    ("visible", "parts"),
    [("1", {"gpu1"}), ("0,1", BOTH), ("GPU-1", BOTH), ("-1", set()), ("", set())],
)
def test_gpus_that_cuda_does_not_see_do_not_count(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, visible: str, parts: set[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    machine.answers[LINE] = TWO
    readings = NvidiaSmiMonitor(replace(machine.target(), files=FileTree())).sample()
    assert {name.partition("/")[2] for name in values(readings) if name.startswith("GPU_LOAD/")} == parts
    assert set(readings) >= GIVEN


def test_what_this_process_sees_says_nothing_about_a_recorded_machine(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert values(sampled(machine, TWO))["POWER_CONSUMPTION"] == 142


CELLS = st.one_of(st.integers(-(10**9), 10**9).map(str), st.floats().map(str), st.text(max_size=12))


ROWS = st.lists(CELLS, min_size=5, max_size=5).map(lambda cells: f"0, Stub H1, {', '.join(cells)}\n")
READ = ("GPU_LOAD", "GPU_MEM", "GPU_TEMP", "POWER_CONSUMPTION", "GPU_FREQ")


@given(st.one_of(st.text(), ROWS, st.lists(st.one_of(ROWS, st.text())).map("".join)))
def test_any_text_is_values_that_can_be_or_a_reason(text: str) -> None:
    rows = parse(text)
    if isinstance(rows, Unavailable):
        assert rows.reason
        return
    for row in rows.values():
        for metric, value in zip(READ, row.values(), strict=True):
            assert isinstance(value, Unavailable) or METRICS[metric].least <= value <= METRICS[metric].most
