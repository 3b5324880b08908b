"""What a profiled session says of its layers: checked, sorted into kinds, and cut to what a result keeps."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, EngineError
from lpbench.plugin.kit.layer_kinds import CATEGORIES, category
from lpbench.results.profile import MOST_LAYERS, KindTime, LayerProfile, LayerRecord
from lpbench.util import dataclass_config
from lpbench.util.jsonable import to_json, whole_text
from lpbench.util.text import abridge, brief
from lpbench.worker.profiled_session import reason_of
from lpbench.worker.statements import stated_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.worker.profiled_session import ProfiledSession

MOST_RECORDS = 100_000
"""Layers that a profile may have: several times those of the largest networks."""
MOST_RUNS = 10_000
"""Runs whose times a layer may give one by one."""
GREATEST = 1e18
"""Nanoseconds that a layer may take, 30 years, and times that it may be computed in a run."""
LONGEST_NAME = 200
"""Characters of a name that are kept."""
NEVER_RAN = "it did not run while profiling: no sample reached it"
DECIMALS = 3
"""Of nanoseconds: means of whole ones need no more."""


@dataclass(frozen=True)
class Layer:
    """A record that was checked.

    :param runs_ns: Its time in each run; empty where the engine tells the mean alone.
    """

    record: LayerRecord
    runs_ns: tuple[float, ...]


def layer_profile(session: ProfiledSession, component: str) -> LayerProfile:
    """Return a session's profile, or why there is none; what is wrong with it is no error of the benchmark."""
    times, spans = session.times_ns[1:] or session.times_ns, session.spans[1:] or session.spans
    shared: dict[str, Any] = {
        "component": component,
        "engine": session.engine,
        "device_spans": _medians(spans),
        "spans_reason": session.spans_reason or ("" if spans else NEVER_RAN),
    }
    if not times:
        return LayerProfile(**shared, reason=NEVER_RAN)
    shared |= {"runs": len(times), "inference_ns": _rounded(statistics.fmean(times))}
    shared["median_ns"] = statistics.median(times)
    try:
        layers = checked(session.profile(), session.engine)
    except Exception as error:  # noqa: BLE001 - whatever it is, only the layers are lost
        return LayerProfile(**shared, reason=reason_of(error, "profile", session.engine))
    kept = _slowest([layer.record for layer in layers])
    return LayerProfile(
        **shared,
        outside_median_ns=_outside(layers, times),
        kinds=kinds(layers),
        layers=kept,
        left_out=len(layers) - len(kept),
        left_out_ns=_rounded(sum(layer.record.ns for layer in layers) - sum(record.ns for record in kept)),
    )


def checked(records: object, engine: str) -> list[Layer]:
    """Return an engine's records as layers.

    :raises EngineError: Naming the engine, the record's field and what was found there.
    """
    with stated_by(engine):
        if isinstance(records, (str, bytes, Mapping)) or not hasattr(records, "__iter__"):
            raise ConfigError(f"found {brief(records)}; expected a list of layers", where="profile()")
        some = list(itertools.islice(iter(records), MOST_RECORDS + 1))
        if len(some) > MOST_RECORDS:
            raise ConfigError(f"found more than {MOST_RECORDS} layers", where="profile()")
        layers = [_layer(record, f"profile()[{at}]") for at, record in enumerate(some)]
    if not layers:
        raise EngineError(f'engine "{engine}" gives a profile without a layer')
    return layers


def kinds(layers: Sequence[Layer]) -> tuple[KindTime, ...]:
    """Return the time of each kind of layers, the slowest first."""
    by_kind: dict[str, list[Layer]] = {}
    for layer in layers:
        by_kind.setdefault(layer.record.kind, []).append(layer)
    found = [_kind(name, own, single=_known_runs(layers) > 0) for name, own in by_kind.items()]
    return tuple(sorted(found, key=lambda kind: (-kind.ns, CATEGORIES.index(kind.name))))


def _kind(name: str, layers: Sequence[Layer], *, single: bool) -> KindTime:
    median = _rounded(statistics.median(_by_run(layers))) if single else None
    return KindTime(name, _rounded(sum(layer.record.ns for layer in layers)), median, len(layers))


def _known_runs(layers: Sequence[Layer]) -> int:
    """Return of how many runs the times of all layers are known one by one."""
    counts = {len(layer.runs_ns) for layer in layers}
    return counts.pop() if len(counts) == 1 else 0


def _by_run(layers: Sequence[Layer]) -> list[float]:
    return [sum(times) for times in zip(*(layer.runs_ns for layer in layers), strict=True)]


def _outside(layers: Sequence[Layer], times: Sequence[int]) -> float | None:
    """Return the median of what the runs take outside of layers, where both are known run by run."""
    if _known_runs(layers) != len(times):
        return None
    pairs = zip(times, _by_run(layers), strict=True)
    return _rounded(statistics.median(whole - inside for whole, inside in pairs))


def _slowest(records: Sequence[LayerRecord]) -> tuple[LayerRecord, ...]:
    """Return the slowest that a result keeps, in the order of computation."""
    if len(records) <= MOST_LAYERS:
        return tuple(records)
    order = sorted(range(len(records)), key=lambda at: -records[at].ns)
    return tuple(records[at] for at in sorted(order[:MOST_LAYERS]))


def _medians(spans: Sequence[Mapping[str, int]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in spans for name in each)
    return {name: statistics.median(each.get(name, 0) for each in spans) for name in names}


def _layer(record: object, where: str) -> Layer:
    """Return one record, whose time, if it is split by runs, is their mean.

    :raises ConfigError: A field is missing, or of another type.
    """
    if not isinstance(record, Mapping):
        raise ConfigError(f"found {brief(record)}; expected an object", where=where)
    name, kind = (_text(record.get(key), f"{where}.{key}") for key in ("name", "type"))
    given = record.get("category")
    runs = record.get("runs_ns", ())
    return Layer(
        LayerRecord(
            name=name,
            kind=given if isinstance(given, str) and given in CATEGORIES else category(kind),
            type=kind,
            ns=_rounded(_number(record.get("ns"), f"{where}.ns")),
            count=_number(record.get("calls", 1), f"{where}.calls"),
        ),
        _numbers(runs, f"{where}.runs_ns"),
    )


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"found {brief(value)}; expected text", where=where)
    return whole_text(abridge(value, LONGEST_NAME))


def _numbers(values: object, where: str) -> tuple[float, ...]:
    if not isinstance(values, (list, tuple)) or len(values) > MOST_RUNS:
        what = brief(values) if not isinstance(values, (list, tuple)) else f"{len(values)} values"
        raise ConfigError(f"found {what}; expected a list of at most {MOST_RUNS} numbers", where=where)
    return tuple(_number(value, f"{where}[{at}]") for at, value in enumerate(values))


def _number(value: object, where: str) -> float:
    if type(value) is int and 0 <= value <= GREATEST:  # of nearly all: the way below takes ten times as long
        return float(value)
    number: float = dataclass_config.convert(float, to_json(value, where), where=where)
    if not 0 <= number <= GREATEST:
        raise ConfigError(f"found {number:g}; expected a number from 0 to {GREATEST:g}", where=where)
    return number


def _rounded(ns: float) -> float:
    return round(ns, DECIMALS)
