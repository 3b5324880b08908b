"""Runs a converter in a process of its own and says how that ended."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from lpbench import errors
from lpbench.app.model import model_from_request
from lpbench.errors import ConversionError
from lpbench.plugin.converter import Converted
from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.jobs.conversion._job import Job
    from lpbench.plugin.engine import Shapes

WORDS = 300
"""Characters of the last line of a converter's output that an error repeats."""


def run(job: Job, shapes: Shapes, stage: Path) -> Converted:
    """Return what the converter made; the files lie in ``stage / "model"`` and nowhere else.

    :param shapes: Of every input whose dimensions the source leaves open.
    :raises ConversionError: It refused, crashed, hung, or made no files of its format; with the last line it printed.
    """
    paths = {name: stage / name for name in ("request", "answer", "prepared", "model", "scratch")}
    for name in ("model", "scratch"):
        paths[name].mkdir()
    paths["request"].write_text(json.dumps(_request(job, shapes, paths), default=str), encoding="utf-8")
    log = stage / "log"
    command = processes.python("-m", "lpbench.jobs.conversion.child", str(paths["request"]), str(paths["answer"]))
    try:
        status = processes.run(command, log=log, timeout=2 * job.timeout, tick=_Clock(job, paths["prepared"]))
    except TimeoutError as error:
        raise _failed(job, f"hung: it {error}", log) from error
    if status != 0:
        raise _failed(job, f"{'ended: ' if status > 0 else ''}{processes.ending(status)}", log)
    return _accept(job, _read(job, paths["answer"], log), paths["model"], log)


class _Clock:
    """Tells the phase, and ends one that takes too long."""

    def __init__(self, job: Job, prepared: Path) -> None:
        self._job = job
        self._prepared = prepared
        self._since: float | None = None

    def __call__(self, seconds: float) -> None:
        """Take in the seconds since the process began."""
        if self._since is None and self._prepared.exists():
            self._since = seconds
        phase, spent = ("preparing", seconds) if self._since is None else ("converting", seconds - self._since)
        if spent > self._job.timeout:
            raise TimeoutError(f"took longer than {self._job.timeout:g} s {phase}")
        self._job.tell(phase, spent)


def _request(job: Job, shapes: Shapes, paths: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "name": job.offer.spec.name,
        "target": job.offer.spec.target,
        "source": dataclasses.asdict(job.source),
        "folder": paths["model"],
        "scratch": paths["scratch"],
        "prepared": paths["prepared"],
        "precision": job.precision,
        "shapes": {name: list(shape) for name, shape in shapes.items()},
    }


def _failed(job: Job, outcome: str, log: Path) -> ConversionError:
    said = processes.last_line(log)[:WORDS]
    what = f'converter "{job.offer.spec.name}" {outcome}'
    error = ConversionError(what, where=job.source.path.name, hint=f"the last line it printed: {said}" if said else "")
    error.__cause__ = RuntimeError(log.read_text("utf-8", "replace")[-20_000:])  # for --debug
    return error


def _read(job: Job, answer: Path, log: Path) -> Mapping[str, Any]:
    """Return what the child answered.

    :raises ConversionError: It is an error, or there is no answer.
    """
    try:
        found: Mapping[str, Any] = json.loads(answer.read_text("utf-8"))
    except (OSError, ValueError):
        raise _failed(job, "ended with exit status 0, but returned no model", log) from None
    if "error" not in found:
        return found
    error = found["error"]
    ours = hasattr(errors, error["kind"])
    what = error["what"] if ours else f"{error['kind']}: {error['what']}"
    refusal = f'converter "{job.offer.spec.name}": {what}'
    where = error["where"] or job.source.path.name
    raise ConversionError(refusal, where=where, hint=error["hint"]) from RuntimeError(error["trace"])


def _accept(job: Job, answer: Mapping[str, Any], folder: Path, log: Path) -> Converted:
    """Return the converted model if its files are there.

    :raises ConversionError: A file is missing, empty or elsewhere, or the format is another.
    """
    model = model_from_request(answer["model"])
    if model.format != job.offer.spec.writes:
        raise _failed(job, f"made a model in the format {model.format}, not {job.offer.spec.writes}", log)
    for path in (model.path, *model.extra):
        if problem := _problem(path, folder):
            raise _failed(job, f"ended with exit status 0, but {path.name} {problem}", log)
    home = folder.resolve()
    if model.path.resolve().parent != home:
        raise _failed(job, f"put {model.path.name} into a subfolder; it belongs directly in the output folder", log)
    placed = [folder / path.resolve().relative_to(home) for path in (model.path, *model.extra)]
    return Converted(dataclasses.replace(model, path=placed[0], extra=tuple(placed[1:])), answer["tools"])


def _problem(path: Path, folder: Path) -> str:
    if not path.resolve().is_relative_to(folder.resolve()):
        return "is not in the folder that it was given"
    if not path.is_file():
        return "is missing"
    return "" if path.stat().st_size else "is empty"
