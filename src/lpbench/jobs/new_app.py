"""Writes an AI app around somebody's own model: whole, or not at all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.bare_model import model_app, model_format
from lpbench.app.check import validate
from lpbench.app.files import CONFIG, METADATA, find_samples, labels_of, statement
from lpbench.app.guess import guess
from lpbench.app.metadata import write_metadata
from lpbench.app.model import load_app, suffixes_of, tensor
from lpbench.errors import AppError, EngineError, LpbenchError, WorkerError, nearest
from lpbench.plugin.engine import Model
from lpbench.plugin.registry import ENGINES, offers_where
from lpbench.util.atomic_folders import staging
from lpbench.util.digests import file_digest
from lpbench.util.schema import published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.guess import Guess
    from lpbench.app.model import App
    from lpbench.plugin.engine import TensorInfo

LABELS = "labels.txt"
SAMPLES_LIMIT = 1000
"""Samples that are copied into an app at most; more are a data set."""
OPEN_TIMEOUT = 120.0
UNKNOWN = "unknown: fill this in"


@dataclass(frozen=True)
class NewApp:
    """An app that was written.

    :param app: The app.
    :param assumed: What was assumed of the model, one line each.
    :param unread: Why the model's inputs were not read; empty where they were.
    """

    app: App
    assumed: tuple[str, ...]
    unread: str = ""


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

    The model is opened in a worker process to read its inputs, where an engine that reads it is installed.

    :param folder: Where to write it; must not exist, or be empty.
    :param app_class: ``image_classification`` say.
    :param extra: Further files that belong to the model: external weights, say.
    :param labels: A file with one class name a line.
    :param samples: A folder of samples, or one.
    :param name: The app's name in its metadata; by default the folder's.
    :raises AppError: Something is missing, the model cannot be opened, or the folder holds something.
    """
    target = Path(folder).absolute()
    _refuse_class(app_class)
    _refuse_taken(target)
    files = (model_app(model).components[0].models[0].path, *map(Path, extra))
    parts = _Parts(name or target.name, app_class, model_format(files[0]), files, _path(labels), _path(samples))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging(target.parent, target.name) as stage:
            new = stage / "app"
            new.mkdir()
            made = _fill(new, parts)
            new.rename(target)
    except OSError as error:
        raise AppError(f"cannot be written: {error.strerror or error}", where=str(error.filename or target)) from error
    return dataclasses.replace(made, app=load_app(target))


@dataclass(frozen=True)
class _Parts:
    """What an app is made of; the first file is the model."""

    name: str
    app_class: str
    format: str
    files: tuple[Path, ...]
    labels: Path | None
    samples: Path | None


def _path(place: Path | str | None) -> Path | None:
    return None if place is None else Path(place)


def _fill(new: Path, parts: _Parts) -> NewApp:
    """Write everything into the folder ``new``."""
    model, *extra = (_copy(each, new) for each in parts.files)
    inputs, outputs, unread = read_tensors(Model(parts.format, model, tuple(extra)))
    labels = _copy_labels(parts.labels, new)
    made = guess(parts.app_class, inputs, outputs, labels)
    config = _config(parts.app_class, made, {parts.format: _entry(model, extra, made.inputs)})
    config |= {"labels": LABELS} if labels else {}
    config |= {"samples": ["samples"]} if parts.samples else {}
    if parts.samples:
        _copy_samples(parts.samples, new / "samples", suffixes_of(made.preprocessing["type"]))
    (new / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    source = f"{model.name}, sha256 {file_digest(model)}"
    values = {"name": parts.name, "version": "1", "licence": UNKNOWN, "source": source}
    (new / METADATA).write_text(write_metadata(values), encoding="utf-8")
    _refuse_invalid(new)
    return NewApp(load_app(new), (*made.assumed, f"the licence is unknown: say it in {METADATA}"), unread)


def _entry(model: Path, extra: Sequence[Path], inputs: Sequence[TensorInfo]) -> dict[str, Any]:
    """Return what the config says of a model."""
    entry: dict[str, Any] = {"file": model.name}
    entry |= {"extra": [each.name for each in extra]} if extra else {}
    entry |= {"inputs": list(map(statement, inputs))} if inputs else {}
    return entry


def read_tensors(model: Model) -> tuple[list[TensorInfo], list[TensorInfo], str]:
    """Open a model in a worker, since a stranger's file can crash an engine; return inputs, outputs and why not.

    :raises AppError: The engine refuses the model, or does not survive it.
    """
    from lpbench.worker.client import Worker, WorkerOptions

    offers = offers_where(ENGINES, lambda spec: model.format in spec.formats)
    spec = next((offer.spec for offer in offers if offer.availability()), None)
    if spec is None:
        return [], [], f"no engine that reads {model.format} is ready here (lpbench engines says why)"
    try:
        with Worker(WorkerOptions(environment=spec.environment, timeout=OPEN_TIMEOUT)) as worker:
            path, name = str(model.path), spec.name
            found, _ = worker.ask("inspect", "opening the model", model=path, format=model.format, engine=name)
    except (EngineError, WorkerError) as error:
        what = f"{spec.name} cannot open it: {error.what.replace(f'{model.path.parent}/', '')}"
        hint = error.hint or "files that belong to it are named with --extra"
        raise AppError(what, where=model.path.name, hint=hint) from error
    except LpbenchError as error:
        return [], [], f"{spec.name}: {error.what}"
    inputs, outputs = (list(map(tensor, found[key])) for key in ("inputs", "outputs"))
    return inputs, outputs, ""


def _config(app_class: str, made: Guess, models: dict[str, Any]) -> dict[str, Any]:
    component = {
        "name": app_class,
        "preprocessing": made.preprocessing,
        "inference": {"models": models},
        "postprocessing": made.postprocessing,
    }
    return {"schema_version": 1, "ai_app_class": app_class, "components": [component]}


def _copy(source: Path, folder: Path) -> Path:
    """Copy one file into the folder under its own name."""
    if not source.is_file():
        raise AppError("is not a file" if source.exists() else "does not exist", where=str(source))
    target = folder / source.name
    if target.exists() or target.name in {CONFIG, METADATA}:
        raise AppError(
            f'two files of the app would have the name "{source.name}"', where=str(source), hint="rename one"
        )
    shutil.copyfile(source, target)
    return target


def _copy_labels(labels: Path | str | None, folder: Path) -> int:
    """Write the class names and return how many there are."""
    if labels is None:
        return 0
    names = labels_of(Path(labels))
    (folder / LABELS).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return len(names)


def _copy_samples(source: Path, folder: Path, suffixes: Sequence[str]) -> None:
    if not source.exists():
        raise AppError("does not exist", where=str(source))
    found = find_samples([source], suffixes)
    if not found:
        raise AppError("holds no sample", where=str(source), hint=f"read are {', '.join(suffixes)}")
    if len(found) > SAMPLES_LIMIT:
        raise AppError(
            f"holds {len(found)} samples; at most {SAMPLES_LIMIT} are copied into an app",
            where=str(source),
            hint="hand a data set over when running: lpbench run APP --data DIR",
        )
    for path in found:
        inner = folder / (path.relative_to(source) if source.is_dir() else path.name)
        inner.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, inner.parent)


def _refuse_class(app_class: str) -> None:
    known = published("lpbench.app", "ai_app")["properties"]["ai_app_class"]["enum"]
    if app_class not in known:
        raise AppError(f'unknown class "{app_class}"', where="--class", hint=nearest(app_class, known))


def _refuse_taken(target: Path) -> None:
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise AppError("is there already", where=str(target), hint="give a folder that does not exist, or is empty")


def _refuse_invalid(new: Path) -> None:
    """Refuse an app with errors: labels that cannot be names, say."""
    wrong = next((each for each in validate(new) if not each.note), None)
    if wrong is not None:
        raise AppError(wrong.found, where=f"{Path(wrong.file).name}: {wrong.path}", hint=wrong.right)
