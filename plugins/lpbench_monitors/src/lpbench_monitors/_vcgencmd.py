"""Temperature, throttling, clock and power of a Raspberry Pi, from its firmware's vcgencmd.

Documented in "vcgencmd" of the Raspberry Pi documentation.  Power comes from ``pmic_read_adc``, which a Raspberry Pi 5
and its relatives answer: the sum of what their power management chip gives out, which is less than the board takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import METRICS, Monitor, Reading, Unavailable
from lpbench_monitors import _board, _keys
from lpbench_monitors import _vcgencmd_answers as answers
from lpbench_monitors._parts import MOST_PARTS
from lpbench_monitors._patience import patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings

SOURCE = "vcgencmd"
TEMPERATURE, FREQUENCY, THROTTLING, POWER = "CPU_TEMP", "CPU_FREQ", "THROTTLING", "POWER_CONSUMPTION"
COMMANDS = {TEMPERATURE: "measure_temp", THROTTLING: "get_throttled", FREQUENCY: "measure_clock arm"}
ADC = "pmic_read_adc"
TIMEOUT_S = 1.0
"""An answer takes some milliseconds; after one that does not come, no other is asked for in the same sample."""
TOO_SLOW = "did not answer"
LEAST_HZ, MOST_HZ = 1e6, 20e9
PASSING = ("failed", "not-read")
"""Codes of reasons that say nothing of what the board can tell."""
GROUP = "sudo usermod -aG video $USER, then log in again"
INSTALL = "sudo apt install raspi-utils, or libraspberrypi-bin on older systems"
METER = "lpbench run --monitor meter:file=…"
_NO_ACCESS = re.compile(r"VCHI initiali[sz]ation failed|permission denied|/dev/vc", re.IGNORECASE)
_BOARD = re.compile(r"Raspberry Pi(?: \d{1,3}| Zero(?: 2)?| Compute Module \d)?")

Answer = dict[str, "Reading | Unavailable"]


class VcgencmdMonitor(Monitor):
    """Runs three short commands a sample, and a fourth where the board measures its power."""

    _model = ""
    _no_power: Unavailable | None = Unavailable("the power was not asked for")

    def __init__(self, target: MonitorTarget, config: object = None) -> None:
        super().__init__(patient(target), config)

    def __enter__(self) -> Self:
        """Ask whether the board measures its power."""
        self._model = _board.model(self.target.files)
        self._no_power = self._looked_for_power()
        return self

    def sample(self) -> Readings:
        """Return what the firmware tells."""
        readers: dict[str, Callable[[str], Answer]] = {
            TEMPERATURE: _temperature,
            THROTTLING: _throttling,
            FREQUENCY: _frequency,
        }
        answer: Answer = {}
        slow: Unavailable | None = None
        for metric, reader in readers.items():
            told = slow or self._asked(COMMANDS[metric])
            answer |= {metric: told} if isinstance(told, Unavailable) else reader(told)
            slow = told if isinstance(told, Unavailable) and TOO_SLOW in told.reason else None
        return {**answer, **({POWER: slow} if slow else self._powered())}

    def _looked_for_power(self) -> Unavailable | None:
        told = self._asked(ADC)
        return told if isinstance(told, Unavailable) else self._unanswered(told)

    def _powered(self) -> Answer:
        if self._no_power and self._no_power.code in PASSING:
            self._no_power = self._looked_for_power()
        told = self._no_power or self._asked(ADC)
        return {POWER: told} if isinstance(told, Unavailable) else _power(told)

    def _asked(self, command: str) -> str | Unavailable:
        if not self.target.commands.installed(SOURCE):
            return self._not_installed()
        told = self.target.commands.run(SOURCE, *command.split(), timeout=TIMEOUT_S)
        if _NO_ACCESS.search((told.reason if isinstance(told, Unavailable) else told)[:1000]):
            return Unavailable("the firmware may not be asked by this user", "no-permission", GROUP)
        return told if isinstance(told, str) or "error=" not in told.reason else told.reason

    def _not_installed(self) -> Unavailable:
        if "Raspberry Pi" in self._model:
            return Unavailable(f"not installed: {SOURCE}", "not-installed", INSTALL)
        return Unavailable(f"{SOURCE} is not installed, and this machine is no Raspberry Pi", "other-machine")

    def _unanswered(self, told: str) -> Unavailable | None:
        """Return why the board does not tell its power, or None if it does."""
        if answers.adc(told):
            return None
        if "error=" not in told:
            return _unexpected(ADC, told)
        board = _BOARD.search(self._model)
        if board and board[0].endswith(" 5"):
            return Unavailable(f"the firmware does not know {ADC}", "not-supported", "sudo rpi-eeprom-update -a")
        name = board[0] if board else "this board"
        return Unavailable(f"{name} has no current sensor; an external meter can tell", "no-sensor", METER)


def _temperature(told: str) -> Answer:
    celsius = answers.temperature(told)
    if celsius is None or not _keys.possible(TEMPERATURE, celsius):
        return {TEMPERATURE: _unexpected(COMMANDS[TEMPERATURE], told)}
    return {TEMPERATURE: _reading(TEMPERATURE, celsius, "package", COMMANDS[TEMPERATURE])}


def _frequency(told: str) -> Answer:
    hertz = answers.clock(told)
    if hertz is None or not LEAST_HZ <= hertz < MOST_HZ:
        return {FREQUENCY: _unexpected(COMMANDS[FREQUENCY], told)}
    return {FREQUENCY: _reading(FREQUENCY, hertz / 1e6, "machine", COMMANDS[FREQUENCY])}


def _throttling(told: str) -> Answer:
    """Return whether anything is limited now, and each limit, now and since the start."""
    limits = answers.throttled(told)
    if limits is None:
        return {THROTTLING: _unexpected(COMMANDS[THROTTLING], told)}
    now = any(limits[name] for name in sensors.PI_THROTTLED.values())
    parts = {_keys.key(THROTTLING, name): limited for name, limited in limits.items()}
    return {
        key: _reading(THROTTLING, float(limited), "machine", COMMANDS[THROTTLING])
        for key, limited in {THROTTLING: now, **parts}.items()
    }


def _power(told: str) -> Answer:
    """Return the sum of the rails that have a current and a voltage, and each of them."""
    found = answers.adc(told)
    if not found or not found.rails:
        return {POWER: _unexpected(ADC, told)}
    gap = f", {found.left_out} without a possible value left out" if found.left_out else ""
    source = f"{ADC}, sum of rails, not the board's total{gap}"
    rails = {_keys.key(POWER, rail): watts for rail, watts in list(found.rails.items())[:MOST_PARTS]}
    parts = {key: _reading(POWER, watts, "rails", ADC) for key, watts in rails.items()}
    return {POWER: _reading(POWER, sum(found.rails.values()), "rails", source), **parts}


def _reading(metric: str, value: float, scope: str, source: str) -> Reading:
    return Reading(value, METRICS[metric].unit, scope, f"{SOURCE} {source}")


def _unexpected(command: str, told: str) -> Unavailable:
    shown = ascii(told.strip()[:60])
    return Unavailable(f"{SOURCE} {command} answered something unexpected: {shown}", "not-read")
