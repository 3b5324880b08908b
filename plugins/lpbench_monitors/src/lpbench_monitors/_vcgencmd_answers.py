"""Reads the answers of vcgencmd (Raspberry Pi documentation, "vcgencmd" in "Raspberry Pi OS", and firmware)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from lpbench.plugin.kit.sensors import PI_SINCE_START, PI_THROTTLED

LONGEST = 1 << 14
"""Characters of an answer that are read; the longest has some 1,500."""
MOST_W = 100.0
"""No rail of the board has more; its supply has 25 W."""
_TEMPERATURE = re.compile(r"\s*temp=(-?\d{1,6}(?:\.\d{1,6})?)'C\s*")
_THROTTLED = re.compile(r"\s*throttled=0x([0-9a-fA-F]{1,8})\s*")
_CLOCK = re.compile(r"\s*frequency\(\d{1,4}\)=(\d{1,12})\s*")
_ADC = re.compile(r"\s*(\w{1,40})_(?:A\s{1,9}current|V\s{1,9}volt)\(\d{1,4}\)=(-?[\w.+-]{1,30})([AV])\s*")


@dataclass(frozen=True)
class Adc:
    """What the converter of a Raspberry Pi 5's power management chip tells.

    :param rails: W of each rail that has a current and a voltage.
    :param left_out: Rails of which one of both is not a number, or their power cannot be.
    """

    rails: dict[str, float] = field(default_factory=dict)
    left_out: int = 0


def temperature(text: str) -> float | None:
    """Return °C of ``temp=51.5'C``, or None."""
    found = _TEMPERATURE.fullmatch(text[:LONGEST])
    return float(found[1]) if found else None


def throttled(text: str) -> dict[str, bool] | None:
    """Return what ``throttled=0x50000`` says is and was limited, or None."""
    found = _THROTTLED.fullmatch(text[:LONGEST])
    if not found:
        return None
    bits = int(found[1], 16)
    now = {name: bool(bits >> bit & 1) for bit, name in PI_THROTTLED.items()}
    return now | {f"{name} since start": bool(bits >> PI_SINCE_START + bit & 1) for bit, name in PI_THROTTLED.items()}


def clock(text: str) -> float | None:
    """Return Hz of ``frequency(48)=1500398464``, or None."""
    found = _CLOCK.fullmatch(text[:LONGEST])
    return float(found[1]) if found else None


def adc(text: str) -> Adc | None:
    """Return the rails of ``pmic_read_adc``, or None if the answer has none.

    A supply of which only the voltage is told, as EXT5V and BATT, is no rail.
    """
    measured: dict[str, dict[str, float]] = {}
    for line in text[:LONGEST].splitlines():
        if found := _ADC.fullmatch(line):
            measured.setdefault(found[1], {})[found[3]] = _number(found[2])
    pairs = {rail: values["A"] * values["V"] for rail, values in measured.items() if len(values) == 2}  # noqa: PLR2004 - A, V
    rails = {rail: watts for rail, watts in pairs.items() if 0 <= watts <= MOST_W}
    return Adc(rails, len(pairs) - len(rails)) if pairs else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
