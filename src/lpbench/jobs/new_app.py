"""Writes an AI app around a user's own model, completely or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.bare_model import model_app, model_format
from lpbench.app.check import validate
from lpbench.app.default_engine import engine_for
from lpbench.app.files import CONFIG, METADATA, find_samples, labels_of, statement
from lpbench.app.guess import guess
from lpbench.app.labels import written
from lpbench.app.metadata import write_metadata
from lpbench.app.model import load_app, suffixes_of
from lpbench.errors import (
    AmbiguousEngineError,
    AppError,
    ChoiceNeededError,
    EngineError,
    LpbenchError,
    UnavailableEngineError,
    WorkerError,
    either,
    nearest,
)
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.engine import Model
from lpbench.plugin.registry import ENGINES, current, offers_where
from lpbench.util import atomic_folders, disk_space
from lpbench.util.arguments import checked
from lpbench.util.digests import file_digest
from lpbench.util.paths import no_such_file
from lpbench.util.regular_files import irregular
from lpbench.util.schema import published
from lpbench.util.shown import Sheet, Shown
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.guess import Guess
    from lpbench.app.model import App
    from lpbench.plugin.engine import TensorInfo

LABELS = "labels.txt"
SAMPLES_LIMIT = 1000
"""Largest number of samples to copy into an app; more are a data set."""
OPEN_TIMEOUT = 120.0
UNKNOWN = "unknown: fill this in"


@dataclass(frozen=True, repr=False)
class NewApp(Shown):
    """A newly written app.

    :param app: The app.
    :param assumed: The assumptions about the model, one line each.
    :param unread: Why the model's inputs were not read; empty if they were.
    :param unserved: Why the app has raw tensors although its class calls for other processors, and what brings those.
    """

    app: App
    assumed: tuple[str, ...]
    unread: str = ""
    unserved: tuple[str, ...] = ()

    def in_short(self) -> str:
        """Return the folder."""
        return str(self.app.root)

    def sheet(self) -> Sheet:
        """Return the folder and what was assumed."""
        return Sheet((str(self.app.root),), (), (), (*self.unserved, *self.assumed, *filter(None, (self.unread,))))


@checked
def new_app(  # noqa: PLR0913 - the parts of an app
    folder: Path | str,
    *,
    app_class: str,
    model: Path | str,
    extra: Sequence[Path | str] = (),
    labels: Path | str | None = None,
    samples: Path | str | None = None,
    name: str = "",
) -> NewApp:
    """Write an AI app around a model; copies the model, its labels and samples.

    If an engine for the model is installed, the model is opened in a worker process to read its inputs.

    :param folder: The folder to write; must be empty or not exist.
    :param app_class: The app's class, for example ``image_classification``.
    :param extra: Further files that belong to the model, for example external weights.
    :param labels: A file with one class name a line.
    :param samples: A folder of samples, or a single file.
    :param name: The app's name in its metadata; by default the folder's name.
    :raises AppError: A file is missing, the model cannot be opened, or the folder is not empty.
    """
    target = Path(folder).absolute()
    _refuse_class(app_class)
    _refuse_taken(target)
    files = (model_app(model).components[0].models[0].path, *map(Path, extra))
    parts = _Parts(name or target.name, app_class, model_format(files[0]), files, _path(labels), _path(samples))
    try:
        with atomic_folders.filled(target) as new:
            created = _fill(new, parts)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}; nothing was kept"
        needed = sum(map(atomic_folders.size, (*files, *filter(None, (parts.labels, parts.samples)))))
        hint = disk_space.remedy(error, target.parent, "name a folder on another disk", needed=needed)
        raise AppError(what, where=str(target), hint=hint) from error
    return dataclasses.replace(created, app=load_app(target))


@dataclass(frozen=True)
class _Parts:
    """The parts of an app; the first file is the model."""

    name: str
    app_class: str
    format: str
    files: tuple[Path, ...]
    labels: Path | None
    samples: Path | None


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _fill(new: Path, parts: _Parts) -> NewApp:
    """Write everything into the folder ``new``."""
    model, *extra = (_copy(file, new, _place(file, parts.files[0])) for file in parts.files)
    inputs, outputs, unread = read_tensors(Model(parts.format, model, tuple(extra)))
    labels = _copy_labels(parts.labels, new)
    guessed = guess(parts.app_class, inputs, outputs, labels)
    engine, doubt = _engine(parts.format)
    config = _config(parts.app_class, guessed, engine, {parts.format: _entry(model, extra, guessed)})
    config |= {"labels": LABELS} if labels else {}
    config |= {"samples": ["samples"]} if parts.samples else {}
    if parts.samples:
        _copy_samples(parts.samples, new / "samples", suffixes_of(guessed.preprocessing["type"]), guessed.unserved)
    (new / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    source = f"{model.name}, sha256 {file_digest(model)}"
    values = {"name": parts.name, "version": "1", "licence": UNKNOWN, "source": source}
    (new / METADATA).write_text(write_metadata(values), encoding="utf-8")
    _refuse_invalid(new)
    assumed = (*guessed.assumed, *doubt, f"the licence is unknown: state it in {METADATA}")
    return NewApp(load_app(new), assumed, unread, guessed.unserved)


def _engine(format: str) -> tuple[str, tuple[str, ...]]:  # noqa: A002 - the usual word for it
    """Return the engine for the config, ready or not, and what is to be said about it; "" where nothing tells."""
    try:
        return engine_for(format).spec.name, ()
    except UnavailableEngineError as error:
        return error.engine, ()
    except AmbiguousEngineError as error:
        return "", (f"no engine is stated, since {error.what}; state one under inference, as engine",)


def _entry(model: Path, extra: Sequence[Path], guessed: Guess) -> dict[str, Any]:
    """Return the config entry of a model."""
    entry: dict[str, Any] = {"file": model.name}
    entry |= {"extra": [path.relative_to(model.parent).as_posix() for path in extra]} if extra else {}
    entry |= {"tile": tile_text(guessed.tile)} if guessed.tile else {}
    entry |= {"inputs": list(map(statement, guessed.inputs))} if guessed.inputs else {}
    return entry


def read_tensors(model: Model) -> tuple[list[TensorInfo], list[TensorInfo], str]:
    """Open a model in a worker, since an untrusted file can crash an engine, and return its inputs and outputs.

    The third value is the reason why they are unknown; empty if they were read.

    :raises AppError: The engine refuses the model, or crashes on it.
    """
    from lpbench.worker.client import Worker, WorkerOptions
    from lpbench.worker.requests import InspectModel

    offers = offers_where(ENGINES, lambda spec: model.format in spec.formats)
    ready = [offer.spec for offer in offers if offer.availability()]
    spec = min(ready, key=lambda each: each.reference is None, default=None)  # any ready one can read inputs
    if spec is None:
        remedy = (
            current().remedy(brought_by(model.format)) or f"{either('lpbench engines', 'lpbench.engines()')} shows why"
        )
        return [], [], f"no engine that reads {model.format} is ready ({remedy})"
    try:
        with Worker(WorkerOptions(environment=spec.environment, timeout=OPEN_TIMEOUT)) as worker:
            found = worker.request(InspectModel(str(model.path), model.format, spec.name))
    except ChoiceNeededError as error:
        return [], [], f"{spec.name}: {error.what}; {error.hint}"
    except (EngineError, WorkerError) as error:
        what = f"{spec.name} cannot open it: {error.what.replace(f'{model.path.parent}/', '')}"
        raise AppError(what, where=model.path.name, hint=_remedy(error, model)) from error
    except LpbenchError as error:
        return [], [], f"{spec.name}: {error.what}"
    return list(found.inputs), list(found.outputs), ""


def _remedy(error: LpbenchError, model: Model) -> str:
    """Return what to do about a model that an engine refuses: files that were not named are not in the new app."""
    of_engine = "" if str(model.path.parent) in error.hint else error.hint
    name = either("--extra", "extra")
    further = "" if model.extra else f"name further files of the model, such as weights, with {name}"
    return "; ".join(filter(None, (of_engine, further)))


def _config(app_class: str, guessed: Guess, engine: str, models: dict[str, Any]) -> dict[str, Any]:
    component = {
        "name": app_class,
        "preprocessing": guessed.preprocessing,
        "inference": {**({"engine": engine} if engine else {}), "models": models},
        "postprocessing": guessed.postprocessing,
    }
    return {"schema_version": 1, "ai_app_class": app_class, "components": [component]}


def _place(file: Path, main: Path) -> Path:
    """Return a file's place in the app: below the model's folder as before, since the model names it so."""
    whole, folder = Path(os.path.abspath(file)), Path(os.path.abspath(main.parent))  # noqa: PTH100 - links are kept
    return whole.relative_to(folder) if whole.is_relative_to(folder) else Path(file.name)


def _copy(source: Path, folder: Path, place: Path | None = None) -> Path:
    """Copy one file into the folder, by default under its own name."""
    if not source.exists():
        raise no_such_file(source, AppError)
    if kind := irregular(source):
        raise AppError(f"is {kind}, not a file", where=str(source))
    place = place or Path(source.name)
    target = folder / place
    if target.exists() or str(place) in {CONFIG, METADATA}:
        raise AppError(
            f'two files of the app would have the name "{place.as_posix()}"', where=str(source), hint="rename one"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def _copy_labels(labels: Path | str | None, folder: Path) -> int:
    """Write the class names and return their number."""
    if labels is None:
        return 0
    names = labels_of(Path(labels))
    (folder / LABELS).write_text(written(names), encoding="utf-8")
    return len(names)


def _copy_samples(source: Path, folder: Path, suffixes: Sequence[str], unserved: Sequence[str]) -> None:
    if not source.exists():
        raise no_such_file(source, AppError, what="file or folder")
    samples = find_samples([source], suffixes)
    if not samples:
        hint = "\n  ".join((f"supported files: {', '.join(suffixes)}", *unserved))
        raise AppError("contains no sample", where=str(source), hint=hint)
    if len(samples) > SAMPLES_LIMIT:
        raise AppError(
            f"contains {len(samples)} samples; at most {SAMPLES_LIMIT} are copied into an app",
            where=str(source),
            hint="pass a data set to the benchmark: "
            + either("lpbench run APP --data DIR", "lpbench.benchmark(APP, data=DIR)"),
        )
    for path in samples:
        inner = folder / (path.relative_to(source) if source.is_dir() else path.name)
        inner.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, inner.parent)


def _refuse_class(app_class: str) -> None:
    known = published("lpbench.app", "ai_app")["properties"]["ai_app_class"]["enum"]
    if app_class not in known:
        raise AppError(
            f'unknown class "{app_class}"', where=either("--class", "app_class"), hint=nearest(app_class, known)
        )


def _refuse_taken(target: Path) -> None:
    if not atomic_folders.is_free(target):
        raise AppError("already exists", where=str(target), hint="name a folder that does not exist or is empty")


def _refuse_invalid(new: Path) -> None:
    """Refuse an app with errors, for example invalid labels."""
    problem = next((problem for problem in validate(new) if not problem.note), None)
    if problem is not None:
        raise AppError(problem.found, where=f"{Path(problem.file).name}: {problem.path}", hint=problem.right)
