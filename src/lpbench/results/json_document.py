"""A result from its versioned JSON document.

The document's schema is ``result.schema.json``; ``lpbench.results.json_encode`` writes it.  Raw samples are
kept by run and stage as compressed blocks, up to ``lpbench.results.model.RAW_LIMIT`` samples a run; slice summaries
cover the rest.  What a file holds is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, ResultError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.document_checks import NULLABLE, problems_of
from lpbench.results.json_encode import FORMAT, VERSION
from lpbench.results.model import Configuration, Result
from lpbench.results.profile import KindTime, LayerProfile, LayerRecord
from lpbench.results.resources import MonitorLoss, Resource, ResourcePass, StageMemory, WatchedSlice
from lpbench.results.run import Lockstep, Metric, Run, Slice, Stage
from lpbench.results.settings import Resolved, RunSettings
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import Interval, Summary
from lpbench.results.sustained import Heat, HeatSlice, Sustained
from lpbench.util import dataclass_config
from lpbench.util.json_files import parse_json
from lpbench.util.outcome import RunOutcome
from lpbench.util.problems import show
from lpbench.util.regular_files import read_regular
from lpbench.util.schema import published_problems
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BLOCK_LIMIT = 10_000_000
"""Samples that a block read from a file may hold."""
FILE_LIMIT = 512 << 20
"""Bytes of a file that are read."""
MOST_WHOLE = 2**63
WHOLE = ("int", "int | None")
"""Types of fields that hold whole numbers, as they are annotated."""


def from_dict(document: Any, *, where: str = "") -> Result:
    """Return the result that a document describes; what it holds beside is ignored.

    :param where: The file, for errors.
    :raises ResultError: It is of another format or version, or breaks the schema.
    """
    document = checked(document, where=where)
    values = _known(Result, document)
    values["settings"] = _settings_in(document["settings"], where)
    values["resolved"] = Resolved(**_tuples(_known(Resolved, document["resolved"])))
    values["configurations"] = tuple(_configuration_in(each, where) for each in document["configurations"])
    values["lockstep"] = tuple(_lockstep_in(each) for each in document["lockstep"])
    return Result(**values)


def checked(document: Any, *, where: str = "") -> dict[str, Any]:
    """Return a document in the present version, with everything in it checked but the contents of samples.

    :param where: The file, for errors.
    :raises ResultError: It is of another format or version, breaks the schema, or contradicts itself.
    """
    present = _in_this_version(document, where)
    problem = next(published_problems(present, "lpbench.results", "result"), None)
    problem = problem or next(problems_of(present), None)
    if problem is not None:
        raise ResultError(str(problem), where=where)
    return present


def _known(kind: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass that a document holds: later versions of lpbench add others.

    Whole numbers may be written as 1.0, which JSON does not tell from 1.
    """
    known = [item for item in dataclasses.fields(kind) if item.name in document]
    values = {item.name: document[item.name] for item in known}
    whole = [item.name for item in known if item.type in WHOLE and isinstance(values[item.name], float)]
    # 1e300 stays as it is: written as a whole number it would have 300 digits
    return {**values, **{name: int(values[name]) for name in whole if abs(values[name]) < MOST_WHOLE}}


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _settings_in(document: Mapping[str, Any], where: str) -> RunSettings:
    try:
        return dataclass_config.build(RunSettings, _known(RunSettings, document), where="settings")
    except ConfigError as error:
        raise ResultError(str(error), where=where) from error


def decode(block: Mapping[str, Any], *, where: str = "") -> array[int]:
    """Return a block's integers.

    :raises ResultError: It is damaged, or holds another number of integers than it says.
    """
    count = int(block["count"])
    if not 0 <= count <= BLOCK_LIMIT:
        raise ResultError(f"a block of samples claims {count} integers; at most {BLOCK_LIMIT} are allowed", where=where)
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(block["data"], validate=True), 8 * count + 1)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise ResultError(f"a block of samples is damaged: {error}", where=where) from error
    if len(data) != 8 * count or not inflate.eof:
        raise ResultError(f"a block of samples does not hold the {count} integers that it claims", where=where)
    values = array("q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _lockstep_in(document: Mapping[str, Any]) -> Lockstep:
    ratios, first_ns = (
        {stage: tuple(found) for stage, found in document.get(name, {}).items()} for name in ("ratios", "first_ns")
    )
    return Lockstep(int(document["first"]), int(document["second"]), ratios, first_ns)


def _configuration_in(document: Mapping[str, Any], where: str) -> Configuration:
    values = _known(Configuration, document)
    try:
        known = _known(EngineConfiguration, document["configuration"])
        values["configuration"] = dataclass_config.build(EngineConfiguration, known, where="configuration")
    except ConfigError as error:
        raise ResultError(str(error), where=where) from error
    for name in ("inputs", "outputs", "predictions", "problems", "flags"):
        values[name] = tuple(values[name])
    values["outcome"] = RunOutcome(**_known(RunOutcome, document["outcome"]))
    values["stages"] = tuple(Stage(**_known(Stage, each)) for each in document["stages"])
    values["runs"] = tuple(_run_in(each, where) for each in document["runs"])
    for name in ("statistics", "cpu"):
        values[name] = {stage: _summary_in(each) for stage, each in document[name].items()}
    values["metrics"] = {name: _metric_in(each) for name, each in document["metrics"].items()}
    values["profile"] = tuple(_profile_in(each) for each in document.get("profile", ()))
    values["sustained"] = _sustained_in(document["sustained"], where) if document.get("sustained") else None
    return Configuration(**values)


def _profile_in(document: Mapping[str, Any]) -> LayerProfile:
    values = _known(LayerProfile, document)
    values["kinds"] = tuple(KindTime(**_known(KindTime, each)) for each in document["kinds"])
    values["layers"] = tuple(LayerRecord(**_known(LayerRecord, each)) for each in document["layers"])
    return LayerProfile(**values)


def _run_in(document: Mapping[str, Any], where: str) -> Run:
    values = _known(Run, document)
    values["outcome"] = RunOutcome(**_known(RunOutcome, document["outcome"]))
    for name in ("statistics", "cpu"):
        values[name] = {stage: _summary_in(each) for stage, each in document[name].items()}
    values["slices"] = tuple(Slice(**_known(Slice, each)) for each in document["slices"])
    values["flags"] = tuple(document["flags"])
    if document.get("resources"):
        values["resources"] = _resources_in(document["resources"], where)
    values["raw"] = {stage: decode(block, where=where) for stage, block in document["raw"].items()}
    _refuse_sums(values["raw"], where)
    return Run(**values)


def _resources_in(document: Mapping[str, Any], where: str) -> ResourcePass:
    """Return a resource pass.

    :raises ResultError: A field is of another type.
    """
    values = _known(ResourcePass, document)
    for name, kind in (("resources", Resource), ("slices", WatchedSlice), ("losses", MonitorLoss)):
        values[name] = [_known(kind, each) for each in values.get(name, ())]
    values["stages"] = {stage: _known(StageMemory, each) for stage, each in values.get("stages", {}).items()}
    try:
        return dataclass_config.build(ResourcePass, values, where="resources")
    except ConfigError as error:
        raise ResultError(str(error), where=where) from error


def _sustained_in(document: Mapping[str, Any], where: str) -> Sustained:
    """Return a heating curve.

    :raises ResultError: A field is of another type.
    """
    values = _known(Sustained, document)
    for name, kind in (("slices", HeatSlice), ("resources", Resource), ("losses", MonitorLoss)):
        values[name] = [_known(kind, each) for each in values.get(name, ())]
    values["heat"] = _known(Heat, values.get("heat", {}))
    if values["heat"].get("steady_interval"):
        values["heat"]["steady_interval"] = _known(Interval, values["heat"]["steady_interval"])
    try:
        return dataclass_config.build(Sustained, values, where="sustained")
    except ConfigError as error:
        raise ResultError(str(error), where=where) from error


def _refuse_sums(raw: Mapping[str, array[int]], where: str) -> None:
    """Refuse samples whose stages do not add up to their total: somebody changed the file."""
    stages = [raw[stage] for stage in STAGES if stage in raw]
    if raw and (min(map(min, filter(None, raw.values())), default=0) < 0):
        raise ResultError("a stored time is negative", where=where)
    if raw and [sum(each) for each in zip(*stages, strict=True)] != list(raw[TOTAL]):
        raise ResultError("the stages of a sample do not add up to its total", where=where)


def _summary_in(document: Mapping[str, Any]) -> Summary:
    reasons = document["reasons"]
    missing = {name: Unavailable(**_known(Unavailable, reasons[name])) for name in NULLABLE if document[name] is None}
    return Summary(**{**_known(Summary, document), "interval": _interval_in(document["interval"]), **missing})


def _metric_in(document: Mapping[str, Any]) -> Metric:
    return Metric(**{**_known(Metric, document), "interval": _interval_in(document["interval"])})


def _interval_in(document: Mapping[str, Any] | None) -> Interval | None:
    return Interval(**_known(Interval, document)) if document else None


def _in_this_version(document: Any, where: str) -> dict[str, Any]:
    """Return a document in the present version.

    :raises ResultError: It is not a result, or of a version that is not known.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = f"format is {show(document.get('format'))}" if isinstance(document, dict) else show(document)
        raise ResultError(f"not a result of lpbench: {found}", where=where, hint=f'a result has "format": "{FORMAT}"')
    version = document.get("version")
    if isinstance(version, bool) or version not in (1, VERSION):
        raise ResultError(
            f"result version {show(version)} is not read; this lpbench reads versions 1 to {VERSION}",
            where=where,
            hint="read it with the lpbench that wrote it, or measure again",
        )
    if version == VERSION:
        return document
    from lpbench.results.migration import to_version_2

    return to_version_2(document, where=where)


def read_document(path: Path) -> dict[str, Any]:
    """Return the document in a file, ``checked``, without building the result.

    :raises ResultError: It is not there, not a regular file, too large, no JSON, or not a result.
    """
    data = read_regular(path, limit=FILE_LIMIT, error=ResultError)
    return checked(parse_json(data, error=ResultError, where=str(path)), where=str(path))


def read(path: Path) -> Result:
    """Return the result in a file.

    :raises ResultError: It is not there, not a regular file, too large, no JSON, or not a result.
    """
    return parse(read_regular(path, limit=FILE_LIMIT, error=ResultError), where=str(path))


def parse(text: bytes, *, where: str = "") -> Result:
    """Return the result in a file's bytes.

    :raises ResultError: It is no JSON, or not a result.
    """
    return from_dict(parse_json(text, error=ResultError, where=where), where=where)
