"""The Dhrystone rating.  Tested on outputs of our own in the programs' forms, and on a program that the test writes."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import MonitorTarget, Reading, Unavailable
from lpbench.testing import monitor_checks
from lpbench_monitors._dhrystone import LEAST, MOST, DhrystoneMonitor, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.monitor import Readings
    from lpbench.testing import Machine

WEICKER = """
Dhrystone Benchmark, Version 2.1 (Language: C)
Microseconds for one run through Dhrystone:    0.1
Dhrystones per Second:                      17570000.0
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LPBENCH_DHRYSTONE", raising=False)


def surveyed(target: MonitorTarget) -> Readings:
    with DhrystoneMonitor(target) as monitor:
        assert monitor.sample() == {}, "a rating is no sample"
        return monitor.survey()


def rating(readings: Readings) -> Reading:
    found = readings["DMIPS"]
    assert isinstance(found, Reading)
    return found


@pytest.mark.long
@monitor_checks("dhrystone")
def test_dhrystone(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(
    ("text", "dmips"),
    [
        (WEICKER, 10_000.0),
        ("VAX MIPS rating = 8123.5\n", 8123.5),
        (f"{WEICKER}VAX  MIPS rating =   9999.0", 9999.0),
        ("COUNT|351400000|1|lps\nTIME|10.0\n", 20_000.0),
    ],
)
def test_what_the_usual_programs_print_is_understood(text: str, dmips: float) -> None:
    assert parse(text) == pytest.approx(dmips)


@given(st.text())
def test_any_other_text_is_no_rating_that_cannot_be(text: str) -> None:
    found = parse(text)
    assert found is None or LEAST <= found <= MOST


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_rating_that_cannot_be_is_none(value: float) -> None:
    found = parse(f"DMIPS: {value}")
    assert found is None or LEAST <= found <= MOST


def test_without_the_program_the_reason_says_how_to_give_one(machine: Machine) -> None:
    found = surveyed(machine.target())["DMIPS"]
    assert isinstance(found, Unavailable)
    assert "LPBENCH_DHRYSTONE" in found.hint


def test_the_program_that_the_variable_names_is_run_with_its_arguments(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LPBENCH_DHRYSTONE", "dhry2reg 10")
    machine.answers["dhry2reg 10"] = "COUNT|351400000|1|lps\nTIME|10.0\n"
    assert rating(surveyed(machine.target())).value == pytest.approx(20_000)


def test_a_program_runs_once_for_each_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second benchmark takes the rating from the cache; a damaged cache has the program run again."""
    runs, program = tmp_path / "runs", tmp_path / "bin" / "dhrystone"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nopen({str(runs)!r}, 'a').write('x')\nprint('VAX MIPS rating = 5000')\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    assert rating(surveyed(MonitorTarget())).value == 5000
    assert rating(surveyed(MonitorTarget())).value == 5000
    assert runs.read_text() == "x"
    (tmp_path / "cache" / "lpbench" / "dhrystone.json").write_text("[[[")
    assert rating(surveyed(MonitorTarget())).value == 5000
    assert runs.read_text() == "xx"


def test_a_program_that_prints_something_else_is_a_reason(machine: Machine) -> None:
    machine.answers["dhrystone"] = "Please give the number of runs: "
    found = surveyed(machine.target())["DMIPS"]
    assert isinstance(found, Unavailable)
    assert "printed no Dhrystone rating" in found.reason
