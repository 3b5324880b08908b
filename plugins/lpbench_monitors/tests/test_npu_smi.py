"""Ascend NPUs.  Tested on fixtures: answers in the documented grammar, with numbers of our own; never on an NPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._npu_smi import NpuSmiMonitor
from lpbench_monitors._npu_smi_readings import Status, readings
from lpbench_monitors._npu_smi_text import COLUMNS, Chip, blocks, table, titles, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

RULER = "+===================+=================+======================================================+"
HEAD = f"""
+--------------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc3                                 Version: 23.0.rc3                                     |
+-------------------+-----------------+------------------------------------------------------------------+
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page)             |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                                    |
{RULER}
"""
SMALL = f"""{HEAD}| 0       310B4     | OK              | 7.5          51                12    / 15                 |
| 0       0         | NA              | 34           1500  / 7500                                         |
{RULER}
"""
WATCH = "npu-smi info watch -i 0 -c 0 -d 1 -s ptaicmb"
TITLES = "NpuID(Idx)  ChipId(Idx) Pwr(W)      Temp(C)     AI Core(%)  AI Cpu(%)   Ctrl Cpu(%) Memory(%)   Memory BW(%)"
ROW = "0           0           8.5         53          60          3           7           40          21"
USAGES = """
        NPU ID                         : 0
        Chip Count                     : 1

        Memory Capacity(MB)            : 7500
        Memory Usage Rate(%)           : 20
        Aicore Usage Rate(%)           : 71
        Aicpu Usage Rate(%)            : 4
        Ctrlcpu Usage Rate(%)          : 9
        Memory Bandwidth Usage Rate(%) : 17
        Chip ID                        : 0
"""
POWER = """
        NPU ID                         : 0
        Chip Count                     : 1

        NPU Real-time Power(W)         : 9.5
        Chip ID                        : 0

        Power Dissipation(W)           : 17.5
        Chip Name                      : MCU
"""
COMMON = """
        NPU ID                         : 0
        Chip Count                     : 1

        Chip ID                        : 0
        Memory Usage Rate(%)           : 20
        Aicore Usage Rate(%)           : 71
        Temperature(C)                 : 52
        Rated Power Dissipation(W)     : 4.0

        Chip Name                      : MCU
        Temperature(C)                 : 36
        Power Dissipation(W)           : 17.5
"""
ASKED = {
    "npu-smi info -t usages -i 0 -c 0": USAGES,
    "npu-smi info -t power -i 0": POWER,
    "npu-smi info -t common -i 0": COMMON,
}
ALL = ("NPU_LOAD", "NPU_MEM", "NPU_TEMP", "POWER_CONSUMPTION")


@pytest.mark.long
@monitor_checks("npu-smi")
def test_npu_smi(check: Callable[[], None]) -> None:
    check()


def values(found: Readings) -> dict[str, float]:
    return {name: each.value for name, each in found.items() if isinstance(each, Reading)}


def sampled(machine: Machine) -> Readings:
    with NpuSmiMonitor(machine.target()) as monitor:
        return monitor.sample()


def test_a_machine_without_npu_smi_says_so(machine: Machine) -> None:
    found = sampled(machine)
    assert sorted(found) == sorted(ALL)
    assert all(isinstance(each, Unavailable) and each.code == "not-installed" and each.hint for each in found.values())


def test_rows_of_watch_are_followed_without_running_a_command_for_each_sample(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, WATCH: f"{TITLES}\n{ROW}\n"})
    with NpuSmiMonitor(machine.target()) as monitor:
        first = values(monitor.sample())
        machine.commands.streams[0].ready = [ROW.replace("60 ", "80 ")]
        machine.now += 1
        second = monitor.sample()
    assert first["NPU_LOAD"] == 60
    assert first["NPU_LOAD/npu0/memory-bandwidth"] == 21
    assert first["NPU_MEM"] == 3000  # 40 % of 7500 MB
    assert (first["NPU_TEMP"], first["POWER_CONSUMPTION"]) == (53, 8.5)
    load = second["NPU_LOAD"]
    assert isinstance(load, Reading)
    assert (load.value, load.at) == (80, machine.now)
    assert machine.commands.asked == ["npu-smi info", WATCH]
    assert machine.commands.streams[0].closed


def test_until_watch_prints_its_first_row_the_table_counts(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, WATCH: TITLES})
    with NpuSmiMonitor(machine.target()) as monitor:
        assert values(monitor.sample())["NPU_LOAD"] == 34


def test_a_row_of_watch_is_one_reading_however_often_it_is_sampled(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, WATCH: f"{TITLES}\n{ROW}\n"})
    with NpuSmiMonitor(machine.target()) as monitor:
        assert values(monitor.sample())["NPU_LOAD"] == 60
        for _ in range(4):
            machine.now += 0.2
            assert monitor.sample() == {}
        machine.commands.streams[0].ready = [ROW]
        assert values(monitor.sample())["NPU_LOAD"] == 60


@pytest.mark.parametrize("trouble", ["ends", "falls silent"])
def test_where_watch_stops_the_npu_is_asked(machine: Machine, trouble: str) -> None:
    machine.answers.update({"npu-smi info": SMALL, WATCH: f"{TITLES}\n{ROW}\n", **ASKED})
    with NpuSmiMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.commands.streams[0].status = "exit status 1" if trouble == "ends" else ""
        machine.now += 1 if trouble == "ends" else 6
        found = values(monitor.sample())
    assert (found["NPU_LOAD"], found["NPU_TEMP"]) == (71, 52)
    assert machine.commands.streams[0].closed


def test_without_watch_usages_power_and_temperature_are_asked(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, **ASKED})
    found = sampled(machine)
    told = values(found)
    assert (told["NPU_LOAD"], told["NPU_LOAD/npu0/aicpu"], told["NPU_LOAD/npu0/ctrlcpu"]) == (71, 4, 9)
    assert (told["NPU_MEM"], told["NPU_TEMP"]) == (1500, 52)
    assert told["POWER_CONSUMPTION"] == 9.5  # neither the rated 4 W nor the board's
    board = found["POWER_CONSUMPTION/board"]
    assert isinstance(board, Reading)
    assert (board.value, board.scope) == (17.5, "module")


def test_usages_without_a_chip_number_serve_too(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, "npu-smi info -t usages -i 0": USAGES})
    assert values(sampled(machine))["NPU_LOAD"] == 71


def test_where_usages_are_refused_the_table_counts(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, "npu-smi info -t power -i 0": POWER})
    told = values(sampled(machine))
    assert told == {
        "NPU_LOAD": 34,
        "NPU_LOAD/npu0": 34,
        "NPU_MEM": 1500,
        "NPU_MEM/npu0": 1500,
        "NPU_TEMP": 51,
        "NPU_TEMP/npu0": 51,
        "POWER_CONSUMPTION": 7.5,
        "POWER_CONSUMPTION/npu0": 7.5,
    }


def test_the_board_is_surveyed_where_watch_runs(machine: Machine) -> None:
    machine.answers.update({"npu-smi info": SMALL, WATCH: ROW, **ASKED})
    with NpuSmiMonitor(machine.target()) as monitor:
        assert values(monitor.survey()) == {"POWER_CONSUMPTION/board": 17.5}


def test_an_npu_that_vanishes_and_comes_back_is_followed(machine: Machine) -> None:
    machine.answers["npu-smi info"] = SMALL
    with NpuSmiMonitor(machine.target()) as monitor:
        assert values(monitor.sample())["NPU_LOAD"] == 34
        machine.answers["npu-smi info"] = HEAD
        assert all(isinstance(each, Unavailable) for each in monitor.sample().values())
        machine.answers["npu-smi info"] = SMALL
        assert values(monitor.sample())["NPU_LOAD"] == 34


def test_npus_of_a_server_are_averaged_summed_and_told_apart() -> None:
    rows = "".join(
        f"| {n}     910B3   | OK   | {90 + n}.5       {40 + n}                0    / 0    |\n"
        f"| 0             | 0000:C{n}:00.0  | {n * 10}           0    / 0          59356/ 65536         |\n{RULER}\n"
        for n in range(3)
    )
    process = (
        "| NPU     Chip    | Process id    | Process name | Process memory(MB) |\n| 0  0 | 4242 | python | 77/ 99 |\n"
    )
    told = values(readings(Status(table(HEAD + rows + process), "npu-smi info", 0)))
    assert (told["NPU_LOAD"], told["NPU_TEMP"]) == (10, 42)
    assert told["NPU_MEM"] == 3 * 59356
    assert told["POWER_CONSUMPTION"] == 90.5 + 91.5 + 92.5
    assert told["NPU_LOAD/npu2"] == 20


def test_two_chips_of_one_npu_share_its_power_row() -> None:
    text = f"""{HEAD}| 3     Ascend910   | OK | 170.5       35      0    / 0   |
| 0     6           | 0000:9D:00.0  | 10           0    / 0          3000 / 65536  |
+-----+
| 3     Ascend910   | OK | -           37      0    / 0   |
| 1     7           | 0000:9F:00.0  | 30           0    / 0          5000 / 65536  |
"""
    told = values(readings(Status(table(text), "npu-smi info", 0)))
    assert (told["NPU_LOAD/npu3/chip0"], told["NPU_LOAD/npu3/chip1"], told["NPU_LOAD"]) == (10, 30, 20)
    assert (told["NPU_MEM"], told["POWER_CONSUMPTION"], told["NPU_TEMP"]) == (8000, 170.5, 37)


def test_the_sum_is_missing_where_one_npu_is_silent() -> None:
    chips = (Chip(0, 0, load=10, memory=100, power=9), Chip(1, 0, load=20, temperature=40))
    found = readings(Status(chips, "npu-smi info", 0))
    told = values(found)
    assert (told["NPU_LOAD"], told["NPU_TEMP"], told["POWER_CONSUMPTION/npu0"]) == (15, 40, 9)
    assert isinstance(found["NPU_MEM"], Unavailable)
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)
    assert "NPU 1" in found["POWER_CONSUMPTION"].reason


def test_the_rated_power_of_an_ascend_310_is_no_power() -> None:
    text = SMALL.replace("310B4", "310  ")
    found = readings(Status(table(text), "npu-smi info", 0))
    assert values(found)["NPU_LOAD"] == 34
    power = found["POWER_CONSUMPTION"]
    assert isinstance(power, Unavailable)
    assert (power.code, "rated" in power.reason) == ("no-sensor", True)


@pytest.mark.parametrize("nonsense", ["NA", "-263", "nan", "1e400", "9" * 30, "N/A", "511"])
def test_a_temperature_or_power_that_cannot_be_is_none(nonsense: str) -> None:
    text = SMALL.replace(" 51 ", f" {nonsense} ").replace("7.5  ", "-2.5  ")
    found = readings(Status(table(text), "npu-smi info", 0))
    assert isinstance(found["NPU_TEMP"], Unavailable)
    assert isinstance(found["POWER_CONSUMPTION"], Unavailable)
    assert values(found)["NPU_LOAD"] == 34


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("dcmi module initialize failed. ret is -8005", "failed"),
        ("dcmi module initialize failed. ret is -8002", "no-permission"),
    ],
)
@pytest.mark.parametrize("status", [0, 255])
def test_errors_of_the_driver_have_a_hint(machine: Machine, words: str, code: str, status: int) -> None:
    failed = Unavailable(f"npu-smi info: exit status {status}: {words}", "failed")
    machine.answers["npu-smi info"] = failed if status else words + "\n"
    load = sampled(machine)["NPU_LOAD"]
    assert isinstance(load, Unavailable)
    assert words in load.reason
    assert (load.code, "HwHiAiUser" in load.hint) == (code, True)


def test_a_command_that_hangs_costs_its_metrics_alone(machine: Machine) -> None:
    silent = Unavailable("npu-smi info did not answer within 3 s", "failed")
    machine.answers["npu-smi info"] = silent
    assert sampled(machine)["NPU_LOAD"] == silent


def test_a_table_that_ends_early_gives_the_whole_rows(machine: Machine) -> None:
    machine.answers["npu-smi info"] = SMALL[: SMALL.index("1500")]
    found = sampled(machine)
    assert values(found)["NPU_LOAD"] == 34
    assert isinstance(found["NPU_MEM"], Unavailable)


def test_blocks_name_their_chip_before_or_after_its_values() -> None:
    before = "Chip ID : 0\nAicore Usage Rate(%) : 10\nChip ID : 1\nAicore Usage Rate(%) : 30\n"
    after = "Aicore Usage Rate(%) : 10\nChip ID : 0\nAicore Usage Rate(%) : 30\nChip ID : 1\n"
    for text in (before, after):
        assert [(chip.chip, chip.load) for chip in blocks(text, 0).chips] == [(0, 10), (1, 30)]


@pytest.mark.parametrize("between", ["\n", ""])
def test_the_power_of_the_board_is_never_that_of_a_chip_without_a_number(between: str) -> None:
    text = COMMON.replace("        Chip ID                        : 0\n", "").replace("4.0\n\n", f"4.0\n{between}")
    found = blocks(text, 0)
    assert {chip.power for chip in found.chips} <= {None}
    assert found.board in ({17.5} if between else {17.5, None})


def test_hbm_and_ddr_count_together() -> None:
    text = "DDR Capacity(MB) : 1000\nDDR Usage Rate(%) : 50\nHBM Capacity(MB) : 4000\nHBM Usage Rate(%) : 25\n"
    assert blocks(text, 0).chips[0].memory == 1500
    assert blocks(text.replace(": 25", ": NA"), 0).chips[0].memory is None


def test_columns_of_watch_are_found_by_their_titles() -> None:
    columns = titles(TITLES)
    assert columns == COLUMNS
    swapped = titles("NpuID(Idx)  ChipId(Idx) Temp(C)     Pwr(W)")
    assert swapped
    found = watched("0 0 44 NA", swapped, Chip(0, 0))
    assert found
    assert (found.temperature, found.power) == (44, None)


def possible(chips: tuple[Chip, ...]) -> None:
    for name, found in readings(Status(chips, "npu-smi", 0.0)).items():
        if isinstance(found, Reading):
            allowed = METRICS[name.partition("/")[0]]
            assert allowed.least <= found.value <= allowed.most
            assert name.isprintable()


CELLS = st.sampled_from(
    ["|", "+==+\n", "\n", "0", "7", "310", "OK", "NA", "/", "-5", "1e9", "99999999999", " ", "nan", "²"]
)
LINES = st.sampled_from(
    [*USAGES.splitlines(), *POWER.splitlines(), *COMMON.splitlines(), "Temperature(C) : nan", ":", ""]
)


@given(st.one_of(st.text(), st.lists(CELLS, max_size=80).map(" ".join)))
def test_any_text_is_a_table_of_possible_values(text: str) -> None:
    possible(table(text))


@given(st.one_of(st.text(), st.lists(LINES, max_size=30).map("\n".join)))
def test_any_text_is_blocks_of_possible_values(text: str) -> None:
    possible(blocks(text, 0).chips)


@given(st.one_of(st.text(), st.lists(CELLS, max_size=12).map(" ".join)))
def test_any_line_of_watch_gives_possible_values(line: str) -> None:
    columns = titles(line) or COLUMNS
    found = watched(line, columns, Chip(0, 0, capacity=1000))
    possible((found,) if found else ())
