"""For monitors: the sensors of Linux, which of them are the processor's, and which answers cannot be."""

from __future__ import annotations

from lpbench.util.sensors import (
    HWMON,
    PI_SINCE_START,
    PI_THROTTLED,
    ZONES,
    Sensor,
    celsius,
    chip_temperatures,
    hwmon_chips,
    is_processors,
    label,
    pi_throttled_bits,
    slows_down,
    thermal_zones,
)

__all__ = [
    "HWMON",
    "PI_SINCE_START",
    "PI_THROTTLED",
    "ZONES",
    "Sensor",
    "celsius",
    "chip_temperatures",
    "hwmon_chips",
    "is_processors",
    "label",
    "pi_throttled_bits",
    "slows_down",
    "thermal_zones",
]
