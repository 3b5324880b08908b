"""Joins the quality of configurations, which some algorithms were published with as a file of its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import ResultError
from lpbench.results.exchange.csv_columns import read_columns, read_header
from lpbench.results.exchange.descriptor import Variable
from lpbench.results.exchange.fault_report import Fault, FaultKind

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.results.exchange.pair import Pair

TARGET = "quality"
NO_QUALITY = "no quality was published for this configuration"


def joined(pair: Pair, file: Path) -> tuple[Pair, Fault]:
    """Return a pair with the target ``quality``, taken from the rows with the same hyper-parameters, and how many.

    :param file: A dataset with the pair's hyper-parameters and ``quality``.
    :raises ResultError: It has other columns, or two qualities for one configuration.
    """
    hyperparameters = pair.descriptor.hyperparameters
    names = [each.name for each in hyperparameters]
    if set(read_header(file)) != {*names, TARGET}:
        hint = f"it takes {', '.join(names)} and {TARGET}"
        raise ResultError("has other columns than its algorithm", where=f"{file}, line 1", hint=hint)
    found = read_columns(file, [*hyperparameters, Variable(TARGET)])
    keys = list(zip(*(found[name] for name in names), strict=True))
    by_key = dict(zip(keys, found[TARGET], strict=True))
    if len(by_key) < len(keys):
        raise ResultError("has configurations twice", where=str(file), hint="keep one row for each")
    own = list(zip(*(pair.columns[name] for name in names), strict=True))
    values = [by_key.get(key) for key in own]
    reasons = ["" if value is not None else NO_QUALITY for value in values]
    matched, used = len(values) - values.count(None), len(by_key.keys() & set(own))
    note = f"{matched} of {len(values)} rows have a quality in {file.name}, which has {len(keys) - used} for no row"
    descriptor = dataclasses.replace(pair.descriptor, targets=(*pair.descriptor.targets, Variable(TARGET)))
    with_quality = dataclasses.replace(
        pair,
        descriptor=descriptor,
        columns={**pair.columns, TARGET: values},
        reasons={**pair.reasons, TARGET: reasons},
    )
    return with_quality, Fault(pair.descriptor.stem, FaultKind.JOINED, TARGET, matched, len(values), note)
