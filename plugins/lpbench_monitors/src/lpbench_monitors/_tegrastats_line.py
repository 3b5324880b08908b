"""Reads a line of NVIDIA's tegrastats.

Its statistics are described in "tegrastats Utility" of the NVIDIA Jetson Linux Developer Guide; what differs between
releases: a date before the line, frequencies in brackets, average and peak after a rail's power or a temperature,
``mW`` after a power, and what is left out for users who are not root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST = 1 << 13
"""Characters of a line that are read; lines have some 700."""
_MEMORY = re.compile(r"(?<!\S)RAM\s{1,9}\d{1,9}/\d{1,9}[kMG]B(?!\S)")
_MEMORIES = frozenset({"RAM", "SWAP", "IRAM"})
"""What a line that is cut before their unit would take for rails."""
_CORES = re.compile(r"(?<!\S)CPU\s{0,9}\[([^\[\]]{0,4000})\](?:@(\d{1,6}))?", re.IGNORECASE)
_CORE = re.compile(r"(?:\d{1,3}%)?@(\d{1,6})")
_GPU = re.compile(r"(?<!\S)GR3D(?:_FREQ)?\s{1,9}(?:(\d{1,6})%)?(?:@(\d{1,6}|\[[\d,\s]{0,200}\]))?(?!\S)")
_EMC = re.compile(r"(?<!\S)EMC(?:_FREQ)?\s{1,9}(\d{1,6})%@(\d{1,6})(?!\S)")
_CELSIUS = r"-?\d{1,6}(?:\.\d{1,6})?"
_TEMPERATURE = re.compile(rf"(?<!\S)([A-Za-z][\w.+-]{{0,60}})@({_CELSIUS})C(?:/{_CELSIUS}C){{0,2}}(?!\S)")
_RAIL = re.compile(r"(?<!\S)([A-Za-z][\w.+-]{0,60})\s{1,9}(-?\d{1,9})(?:mW)?(?:/-?\d{1,9}(?:mW)?){1,2}(?!\S)")


@dataclass(frozen=True)
class Line:
    """What a line tells.

    :param cores: MHz of each core that is on, by number.
    :param gpu_load: In percent; None if it is not told.
    :param gpu: MHz of the GPU, or of each of its clusters.
    :param emc: Share of the memory controller's clock periods that is used in percent, and its clock in MHz.
    :param temperatures: °C by sensor, absurd ones too.
    :param rails: W by supply rail.
    """

    cores: dict[int, float] = field(default_factory=dict)
    gpu_load: float | None = None
    gpu: tuple[float, ...] = ()
    emc: tuple[float, float] | None = None
    temperatures: dict[str, float] = field(default_factory=dict)
    rails: dict[str, float] = field(default_factory=dict)


def parse(text: str) -> Line | None:
    """Return what a line tells, or None if it is none of tegrastats."""
    text = " ".join(text[:LONGEST].split())  # releases differ in their runs of spaces
    if not _MEMORY.search(text):
        return None
    emc = _EMC.search(text)
    load, clocks = _gpu(text)
    return Line(
        _cores(text),
        load,
        clocks,
        (float(emc[1]), float(emc[2])) if emc else None,
        {name: float(celsius) for name, celsius in _TEMPERATURE.findall(text)},
        {name: int(milliwatts) / 1e3 for name, milliwatts in _RAIL.findall(text) if name not in _MEMORIES},
    )


def _cores(text: str) -> dict[int, float]:
    """Return the clock of each core; old releases tell one for all of them."""
    found = _CORES.search(text)
    if not found:
        return {}
    listed = [core.strip() for core in found[1].split(",")]
    clocks = {number: own[1] if (own := _CORE.fullmatch(core)) else found[2] for number, core in enumerate(listed)}
    return {number: float(clock) for number, clock in clocks.items() if clock and listed[number] != "off"}


def _gpu(text: str) -> tuple[float | None, tuple[float, ...]]:
    found = _GPU.search(text)
    if not found:
        return None, ()
    clocks = re.findall(r"\d{1,6}", found[2] or "")
    return float(found[1]) if found[1] else None, tuple(float(clock) for clock in clocks)
