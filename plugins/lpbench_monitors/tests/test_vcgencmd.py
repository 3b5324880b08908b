"""vcgencmd.  Tested on answers in the documented grammar, our own numbers (fixtures); no Raspberry Pi is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors import _vcgencmd_answers as answers
from lpbench_monitors._throttling import ThrottlingMonitor
from lpbench_monitors._vcgencmd import VcgencmdMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

MODEL = "proc/device-tree/model"
TEMP, THROTTLED, CLOCK, ADC = (
    f"vcgencmd {command}" for command in ("measure_temp", "get_throttled", "measure_clock arm", "pmic_read_adc")
)
NOT_REGISTERED = 'error=1 error_msg="Command not registered"'
RAILS = """\
   3V7_WL_SW_A current(0)=0.10000000A
   3V3_SYS_A current(1)=0.20000000A
     HDMI_A current(22)=0.01000000A
  VDD_CORE_A current(7)=2.50000000A
   3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
     HDMI_V volt(23)=5.10000000V
  VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.12000000V
      BATT_V volt(25)=0.00293120V
"""
WATTS = 0.37 + 0.66 + 0.051 + 2.0


@pytest.mark.long
@monitor_checks("vcgencmd")
def test_vcgencmd(check: Callable[[], None]) -> None:
    check()


def pi(machine: Machine, model: str = "Raspberry Pi 5 Model B Rev 1.0", power: str | Unavailable = RAILS) -> None:
    machine.write(MODEL, f"{model}\0")
    machine.answers |= {
        TEMP: "temp=51.5'C\n",
        THROTTLED: "throttled=0x0\n",
        CLOCK: "frequency(48)=1500398464\n",
        ADC: power,
    }


def sampled(machine: Machine) -> Readings:
    with VcgencmdMonitor(machine.target()) as monitor:
        return monitor.sample()


def value(found: Readings, key: str) -> float:
    reading = found[key]
    assert isinstance(reading, Reading)
    return reading.value


def reason(found: Readings, key: str) -> Unavailable:
    told = found[key]
    assert isinstance(told, Unavailable)
    return told


def test_temperature_clock_and_power_are_read(machine: Machine) -> None:
    pi(machine)
    found = sampled(machine)
    assert value(found, "CPU_TEMP") == 51.5
    assert value(found, "CPU_FREQ") == pytest.approx(1500.398464)
    assert value(found, "POWER_CONSUMPTION") == pytest.approx(WATTS)
    assert value(found, "POWER_CONSUMPTION/VDD_CORE") == pytest.approx(2.0)
    assert value(found, "THROTTLING") == 0


def test_a_supply_without_a_current_is_no_rail(machine: Machine) -> None:
    pi(machine)
    parts = {key.partition("/")[2] for key in sampled(machine) if key.startswith("POWER_CONSUMPTION/")}
    assert parts == {"3V7_WL_SW", "3V3_SYS", "HDMI", "VDD_CORE"}


def test_the_power_says_that_it_is_a_sum_of_rails(machine: Machine) -> None:
    pi(machine)
    power = sampled(machine)["POWER_CONSUMPTION"]
    assert isinstance(power, Reading)
    assert power.scope == "rails"
    assert "sum of rails" in power.source
    assert "left out" not in power.source


def test_rails_without_a_number_are_left_out_and_counted(machine: Machine) -> None:
    pi(machine, power=RAILS.replace("=0.80000000V", "=nanV").replace("=0.01000000A", "=-nanA"))
    power = sampled(machine)["POWER_CONSUMPTION"]
    assert isinstance(power, Reading)
    assert power.value == pytest.approx(0.37 + 0.66)
    assert "2 without a possible value left out" in power.source


@pytest.mark.parametrize(
    ("bits", "now", "parts"),
    [
        ("0x0", 0, set()),
        ("0x50005", 1, {"under-voltage", "throttled", "under-voltage since start", "throttled since start"}),
        ("0x20000", 0, {"frequency-capped since start"}),
        ("0x8", 1, {"soft-temperature-limit"}),
        ("0x80002", 1, {"frequency-capped", "soft-temperature-limit since start"}),
    ],
)
def test_limits_are_told_as_they_are_now_and_since_the_start(
    machine: Machine, bits: str, now: int, parts: set[str]
) -> None:
    pi(machine)
    machine.answers[THROTTLED] = f"throttled={bits}\n"
    found = sampled(machine)
    told = {key.partition("/")[2]: value(found, key) for key in found if key.startswith("THROTTLING/")}
    assert value(found, "THROTTLING") == now
    assert len(told) == 8
    assert {part for part, limited in told.items() if limited == 1} == parts


def test_the_kernel_and_the_firmware_call_a_limit_the_same(machine: Machine) -> None:
    pi(machine)
    machine.answers[THROTTLED] = "throttled=0xf\n"
    machine.write("sys/devices/platform/soc/soc:firmware/get_throttled", "f")
    with ThrottlingMonitor(machine.target()) as kernel:
        by_kernel = {key: told for key, told in kernel.sample().items() if isinstance(told, Reading)}
    by_firmware = {key: told for key, told in sampled(machine).items() if isinstance(told, Reading)}
    assert len(by_kernel) == 5
    assert {key: (told.value, told.scope) for key, told in by_kernel.items()} == {
        key: (by_firmware[key].value, by_firmware[key].scope) for key in by_kernel
    }


@pytest.mark.parametrize(
    "told", [Unavailable("vcgencmd pmic_read_adc did not answer within 1 s", "failed"), "\x00\x01"]
)
def test_a_power_that_was_not_told_at_first_is_asked_for_again(machine: Machine, told: str | Unavailable) -> None:
    pi(machine, power=told)
    with VcgencmdMonitor(machine.target()) as monitor:
        assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Unavailable)
        machine.answers[ADC] = RAILS
        assert value(monitor.sample(), "POWER_CONSUMPTION") == pytest.approx(WATTS)


@pytest.mark.parametrize(
    "answer", [NOT_REGISTERED, Unavailable(f"vcgencmd pmic_read_adc: exit status 254: {NOT_REGISTERED}", "failed")]
)
@pytest.mark.parametrize(
    ("model", "board"),
    [("Raspberry Pi 4 Model B Rev 1.4", "Raspberry Pi 4"), ("Raspberry Pi 3 Model B Plus Rev 1.3", "Raspberry Pi 3")],
)
def test_a_board_without_a_current_sensor_says_so(
    machine: Machine, answer: str | Unavailable, model: str, board: str
) -> None:
    pi(machine, model, answer)
    power = reason(sampled(machine), "POWER_CONSUMPTION")
    assert power.reason == f"{board} has no current sensor; an external meter can tell"
    assert (power.code, power.hint) == ("no-sensor", "lpbench run --monitor meter:file=…")


def test_the_power_is_asked_for_only_where_it_was_once_told(machine: Machine) -> None:
    pi(machine, "Raspberry Pi 4 Model B Rev 1.4", NOT_REGISTERED)
    with VcgencmdMonitor(machine.target()) as monitor:
        for _ in range(3):
            machine.commands.asked.clear()
            monitor.sample()
            assert machine.commands.asked == [TEMP, THROTTLED, CLOCK]


def test_a_sample_runs_at_most_four_commands(machine: Machine) -> None:
    pi(machine)
    with VcgencmdMonitor(machine.target()) as monitor:
        machine.commands.asked.clear()
        monitor.sample()
    assert len(machine.commands.asked) == 4


def test_other_machines_are_told_apart_from_a_pi_without_the_program(machine: Machine) -> None:
    assert {reason(sampled(machine), key).code for key in sampled(machine)} == {"other-machine"}
    machine.write(MODEL, "Raspberry Pi 4 Model B Rev 1.1")
    found = sampled(machine)
    assert {reason(found, key).code for key in found} == {"not-installed"}
    assert "apt install" in reason(found, "CPU_TEMP").hint


@pytest.mark.parametrize(
    "answer",
    [
        "VCHI initialization failed\n",
        Unavailable("vcgencmd measure_temp: exit status 255: VCHI initialization failed", "failed"),
        Unavailable("vcgencmd measure_temp: exit status 1: Can't open device file: /dev/vcio", "failed"),
    ],
)
def test_a_user_outside_the_group_is_told_which_group(machine: Machine, answer: str | Unavailable) -> None:
    pi(machine)
    machine.answers.update(dict.fromkeys((TEMP, THROTTLED, CLOCK, ADC), answer))
    found = sampled(machine)
    assert {reason(found, key).code for key in found} == {"no-permission"}
    assert "video" in reason(found, "POWER_CONSUMPTION").hint


def test_one_command_that_hangs_is_waited_for_once_a_sample(machine: Machine) -> None:
    pi(machine)
    with VcgencmdMonitor(machine.target()) as monitor:
        machine.answers[TEMP] = Unavailable("vcgencmd measure_temp did not answer within 1 s", "failed")
        machine.commands.asked.clear()
        found = monitor.sample()
        assert machine.commands.asked == [TEMP]
    assert all("did not answer" in reason(found, key).reason for key in found)
    assert set(found) == {"CPU_TEMP", "THROTTLING", "CPU_FREQ", "POWER_CONSUMPTION"}


@pytest.mark.parametrize(
    ("command", "answer", "metric"),
    [
        (TEMP, "temp=-263.2'C", "CPU_TEMP"),
        (TEMP, "temp=nan'C", "CPU_TEMP"),
        (TEMP, "temp=", "CPU_TEMP"),
        (THROTTLED, "throttled=0x", "THROTTLING"),
        (THROTTLED, "throttled=0x123456789", "THROTTLING"),
        (CLOCK, "frequency(48)=0", "CPU_FREQ"),
        (CLOCK, "frequency(48)=999999999999", "CPU_FREQ"),
        (CLOCK, "\x1b[2J", "CPU_FREQ"),
    ],
)
def test_an_answer_that_cannot_be_costs_one_metric(machine: Machine, command: str, answer: str, metric: str) -> None:
    pi(machine)
    machine.answers[command] = answer
    found = sampled(machine)
    assert reason(found, metric).code == "not-read"
    assert reason(found, metric).reason.isprintable()
    assert [key for key in found if isinstance(found[key], Unavailable)] == [metric]


def test_a_power_that_stops_being_told_has_a_reason(machine: Machine) -> None:
    pi(machine)
    with VcgencmdMonitor(machine.target()) as monitor:
        machine.answers[ADC] = RAILS[:40]
        assert reason(monitor.sample(), "POWER_CONSUMPTION").code == "not-read"
        machine.answers[ADC] = RAILS
        assert value(monitor.sample(), "POWER_CONSUMPTION") == pytest.approx(WATTS)


PIECES = st.sampled_from(
    [*RAILS.splitlines(), "temp=51.5'C", "throttled=0x5", "frequency(48)=1", "A_A current(1)=1e308A"]
)


@given(st.one_of(st.text(max_size=300), st.lists(st.one_of(PIECES, st.text(max_size=9)), max_size=30).map("\n".join)))
def test_no_answer_gives_a_value_that_cannot_be(text: str) -> None:
    celsius, hertz, adc = answers.temperature(text), answers.clock(text), answers.adc(text)
    assert celsius is None or abs(celsius) < 1e7
    assert hertz is None or 0 <= hertz < 1e12
    assert adc is None or all(0 <= watts <= 100 for watts in adc.rails.values())
    assert answers.throttled(text) is None or "throttled=0x" in text
