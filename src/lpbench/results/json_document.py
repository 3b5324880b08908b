"""A result from its versioned JSON document.

The document's schema is ``result.schema.json``; ``lpbench.results.json_encode`` writes it.  Raw samples are
kept by run and stage as compressed blocks, up to ``lpbench.results.model.RAW_LIMIT`` samples a run; slice summaries
cover the rest.  What a file holds is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.results.json_encode import FORMAT, VERSION
from lpbench.results.model import Configuration, Lockstep, Metric, Result, Run, Slice, Stage
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import Interval, Summary
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK_LIMIT = 10_000_000
"""Samples that a block read from a file may hold."""
FILE_LIMIT = 512 << 20


def from_dict(document: Any, *, where: str = "") -> Result:
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


def decode(block: Mapping[str, Any], *, where: str = "") -> array[int]:
    """Return a block's integers.

    :raises ResultError: It is damaged, or holds another number of integers than it says.
    """
    count = block["count"]
    if not 0 <= count <= BLOCK_LIMIT:
        raise ResultError(f"a block says that it holds {count} integers; at most {BLOCK_LIMIT} are read", where=where)
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(block["data"], validate=True), 8 * count + 1)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise ResultError(f"a block of samples is damaged: {error}", where=where) from error
    if len(data) != 8 * count or not inflate.eof:
        raise ResultError(f"a block of samples does not hold the {count} integers that it says", where=where)
    values = array("q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _lockstep_in(document: Mapping[str, Any]) -> Lockstep:
    ratios = {stage: tuple(found) for stage, found in document["ratios"].items()}
    return Lockstep(document["first"], document["second"], ratios)


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
        raise ResultError("a stored time is negative", where=where)
    if raw and [sum(each) for each in zip(*stages, strict=True)] != list(raw.get(TOTAL, ())):
        raise ResultError("the stages of a sample do not add up to its total", where=where)


def _summary_in(document: Mapping[str, Any]) -> Summary:
    values = {name: value for name, value in document.items() if name != "reasons"}
    missing = {name: Unavailable(reason) for name, reason in document["reasons"].items()}
    interval = values["interval"] and Interval(**values["interval"])
    return Summary(**{**values, "interval": interval, **missing})


def _metric_in(document: Mapping[str, Any]) -> Metric:
    interval = document["interval"]
    return Metric(**{**document, "interval": Interval(**interval) if interval else None})


def _refuse_others(document: Any, where: str) -> None:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        raise ResultError(
            f"this is no result of lpbench: format is {found!r}",
            where=where,
            hint=f'a result says "format": "{FORMAT}"',
        )
    if document.get("version") != VERSION:
        raise ResultError(
            f"result version {document.get('version')!r} is not read; this lpbench reads version {VERSION}",
            where=where,
            hint="read it with the lpbench that wrote it, or measure again",
        )


def _check_schema(document: Mapping[str, Any], where: str) -> None:
    from lpbench.util.schema import iter_problems, published

    problem = next(iter(iter_problems(document, published("lpbench.results", "result"))), None)
    if problem is not None:
        raise ResultError(str(problem), where=where)


def parse(text: bytes, *, where: str = "") -> Result:
    """Return the result in a file's bytes.

    :raises ResultError: It is no JSON, too large, or not a result.
    """
    if len(text) > FILE_LIMIT:
        raise ResultError(f"the file has {len(text)} bytes; at most {FILE_LIMIT} are read", where=where)
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ResultError(
            f"this is no complete JSON: {error}", where=where, hint="the file may have been cut short"
        ) from error
    return from_dict(document, where=where)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
