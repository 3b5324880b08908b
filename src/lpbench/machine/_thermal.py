"""Temperatures, their distance from throttling, and whether the machine has throttled."""

from __future__ import annotations

from lpbench.machine._facts import Fact, Facts, Root, absent, fact
from lpbench.util import sensors as linux
from lpbench.util.sensors import HWMON as _HWMON
from lpbench.util.sensors import ZONES as _ZONES

_LIMITS = {"passive", "hot", "critical"}
_PI_WORDS = {
    **linux.PI_THROTTLED,
    **{bit + linux.PI_SINCE_START: f"{word} since start" for bit, word in linux.PI_THROTTLED.items()},
}
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
    sensors: dict[str, tuple[float, str]] = {}
    for zone in linux.thermal_zones(root):
        heat = linux.celsius(root, zone.file)
        if heat is not None:
            sensors[zone.name if zone.name not in sensors else f"{zone.name} {zone.number}"] = heat, f"/{zone.file}"
    return sensors or _monitors(root)


def _monitors(root: Root) -> dict[str, tuple[float, str]]:
    chips = [(chip, name) for chip, name in linux.hwmon_chips(root) if name in linux.PROCESSOR_CHIPS]
    return {
        sensor.name: (heat, f"/{sensor.file}")
        for chip, name in chips
        for sensor in linux.chip_temperatures(root, chip, name)
        if (heat := linux.celsius(root, sensor.file)) is not None
    }


def _hottest(sensors: dict[str, tuple[float, str]]) -> Fact:
    """Return the hottest sensor of the processor, or else the hottest of all."""
    known = {name: reading for name, reading in sensors.items() if linux.is_processors(name)} or sensors
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
        heat = linux.celsius(root, f"{zone}/temp")
        for trip in root.names(zone, "trip_point_*_type"):
            limit = linux.celsius(root, trip.replace("_type", "_temp"))
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
    for chip, name in linux.hwmon_chips(root):
        if flags["value"] is None and name == "rpi_volt":
            return root.read(f"{chip}/in0_lcrit_alarm", {"1": ["under-voltage"], "0": []}.get)
    return flags


def _pi_flags(text: str) -> list[str] | None:
    bits = linux.pi_throttled_bits(text)
    return None if bits is None else [word for bit, word in _PI_WORDS.items() if bits >> bit & 1]


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
    return max(0, root.number(f"{device}/cur_state") or 0) if linux.slows_down(name) else 0
