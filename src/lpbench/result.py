"""What a benchmark found, as a versioned JSON document.

The document's schema is ``schemas/result.schema.json``.  Times are integer
nanoseconds; metrics carry the glossary's units; what is not known is null with a
reason.  Raw samples are kept by run and stage as compressed blocks, up to
``RAW_LIMIT`` samples a run; slice summaries cover the rest.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import sys
import zlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.monitor import Unavailable
from lpbench.stats import Interval, Summary
from lpbench.timing import TOTAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMAT = "lpbench-result"
VERSION = 1
OK = "OK"
INTERRUPTED = "interrupted"
RAW_LIMIT = 20_000
"""Raw samples stored for each run and stage; ``Run.samples`` says how many there were."""
BLOCK_LIMIT = 10_000_000
"""Samples that a block read from a file may hold."""
FILE_LIMIT = 512 << 20
ENCODING = "int64le-zlib-base64"

Summaries = dict[str, Summary]
"""Statistics by stage."""


@dataclass(frozen=True)
class Metric:
    """One value of the glossary, or the reason why there is none.

    :param value: In ``unit``; None where it is not known.
    :param n: Measurements that it rests on.
    :param interval: Where its true value lies, in ``unit``; None with a reason in ``interval_reason``.
    :param reason: Why there is no value.
    :param source: How it was obtained.
    """

    value: float | None
    unit: str
    n: int = 0
    interval: Interval | None = None
    interval_reason: str = ""
    reason: str = ""
    source: str = ""


@dataclass(frozen=True)
class Stage:
    """One row of the anchor table.

    :param name: ``preprocessing``, ``inference``, ``postprocessing`` or ``total``.
    :param label: What the published table calls it, ``engines/onnxruntime`` say.
    :param plugin: Distribution that does the work, with its version.
    :param data_type: Type of what it hands on, in the glossary's words.
    """

    name: str
    label: str
    plugin: str
    data_type: str = ""


@dataclass(frozen=True)
class Slice:
    """One uninterrupted stretch of a run.

    :param samples: How many were timed.
    :param wall_ns: How long it took, decoding left out.
    :param median_ns: Median of the total.
    :param minimum_ns: Least total.
    :param maximum_ns: Greatest total.
    """

    samples: int
    wall_ns: int
    median_ns: float
    minimum_ns: int
    maximum_ns: int


@dataclass(frozen=True)
class Run:
    """One fresh process: opened, warmed up, measured, closed.

    :param state: ``OK``, ``interrupted``, or how it ended, ``crashed: SIGSEGV while loading`` say.
    :param detail: What the worker or the engine said about it.
    :param load_ns: Opening the model.
    :param first_ns: The very first sample, by stage.
    :param warm_up: ``samples`` spent and what ended it.
    :param stopped: Why measuring ended: ``interval``, ``plateau``, ``number``, ``samples``, ``time``, ``interrupted``.
    :param samples: Timed samples.
    :param statistics: Of the wall time by stage, nanoseconds.
    :param cpu: Of the CPU time of all threads by stage, from the pass of its own.
    :param counters: Bytes and counts of the process: memory, foreign switches, page faults.
    :param units: Latency by stage in units of the yardstick, from lockstep slices.
    :param disturbance: What others did to the machine meanwhile: shares, seconds and counts.
    :param flags: What is wrong with it: ``unsteady``, ``autocorrelated``, ``drift``, ``bimodal``, ``disturbed``.
    :param superseded: Whether it was repeated because others disturbed it; it counts no more.
    :param parts: Of a sample's time in nanoseconds, where that was asked for; they add up.
    :param raw: Nanoseconds by stage, the first ``RAW_LIMIT`` samples.
    """

    index: int
    state: str = OK
    detail: str = ""
    began: str = ""
    load_ns: int | None = None
    first_ns: Mapping[str, int] = field(default_factory=dict)
    warm_up: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""
    samples: int = 0
    statistics: Mapping[str, Summary] = field(default_factory=dict)
    cpu: Mapping[str, Summary] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    disturbance: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Mapping[str, str], ...] = ()
    superseded: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)
    raw: Mapping[str, array[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """An engine with its options, and what was measured of it.

    :param engine: The engine's own name; ``asked`` is what the user called it.
    :param state: ``OK``, or why there is less than was asked for.
    :param facts: What the session says of itself: version, device, precision, threads, providers.
    :param statistics: Of all runs' samples together, by stage, nanoseconds.
    :param cpu: Likewise of the CPU-time passes.
    :param metrics: By the glossary's names.
    :param predictions: One for each sample, from an untimed pass of the first run.
    :param problems: Samples that were left out, and why.
    :param flags: What is wrong with the runs together, and how many of them are flagged for what.
    """

    engine: str
    asked: str
    plugin: str
    options: Mapping[str, Any]
    isolated: bool
    state: str = OK
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Mapping[str, Any]] = ()
    outputs: Sequence[Mapping[str, Any]] = ()
    stages: tuple[Stage, ...] = ()
    runs: tuple[Run, ...] = ()
    statistics: Mapping[str, Summary] = field(default_factory=dict)
    cpu: Mapping[str, Summary] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    predictions: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[Mapping[str, str]] = ()
    flags: Sequence[Mapping[str, str]] = ()

    @property
    def measured(self) -> bool:
        """Whether there is at least one timed sample."""
        return bool(self.statistics)

    @property
    def latency(self) -> Metric:
        """The whole app's latency in milliseconds, with the interval across runs."""
        return self.metrics["LATENCY"]

    def run_medians(self, stage: str = TOTAL) -> list[float]:
        """Return the median of each run that counts, in nanoseconds: what comparisons rest on."""
        return [run.statistics[stage].median for run in self.counted if stage in run.statistics]

    def run_units(self, stage: str = TOTAL) -> list[float]:
        """Return the latency of each run that counts in units of the yardstick."""
        return [run.units[stage] for run in self.counted if stage in run.units]

    @property
    def counted(self) -> tuple[Run, ...]:
        """The runs that measured something and were not repeated."""
        return tuple(run for run in self.runs if run.samples and not run.superseded)


@dataclass(frozen=True)
class Lockstep:
    """Two configurations that took turns in the same runs.

    :param first: Index of the reference among the configurations.
    :param second: Index of the other.
    :param ratios: Second over first, one for each run, by stage: what a verdict rests on.
    """

    first: int
    second: int
    ratios: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Result:
    """A benchmark of one app: one configuration, or several that were measured together.

    :param state: ``OK``, ``interrupted``, or ``failed`` where nothing could be measured.
    :param app: Name, class, version, digest.
    :param settings: What was asked for.
    :param environment: As ``lpbench.machine.environment`` gives it, of the worker's machine.
    :param lockstep: Ratios of configurations to the first measured one, where they took turns.
    :param lockstep_reason: Why they did not.
    :param yardstick: What its units depend on and how steady it was, or the ``reason`` why there are none.
    """

    app: Mapping[str, Any]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    configurations: tuple[Configuration, ...]
    state: str = OK
    created: str = ""
    lpbench: str = ""
    lockstep: tuple[Lockstep, ...] = ()
    lockstep_reason: str = ""
    yardstick: Mapping[str, Any] = field(default_factory=dict)

    @property
    def latency(self) -> Metric:
        """The latency of the first configuration."""
        return self.configurations[0].latency

    def to_dict(self) -> dict[str, Any]:
        """Return the document, ready for JSON."""
        plain = {name: getattr(self, name) for name in ("state", "created", "lpbench", "app", "settings")}
        configurations = [_configuration_out(each) for each in self.configurations]
        return {
            "format": FORMAT,
            "version": VERSION,
            **plain,
            "environment": self.environment,
            "configurations": configurations,
            "lockstep": [_lockstep_out(each) for each in self.lockstep],
            "lockstep_reason": self.lockstep_reason,
            "yardstick": self.yardstick,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the document and return where it is; see ``lpbench.store.save``."""
        from lpbench import store

        return store.save(self, path, overwrite=overwrite)

    def to_pandas(self) -> Any:  # noqa: ANN401 - pandas is the caller's
        """Return the raw samples as a pandas DataFrame: engine, run, sample and nanoseconds by stage.

        :raises ResultError: pandas is not installed.
        """
        try:
            import pandas as pd  # type: ignore[import-not-found, import-untyped, unused-ignore] # optional
        except ImportError as error:
            what = "pandas is not installed"
            raise ResultError(what, hint="pip install pandas") from error
        return pd.DataFrame(list(self.rows()))

    def rows(self) -> list[dict[str, Any]]:
        """Return one record for each stored sample: engine, run, sample and nanoseconds by stage."""
        return [
            {"engine": each.engine, "run": run.index, "sample": at, **dict(zip(run.raw, values, strict=True))}
            for each in self.configurations
            for run in each.runs
            for at, values in enumerate(zip(*run.raw.values(), strict=True))
        ]

    def _repr_html_(self) -> str:
        from lpbench.render import to_html

        return to_html(self)


def from_dict(document: Any, *, where: str = "") -> Result:  # noqa: ANN401 - whatever a file holds
    """Return the result that a document describes.

    :param where: The file, for errors.
    :raises ResultError: It is of another format or version, or breaks the schema.
    """
    _refuse_others(document, where)
    _check_schema(document, where)
    configurations = tuple(_configuration_in(each, where) for each in document["configurations"])
    names = ("app", "settings", "environment", "state", "created", "lpbench", "lockstep_reason", "yardstick")
    lockstep = tuple(_lockstep_in(each) for each in document["lockstep"])
    return Result(**{name: document[name] for name in names}, configurations=configurations, lockstep=lockstep)


def encode(values: array[int]) -> dict[str, Any]:
    """Return a block: little-endian 64-bit integers, deflated, in base64."""
    data = array("q", values)
    if sys.byteorder == "big":
        data.byteswap()
    text = base64.b64encode(zlib.compress(data.tobytes(), 6)).decode("ascii")
    return {"encoding": ENCODING, "count": len(values), "data": text}


def decode(block: Mapping[str, Any], *, where: str = "") -> array[int]:
    """Return a block's integers.

    :raises ResultError: It is damaged, or holds another number of integers than it says.
    """
    count = block["count"]
    if not 0 <= count <= BLOCK_LIMIT:
        what = f"a block says that it holds {count} integers; at most {BLOCK_LIMIT} are read"
        raise ResultError(what, where=where)
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(block["data"], validate=True), 8 * count + 1)
    except (zlib.error, binascii.Error, ValueError) as error:
        what = f"a block of samples is damaged: {error}"
        raise ResultError(what, where=where) from error
    if len(data) != 8 * count or not inflate.eof:
        what = f"a block of samples does not hold the {count} integers that it says"
        raise ResultError(what, where=where)
    values = array("q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _lockstep_out(each: Lockstep) -> dict[str, Any]:
    return {**dataclasses.asdict(each), "ratios": {stage: list(found) for stage, found in each.ratios.items()}}


def _lockstep_in(document: Mapping[str, Any]) -> Lockstep:
    ratios = {stage: tuple(found) for stage, found in document["ratios"].items()}
    return Lockstep(document["first"], document["second"], ratios)


def _configuration_out(each: Configuration) -> dict[str, Any]:
    document = {item.name: getattr(each, item.name) for item in dataclasses.fields(each)}
    document["stages"] = [dataclasses.asdict(stage) for stage in each.stages]
    document["runs"] = [_run_out(run) for run in each.runs]
    for name in ("statistics", "cpu"):
        document[name] = {stage: _plain(summary) for stage, summary in document[name].items()}
    document["metrics"] = {name: _plain(metric) for name, metric in each.metrics.items()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}


def _run_out(run: Run) -> dict[str, Any]:
    document = {item.name: getattr(run, item.name) for item in dataclasses.fields(run)}
    for name in ("statistics", "cpu"):
        document[name] = {stage: _plain(summary) for stage, summary in document[name].items()}
    document["slices"] = [dataclasses.asdict(each) for each in run.slices]
    document["raw"] = {stage: encode(values) for stage, values in run.raw.items()}
    return document


def _plain(record: Summary | Metric) -> dict[str, Any]:
    """Return a record for JSON; what is not there becomes null, with its reason under ``reasons``."""
    document = dataclasses.asdict(record)
    if isinstance(record, Metric):
        return document
    values = {item.name: getattr(record, item.name) for item in dataclasses.fields(record)}
    reasons = {name: value.reason for name, value in values.items() if isinstance(value, Unavailable)}
    return {**document, **dict.fromkeys(reasons), "reasons": reasons}


def _configuration_in(document: Mapping[str, Any], where: str) -> Configuration:
    values = dict(document)
    for name in ("inputs", "outputs", "predictions", "problems", "flags"):
        values[name] = tuple(values[name])
    values["stages"] = tuple(Stage(**each) for each in values["stages"])
    values["runs"] = tuple(_run_in(each, where) for each in values["runs"])
    for name in ("statistics", "cpu"):
        values[name] = {stage: _summary_in(each) for stage, each in values[name].items()}
    values["metrics"] = {name: _metric_in(each) for name, each in values["metrics"].items()}
    return Configuration(**values)


def _run_in(document: Mapping[str, Any], where: str) -> Run:
    values = dict(document)
    for name in ("statistics", "cpu"):
        values[name] = {stage: _summary_in(each) for stage, each in values[name].items()}
    values["slices"] = tuple(Slice(**each) for each in values["slices"])
    values["flags"] = tuple(values["flags"])
    values["raw"] = {stage: decode(block, where=where) for stage, block in values["raw"].items()}
    _refuse_sums(values["raw"], where)
    return Run(**values)


def _refuse_sums(raw: Mapping[str, array[int]], where: str) -> None:
    """Refuse samples whose stages do not add up to their total: somebody changed the file."""
    stages = [values for stage, values in raw.items() if stage != TOTAL]
    if raw and (min(map(min, filter(None, raw.values())), default=0) < 0):
        what = "a stored time is negative"
        raise ResultError(what, where=where)
    if raw and [sum(each) for each in zip(*stages, strict=True)] != list(raw.get(TOTAL, ())):
        what = "the stages of a sample do not add up to its total"
        raise ResultError(what, where=where)


def _summary_in(document: Mapping[str, Any]) -> Summary:
    values = {name: value for name, value in document.items() if name != "reasons"}
    missing = {name: Unavailable(reason) for name, reason in document["reasons"].items()}
    interval = values["interval"] and Interval(**values["interval"])
    return Summary(**{**values, "interval": interval, **missing})


def _metric_in(document: Mapping[str, Any]) -> Metric:
    interval = document["interval"]
    return Metric(**{**document, "interval": Interval(**interval) if interval else None})


def _refuse_others(document: Any, where: str) -> None:  # noqa: ANN401
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        what = f"this is no result of lpbench: format is {found!r}"
        raise ResultError(what, where=where, hint=f'a result says "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        what = f"result version {document.get('version')!r} is not read; this lpbench reads version {VERSION}"
        raise ResultError(what, where=where, hint="read it with the lpbench that wrote it, or measure again")


def _check_schema(document: Mapping[str, Any], where: str) -> None:
    from lpbench.schema import iter_problems, published

    problem = next(iter(iter_problems(document, published("result"))), None)
    if problem is not None:
        raise ResultError(str(problem), where=where)


def parse(text: bytes, *, where: str = "") -> Result:
    """Return the result in a file's bytes.

    :raises ResultError: It is no JSON, too large, or not a result.
    """
    if len(text) > FILE_LIMIT:
        what = f"the file has {len(text)} bytes; at most {FILE_LIMIT} are read"
        raise ResultError(what, where=where)
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        what = f"this is no complete JSON: {error}"
        raise ResultError(what, where=where, hint="the file may have been cut short") from error
    return from_dict(document, where=where)


def _refuse_constant(word: str) -> None:
    what = f"{word} is no JSON"
    raise ValueError(what)
