"""Times, amounts and titles as meters write them.

Times: seconds, ms, µs or ns since 1970, told apart by their size; ISO 8601 with or without a zone; seconds since the
meter's own start, which are below ``RELATIVE``.  Titles name quantities and units by words: ``Power (mW)``, ``bus_v``.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Literal

RELATIVE = 1e8
"""Seconds below which a time counts from a start of its own: as a time since 1970 it would be before March 1973."""
LATEST = 1e11
LONGEST = 64
SCALES = {
    "w": 1.0, "watt": 1.0, "watts": 1.0, "mw": 1e-3, "uw": 1e-6, "µw": 1e-6, "kw": 1e3,
    "v": 1.0, "mv": 1e-3, "a": 1.0, "ma": 1e-3, "ua": 1e-6, "µa": 1e-6,
    "j": 1.0, "joule": 1.0, "joules": 1.0, "mj": 1e-3, "kj": 1e3, "wh": 3600.0, "mwh": 3.6, "kwh": 3.6e6,
    "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9,
}  # fmt: skip
"""Of W, V, A, J and s."""
Quantity = Literal["time", "power", "energy", "voltage", "current"]
_GERMAN = ("zeit", "datum", "uhrzeit", "zeitstempel", "sekunden")
WORDS: dict[Quantity, frozenset[str]] = {
    "time": frozenset(
        ["time", "timestamp", "ts", "datetime", "date", "epoch", "unix", "elapsed", "seconds", *_GERMAN, "s", "ms"]
    ),
    "energy": frozenset(["energy", "energie", "wh", "mwh", "kwh", "j", "joule", "joules", "mj", "kj"]),
    "power": frozenset(["power", "watt", "watts", "w", "mw", "uw", "µw", "kw", "p", "leistung"]),
    "voltage": frozenset(["voltage", "volt", "volts", "v", "mv", "vbus", "spannung"]),
    "current": frozenset(["current", "amp", "amps", "ampere", "amperes", "a", "ma", "ua", "µa", "i", "strom"]),
}
UNITS: dict[Quantity, frozenset[str]] = {
    "time": frozenset(["s", "sec", "seconds", "ms", "us", "µs", "ns"]),
    "energy": frozenset(["j", "joule", "joules", "mj", "kj", "wh", "mwh", "kwh"]),
    "power": frozenset(["w", "watt", "watts", "mw", "uw", "µw", "kw"]),
    "voltage": frozenset(["v", "mv"]),
    "current": frozenset(["a", "ma", "ua", "µa"]),
}
OTHERS = frozenset(["apparent", "reactive", "factor", "va", "var", "max", "min", "peak", "limit"])
"""Words of what is not the power that is drawn now."""
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)\s*([a-zµ]{0,7})", re.ASCII | re.IGNORECASE)
_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ]+(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True)
class Amount:
    """A number and its unit as it stands beside it; empty if none does."""

    value: float
    unit: str = ""


def words(title: str) -> frozenset[str]:
    """Return the words of a title: ``Power (mW)``, ``bus_power_mw`` and ``powerMW`` have the words power and mw."""
    apart = re.sub(r"(?<=[a-z]{3})(?=[A-Z])", " ", title[:LONGEST].replace("μ", "µ"))
    return frozenset(re.findall(r"[a-zäöüµ]+", apart.lower()))


def quantity(title: str) -> Quantity | None:
    """Return what a column holds, by its title."""
    found = words(title)
    return None if found & OTHERS else next((kind for kind, known in WORDS.items() if found & known), None)


def scale(title: str, kind: Quantity) -> float | None:
    """Return what a title's unit is in W, V, A, J or s; None if it names none."""
    unit = next(iter(sorted(words(title) & UNITS[kind], key=lambda word: (len(word), word), reverse=True)), None)
    return None if unit is None else SCALES[unit]


def amount(text: str, *, comma: bool = False) -> Amount | None:
    """Return a number with its unit, or None if it is none or not finite.

    :param comma: Whether a comma is the decimal sign.
    """
    plain = text.strip().replace("μ", "µ")
    if comma and "," in plain:
        plain = plain.replace(".", "").replace(",", ".", 1)
    match = _NUMBER.fullmatch(plain) if len(plain) <= LONGEST else None
    if match is None or not math.isfinite(value := float(match[1])):
        return None
    return Amount(value, match[2].lower())


def moment(text: str, zone: str, unit: float = 1.0, *, comma: bool = False) -> float | None:
    """Return a time in seconds: since 1970, or below ``RELATIVE`` since a start of its own; None if it is none.

    :param zone: ``utc`` or ``local``, of a text that states none.
    :param unit: Seconds of one of its units, if it counts from a start of its own.
    """
    found = amount(text, comma=comma)
    if found is None:
        return _iso(text.strip(), zone) if len(text) <= LONGEST else None
    if found.value < 0 or found.unit not in {"", "s", "ms"}:
        return None
    if found.value < RELATIVE:
        return found.value * (SCALES[found.unit] if found.unit else unit)
    return next((found.value / per for per in (1.0, 1e3, 1e6, 1e9) if found.value / per < LATEST), None)


def _iso(text: str, zone: str) -> float | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    try:
        found = dt.datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=_zone(match[8] or zone))
        seconds = found.timestamp() + float(f"0.{match[7] or 0}")
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if RELATIVE <= seconds < LATEST else None


def _zone(name: str) -> dt.tzinfo | None:
    """Return a zone; None is this machine's."""
    if name == "local":
        return None
    if name.lower() in {"z", "utc"}:
        return dt.timezone.utc
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return dt.timezone(dt.timedelta(minutes=-minutes if name[0] == "-" else minutes))
