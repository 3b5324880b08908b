"""What is known of Ascend chips, as readings: loads in %, memory in MB as npu-smi tells them, temperatures, W."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lpbench.plugin.monitor import Readings
    from lpbench_monitors._npu_smi_text import Chip

PARTS = 40
LOADS = {"aicpu": "aicpu", "ctrlcpu": "ctrlcpu", "memory-bandwidth": "bandwidth"}
"""Parts of a chip's load: its own processors, and the share of its memory's bandwidth in use, which is no MB/s."""
RATED = "npu-smi tells the rated power of an Ascend 310, not what it draws"


@dataclass(frozen=True)
class Status:
    """What is known of all chips at a moment.

    :param boards: W of the boards that carry them, by NPU.
    :param source: Its origin, in words.
    """

    chips: tuple[Chip, ...]
    source: str
    at: float
    boards: Mapping[int, float] = field(default_factory=dict)


def readings(status: Status) -> Readings:
    """Return the metrics of a status: the NPUs' mean load, memory and power together, the hottest chip."""
    made = _Maker(status)
    loads = made.parts("NPU_LOAD", "%", lambda chip: chip.load)
    details = {
        f"NPU_LOAD/{made.name(chip)}/{part}": made.reading(share, "%")
        for chip in status.chips
        for part, key in LOADS.items()
        if (share := getattr(chip, key)) is not None
    }
    memory = made.parts("NPU_MEM", "MB", lambda chip: chip.memory)
    heat = made.parts("NPU_TEMP", "°C", lambda chip: chip.temperature)
    return {
        **made.summed("NPU_LOAD", "%", loads, statistics.fmean, whole=False),
        **dict(list({**loads, **details}.items())[:PARTS]),
        **made.summed("NPU_MEM", "MB", memory, sum),
        **memory,
        **made.summed("NPU_TEMP", "°C", heat, max, whole=False),
        **heat,
        **_power(made),
        **boards(status),
    }


class _Maker:
    """Makes the readings of a status."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._chips = Counter(chip.npu for chip in status.chips)

    def name(self, chip: Chip) -> str:
        """Return the part of a chip; an NPU of one chip is its chip."""
        return f"npu{chip.npu}/chip{chip.chip}" if self._chips[chip.npu] > 1 else f"npu{chip.npu}"

    def reading(self, value: float, unit: str) -> Reading:
        return Reading(value, unit, "device", self._status.source, at=self._status.at)

    def parts(self, metric: str, unit: str, of: Callable[[Chip], float | None]) -> dict[str, Reading]:
        """Return a metric of each chip that tells it."""
        told = [(chip, value) for chip in self._status.chips[:PARTS] if (value := of(chip)) is not None]
        return {f"{metric}/{self.name(chip)}": self.reading(value, unit) for chip, value in told}

    def summed(
        self,
        metric: str,
        unit: str,
        parts: Mapping[str, Reading],
        how: Callable[[Iterable[float]], float],
        *,
        whole: bool = True,
    ) -> dict[str, Reading | Unavailable]:
        """Return a metric of all chips together.

        :param whole: Whether it needs each chip's: the sum of some would look like that of all.
        """
        if not parts:
            return {metric: Unavailable(f"{self._status.source} does not tell {metric} here", "not-supported")}
        missing = len(self._status.chips) - len(parts)
        if whole and missing:
            return {
                metric: Unavailable(f"{missing} of {len(self._status.chips)} chips do not tell it", "not-supported")
            }
        return {metric: self.reading(how([part.value for part in parts.values()]), unit)}

    def npus(self) -> Iterator[tuple[int, list[Chip]]]:
        """Yield the NPUs and their chips."""
        for npu in dict.fromkeys(chip.npu for chip in self._status.chips):
            yield npu, [chip for chip in self._status.chips if chip.npu == npu]


def _power(made: _Maker) -> dict[str, Reading | Unavailable]:
    """Return the power of all NPUs; of one with two chips the first may tell that of both."""
    metric = "POWER_CONSUMPTION"
    told = {npu: [chip.power for chip in chips if chip.power is not None] for npu, chips in made.npus()}
    parts = {f"{metric}/npu{npu}": made.reading(sum(values), "W") for npu, values in told.items() if values}
    silent = ", ".join(f"NPU {npu}" for npu, values in told.items() if not values)
    if not silent:
        return {metric: made.reading(sum(part.value for part in parts.values()), "W"), **parts}
    if any(chip.rated for _, chips in made.npus() for chip in chips):
        return {metric: Unavailable(RATED, "no-sensor"), **parts}
    return {metric: Unavailable(f"npu-smi tells no power of {silent}", "not-supported"), **parts}


def boards(status: Status) -> dict[str, Reading]:
    """Return what the boards draw, NPU included, as their controllers (MCU) tell it."""
    return {
        f"POWER_CONSUMPTION/{'board' if len(status.boards) == 1 else f'npu{npu}/board'}": Reading(
            watts, "W", "module", f"{status.source}, MCU", at=status.at
        )
        for npu, watts in status.boards.items()
    }
