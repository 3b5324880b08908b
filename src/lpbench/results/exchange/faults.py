"""Known faults of published data: found, told with their counts, and nulled rather than guessed.

Each rule looks at one dataset: one algorithm on one platform.
"""

from __future__ import annotations

import math
import operator
import statistics
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence  # noqa: TC003 - what values are made of is read by the annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.results.exchange.fault_report import Fault, FaultKind
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpbench.results.exchange.descriptor import Descriptor
    from lpbench.results.table import Value

TEMPERATURES = ("CPU_TEMP", "GPU_TEMP", "temperature")
COLDEST, HOTTEST = -40.0, 150.0
"""Degrees Celsius between which electronics work at all."""
NEVER_ZERO = (
    *("INFERENCE_TIME", "LATENCY", "DMIPS", "CPU_MEM", "CPU_MEM_PEAK", "MEMORY_BANDWIDTH", "MEMORY_BANDWIDTH_PEAK"),
    *("POWER_CONSUMPTION", "ENERGY_EFFICIENCY"),
)
"""Columns in which no working machine has a zero."""
ZERO_SOMEWHERE = ("GPU_MEM", "GPU_MEM_PEAK", "CPU_LOAD", "GPU_LOAD", "NPU_LOAD", "CPU_TEMP", "GPU_TEMP")
"""Columns in which zeros mean something, unless there is nothing else."""
LOADS = {"CPU_LOAD": "CPU", "GPU_LOAD": "GPU", "NPU_LOAD": "NPU"}
FULL_LOAD = 105.0
"""Percent: a load is a ratio of two times that are not read at once."""
NOT_NEGATIVE = (
    *NEVER_ZERO,
    "PREPROCESSING_TIME",
    "POSTPROCESSING_TIME",
    "THROUGHPUT",
    "GPU_MEM",
    "GPU_MEM_PEAK",
    *LOADS,
)
PEAKS = {
    "CPU_MEM": "CPU_MEM_PEAK",
    "GPU_MEM": "GPU_MEM_PEAK",
    "MEMORY_BANDWIDTH": "MEMORY_BANDWIDTH_PEAK",
    "memAvg(MB)": "memPeak(MB)",
}
HALF = (0.4, 0.6)
"""Of GFLOP/s/W: what GMAC/s/W are, with what rounding adds."""


@dataclass(frozen=True)
class Repaired:
    """A dataset without the values that are faulty.

    :param reasons: Why values are not known, by column; empty texts for those that are.
    :param repeats: Rows with the same key as each row, itself included; None where each has its own.
    """

    columns: Mapping[str, Sequence[Value]]
    reasons: Mapping[str, Sequence[str]]
    repeats: Sequence[int] | None
    faults: tuple[Fault, ...]


def repaired(descriptor: Descriptor, columns: Mapping[str, Sequence[Value]]) -> Repaired:
    """Return a dataset without what is known to be wrong; the columns that were given stay as they are."""
    work = _Repair(descriptor, columns)
    work.impossible()
    work.zeros()
    work.units()
    work.nothing_else()  # last, so that there is nothing left to repair in what was repaired
    repeats = work.repeated()
    return Repaired(work.columns, work.reasons, repeats, tuple(work.faults))


class _Repair:
    """Looks for each fault and takes what has it away."""

    def __init__(self, descriptor: Descriptor, columns: Mapping[str, Sequence[Value]]) -> None:
        self.columns = dict(columns)
        self.reasons: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        self._descriptor = descriptor
        self._rows = len(next(iter(columns.values()), ()))

    def impossible(self) -> None:
        for name in self._there(TEMPERATURES):
            self._outside(name, FaultKind.TEMPERATURE, COLDEST, HOTTEST)
        for name in self._there(NOT_NEGATIVE):
            self._outside(name, FaultKind.IMPOSSIBLE, 0.0, FULL_LOAD if name in LOADS else math.inf)

    def zeros(self) -> None:
        for name in self._there(NEVER_ZERO):
            self._zero(name, FaultKind.ZERO)
        for name in self._there(("THROUGHPUT",)):
            self._zero(name, FaultKind.ROUNDED)
        for name in self._there(LOADS):
            self._idle(name, LOADS[name])

    def nothing_else(self) -> None:
        """Take the zeros of columns in which there is nothing else."""
        for name in self._there(ZERO_SOMEWHERE):
            if not any(self.columns[name]):
                self._zero(name, FaultKind.ZERO)

    def _idle(self, name: str, processor: str) -> None:
        """Take loads of zero of a processor that computed."""
        used = self.columns.get("PROCESSOR", ()) if 0 in self.columns[name] else ()
        rows = [
            row
            for row, (value, word) in enumerate(zip(self.columns[name], used, strict=False))
            if value == 0 and processor in str(word).split("/")
        ]
        self._null(name, rows, FaultKind.ZERO, f"the {processor} computed, and its load is 0")

    def units(self) -> None:
        for mean, peak in PEAKS.items():
            if {mean, peak} <= set(self.columns):
                self._peak(mean, peak)
        ratios = list(self._efficiencies())
        if ratios and HALF[0] <= statistics.median(ratios) <= HALF[1]:
            rows = self._known("ENERGY_EFFICIENCY")
            self._null("ENERGY_EFFICIENCY", rows, FaultKind.UNITS, "in GMAC/s/W, half of GFLOP/s/W")

    def _peak(self, mean: str, peak: str) -> None:
        """Take means and peaks that are of different units, since the peak is the lesser."""
        means, peaks = _numbers(self.columns[mean]), _numbers(self.columns[peak])
        wrong = [row for row, below in enumerate(map(operator.lt, peaks, means)) if below]  # NaN is below nothing
        if not wrong:
            return
        both = len(wrong) + sum(map(operator.le, means, peaks))
        every = 2 * len(wrong) > both
        for name in (mean, peak):
            rows = self._known(name) if every else wrong
            self._null(name, rows, FaultKind.UNITS, f"{peak} is below {mean}: they are of different units")

    def _efficiencies(self) -> Iterator[float]:
        """Yield each efficiency over what operations, rate and power make it."""
        wanted = ("ENERGY_EFFICIENCY", "GFLOP", "THROUGHPUT", "POWER_CONSUMPTION")
        if set(wanted) <= set(self.columns):
            for found, gflop, rate, power in zip(*(_numbers(self.columns[name]) for name in wanted), strict=True):
                if found * gflop * rate * power > 0:
                    yield found * power / (gflop * rate)

    def repeated(self) -> Sequence[int] | None:
        names = [each.name for each in (*self._descriptor.inputs, *self._descriptor.hyperparameters)]
        counts, keys = _key_counts([self.columns[name] for name in names])
        if not counts:
            return None
        repeats = [counts.get(key, 1) for key in keys]
        rows = sum(counts.values())
        note = f"{amount(len(counts), 'key')} in {rows} rows; all are kept{self._spread(keys, counts)}"
        self.faults.append(Fault(self._descriptor.stem, FaultKind.REPEATED, "", rows, self._rows, note))
        return repeats

    def _spread(self, keys: Sequence[int], counts: Mapping[int, int]) -> str:
        """Return in words how far the rows of one key differ in their time."""
        targets = [each.name for each in self._descriptor.targets]
        timed = [each for each in targets if "time" in each.lower()]
        name = "LATENCY" if "LATENCY" in targets else (timed or targets)[0]
        values: dict[int, list[float]] = {}
        for key, value in zip(keys, _numbers(self.columns[name]), strict=True):
            if key in counts and not math.isnan(value):
                values.setdefault(key, []).append(value)
        spreads = sorted(100 * (max(each) - min(each)) / max(map(abs, each)) for each in values.values() if any(each))
        if not spreads:
            return ""
        tenth = spreads[min(len(spreads) - 1, int(0.9 * len(spreads)))]
        return f"; {name} spreads by {statistics.median(spreads):.1f} % (p90 {tenth:.0f} %, most {spreads[-1]:.0f} %)"

    def _there(self, names: Iterable[str]) -> list[str]:
        targets = {each.name for each in self._descriptor.targets}
        return [name for name in names if name in targets and name in self.columns]

    def _known(self, name: str) -> list[int]:
        return [row for row, value in enumerate(self.columns[name]) if value is not None]

    def _zero(self, name: str, kind: FaultKind) -> None:
        """Take the zeros of a column."""
        values = self.columns[name]
        if 0 in values:
            self._null(name, [row for row, value in enumerate(values) if value == 0], kind)

    def _outside(self, name: str, kind: FaultKind, least: float, most: float) -> None:
        """Take the values of a column that are less than the least or more than the most."""
        numbers = _numbers(self.columns[name])
        if any(map(least.__gt__, numbers)) or any(map(most.__lt__, numbers)):
            self._null(name, [row for row, value in enumerate(numbers) if value < least or value > most], kind)

    def _null(self, name: str, rows: Sequence[int], kind: FaultKind, note: str = "") -> None:
        """Null the values of a column in some rows, with the reason."""
        if not rows:
            return
        fault = Fault(self._descriptor.stem, kind, name, len(rows), self._rows, note)
        values = list(self.columns[name])
        reasons = self.reasons.setdefault(name, [""] * self._rows)
        why = f"{kind.value}: {fault.rule}"
        for row in rows:
            values[row], reasons[row] = None, why
        self.columns[name] = values
        self.faults.append(fault)


def _numbers(values: Sequence[Value]) -> Sequence[float]:
    """Return a column of floats; NaN for what is not known."""
    if isinstance(values, array):
        return values
    return [math.nan if value is None else float(value) for value in values]


def _key_counts(columns: Sequence[Sequence[Value]]) -> tuple[dict[int, int], list[int]]:
    """Return the number of rows of each key that several rows have, and the key of each row.

    A key is the number of the first row that has it.
    """
    first: dict[tuple[Value, ...], int] = {}
    keys = [first.setdefault(key, row) for row, key in enumerate(zip(*columns, strict=True))]
    counts = Counter(keys) if len(first) < len(keys) else {}
    return {key: count for key, count in counts.items() if count > 1}, keys
