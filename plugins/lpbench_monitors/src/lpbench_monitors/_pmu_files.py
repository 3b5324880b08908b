"""What counts memory traffic on a machine, from /sys/bus/event_source/devices.

The files are those of Documentation/ABI/testing/sysfs-bus-event_source-devices-events and -format.
Intel's integrated memory controllers count column accesses of 64 bytes, with the scale and unit beside the event; those
of client processors run freely.  The i.MX 8M counts cycles with data (Documentation/admin-guide/perf/imx-ddr.rst),
whose bytes depend on the width of its memory: kernel's tools/perf/pmu-events/arch/arm64/freescale.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Unavailable
from lpbench_monitors._parts import part_name
from lpbench_monitors._perf import Event
from lpbench_monitors._proc import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.plugin.monitor import FileTree

DEVICES = "sys/bus/event_source/devices"
FORMATS = {"event": "config:0-7", "umask": "config:8-15"}
"""Of terms whose format is not stated."""
UNITS = {"": 1, "B": 1, "Bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9}
ACCESS = 64.0
"""Bytes of one access on Intel, where no scale is stated."""
MOST_BYTES = 1e6
"""Of a count."""
MOST_TYPE, MOST_CPU, MOST_CPUS, LONGEST = 1 << 31, 1 << 14, 64, 400
BITS_OF_CONFIG = 64
_TERM = re.compile(r"([A-Za-z_][\w-]*)(?:=(0x[0-9A-Fa-f]{1,16}|[0-9]{1,19}))?", re.ASCII)
_FORMAT = re.compile(r"(config[12]?):([0-9]{1,2}(?:-[0-9]{1,2})?(?:,[0-9]{1,2}(?:-[0-9]{1,2})?)*)", re.ASCII)


@dataclass(frozen=True)
class Source:
    """A counter of read or written bytes.

    :param unit: Name of the memory controller's unit.
    :param direction: ``read`` or ``write``.
    :param factor: Bytes of one count.
    :param wraps: Bits after which the count starts at 0 again; 0 if it does not.
    """

    unit: str
    direction: str
    event: Event
    factor: float
    wraps: int = 0


@dataclass(frozen=True)
class _Family:
    """Units of one kind.

    :param pattern: Of their names.
    :param events: Names of events with ``{}`` for the direction; the first tuple counts of which all are there.
    """

    pattern: str
    events: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Weight:
    """An event, the bytes of its counts (0 if they are not known), and terms that its file does not state."""

    name: str
    factor: float
    more: str = ""


_FAMILIES = (
    _Family("uncore_imc_[0-9]*", (("cas_count_{}_sch0", "cas_count_{}_sch1"), ("cas_count_{}",))),
    _Family("uncore_imc", (("cas_count_{}",), ("data_{}s",))),
    _Family("uncore_imc_free_running*", (("data_{}",), ("{}",))),
)
"""Of Intel, the best one first: several may count the same traffic."""
_IMX = "imx8_ddr[0-9]*"
_IMX_BYTES = {"i.MX8MM": 16.0, "i.MX8MN": 8.0, "i.MX8MQ": 16.0}
"""Bytes of a cycle: four transfers of the memory's width."""
_IMX_FILTERED = "i.MX8MP"
"""It counts bytes, of the bus masters that a filter passes."""
_EVERY_MASTER = ",axi_mask=0xffff,axi_id=0x0000"
_IMX_WRAPS = 32


def sources(files: FileTree) -> list[Source] | Unavailable:
    """Return the counters of the whole machine's memory traffic, or why there are none.

    Where one of several cannot be used there are none, since the sum of the others would be too small.
    """
    for family in _FAMILIES:
        units = [_of_intel(files, unit, family) for unit in files.names(DEVICES, family.pattern)]
        if any(units):
            return _all(units)
    units = [_of_imx(files, unit) for unit in files.names(DEVICES, _IMX)]
    return _all(units) if any(units) else _nothing(files)


def _all(units: list[list[Source] | Unavailable]) -> list[Source] | Unavailable:
    broken = [unit for unit in units if isinstance(unit, Unavailable)]
    return broken[0] if broken else [source for unit in units if not isinstance(unit, Unavailable) for source in unit]


def _nothing(files: FileTree) -> Unavailable:
    known = [name for pattern in ("uncore_imc*", _IMX) for name in files.names(DEVICES, pattern)]
    if known:
        return Unavailable(f"/{known[0]} has no events of memory traffic that are known", "not-read")
    return Unavailable(f"no memory controller counts under /{DEVICES} (uncore_imc*, imx8_ddr*)", "not-here")


def _of_intel(files: FileTree, unit: str, family: _Family) -> list[Source] | Unavailable:
    for names in family.events:
        both = [(way, name.format(way)) for way in ("read", "write") for name in names]
        if all(files.exists(f"{unit}/events/{name}") for _, name in both):
            return _all([_counters(files, unit, way, _Weight(name, _scale(files, unit, name))) for way, name in both])
    return []


def _of_imx(files: FileTree, unit: str) -> list[Source] | Unavailable:
    chip = _chip(files, unit)
    weight = _Weight("{}-cycles", _IMX_BYTES.get(chip, 0.0))
    if chip == _IMX_FILTERED:
        weight = _Weight("axid-{}", 1.0, _EVERY_MASTER)
    named = {way: dataclasses.replace(weight, name=weight.name.format(way)) for way in ("read", "write")}
    found = _all([_counters(files, unit, way, weight) for way, weight in named.items()])
    if isinstance(found, Unavailable):
        return found
    return [dataclasses.replace(source, wraps=_IMX_WRAPS) for source in found]


def _chip(files: FileTree, unit: str) -> str:
    """Return the processor's name, from the unit or, with kernels before 5.11, from the device tree."""
    stated = files.text(f"{unit}/identifier")
    tree = (files.text("proc/device-tree/compatible") or "").replace("\0", " ")
    named = re.search(r"fsl,imx8(m[mnpq])\b", tree)
    return stated or (f"i.MX8{named[1].upper()}" if named else "")


def _counters(files: FileTree, unit: str, way: str, weight: _Weight) -> list[Source] | Unavailable:
    text, number = files.text(f"{unit}/events/{weight.name}"), files.number(f"{unit}/type")
    terms = None if text is None else event(text + weight.more, lambda term: files.text(f"{unit}/format/{term}"))
    cores = cpus(files.text(f"{unit}/cpumask") or "0")
    if terms is None or number is None or not 0 <= number < MOST_TYPE or not weight.factor or not cores:
        return Unavailable(f"/{unit} says nothing that can be used of its event {weight.name}", "not-read")
    name = part_name(unit.rpartition("/")[2])
    return [Source(name, way, dataclasses.replace(terms, type=number, cpu=cpu), weight.factor) for cpu in cores]


def _scale(files: FileTree, unit: str, name: str) -> float:
    """Return the bytes of a count; 0 if what is stated is none."""
    stated = files.text(f"{unit}/events/{name}.scale")
    if stated is None:
        return ACCESS
    return scaled(stated, files.text(f"{unit}/events/{name}.unit") or "")


def scaled(scale: str, unit: str) -> float:
    """Return the bytes of a count from its scale and its unit; 0 if they are none."""
    try:
        factor = float(scale) * UNITS.get(unit, 0)
    except (ValueError, OverflowError):
        return 0.0
    return factor if 0 < factor <= MOST_BYTES else 0.0


def cpus(text: str) -> list[int]:
    """Return the cores of a mask such as ``0,18`` or ``0-1``; none if the text is not one."""
    found: list[int] = []
    for part in text[:LONGEST].split(","):
        low, _, high = part.strip().partition("-")
        first, last = count(low), count(high or low)
        if first is None or last is None or not first <= last < MOST_CPU or len(found) + last - first >= MOST_CPUS:
            return []
        found += range(first, last + 1)
    return found


def event(text: str, form: Callable[[str], str | None]) -> Event | None:
    """Return the event that terms such as ``event=0x04,umask=0x03`` describe; None if they cannot be placed.

    :param form: Returns where a term's bits go, ``config:0-7``.
    """
    fields = {"config": 0, "config1": 0, "config2": 0}
    for term in text[:LONGEST].strip().split(","):
        matched = _TERM.fullmatch(term.strip())
        if matched is None:
            return None
        name, value = matched[1], matched[2] or "1"
        where = f"{name}:0-63" if name in fields else form(name) or FORMATS.get(name)
        placed = _placed(int(value, 16 if value.startswith("0x") else 10), where)
        if placed is None:
            return None
        fields[placed[0]] |= placed[1]
    return Event(0, 0, fields["config"], fields["config1"], fields["config2"])


def _placed(value: int, form: str | None) -> tuple[str, int] | None:
    """Return a field of the event and a value's bits in it; None if the value does not fit."""
    matched = _FORMAT.fullmatch((form or "").strip())
    if matched is None:
        return None
    bits, placed = list(_bits(matched[2])), 0
    if value >> len(bits) or max(bits, default=0) >= BITS_OF_CONFIG:
        return None
    for index, bit in enumerate(bits):
        placed |= (value >> index & 1) << bit
    return matched[1], placed


def _bits(text: str) -> Iterator[int]:
    for part in text.split(","):
        low, _, high = part.partition("-")
        yield from range(int(low), int(high or low) + 1)
