"""Tables of published pairs, and of what a sweep found."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeVar

from lpbench.errors import ResultError
from lpbench.results.exchange.algorithms import table_columns
from lpbench.results.exchange.columns import UNITS
from lpbench.results.sweep import AGREEMENT, BARRED, COMPARED, HYPERPARAMETERS, TARGETS
from lpbench.results.table import PLATFORM, PRICE, STATE, Column, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.results.exchange.descriptor import Variable
    from lpbench.results.exchange.pair import Pair
    from lpbench.results.sweep import Sweep, SweepRow
    from lpbench.results.table import Type, Value

T = TypeVar("T")
REPEATS = "REPEATS"
"""Fact: rows with the same key, this one included; there where a key has several."""
WORDS = frozenset({"MODEL", "VERSION", "INPUT_TILE", "ENGINE", "PROCESSOR", "PRECISION"})
NO_PRICE = "the descriptor has no HW_price"
COUNTS = frozenset({"THREADS", "BATCH", "STREAMS"})


def tables_of(pairs: Iterable[Pair], source: str) -> tuple[Table, ...]:
    """Return a table for each algorithm: the rows of all its platforms.

    :raises ResultError: A column is of words on one platform and of numbers on another.
    """
    by_name: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_name.setdefault(pair.descriptor.name, []).append(pair)
    return tuple(_table(name, each, source) for name, each in by_name.items())


def table_of(sweep: Sweep, name: str = "") -> Table:
    """Return what a sweep found, a row for each configuration, those that were not measured among them.

    :param name: The algorithm; empty takes the name of the sweep's app, or the folder's where there are several.
    """
    rows = sweep.rows
    if sweep.columns:
        return _of_algorithm(sweep, name)
    apps = dict.fromkeys(str(row.value("MODEL") or row.asked.app) for row in rows)
    columns = [_of_rows(column, kind, rows) for column, kind in _present(rows)]
    facts: dict[str, list[Value]] = {
        "APP": [row.asked.app for row in rows],
        "DEVICE": [row.value("DEVICE") for row in rows],
        "QUALITY_METRIC": [row.value("QUALITY_METRIC") for row in rows],
        "CONFIGURATION": [row.configuration or None for row in rows],
        BARRED: [row.value(BARRED) for row in rows],
        STATE: [row.state for row in rows],
        "REASON": [row.reason or None for row in rows],
    }
    columns += [Column(each, Kind.FACT, values, "str") for each, values in facts.items()]
    return Table(name or (next(iter(apps)) if len(apps) == 1 else sweep.folder.name), tuple(columns), str(sweep.folder))


def _of_algorithm(sweep: Sweep, name: str) -> Table:
    facts: dict[str, list[Value]] = {
        "CONFIGURATION": [row.configuration for row in sweep.rows],
        STATE: [row.state for row in sweep.rows],
        "REASON": [row.reason or None for row in sweep.rows],
    }
    beside = [Column(each, Kind.FACT, values, "str") for each, values in facts.items()]
    words = dict.fromkeys(row.asked.app for row in sweep.rows)
    columns = (*table_columns(sweep.columns, sweep.rows), *beside)
    return Table(name or next(iter(words), sweep.folder.name), columns, str(sweep.folder))


def type_of(column: str) -> Type:
    """Return the type of a hyper-parameter of the glossary."""
    return "str" if column in WORDS else "int" if column in COUNTS else "float"


def _present(rows: Sequence[SweepRow]) -> list[tuple[str, Kind]]:
    """Return the hyper-parameters and the targets that some row has, in the glossary's order."""
    metrics = dict.fromkeys(name for row in rows for name in row.metrics)
    known = {name for row in rows for name in row.facts} | set(metrics)
    targets = dict.fromkeys((*TARGETS, *COMPARED, AGREEMENT, *metrics))
    return [
        *((name, Kind.HYPERPARAMETER) for name in HYPERPARAMETERS if name in known),
        *((name, Kind.TARGET) for name in targets if name in known and name not in HYPERPARAMETERS),
    ]


def _of_rows(name: str, kind: Kind, rows: Sequence[SweepRow]) -> Column:
    metrics = [row.metrics.get(name) for row in rows]
    spans = [metric.interval if metric else None for metric in metrics]
    values = [row.value(name) for row in rows]
    reasons = [
        "" if value is not None else (metric.reason if metric else row.reason)
        for value, metric, row in zip(values, metrics, rows, strict=True)
    ]
    has_span = any(spans)
    return Column(
        name,
        kind,
        values,
        type_of(name) if kind is Kind.HYPERPARAMETER else "float",
        next((metric.unit for metric in metrics if metric and metric.unit), UNITS.get(name, "")),
        [span.lower if span else None for span in spans] if has_span else None,
        [span.upper if span else None for span in spans] if has_span else None,
        reasons if any(reasons) else None,
    )


def _table(name: str, pairs: Sequence[Pair], source: str) -> Table:
    kinds: dict[str, Kind] = {}
    for pair in pairs:
        descriptor = pair.descriptor
        kinds |= {each.name: Kind.INPUT for each in descriptor.inputs if each.name not in kinds}
        kinds |= {each.name: Kind.HYPERPARAMETER for each in descriptor.hyperparameters if each.name not in kinds}
        kinds |= {each.name: Kind.TARGET for each in descriptor.targets if each.name not in kinds}
    order = sorted(kinds, key=lambda each: kinds[each] is Kind.TARGET)
    columns = [_column(each, kinds[each], pairs) for each in order]
    sizes = [len(pair) for pair in pairs]
    platforms = [pair.descriptor.platform for pair in pairs]
    columns.append(Column(PLATFORM, Kind.FACT, _repeated(platforms, sizes), "str"))
    prices = [pair.descriptor.price for pair in pairs]
    if any(price is not None for price in prices):
        reasons = _repeated([NO_PRICE if price is None else "" for price in prices], sizes)
        columns.append(Column(PRICE, Kind.FACT, _repeated(prices, sizes), reasons=reasons))
    if any(pair.repeats for pair in pairs):
        repeats = chain.from_iterable(pair.repeats or repeat(1, len(pair)) for pair in pairs)
        columns.append(Column(REPEATS, Kind.FACT, list(repeats), "int"))
    return Table(name, tuple(columns), source)


def _column(name: str, kind: Kind, pairs: Sequence[Pair]) -> Column:
    variables = [each for pair in pairs for each in pair.descriptor.variables if each.name == name]
    values, reasons = _joined(name, pairs)
    return Column(
        name,
        kind,
        values,
        _one_type(name, variables, pairs),
        UNITS.get(name, ""),
        reasons=reasons,
        description=next((each.description for each in variables if each.description), ""),
    )


def _joined(name: str, pairs: Sequence[Pair]) -> tuple[Sequence[Value], Sequence[str] | None]:
    """Return the values of all pairs one after another, and why some are not known."""
    parts = [pair.columns.get(name) for pair in pairs]
    if len(parts) == 1 and parts[0] is not None:
        return parts[0], pairs[0].why(name)
    values: array[float] | list[Value] = array("d") if all(isinstance(part, array) for part in parts) else []
    for part, pair in zip(parts, pairs, strict=True):
        values.extend(part if part is not None else repeat(None, len(pair)))  # type: ignore[arg-type] # arrays have floats
    if None not in values:
        return values, None
    reasons: list[str] = []
    for part, pair in zip(parts, pairs, strict=True):
        absent = pair.told.get(name, f"not measured on {pair.descriptor.platform}")
        why = repeat(absent, len(pair)) if part is None else pair.why(name)
        reasons.extend(why or repeat("", len(pair)))
    return values, reasons


def _one_type(name: str, variables: Sequence[Variable], pairs: Sequence[Pair]) -> Type:
    types: Mapping[Type, int] = Counter(each.type for each in variables)
    if len(types) == 1:
        return next(iter(types))
    if "str" in types:
        where = ", ".join(pair.descriptor.stem for pair in pairs)
        raise ResultError(f'column "{name}" has words and numbers', where=where, hint="give it one type everywhere")
    return "float" if "float" in types else "int"


def _repeated(values: Sequence[T], sizes: Sequence[int]) -> list[T]:
    return list(chain.from_iterable(repeat(value, size) for value, size in zip(values, sizes, strict=True)))
