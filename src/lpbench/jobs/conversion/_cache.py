"""The cache of converted models, keyed by source and converter; each is written completely or not at all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from lpbench.app.model import model_from_request
from lpbench.errors import ConversionError, LpbenchError
from lpbench.jobs.conversion._check import CHECKING, RUNNING, Source, compare, run_source
from lpbench.jobs.conversion._run import run
from lpbench.jobs.conversion._source import digests, size_of
from lpbench.util import atomic_folders, disk_space
from lpbench.util.digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.jobs.conversion._check import Checked
    from lpbench.jobs.conversion._job import Job
    from lpbench.plugin.converter import Converted
    from lpbench.plugin.engine import Model

MANIFEST = "conversion.json"
ELSEWHERE = "set XDG_CACHE_HOME to move the cache"
VERSION = 2
"""Version of the check: models that passed an earlier version are converted again."""


def converted(job: Job, *, force: bool = False) -> Model:
    """Return the converted model, from the cache if it is there and undamaged.

    :param force: Convert and check again.
    :raises ConversionError: The model cannot be converted, or the converted model differs from its source.
    """
    place, sources = atomic_folders.cache_folder() / "converted", digests(job.source)
    name = _key(job, sources)
    try:
        if not force and (model := _kept(place / name)):
            return model
        with atomic_folders.locked(place, name, waiting=lambda: job.tell("waiting")):
            if not force and (model := _kept(place / name)):
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


def _key(job: Job, sources: Mapping[str, str]) -> str:
    """Return the name of a conversion: a hash of everything that determines its result."""
    preprocessing = {key: value for key, value in job.component.preprocessing.config.items() if key != "seed"}
    parts = {
        "check": VERSION,
        "source": [job.source.format, *sources.items()],
        "converter": [job.converter, job.offer.distribution, job.offer.spec.target],
        "precision": job.precision,
        "options": dict(job.options),
        "bound": dict(job.bound),
        "shapes": {name: list(shape) for name, shape in job.shapes.items()},
        "preprocessing": [job.component.preprocessing.type, preprocessing],  # it determines the open dimensions
    }
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
    """Convert, compare, and write the manifest beside the files."""
    job.tell(RUNNING)
    source = run_source(job, stage)
    made = run(job, source.shapes, stage)
    job.tell(CHECKING)
    checked = compare(job, source, made.model)
    folder = stage / "model"
    relative = {"path": str(made.model.path.relative_to(folder))}
    relative["extra"] = [str(path.relative_to(folder)) for path in made.model.extra]  # type: ignore[assignment] # JSON
    provenance = _provenance(job, sources, source, made, checked)
    model = {**dataclasses.asdict(made.model), **relative, "provenance": provenance}
    files = {str(path.relative_to(folder)): file_digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    text = json.dumps({"files": files, "model": model}, indent=1, ensure_ascii=False, default=str)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def _provenance(
    job: Job, sources: Mapping[str, str], source: Source, made: Converted, checked: Checked
) -> dict[str, Any]:
    """Return the provenance of the converted model, as the app's schema defines it."""
    shapes = {name: list(shape) for name, shape in source.shapes.items()}
    types = {
        info.called: source.types[info.called]
        for info in made.model.inputs
        if source.types.get(info.called, info.dtype) not in {info.dtype, "" if info.dtype else "float32"}
    }
    provenance = {
        "converter": job.converter,
        "tools": {str(name): str(version) for name, version in made.tools.items()},
        "source": dict(sources),
        "precision": job.precision,
        "options": dict(job.options),
        "bound": dict(job.bound),
        "shapes": shapes,
        "types": types,
        "checked": dataclasses.asdict(checked),
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
    }
    return {key: value for key, value in provenance.items() if value}


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
