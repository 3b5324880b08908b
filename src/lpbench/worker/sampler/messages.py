"""What a sampler is told and what it tells, as values that travel as JSON; what it tells is not trusted."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from lpbench.errors import ConfigError
from lpbench.plugin.monitor import METRICS, SCOPES, UNLIMITED, MetricRange, Reading
from lpbench.util import dataclass_config
from lpbench.util.text import brief, words_of
from lpbench.util.unavailable import Code, Unavailable

if TYPE_CHECKING:
    from lpbench.plugin.monitor import Readings

Command = Literal["sample", "pause", "survey", "advance", "leave"]
"""``advance``: go on to the second moment of a recording that is read or made."""
MOST_KEYS = 500
"""Metrics and their parts that one monitor may give."""
MOST_READINGS = 20_000
"""Readings that one call may return."""
MOST_SECONDS = 1e10
"""What a clock can say: 300 years."""
NOT_FINITE = ("nan", "inf", "-inf")
"""How ``encode`` writes what JSON has no number for."""
LONGEST = 300
"""Characters of a text that is kept."""
AHEAD_S = 2.0
"""A reading that is further in the future would count where nothing was measured yet."""
CODES = frozenset(get_args(Code))


@dataclass(frozen=True)
class ChosenMonitor:
    """A monitor by its name, with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """What a sampler watches, and by which monitors.

    :param pid: The process under test; None watches the machine alone.
    :param interval: Seconds between two samples.
    :param root: The files of the machine: ``/``, another root, or the folder of a recording.
    :param record: Folder into which what monitors look at on this machine is recorded; empty records nothing.
    :param affinity: Cores that the sampler itself may use; empty leaves it to the system.
    """

    monitors: tuple[ChosenMonitor, ...]
    pid: int | None = None
    interval: float = 0.1
    root: str = "/"
    record: str = ""
    affinity: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """One message of a sampler.

    :param done: The command that it has carried out, ``enter`` among them; else empty.
    :param monitor: Whose readings these are, or whose failure.
    :param at: Seconds on its clock; of readings, when they were asked for.
    :param until: Likewise, when they were there; 0 where that is not told.
    :param readings: By metric or metric and part, as ``encode`` returns them.
    :param survey: Whether they are those of ``survey()``.
    :param failure: Why the monitor is left out from now on.
    :param calling: The monitor that is called next; empty while it waits.
    :param step: What is called: ``load``, ``enter``, ``sample``, ``survey`` or ``leave``.
    """

    done: str = ""
    monitor: str = ""
    at: float = 0.0
    until: float = 0.0
    readings: Mapping[str, Any] = field(default_factory=dict)
    survey: bool = False
    failure: str = ""
    calling: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        if abs(self.at) > MOST_SECONDS:
            raise ValueError(f"at: found {self.at:g} s; no clock says so")


def encode(readings: Readings) -> dict[str, Any]:
    """Return readings as JSON values; a metric that breaks the contract is Unavailable, and fails alone.

    :raises TypeError: They are no mapping.
    """
    if not isinstance(readings, Mapping):
        raise TypeError(f"sample() returned {brief(readings)}; expected readings by metric")
    return {str(name): _encode_alone(name, each) for name, each in readings.items()}


def _encode_alone(name: object, found: object) -> Any:
    try:
        return _encode(name, found)
    except Exception as error:  # noqa: BLE001 - a value is a third party's, and its conversion may raise anything
        return dataclasses.asdict(Unavailable(words_of(error, LONGEST), "failed"))


def _encode(name: object, found: object) -> Any:
    if isinstance(found, Reading):  # field by field: dataclasses.asdict takes ten times as long
        return {
            "value": _number(found.value),
            "unit": str(found.unit),
            "scope": str(found.scope),
            "source": str(found.source),
            "cumulative": bool(found.cumulative),
            "at": None if found.at is None else _number(found.at),
        }
    if isinstance(found, Unavailable):
        return {"reason": str(found.reason), "code": str(found.code), "hint": str(found.hint)}
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [_encode(name, each) for each in found]
    raise TypeError(f"{name} is {brief(found)}; expected a Reading, several, or Unavailable")


def _number(value: float) -> float | str:
    """Return a number for JSON, which has no NaN; numpy's numbers too."""
    number = float(value)
    return number if math.isfinite(number) else str(number)


def decode(report: Report) -> Iterator[tuple[str, list[Reading] | Unavailable]]:
    """Yield what a report says of each metric; what breaks the contract is Unavailable with the reason."""
    for key, found in itertools.islice(report.readings.items(), MOST_KEYS):
        if key.strip() and key.isprintable() and len(key) <= LONGEST:
            yield key, _readings(key, found, report.until)


def _readings(key: str, found: Any, until: float) -> list[Reading] | Unavailable:
    several = found if isinstance(found, list) else [found]
    if len(several) > MOST_READINGS:
        return Unavailable(f"{len(several)} readings at once; at most {MOST_READINGS} are taken", "failed")
    if isinstance(found, dict) and "reason" in found:
        return _unavailable(found)
    decoded = [_reading(key, each, until) for each in several]
    refused = next((each for each in decoded if isinstance(each, Unavailable)), None)
    good = [each for each in decoded if isinstance(each, Reading)]
    return good if good or refused is None else refused


def _unavailable(found: Mapping[str, Any]) -> Unavailable:
    code = found.get("code")
    return Unavailable(
        _text(found.get("reason")) or "the monitor gives no reason",
        cast("Code", code) if isinstance(code, str) and code in CODES else "unavailable",
        _text(found.get("hint")),
    )


def _reading(key: str, found: Any, until: float) -> Reading | Unavailable:
    value = found.get("value") if isinstance(found, dict) else None
    if isinstance(value, str) and value in NOT_FINITE:
        return Unavailable(f"{_text(found.get('source'))} says {value}", "not-read")
    try:
        reading: Reading = dataclass_config.build(Reading, found if isinstance(found, dict) else {}, where=key)
    except ConfigError as error:
        return Unavailable(_text(f"the monitor's reading is none: {error.what}"), "failed")
    reading = dataclasses.replace(reading, source=_text(reading.source), unit=_text(reading.unit))
    return _impossible(key, reading) or _untimely(reading, until) or reading


def _untimely(reading: Reading, until: float) -> Unavailable | None:
    """Return why a reading cannot be of the time that it states; None if it can."""
    if reading.at is not None and until and reading.at > until + AHEAD_S:
        return Unavailable(f"{reading.source} gives a time {reading.at - until:.4g} s in the future", "not-read")
    return None


def _impossible(key: str, reading: Reading) -> Unavailable | None:
    """Return why a reading cannot be true; None if it can."""
    anything = MetricRange(reading.unit, -UNLIMITED, UNLIMITED)
    allowed = METRICS.get(key.partition("/")[0], anything)
    if not math.isfinite(reading.value) or abs(reading.at or 0.0) > MOST_SECONDS:
        return Unavailable(f"{reading.source} says {reading.value}, at {reading.at}", "not-read")
    if reading.scope not in SCOPES:
        return Unavailable(f'the scope "{_text(reading.scope)}" is not known', "failed")
    if reading.unit != allowed.unit:
        return Unavailable(f'{reading.source} gives "{reading.unit}"; expected "{allowed.unit}"', "failed")
    if not allowed.least <= reading.value <= allowed.most:
        return Unavailable(f"{reading.source} says {reading.value:g} {reading.unit}, which cannot be", "not-read")
    return None


def _text(text: object) -> str:
    """Return a text that can be shown on one line."""
    return "".join(each if each.isprintable() else " " for each in str(text or "")[:LONGEST]).strip()
