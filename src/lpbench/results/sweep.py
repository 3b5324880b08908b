"""What a sweep found: a row for each configuration, and the reference that rows of different hours share.

``lpbench.jobs.sweep`` measures it and keeps it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping  # noqa: TC003 - what is kept of a row is read by its annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError, nearest
from lpbench.results.directions import Direction, direction_of
from lpbench.results.run import Metric  # noqa: TC001 - likewise
from lpbench.results.sweep_columns import called
from lpbench.util.frames import frame
from lpbench.util.shown import Shown
from lpbench.util.text import amount

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.results.sweep_columns import SweepColumn

FILE = "sweep.sqlite"
"""Name of the file of a sweep in its folder."""
WAITING = "waiting"
MEASURED = "OK"
FAILED = "failed"
IMPOSSIBLE = "impossible"
"""States of a row: not measured yet, measured, tried in vain, and known beforehand to be no use trying."""
HYPERPARAMETERS = (
    *("MODEL", "VERSION", "INPUT_TILE", "ENGINE", "PROCESSOR", "PRECISION", "THREADS", "BATCH", "STREAMS"),
    *("QUALITY_VALUE", "GFLOP", "#PARAMS", "STORAGE"),
)
TARGETS = (
    *("PREPROCESSING_TIME", "INFERENCE_TIME", "POSTPROCESSING_TIME", "LATENCY", "THROUGHPUT", "DMIPS"),
    *("CPU_MEM", "CPU_MEM_PEAK", "GPU_MEM", "GPU_MEM_PEAK", "MEMORY_BANDWIDTH", "MEMORY_BANDWIDTH_PEAK"),
    *("CPU_LOAD", "GPU_LOAD", "NPU_LOAD", "CPU_TEMP", "GPU_TEMP", "POWER_CONSUMPTION", "ENERGY_EFFICIENCY"),
)
"""Columns of the published tables, in their order."""
RATIO, REFERENCED, SAMPLE_TIME, UNITS = "LATENCY_RATIO", "LATENCY_REFERENCED", "SAMPLE_TIME", "LATENCY_UNITS"
AGREEMENT = "AGREEMENT"
BARRED = "BARRED"
"""Fact of a row that cannot be the best: it misses the app's quality gate, or its converted model was not checked."""
DISTURBED = "DISTURBED"
"""Fact of a row that was measured while other processes used the CPU: in how many runs, and how much of it."""
WORDS = ("device", "threads", "precision", "tile", "batch", "streams")
"""Axes of a sweep beside apps and engines."""
COMPARED = (SAMPLE_TIME, REFERENCED, RATIO, UNITS, AGREEMENT)
"""What makes rows of different hours comparable, and how far the answers are those of the reference."""


@dataclass(frozen=True)
class Asked:
    """One configuration as a sweep asks for it; None leaves it to the engine, the app or the model.

    :param app: Or the algorithm.
    :param engine: As ``--engine`` takes it, options of its own included; empty for an algorithm.
    :param values: Hyper-parameters and inputs of an algorithm.
    """

    app: str
    engine: str = ""
    device: str | None = None
    threads: int | None = None
    precision: str | None = None
    tile: str | None = None
    batch: int | None = None
    streams: int | None = None
    values: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What measuring one configuration gave.

    :param facts: By the names of ``HYPERPARAMETERS``, and DEVICE and ENGINE_VERSION: what really ran.
    :param metrics: By the glossary's names, or those of an algorithm's targets.
    :param ratios: Its latency over that of the reference in the same slices, one for each run.
    :param sample_ratios: The same of the wall time of slices by their samples, which counts streams too.
    :param units: Its latency in units of the yardstick, likewise.
    :param result: File with the result of its block, below the sweep's folder.
    """

    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    ratios: tuple[float, ...] = ()
    sample_ratios: tuple[float, ...] = ()
    units: tuple[float, ...] = ()
    result: str = ""


@dataclass(frozen=True, repr=False)
class SweepRow(Shown):
    """One configuration of a sweep.

    :param configuration: In the syntax of ``--engine``; empty where there is no way to ask for it.
    :param state: ``OK``, ``waiting``, ``failed`` or ``impossible``.
    :param reason: Why it was not measured.
    :param metrics: By the glossary's names, those that compare rows of different hours among them.
    """

    number: int
    asked: Asked
    configuration: str
    state: str
    reason: str = ""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    result: str = ""

    def in_short(self) -> str:
        """Return what it is and its latency, or why there is none."""
        latency = self.metrics.get("LATENCY") or next(iter(self.metrics.values()), None)
        shown = f"{latency.in_short()}" if latency else ": ".join(filter(None, (self.state, self.reason)))
        return f"{self.facts.get('MODEL', self.asked.app)} {self.called}: {shown}"

    @property
    def called(self) -> str:
        """What it is called: its words, or what was asked for where there are none."""
        if self.configuration:
            return self.configuration
        asked = {name: getattr(self.asked, name) for name in WORDS}
        words = [f"{name}={value}" for name, value in asked.items() if value not in {None, 1}]
        return ":".join([self.asked.engine, *words])

    def value(self, column: str) -> float | str | None:
        """Return what stands in a column: a fact or a metric's value; None where it is not known."""
        metric = self.metrics.get(column)
        return metric.value if metric is not None else self.facts.get(column)


@dataclass(frozen=True, repr=False)
class Sweep(Shown):
    """A sweep, finished or not.

    :param rows: In the order of the plan.
    :param references: The configuration that all others of an app are compared with, by app.
    :param blocks: How many groups of configurations there are, and how many of them are measured.
    :param columns: Of an algorithm's rows; empty for those of apps, which have the glossary's.
    """

    folder: Path
    rows: tuple[SweepRow, ...]
    references: Mapping[str, str]
    blocks: tuple[int, int]
    columns: tuple[SweepColumn, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to measure."""
        return self.blocks[0] == self.blocks[1]

    def in_short(self) -> str:
        """Return how many rows there are of each state."""
        count = {
            state: sum(row.state == state for row in self.rows) for state in (MEASURED, WAITING, FAILED, IMPOSSIBLE)
        }
        words = [f"{number} {state if state != MEASURED else 'measured'}" for state, number in count.items() if number]
        return ": ".join(filter(None, (amount(len(self.rows), "configuration"), ", ".join(words))))

    def where(self, **values: object) -> Sweep:
        """Return the sweep with those rows alone that have some values or were asked for them.

        :param values: By column, in lower case: ``engine="ncnn", threads=2``.
        :raises ResultError: No row has such a column.
        """
        wanted = {self._column(name): str(value).lower() for name, value in values.items()}
        fitting = (row for row in self.rows if all(_is(row, name, value) for name, value in wanted.items()))
        return dataclasses.replace(self, rows=tuple(fitting))

    def best_first(self, by: str = "") -> Sweep:
        """Return the sweep with its rows in order: the best first, last those that cannot win or were not measured.

        :param by: A column, in any case; empty takes the time of a sample beside the reference, of an algorithm the
            first target.
        :raises ResultError: No row has such a column.
        """
        usual = next((each.name for each in self.columns if each.is_target), SAMPLE_TIME)
        column = self._column(by) if by else usual
        stated = called(column, self.columns)
        sign = ((stated.direction if stated else direction_of(column)) or Direction.LOWEST).sign

        def place(row: SweepRow) -> tuple[bool, bool, tuple[bool, float, str]]:
            return row.state != MEASURED, BARRED in row.facts, _place(row.value(column), sign)

        order = sorted(self.rows, key=place)
        return dataclasses.replace(self, rows=tuple(order))

    def records(self) -> list[dict[str, float | str | None]]:
        """Return a record for each row: the published columns in their order, then what compares them, then states."""
        if self.columns:
            return [_of_algorithm(row, self.columns) for row in self.rows]
        return [record(row) for row in self.rows]

    def to_pandas(self) -> Any:
        """Return the records as a pandas DataFrame.

        :raises ResultError: pandas is not installed.
        """
        return frame(self.records())

    def _column(self, word: str) -> str:
        """Return the column that a word names."""
        if not self.columns:
            return column_of(word, self.rows)
        own = called(word, self.columns)
        if own is None and word.upper() not in {"APP", "STATE"}:
            hint = nearest(word, [each.name for each in self.columns])
            raise ResultError(f'there is no column "{word}"', hint=hint)
        return own.name if own else word.upper()

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON; what is not known is null with a reason."""
        rows = [dataclasses.asdict(row) for row in self.rows]
        columns = {"columns": [dataclasses.asdict(each) for each in self.columns]} if self.columns else {}
        head = {"format": "lpbench-sweep", "complete": self.complete, "references": dict(self.references), **columns}
        return {**head, "rows": rows}


INTERVALS = ("LATENCY", "THROUGHPUT", SAMPLE_TIME, REFERENCED, RATIO, UNITS)
"""Columns with two more for the ends of their interval."""
ASKED = {"APP": "app", "DEVICE_ASKED": "device", "PRECISION_ASKED": "precision", "TILE_ASKED": "tile"}


def record(row: SweepRow) -> dict[str, float | str | None]:
    """Return a row as a record of a table."""
    found: dict[str, float | str | None] = {name: row.value(name) for name in (*HYPERPARAMETERS, *TARGETS)}
    for name in (*INTERVALS, AGREEMENT):
        metric = row.metrics.get(name)
        found[name] = metric.value if metric else None
        if name in INTERVALS:
            ends = metric.interval if metric else None
            found |= {f"{name}_LOWER": ends.lower if ends else None, f"{name}_UPPER": ends.upper if ends else None}
    found |= {"QUALITY_METRIC": row.facts.get("QUALITY_METRIC"), "DEVICE": row.facts.get("DEVICE")}
    found |= {name: getattr(row.asked, key) for name, key in ASKED.items()}
    return {
        **found,
        "CONFIGURATION": row.configuration,
        BARRED: row.facts.get(BARRED),
        DISTURBED: row.facts.get(DISTURBED),
        "STATE": row.state,
        "REASON": row.reason or None,
    }


def _of_algorithm(row: SweepRow, columns: tuple[SweepColumn, ...]) -> dict[str, float | str | None]:
    """Return a row of an algorithm as a record of a table."""
    found: dict[str, float | str | None] = {each.name: row.value(each.name) for each in columns}
    for name in [each.name for each in columns if each.is_target]:
        ends = row.metrics[name].interval if name in row.metrics else None
        found |= {f"{name}_LOWER": ends.lower if ends else None, f"{name}_UPPER": ends.upper if ends else None}
    return {**found, "CONFIGURATION": row.configuration, "STATE": row.state, "REASON": row.reason or None}


def column_of(word: str, rows: tuple[SweepRow, ...]) -> str:
    """Return the column that a word names: ``latency``, ``precision``, ``app``.

    :raises ResultError: No row has it, with the nearest.
    """
    known = [*HYPERPARAMETERS, *TARGETS, *COMPARED, "APP", "STATE", "DEVICE"]
    known += [name for row in rows for name in row.metrics]
    if word.upper() not in known:
        raise ResultError(f'there is no column "{word}"', hint=nearest(word.upper(), dict.fromkeys(known)).lower())
    return word.upper()


def _is(row: SweepRow, column: str, value: str) -> bool:
    """Say whether a row has a value, or was asked for it."""
    known = {"APP": row.asked.app, "STATE": row.state}
    asked = getattr(row.asked, {"INPUT_TILE": "tile"}.get(column, column.lower()), None)
    found = [known.get(column), row.value(column), asked]
    return value in {str(each).lower() for each in found if each is not None}


def _place(value: object, sign: float) -> tuple[bool, float, str]:
    """Return where a value stands in a sorted column: numbers, then words, then what is not known."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return False, sign * value, ""
    return True, math.inf, str(value or "\uffff")
