"""The cache of converted models, keyed by source and converter; each is written completely or not at all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import unchecked
from lpbench.app.model_described import model_from_request
from lpbench.errors import ConversionError, LpbenchError, either
from lpbench.jobs.conversion._calibrate import CALIBRATING, keep_feeds, samples_of
from lpbench.jobs.conversion._check import CHECKING, RUNNING, compare, run_source
from lpbench.jobs.conversion._checker import find_checker, missing_reference
from lpbench.jobs.conversion._run import run
from lpbench.jobs.conversion._source import digests, size_of
from lpbench.util import atomic_folders, disk_space
from lpbench.util.digests import file_digest
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.jobs.conversion._check import Source
    from lpbench.jobs.conversion._job import Job
    from lpbench.plugin.converter import Converted
    from lpbench.plugin.engine import Model
    from lpbench.plugin.specs import EngineSpec

MANIFEST = "conversion.json"
ELSEWHERE = "set XDG_CACHE_HOME to move the cache"
VERSION = 2
"""Version of the check: models that passed an earlier version are converted again."""


def converted(job: Job, *, force: bool = False) -> Model:
    """Return the converted model under the name and for the tile of the job, from the cache if it is there, undamaged.

    :param force: Convert and check again.
    :raises ConversionError: The model cannot be converted, the converted model differs from its source, or it cannot be
        checked here and was not asked for unchecked.
    """
    made = _found_or_made(job, force=force)
    return dataclasses.replace(made, variant=job.variant, version=job.source.version, tile=job.check.tile)


def _found_or_made(job: Job, *, force: bool) -> Model:
    place, sources = atomic_folders.cache_folder() / "converted", digests(job.source)
    name = _key(job, sources)
    try:
        if not force and (model := _acceptable(job, _kept(place / name))):
            return model
        with atomic_folders.locked(place, name, waiting=lambda: job.tell("waiting")):
            if not force and (model := _acceptable(job, _kept(place / name))):
                return model  # made by the process that held the lock before
            atomic_folders.sweep(place)
            with atomic_folders.staging(place, name) as stage:
                _make_or_explain(job, sources, stage)
                atomic_folders.install(stage / "model", place / name, stage)
        model = _kept(place / name)
    except OSError as error:
        what = f"{job.source.path.name}: {error.strerror or error}"
        hint = disk_space.remedy(error, place, ELSEWHERE, needed=size_of(job.source))
        raise ConversionError(what, where=str(error.filename or place), hint=hint) from error
    if model is None:
        raise ConversionError(f"{place / name} was damaged right after it was written")
    return model


def _acceptable(job: Job, kept: Model | None) -> Model | None:
    """Return a model of the cache; of an unchecked one only if that was asked for, and still cannot be checked."""
    if kept is None or not unchecked(kept):
        return kept
    why = _checker(job) if job.order.unchecked else None
    if not isinstance(why, Unavailable):
        return None
    return dataclasses.replace(kept, provenance={**kept.provenance, "unchecked": why.reason})  # it may be another now


def _checker(job: Job) -> EngineSpec | Unavailable:
    return find_checker(job.check, job.offer.spec.writes, job.offer.plugin)


def _key(job: Job, sources: Mapping[str, str]) -> str:
    """Return the name of a conversion: a hash of everything that determines its result."""
    preprocessing = {key: value for key, value in job.check.component.preprocessing.config.items() if key != "seed"}
    parts = {
        "check": VERSION,
        "source": [job.source.format, *sources.items()],
        "converter": [job.check.converter, job.offer.distribution, job.offer.spec.target],
        "precision": job.precision,
        "options": dict(job.options),
        "bound": dict(job.bound),
        "shapes": {name: list(shape) for name, shape in job.check.shapes.items()},
        "preprocessing": [job.check.component.preprocessing.type, preprocessing],  # it determines the open dimensions
    }
    if job.check.tile:
        parts["tile"] = list(job.check.tile)
    if job.calibrated:
        parts["calibration"] = [file_digest(path) for path in samples_of(job)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _make_or_explain(job: Job, sources: Mapping[str, str], stage: Path) -> None:
    """Convert as ``_make`` does; where that fails while the disk is full, the error says so."""
    try:
        _make(job, sources, stage)
    except ConversionError as error:
        if disk_space.is_full(stage):
            full = disk_space.remedy(None, stage.parent, ELSEWHERE, needed=size_of(job.source))
            error.hint = "\n  ".join(filter(None, (error.hint, f"the disk is full: {full}")))
        raise


def _make(job: Job, sources: Mapping[str, str], stage: Path) -> None:
    """Convert, compare if this machine can, and write the manifest beside the files."""
    checker = _checker(job)
    if isinstance(checker, Unavailable):
        made, provenance = _unchecked(job, checker, stage)
    else:
        made, provenance = _checked(job, checker, stage)
    folder = stage / "model"
    relative = {"path": str(made.model.path.relative_to(folder))}
    relative["extra"] = [str(path.relative_to(folder)) for path in made.model.extra]  # type: ignore[assignment] # JSON
    provenance = {**_provenance(job, sources, made), **provenance}
    known = {key: value for key, value in provenance.items() if value}
    model = {**dataclasses.asdict(made.model), **relative, "provenance": known}
    files = {str(path.relative_to(folder)): file_digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    text = json.dumps({"files": files, "model": model}, indent=1, ensure_ascii=False, default=str)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def _checked(job: Job, checker: EngineSpec, stage: Path) -> tuple[Converted, dict[str, Any]]:
    """Return what the converter made and what its check found, for the provenance."""
    source, made, calibration = _ran(job, stage)
    job.tell(CHECKING)
    found = compare(job.check, checker, source, made.model, outcome="nothing was kept")
    return made, {**as_run(source, made.model), **calibration, "checked": dataclasses.asdict(found)}


def _ran(job: Job, stage: Path) -> tuple[Source, Converted, dict[str, Any]]:
    """Return what the source makes of some inputs, what the converter made, and what it measured ranges with.

    The last is for the provenance.
    """
    feeds = None
    if job.calibrated:
        job.tell(CALIBRATING)
        feeds = keep_feeds(job, stage / "calibration")
    job.tell(RUNNING)
    source = run_source(job.check, stage, feeds.files if feeds else ())
    made = run(job, source.shapes, stage, feeds)
    return source, made, {"calibration": feeds.counts} if feeds else {}


def _unchecked(job: Job, why: Unavailable, stage: Path) -> tuple[Converted, dict[str, Any]]:
    """Return what the converter made, and why it was not checked.

    The source runs all the same, where there is a reference: its shapes are needed.

    :raises ConversionError: Nobody asked for an unchecked model.
    """
    if not job.order.unchecked:
        what = f"a model in the format {job.offer.spec.writes} cannot be checked here: {why.reason}"
        keeping = either("lpbench convert --unchecked", "lpbench.convert(unchecked=True)")
        kept = f"{keeping} keeps it in an app, marked, until a machine can check it"
        raise ConversionError(what, where=job.source.path.name, hint="\n  ".join(filter(None, (why.hint, kept))))
    if isinstance(missing_reference(job.check), Unavailable):
        return run(job, job.check.shapes, stage), {"shapes": job.check.shapes, "unchecked": why.reason}
    source, made, calibration = _ran(job, stage)
    return made, {**as_run(source, made.model), **calibration, "unchecked": why.reason}


def as_run(source: Source, made: Model) -> dict[str, Any]:
    """Return the shapes and the types with which a source was run, as the provenance has them."""
    types = {
        info.called: source.types[info.called]
        for info in made.inputs
        if source.types.get(info.called, info.dtype) not in {info.dtype, "" if info.dtype else "float32"}
    }
    return {"shapes": {name: list(shape) for name, shape in source.shapes.items()}, "types": types}


def _provenance(job: Job, sources: Mapping[str, str], made: Converted) -> dict[str, Any]:
    """Return the provenance of a converted model, as the app's schema defines it, but for what its check found."""
    return {
        "converter": job.check.converter,
        "tools": {str(name): str(version) for name, version in made.tools.items()},
        "source": dict(sources),
        "precision": job.precision,
        "options": dict(job.options),
        "bound": dict(job.bound),
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
    }


def _kept(folder: Path) -> Model | None:
    """Return the model in a folder of the cache; None if it is missing or one of its files was changed."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if any(file_digest(folder / name) != digest for name, digest in manifest["files"].items()):
            return None
        kept = manifest["model"]
        places = {"path": folder / kept["path"], "extra": [folder / name for name in kept["extra"]]}
        return model_from_request({**kept, **places})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, LpbenchError):
        return None
