"""Exports what a sweep found as a published pair; what the format cannot carry stays in the sweep's folder."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 - what values are made of is read by the annotations
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError, either
from lpbench.results import files
from lpbench.results.exchange.algorithms import published
from lpbench.results.exchange.columns import UNITS
from lpbench.results.exchange.descriptor import Descriptor, Variable, refuse_name
from lpbench.results.exchange.fault_report import FaultKind
from lpbench.results.exchange.faults import ZERO_SOMEWHERE, repaired
from lpbench.results.exchange.pair import Pair
from lpbench.results.exchange.tables import COUNTS, WORDS, type_of
from lpbench.results.sweep import HYPERPARAMETERS, MEASURED, TARGETS
from lpbench.util.problems import show
from lpbench.util.shown import Shown, several
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.sweep import Sweep, SweepRow
    from lpbench.results.table import Value

UNKNOWN = "unknown"
"""Stands for a word that nobody knows, such as the precision that an engine does not tell."""
DEFAULTS = {"BATCH": 1, "STREAMS": 1}
"""What is left to a configuration is that."""


@dataclass(frozen=True, repr=False)
class Exported(Shown):
    """A pair that was written.

    :param rows: Configurations in it.
    :param notes: What is not in it, or not known there, and why.
    """

    descriptor: Path
    dataset: Path
    rows: int
    notes: tuple[str, ...] = ()

    def in_short(self) -> str:
        """Return where it is and how much it is."""
        return f"{self.dataset}: {amount(self.rows, 'row')}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "descriptor": str(self.descriptor),
            "dataset": str(self.dataset),
            "rows": self.rows,
            "notes": list(self.notes),
        }


def write_pair(pair: Pair, folder: Path, notes: Sequence[str] = (), *, overwrite: bool = False) -> Exported:
    """Write a pair into a folder, which may hold others, and return what was written.

    :raises ResultError: One of its files is there already, or cannot be written.
    """
    stem = pair.descriptor.stem
    places = [folder / f"{stem}.csv", folder / f"{stem}.json"]
    for place in places:
        files.refuse_existing(place, overwrite=overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultError(f"cannot be made: {error.strerror}", where=str(folder), hint="name a folder") from error
    dataset, descriptor = (
        files.write(text, place, overwrite=overwrite)
        for text, place in zip((pair.csv(), pair.descriptor.text()), places, strict=True)
    )
    return Exported(descriptor, dataset, len(pair), tuple(notes))


def pair_of(sweep: Sweep, algorithm: str, platform: str, price: float | None = None) -> tuple[Pair, list[str]]:
    """Return what a sweep measured as a pair, and notes on what it lacks.

    :param price: Of the platform.
    :raises ResultError: Nothing was measured, a name has an underscore, or the values have faults.
    """
    refuse_name(algorithm, "the algorithm")
    refuse_name(platform, "the platform")
    rows = [row for row in sweep.rows if row.state == MEASURED]
    if not rows:
        hint = either("lpbench show DIR says why", "sweep.rows say why")
        raise ResultError("has no measured rows to export", where=str(sweep.folder), hint=hint)
    left = len(sweep.rows) - len(rows)
    if sweep.columns:
        return _of_algorithm(sweep, rows, Descriptor(algorithm, platform, price, (), ()), left)
    work = _Export(rows, str(sweep.folder), left)
    hyperparameters, targets = work.hyperparameters(), work.targets()
    if not targets:
        raise ResultError("has no targets to export", where=str(sweep.folder), hint="nothing of the glossary is known")
    descriptor = Descriptor(algorithm, platform, price, hyperparameters, targets)
    pair = Pair(descriptor, {each.name: work.columns[each.name] for each in descriptor.variables})
    _refuse_faults(pair, rows, str(sweep.folder))
    return pair, work.notes


def _of_algorithm(sweep: Sweep, rows: Sequence[SweepRow], head: Descriptor, left: int) -> tuple[Pair, list[str]]:
    """Return the rows of an algorithm as a pair.

    :param head: A descriptor without columns.
    :param left: Rows that were not measured.
    """
    variables, columns, notes = published(sweep.columns, rows, str(sweep.folder))
    hyperparameters, targets, inputs = (tuple(variables[kind]) for kind in ("hyperparameter", "target", "input"))
    descriptor = replace(head, hyperparameters=hyperparameters, targets=targets, inputs=inputs)
    pair = Pair(descriptor, {each.name: columns[each.name] for each in descriptor.variables})
    _refuse_faults(pair, rows, str(sweep.folder))
    return pair, [*_left_behind(left), *notes]


def _left_behind(others: int) -> list[str]:
    return [f"{amount(others, 'configuration')} without a measurement stayed behind"] if others else []


class _Export:
    """Collects columns, and notes on them."""

    def __init__(self, rows: Sequence[SweepRow], where: str, others: int) -> None:
        self.columns: dict[str, Sequence[Value]] = {}
        self.notes = _left_behind(others)
        self._rows, self._where = rows, where

    def hyperparameters(self) -> tuple[Variable, ...]:
        """Return the hyper-parameters: the glossary's, and those of a run that vary."""
        return tuple(filter(None, map(self._hyperparameter, HYPERPARAMETERS)))

    def targets(self) -> tuple[Variable, ...]:
        """Return the targets that were measured."""
        return tuple(filter(None, map(self._target, TARGETS)))

    def _hyperparameter(self, name: str) -> Variable | None:
        default = DEFAULTS.get(name, UNKNOWN if name in WORDS else None)
        found = self._words(name) if name in WORDS else self._figures(name)
        missing = found.count(None)
        values: list[Value] = [default if value is None else value for value in found]
        if name in COUNTS and len(set(values)) == 1:
            return None
        if name not in WORDS and missing == len(found):
            self.notes.append(f"{name} is not known of any row and left out{self._why(name)}")
            return None
        if missing and name not in DEFAULTS:
            stands = f'"{UNKNOWN}"' if name in WORDS else "an empty cell"
            self.notes.append(
                f"{name} is not known in {amount(missing, 'row')}: {stands} stands there{self._why(name)}"
            )
        self.columns[name] = values
        return Variable(name, type_of(name), self._metric() if name == "QUALITY_VALUE" else _unit(name))

    def _target(self, name: str) -> Variable | None:
        values = self._figures(name)
        known = [value for value in values if value is not None]
        if not known:
            return None
        if name in ZERO_SOMEWHERE and not any(known):
            self.notes.append(f"{name} is 0 in every row and left out: readers take that for not measured")
            return None
        if len(known) < len(values):
            self.notes.append(f"{name} is not known in {amount(len(values) - len(known), 'row')}{self._why(name)}")
        self.columns[name] = values
        return Variable(name, description=_unit(name))

    def _words(self, name: str) -> list[Value]:
        """Return a column of words; None where it is not known."""
        found = [row.facts.get(name) for row in self._rows]
        words = {word: self._word(name, word) for word in set(found)}
        return [words[word] for word in found]

    def _word(self, name: str, value: object) -> str | None:
        """Return a word as it is written."""
        word = "" if value is None else str(value).strip()
        if not word.isprintable():
            hint = "give the model a name without line breaks and control characters"
            raise ResultError(f"{name} is {show(word)}", where=self._where, hint=hint)
        return word or None

    def _figures(self, name: str) -> list[Value]:
        """Return a column of numbers, whole ones where they are counts; None where it is not known."""
        if name in COUNTS:
            return [row.facts.get(name) for row in self._rows]
        metrics = [row.metrics.get(name) for row in self._rows]
        return [None if metric is None else _finite(metric.value) for metric in metrics]

    def _metric(self) -> str | None:
        """Return the quality metric, which all rows must share.

        :raises ResultError: They do not.
        """
        metrics = [row.value("QUALITY_METRIC") for row in self._rows if row.value("QUALITY_VALUE") is not None]
        names = [str(name) for name in dict.fromkeys(metrics) if name is not None]
        if len(names) > 1:
            what = f"has rows with different quality metrics: {several(names)}"
            raise ResultError(what, where=self._where, hint=_fewer("app=NAME"))
        return names[0] if names else None

    def _why(self, name: str) -> str:
        metrics = [row.metrics[name] for row in self._rows if name in row.metrics]
        reasons = dict.fromkeys(metric.reason for metric in metrics if metric.value is None and metric.reason)
        return f" ({several(list(reasons))})" if reasons else ""


def _refuse_faults(pair: Pair, rows: Sequence[SweepRow], where: str) -> None:
    """Refuse to publish what an importer would have to repair.

    :raises ResultError: Naming the column and a row.
    """
    found = repaired(pair.descriptor, pair.columns)
    for fault in found.faults:
        if fault.kind is not FaultKind.REPEATED:
            row = next(row for row, why in zip(rows, found.reasons[fault.column], strict=True) if why)
            what = (
                f"{fault.column} has {amount(fault.count, 'faulty value')} ({fault.rule}), in {show(row.called)} first"
            )
            raise ResultError(what, where=where, hint=f"measure again, or {_fewer('threads=2')}")
    if found.repeats:
        several_rows = [row.called for row, count in zip(rows, found.repeats, strict=True) if count > 1]
        what = f"{several(several_rows)}: no column of the format tells them apart"
        hint = f"options of engines have no columns: {_fewer('engine=NAME')}"
        raise ResultError(what, where=where, hint=hint)


def _fewer(example: str) -> str:
    return either(f"--filter {example} takes some rows", f"sweep.where({example}) takes some rows")


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _unit(name: str) -> str | None:
    unit = UNITS.get(name)
    return f"in {unit}" if unit else None
