"""Runs a converter in a process of its own and says how that ended."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from lpbench.app.model_described import model_from_request
from lpbench.jobs.conversion._call import Call
from lpbench.plugin.converter import Converted
from lpbench.plugin.engine import Model
from lpbench.plugin.progress_file import NAME, Reports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.jobs.conversion._calibrate import Calibration
    from lpbench.jobs.conversion._job import Job
    from lpbench.plugin.engine import Shapes


def run(job: Job, shapes: Shapes, stage: Path, calibration: Calibration | None = None) -> Converted:
    """Return what the converter made; the files lie in ``stage / "model"`` and nowhere else.

    :param shapes: Of every input whose dimensions the source leaves open.
    :param calibration: Samples to measure ranges of values with.
    :raises ConversionError: It refused, crashed, hung, or made no files of its format; with the last line it printed.
    """
    paths = {name: stage / name for name in ("prepared", "model", "scratch")}
    for name in ("model", "scratch"):
        paths[name].mkdir()
    call = Call(job.offer.spec.name, job.source.path.name, stage)
    request = {**_request(job, shapes, paths), **(calibration.request() if calibration else {})}
    answer = call.answer(request, timeout=math.inf, tick=_Clock(job, paths["prepared"]))
    return _accept(job, call, answer, paths["model"])


class _Clock:
    """Tells the phase and what the converter reports, and ends one that takes too long without a report."""

    def __init__(self, job: Job, prepared: Path) -> None:
        self._job = job
        self._prepared = prepared
        self._reports = Reports(prepared.with_name(NAME))
        self._since: float | None = None
        self._heard = 0.0
        self._activity = ""

    def __call__(self, seconds: float) -> None:
        """Take in the seconds since the process began."""
        if self._since is None and self._prepared.exists():
            self._since = self._heard = seconds
        phase, spent = ("preparing", seconds) if self._since is None else ("converting", seconds - self._since)
        if activity := self._reports.news():
            self._activity, self._heard = str(activity), seconds
        if seconds - self._heard > self._job.order.timeout:
            last = f' after "{self._activity}"' if self._activity else ""
            raise TimeoutError(f"took longer than {self._job.order.timeout:g} s {phase}{last}")
        self._job.tell(phase, spent, self._activity)


def _request(job: Job, shapes: Shapes, paths: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "name": job.offer.spec.name,
        "target": job.offer.spec.target,
        "source": dataclasses.asdict(job.source),
        "folder": paths["model"],
        "scratch": paths["scratch"],
        "prepared": paths["prepared"],
        "precision": job.precision,
        "config": job.offer.spec.config,
        "options": dict(job.options),
        "shapes": {name: list(shape) for name, shape in shapes.items()},
    }


def _accept(job: Job, call: Call, answer: Mapping[str, Any], folder: Path) -> Converted:
    """Return the converted model if its files are there.

    :raises ConversionError: A file is missing, empty or elsewhere, or the format is another.
    """
    model = model_from_request(answer["model"])
    if model.format != job.offer.spec.writes:
        raise call.failed(f"made a model in the format {model.format}, not {job.offer.spec.writes}")
    for path in (model.path, *model.extra):
        if problem := _problem(path, folder):
            raise call.failed(f"ended with exit status 0, but {path.name} {problem}")
    home = folder.resolve()
    if model.path.resolve().parent != home:
        raise call.failed(f"put {model.path.name} into a subfolder; it belongs directly in the output folder")
    placed = [folder / path.resolve().relative_to(home) for path in (model.path, *model.extra)]
    files = Model(model.format, placed[0], tuple(placed[1:]), model.inputs, model.outputs)  # lpbench says what it is
    return Converted(files, answer["tools"])


def _problem(path: Path, folder: Path) -> str:
    if not path.resolve().is_relative_to(folder.resolve()):
        return "is not in the folder that it was given"
    if not path.is_file():
        return "is missing"
    return "" if path.stat().st_size else "is empty"
