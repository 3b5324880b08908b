"""Commands that hang are left alone for a while.  Tested on answers that take time on the machine's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench.testing.machines import Answers
from lpbench_monitors._npu_smi import NpuSmiMonitor
from lpbench_monitors._nvidia_smi import COMMAND, NvidiaSmiMonitor
from lpbench_monitors._patience import PAUSE, PatientCommands
from lpbench_monitors._vcgencmd import VcgencmdMonitor

if TYPE_CHECKING:
    from lpbench.plugin.monitor import Monitor
    from lpbench.testing import Machine


class Hanging(Answers):
    """Commands that take as long as they may, and those with an answer a hundredth of a second."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.answers)
        self._machine = machine

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return the answer to a command after its time."""
        answer = super().run(*words)
        self._machine.now += timeout if isinstance(answer, Unavailable) else 0.01
        return answer

    def installed(self, name: str) -> bool:
        """Return whether there is an answer: all are installed."""
        return bool(name)


@pytest.mark.parametrize("kind", [VcgencmdMonitor, NvidiaSmiMonitor, NpuSmiMonitor])
def test_a_program_that_hangs_takes_a_tenth_of_the_time_at_most(machine: Machine, kind: type[Monitor]) -> None:
    machine.commands = Hanging(machine)
    with kind(machine.target()) as monitor:
        begun, waited = machine.now, 0.0
        for _ in range(300):
            before = machine.now
            assert all(isinstance(told, Unavailable) for told in monitor.sample().values())
            waited += machine.now - before
            machine.now += 1.0
    assert waited < 0.1 * (machine.now - begun)


def test_a_program_that_answers_again_is_asked_each_time(machine: Machine) -> None:
    machine.commands = Hanging(machine)
    with NvidiaSmiMonitor(machine.target()) as monitor:
        monitor.sample()
        machine.answers[" ".join(COMMAND)] = "0, A, 7, 100, 40, 50.00, 1000\n"
        assert isinstance(monitor.sample()["GPU_LOAD"], Unavailable)
        machine.now += 5.0 * PAUSE
        for _ in range(3):
            assert isinstance(monitor.sample()["GPU_LOAD"], Reading)


def test_a_program_that_fails_at_once_is_asked_again_at_once(machine: Machine) -> None:
    commands = PatientCommands(machine.commands, lambda: machine.now)
    for _ in range(3):
        assert isinstance(commands.run("tool"), Unavailable)
    assert machine.commands.asked == ["tool"] * 3
