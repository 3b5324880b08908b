"""Bandwidth from resctrl.  Tested on fixtures; no hardware here has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.lpbench_monitors.tests.proc_files import reason, value

from lpbench.plugin.monitor import Reading
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._resctrl import ROOT, ResctrlMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

METRIC = "MEMORY_BANDWIDTH"


@pytest.mark.long
@monitor_checks("resctrl")
def test_resctrl(check: Callable[[], None]) -> None:
    check()


def write(machine: Machine, content: object, domain: int = 0, group: str = "") -> None:
    """Write the bytes of a domain."""
    machine.write(f"{ROOT}/{group}mon_data/mon_L3_{domain:02}/mbm_total_bytes", content)


def test_the_growth_of_all_domains_is_the_machine_s_bandwidth(machine: Machine) -> None:
    for domain in (0, 1):
        write(machine, 7_000_000_000_000_000_000, domain)
    with ResctrlMonitor(machine.target()) as monitor:
        assert monitor.sample() == {}
        machine.now += 2
        write(machine, 7_000_000_000_600_000_000, 0)
        write(machine, 7_000_000_000_200_000_000, 1)
        found = monitor.sample()
    assert value(found, METRIC) == 400
    assert [value(found, f"{METRIC}/L3 {domain}") for domain in (0, 1)] == [300, 100]


def test_a_domain_whose_name_cannot_be_shown_is_told_under_one_that_can(machine: Machine) -> None:
    for name in ("00", "a\nb"):
        machine.write(f"{ROOT}/mon_data/mon_L3_{name}/mbm_total_bytes", 0)
    with ResctrlMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 1
        assert set(monitor.sample()) == {METRIC, f"{METRIC}/L3 0", f"{METRIC}/L3 a b"}


def test_tasks_of_other_groups_count(machine: Machine) -> None:
    write(machine, 0)
    write(machine, 0, group="batch/")
    with ResctrlMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 1
        write(machine, 5_000_000)
        write(machine, 2_000_000, group="batch/")
        assert value(monitor.sample(), METRIC) == 7


@pytest.mark.parametrize(
    ("word", "code"), [("Unavailable", "not-read"), ("Error", "failed"), ("Unassigned", "not-read"), ("-1", "not-read"),
                       ("nan", "not-read"), ("9" * 30, "not-read")]
)  # fmt: skip
def test_words_instead_of_a_number_are_reasons_and_the_next_numbers_count(
    machine: Machine, word: str, code: str
) -> None:
    write(machine, 1_000_000)
    with ResctrlMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 1
        write(machine, word)
        assert reason(monitor.sample(), METRIC).code == code
        write(machine, 50_000_000)
        assert monitor.sample() == {}
        machine.now += 1
        write(machine, 51_000_000)
        assert value(monitor.sample(), METRIC) == 1


def test_a_counter_that_jumps_back_is_no_bandwidth(machine: Machine) -> None:
    write(machine, 5_000_000)
    with ResctrlMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.now += 1
        write(machine, 1_000_000)
        assert reason(monitor.sample(), METRIC).code == "not-read"
        machine.now += 1
        write(machine, 3_000_000)
        assert value(monitor.sample(), METRIC) == 2


def test_a_group_that_was_removed_is_forgotten_after_a_while(machine: Machine) -> None:
    write(machine, 0)
    write(machine, 0, group="batch/")
    with ResctrlMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.remove(f"{ROOT}/batch/mon_data/mon_L3_00/mbm_total_bytes")
        machine.now += 1
        assert reason(monitor.sample(), METRIC).code == "not-here"
        machine.now += 10
        assert monitor.sample() == {}
        machine.now += 1
        write(machine, 1_000_000)
        assert value(monitor.sample(), METRIC) == 1


def test_what_is_missing_is_said(machine: Machine) -> None:
    def why() -> tuple[str, str]:
        with ResctrlMonitor(machine.target()) as monitor:
            found = reason(monitor.sample(), METRIC)
        return found.code, found.hint

    assert why() == ("not-here", "")
    (machine.folder / ROOT).mkdir(parents=True)
    assert why() == ("not-here", f"sudo mount -t resctrl resctrl /{ROOT}")
    machine.write(f"{ROOT}/schemata", "L3:0=ff")
    assert why() == ("not-supported", "")


TEXTS = st.text(max_size=30) | st.integers(0, 2**64 - 1).map(str)


@given(st.lists(st.tuples(TEXTS, st.floats(0, 1e3)), max_size=4))
def test_no_text_gives_a_bandwidth_outside_its_range(
    tmp_path_factory: pytest.TempPathFactory, moments: list[tuple[str, float]]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    write(machine, 0)
    with ResctrlMonitor(machine.target()) as monitor:
        for text, seconds in moments:
            machine.now += seconds
            write(machine, text.replace("\x00", ""))
            for found in monitor.sample().values():
                assert not isinstance(found, Reading) or 0 <= found.value < 1e15
