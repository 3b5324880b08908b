"""Commands that hang: monitors are asked one after the other, so that all of them wait for one that does not answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Commands, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import MonitorTarget, Stream

PAUSE = 10
"""How many times as long as was waited for a program in vain it is not asked again: others lose a tenth at most."""


class PatientCommands(Commands):
    """Commands of which those that hang are left alone for a while.

    :param commands: Runs them.
    :param clock: Seconds.
    """

    def __init__(self, commands: Commands, clock: Callable[[], float]) -> None:
        self._commands, self._clock = commands, clock
        self._hung: dict[str, tuple[float, Unavailable]] = {}

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return what a command prints, or why there is no answer; of a program that hung lately, why it had none."""
        begun = self._clock()
        again, why = self._hung.get(words[0], (begun, None))
        if why and begun < again:
            return why
        answer = self._commands.run(*words, timeout=timeout)
        now = self._clock()
        self._hung.pop(words[0], None)
        if isinstance(answer, Unavailable) and now - begun >= timeout:
            self._hung[words[0]] = (now + PAUSE * (now - begun), answer)
        return answer

    def follow(self, *words: str) -> Stream | Unavailable:
        """Start a command that goes on printing, which nobody waits for."""
        return self._commands.follow(*words)

    def installed(self, name: str) -> bool:
        """Return whether a program of this name can be run."""
        return self._commands.installed(name)


def patient(target: MonitorTarget) -> MonitorTarget:
    """Return what a monitor watches, with commands that are left alone where they hang."""
    return dataclasses.replace(target, commands=PatientCommands(target.commands, target.clock))
