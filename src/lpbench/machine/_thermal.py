"""Temperatures, their distance from throttling, and whether the machine has throttled."""

from __future__ import annotations

import re

from lpbench.machine._facts import Fact, Facts, Root, absent, fact

_ZONES = "sys/class/thermal"
_HWMON = "sys/class/hwmon"
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal")
_CPU = re.compile(r"cpu|x86_pkg|soc|coretemp|k10temp|zenpower|package", re.IGNORECASE)
_CONSTANT = re.compile(r"pmic", re.IGNORECASE)
"""A Jetson's PMIC zone always reports 100 °C."""
_COLDEST, _HOTTEST = -50.0, 200.0
_LIMITS = {"passive", "hot", "critical"}
_PI_BITS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage since start",
    17: "frequency capped since start",
    18: "throttled since start",
    19: "soft temperature limit since start",
}
"""Bits of the Raspberry Pi firmware's get_throttled."""
_PI_FILES = [
    "sys/devices/platform/soc/soc:firmware/get_throttled",
    "sys/devices/platform/soc/soc0:firmware/get_throttled",
]


def state(root: Root) -> Facts:
    """Return temperatures in °C and the state of throttling."""
    sensors = _sensors(root)
    return {
        "temperature": _hottest(sensors),
        "temperatures": _all(sensors),
        "thermal_headroom": _headroom(root),
        "throttle_count": _counts(root),
        "throttle_flags": _firmware(root),
        "cooling": _cooling(root),
    }


def _sensors(root: Root) -> dict[str, tuple[float, str]]:
    """Return °C and file by sensor: the thermal zones, or else the processor's hardware monitors."""
    sensors = {}
    for zone in root.names(_ZONES, "thermal_zone*"):
        name, heat = root.text(f"{zone}/type"), _celsius(root, f"{zone}/temp")
        if name and heat is not None and not _CONSTANT.search(name):
            sensors[name if name not in sensors else f"{name} {zone[len(_ZONES) + 13 :]}"] = heat, f"/{zone}/temp"
    return sensors or _monitors(root)


def _monitors(root: Root) -> dict[str, tuple[float, str]]:
    sensors = {}
    for chip in root.names(_HWMON, "hwmon*"):
        name = root.text(f"{chip}/name")
        if name not in _SENSORS:
            continue
        for file in root.names(chip, "temp*_input"):
            heat = _celsius(root, file)
            label = root.text(file.replace("_input", "_label")) or file.rpartition("/")[2].removesuffix("_input")
            if heat is not None:
                sensors[f"{name} {label}"] = heat, f"/{file}"
    return sensors


def _celsius(root: Root, name: str) -> float | None:
    millidegrees = root.number(name)
    heat = None if millidegrees is None else millidegrees / 1000
    return heat if heat is not None and _COLDEST < heat < _HOTTEST and heat != 0 else None


def _hottest(sensors: dict[str, tuple[float, str]]) -> Fact:
    """Return the hottest sensor of the processor, or else the hottest of all."""
    known = {name: reading for name, reading in sensors.items() if _CPU.search(name)} or sensors
    if not known:
        return absent("no thermal zone and no hardware monitor of the processor")
    name, (heat, source) = max(known.items(), key=lambda item: item[1])
    return fact(heat, f"{source} ({name})")


def _all(sensors: dict[str, tuple[float, str]]) -> Fact:
    if not sensors:
        return absent("no thermal zone and no hardware monitor of the processor")
    return fact({name: heat for name, (heat, _) in sensors.items()}, f"/{_ZONES} or /{_HWMON}")


def _headroom(root: Root) -> Fact:
    """Return the smallest distance in °C of a zone from a trip point at which the machine slows down or stops."""
    room = []
    for zone in root.names(_ZONES, "thermal_zone*"):
        heat = _celsius(root, f"{zone}/temp")
        for trip in root.names(zone, "trip_point_*_type"):
            limit = _celsius(root, trip.replace("_type", "_temp"))
            if heat is not None and limit is not None and root.text(trip) in _LIMITS:
                room.append((limit - heat, f"/{trip.replace('_type', '_temp')}"))
    return fact(*min(room)) if room else absent("no thermal zone has a passive, hot or critical trip point")


def _counts(root: Root) -> Fact:
    """Return how often the processor has throttled since boot, summed over all cores and packages."""
    files = root.names("sys/devices/system/cpu", "cpu*/thermal_throttle/*_throttle_count")
    counts = [count for count in map(root.number, files) if count is not None]
    if not counts:
        return absent(
            "there is no /sys/devices/system/cpu/cpu*/thermal_throttle: not an Intel processor, or not shown here"
        )
    return fact(sum(counts), "/sys/devices/system/cpu/cpu*/thermal_throttle")


def _firmware(root: Root) -> Fact:
    """Return the throttling flags of a Raspberry Pi's firmware, or else its under-voltage alarm."""
    flags = root.first(_PI_FILES, _pi_flags)
    for chip in root.names(_HWMON, "hwmon*"):
        if flags["value"] is None and root.text(f"{chip}/name") == "rpi_volt":
            return root.read(f"{chip}/in0_lcrit_alarm", {"1": ["under-voltage"], "0": []}.get)
    return flags


def _pi_flags(text: str) -> list[str] | None:
    try:
        bits = int(text.removeprefix("throttled="), 16)
    except ValueError:
        return None
    return [word for bit, word in _PI_BITS.items() if bits >> bit & 1]


def _cooling(root: Root) -> Fact:
    """Return the cooling devices that currently slow the machine down."""
    devices = root.names(_ZONES, "cooling_device*")
    if not devices:
        return absent(f"there is no /{_ZONES}/cooling_device*")
    active = {
        name: level
        for device in devices
        if (name := root.text(f"{device}/type")) and (level := _slowing(root, device, name))
    }
    return fact(active, f"/{_ZONES}/cooling_device*/cur_state")


def _slowing(root: Root, device: str, name: str) -> int:
    slows = re.search(r"cpufreq|devfreq|processor|throttle|tcc|intel_powerclamp", name, re.IGNORECASE)
    return max(0, root.number(f"{device}/cur_state") or 0) if slows else 0
