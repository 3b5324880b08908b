"""A result as a versioned JSON document, and back.

The document's schema is ``schemas/result.schema.json``.  Raw samples are kept by run and
stage as compressed blocks, up to ``lpbench.result.RAW_LIMIT`` samples a run; slice summaries
cover the rest.  What a file holds is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.monitor import Unavailable
from lpbench.result import Configuration, Lockstep, Metric, Result, Run, Slice, Stage
from lpbench.stats import Interval, Summary
from lpbench.timing import STAGES, TOTAL

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "lpbench-result"
VERSION = 1
BLOCK_LIMIT = 10_000_000
"""Samples that a block read from a file may hold."""
FILE_LIMIT = 512 << 20
ENCODING = "int64le-zlib-base64"


def to_dict(result: Result) -> dict[str, Any]:
    """Return the document, ready for JSON."""
    names = ("state", "created", "lpbench", "app", "settings", "environment", "lockstep_reason", "yardstick")
    return {
        "format": FORMAT,
        "version": VERSION,
        **{name: getattr(result, name) for name in names},
        "configurations": [_configuration_out(each) for each in result.configurations],
        "lockstep": [_lockstep_out(each) for each in result.lockstep],
    }


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
    stages = [values for stage, values in raw.items() if stage in STAGES]
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
