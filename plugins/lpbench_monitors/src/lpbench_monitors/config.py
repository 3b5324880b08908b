"""Options of monitors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MeterConfig:
    """An external meter.

    :param file: The file or FIFO that the meter's logger appends to.
    :param format: CSV, or InfluxDB line protocol.
    :param time: Title of the column of times; found by its words where none is given.
    :param power: Likewise of the power, a column or a field.
    :param energy: Likewise of a cumulative energy.
    :param device: Text that the measurement and tags of a line protocol contain; its first device otherwise.
    :param offset: Seconds by which the meter's clock is ahead of this machine's.
    :param zone: Time zone of texts that state none: this machine's, or UTC.
    :param scope: What the meter's wires feed: the wall socket's load, a module, some rails.
    """

    file: str = ""
    format: Literal["auto", "csv", "influx"] = "auto"
    time: str = ""
    power: str = ""
    energy: str = ""
    device: str = ""
    offset: float = 0.0
    zone: Literal["local", "utc"] = "local"
    scope: Literal["wall", "module", "rails", "device", "package", "machine"] = "wall"
