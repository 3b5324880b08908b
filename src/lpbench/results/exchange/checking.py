"""Validates published data: every pair of a folder, not only up to the first that is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.results.exchange.fault_report import HARMLESS, FaultKind
from lpbench.results.exchange.store import descriptors, read_pair
from lpbench.util.problems import Problem, Problems
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpbench.results.exchange.fault_report import Fault

REMEDY = "lpbench import takes such values away"
MORE_COLUMNS = "tell them apart by one more column: what was not the same between them is not known"


def problems(path: Path) -> Problems:
    """Return what is wrong with published data; what no reader stumbles over is a note.

    :param path: A descriptor, a dataset with its descriptor beside it, or a folder of such pairs.
    """
    try:
        files = descriptors(path)
    except ResultError as error:
        return Problems([_of_error(error)])
    return Problems(problem for file in files for problem in _of_pair(file))


def _of_pair(file: Path) -> Iterator[Problem]:
    try:
        _, faults = read_pair(file)
    except ResultError as error:
        yield _of_error(error)
    else:
        yield from map(_of_fault, faults)


def _of_error(error: ResultError) -> Problem:
    return Problem("", error.what, error.hint, error.where)


def _of_fault(fault: Fault) -> Problem:
    harmless = fault.kind in HARMLESS
    found = f"{fault.kind.value}: {fault.rule}" if harmless else _counted(fault)
    remedy = MORE_COLUMNS if fault.kind is FaultKind.REPEATED else REMEDY
    return Problem(fault.column, found, "" if harmless else remedy, fault.file, note=harmless)


def _counted(fault: Fault) -> str:
    return f"{fault.kind.value} in {amount(fault.count, 'row')} of {fault.rows}: {fault.rule}"
