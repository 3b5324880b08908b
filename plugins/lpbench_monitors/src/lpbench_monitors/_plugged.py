"""Sensors that go and come back: one that is plugged in again is a device with another number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lpbench.plugin.monitor import MonitorTarget

AGAIN_S = 10.0
"""Seconds after which sensors are looked for again while one is missing: that takes milliseconds on a large machine."""
Sensor = TypeVar("Sensor")


class Plugged(Generic[Sensor]):
    """The sensors of a machine.

    :param target: The machine.
    :param look: Returns the sensors that there are now.
    """

    def __init__(self, target: MonitorTarget, look: Callable[[], Iterable[Sensor]]) -> None:
        self._target, self._look = target, look
        self.sensors = tuple(look())
        self.most = len(self.sensors)
        """How many there have been at most."""
        self._again = target.clock() + AGAIN_S

    def miss(self, files: Iterable[str]) -> None:
        """Take note of the files that gave no value; it is looked again if one of them, or of earlier ones, is gone."""
        gone = len(self.sensors) < self.most or not all(self._target.files.exists(file) for file in files)
        if not gone or self._target.clock() < self._again:
            return
        self._again = self._target.clock() + AGAIN_S
        self.sensors = tuple(self._look())
        self.most = max(self.most, len(self.sensors))
