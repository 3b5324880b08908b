"""The lines of a journal: what a benchmark measures, then each finished run, as JSON.

What a file holds is not trusted: every field is checked, and reading ends at the first line that is not whole.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.about import version
from lpbench.errors import ConfigError, ResultError
from lpbench.results.json_document import decode
from lpbench.results.json_encode import encode
from lpbench.results.recorded import Course, RunRecord, Subject
from lpbench.results.sustained import Sustained
from lpbench.util import dataclass_config
from lpbench.util.json_files import parse_json
from lpbench.util.jsonable import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT, VERSION = "lpbench-journal", 1
SAMPLES = ("columns", "cpu")
"""Fields of a run that hold samples."""
MOST_SAMPLES = 50_000_000
"""Samples that a journal may hold: what a file claims in a few bytes takes memory."""
QUICK = 1
"""Level of compression: a run of 50,000 samples takes 0.1 s where that of results takes 0.6 s."""


@dataclass
class Recovered:
    """What a journal holds.

    :param lpbench: Version that wrote it.
    :param course: How far it came; None without a finished run.
    :param runs: Of each target, by their index: a run that was done again counts once.
    :param curves: Heating curves by the index of the target.
    :param damage: Why what follows the last whole line is not read.
    :param room: Samples that it may hold beside those that were read.
    """

    lpbench: str
    subject: Subject
    course: Course | None = None
    runs: list[dict[int, RunRecord]] = field(default_factory=list)
    curves: dict[int, Sustained] = field(default_factory=dict)
    damage: str = ""
    room: int = MOST_SAMPLES


def head(subject: Subject) -> bytes:
    """Return the first line."""
    facts = {"format": FORMAT, "version": VERSION, "lpbench": version(), "subject": to_jsonable(subject)}
    return _line(facts)


def entry(course: Course, target: int | None = None, found: RunRecord | Sustained | None = None) -> bytes:
    """Return a line on how far a benchmark is, with a run or a heating curve that has ended.

    :param target: Index of the configuration of which it is.
    """
    if isinstance(found, Sustained):
        return _line({"target": target, "sustained": to_jsonable(found), "course": to_jsonable(course)})
    run = {"target": target, "run": _run(found)} if found else {}
    return _line({**run, "course": to_jsonable(course)})


def read(data: bytes, *, where: str) -> Recovered:
    """Return what a journal holds, as far as it is whole.

    :raises ResultError: It holds no journal, or one of another version.
    """
    lines = data.split(b"\n")[:-1]  # the last ends without a line break where writing it was cut short
    if not lines:
        raise ResultError("holds no whole line", where=where)
    found = _head(_object(lines[0], where), where)
    try:
        for line in lines[1:]:
            _add(found, _object(line, where), where)
    except (ResultError, ConfigError) as error:
        found.damage = f"line {lines.index(line) + 1}: {error.what}"
    return found


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _run(run: RunRecord) -> dict[str, Any]:
    blocks = {
        name: {stage: encode(values, level=QUICK) for stage, values in getattr(run, name).items()} for name in SAMPLES
    }
    return {**to_jsonable(dataclasses.replace(run, columns={}, cpu={})), **blocks}


def _object(line: bytes, where: str) -> dict[str, Any]:
    found = parse_json(line, error=ResultError, where=where)
    if not isinstance(found, dict):
        raise ResultError("a line of the journal is not an object", where=where)
    return found


def _head(found: Mapping[str, Any], where: str) -> Recovered:
    if found.get("format") != FORMAT or found.get("version") != VERSION:
        raise ResultError(
            "not a journal that this lpbench reads", where=where, hint="show it with the lpbench that wrote it"
        )
    try:
        subject = dataclass_config.convert(Subject, found.get("subject"), where="subject")
    except ConfigError as error:
        raise ResultError(str(error), where=where) from error
    return Recovered(str(found.get("lpbench") or ""), subject, runs=[{} for _ in subject.targets])


def _add(found: Recovered, line: Mapping[str, Any], where: str) -> None:
    """Take in a line.

    :raises ResultError: It contradicts itself or the first line.
    :raises ConfigError: A field is missing or of another type.
    """
    course = dataclass_config.convert(Course, line.get("course"), where="course")
    targets = len(found.subject.targets)
    if {len(course.apart), len(course.failures)} != {targets}:
        raise ResultError("a line speaks of other configurations than the first", where=where)
    target = line.get("target", 0)
    if not isinstance(target, int) or not 0 <= target < targets:
        raise ResultError(f"a run is of configuration {target!r}, which is not there", where=where)
    if "sustained" in line:
        found.curves[target] = dataclass_config.convert(Sustained, line["sustained"], where="sustained")
    if "run" in line:
        run = _run_in(line["run"], found.room, where)
        found.room -= sum(len(values) for name in SAMPLES for values in getattr(run, name).values())
        found.runs[target][run.index] = run
    found.course = course


def _run_in(fields: Any, room: int, where: str) -> RunRecord:
    if not isinstance(fields, dict):
        raise ResultError("a run is not an object", where=where)
    samples = {name: _columns(fields.get(name), room, where) for name in SAMPLES}
    run: RunRecord = dataclass_config.convert(RunRecord, {**fields, **samples}, where="run")
    return run


def _columns(blocks: Any, room: int, where: str) -> dict[str, Any]:
    """Return samples by stage; each stage has as many."""
    if not isinstance(blocks, dict) or not all(map(_is_block, blocks.values())):
        raise ResultError("a block of samples is damaged", where=where)
    counts = [block["count"] for block in blocks.values()]
    if len(set(counts)) > 1 or sum(counts) > room:
        raise ResultError("stages have different numbers of samples, or too many", where=where)
    columns = {stage: decode(block, where=where) for stage, block in blocks.items()}
    if min(map(min, columns.values()), default=0) < 0:
        raise ResultError("a time is negative", where=where)
    return columns


def _is_block(block: Any) -> bool:
    """Say whether something is a block of one sample or more."""
    if not isinstance(block, dict) or not isinstance(block.get("data"), str):
        return False
    count = block.get("count")
    return isinstance(count, int) and count > 0
