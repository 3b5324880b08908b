"""Where converted models go: into the app, beside a pulled one, next to a bare model, or into another folder."""

from __future__ import annotations

import contextlib
import dataclasses
import filecmp
import hashlib
import os
import re
import shutil
from typing import TYPE_CHECKING, Any

from lpbench.app.files import CONFIG, read_config, refuse_leading_out, statement
from lpbench.app.model_choice import origin
from lpbench.app.model_entries import key_of
from lpbench.app.model_files import external
from lpbench.app.pulled import add_conversion, conversions_folder
from lpbench.errors import AppError, ConversionError, either
from lpbench.jobs.conversion._cache import MANIFEST
from lpbench.jobs.conversion._choose import choose
from lpbench.jobs.conversion._record import configured, enter, install_config
from lpbench.plugin.engine import Model
from lpbench.plugin.registry import CONVERTERS, offers_where
from lpbench.util import atomic_folders, disk_space
from lpbench.util.text import BRIEF, words_of
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.app.model_entries import Key
    from lpbench.jobs.conversion._job import Job, Order


def _elsewhere() -> str:
    """Return what writes to another folder; other commands that convert have no such option."""
    return either("lpbench convert -o DIR", "lpbench.convert(output=DIR)")


class Place:
    """The destination of converted models: the app, the folder beside a pulled one or of a bare model, or another.

    :param output: The separate folder, or None.
    """

    def __init__(self, app: App, to: str, output: Path | None, *, force: bool) -> None:
        self._app = app
        self._to = to
        self._output = output
        self._force = force
        self._bare = not configured(app)
        self._beside_pulled = None if self._bare else conversions_folder(app.root)
        if output is not None:
            refuse_leading_out(app.root, output)

    def components(self, order: Order) -> list[Component]:
        """Return the components without an original in the format and of the variant that a converter can serve.

        :raises AppError: Every component has such an original, or the destination is not writable.
        """
        lacking = [component for component in self._app.components if not self._original(component, order)]
        if not lacking:
            raise AppError(
                f"every model already has an original in the format {self._to}",
                where=self._app.name,
                hint="only conversions are replaced, never originals",
            )
        sources = {offer.spec.reads for offer in offers_where(CONVERTERS, lambda spec: spec.writes == self._to)}
        able = [component for component in lacking if sources & {model.format for model in component.models}]
        home = self._home()
        existing = next(path for path in (home, *home.parents) if path.exists())
        if not os.access(existing, os.W_OK):
            raise AppError(
                "is not writable",
                where=str(existing),
                hint=_elsewhere() + " puts the files elsewhere",
            )
        return able or lacking  # if none can be converted, the conversion itself gives the reason

    def _original(self, component: Component, order: Order) -> bool:
        there = {model.variant for model in component.models if model.format == self._to and not model.provenance}
        try:
            variant = choose(component, order).variant if there else ""
        except ConversionError:  # nothing makes the format of what it has: then the original is why
            return True
        return variant in there

    def refuse(self, component: Component, job: Job) -> None:
        """Refuse to overwrite existing models and files.

        :raises AppError: The app has another conversion to the format, or a foreign folder is in the way.
        """
        if self._force or self._apart:
            return
        old = next((model for model in component.models if key_of(model) == job.key), None)
        if old is not None and (told := _otherwise(old, job)):
            named = f" and variant {job.variant}" if job.variant else ""
            raise AppError(
                f'component "{component.name}" already has a model in the format {self._to}{named}, {told}',
                where=self._app.name,
                hint=either(
                    "--force replaces it, --variant NAME puts another beside it",
                    "force=True replaces it, variant=NAME puts another beside it",
                ),
            )
        folder = self._home() / self._folder(component, job.key)
        if old is None and os.path.lexists(folder):
            hint = f"converted files go there: move it away, or use {_elsewhere()}"
            raise AppError("already exists", where=str(folder), hint=hint)

    def refuse_unmarked(self) -> None:
        """Refuse files of their own for unchecked models: the mark stands in an app.

        :raises ConversionError: The destination is not an app.
        """
        if self._apart:
            raise ConversionError(
                "an unchecked model is kept only in an app: a file of its own cannot carry the mark",
                where=str(self._home()),
                hint=either("lpbench new-app MODEL", "lpbench.new_app(model)") + " makes an app of a model file",
            )

    def put(self, component: Component, model: Model) -> Model:
        """Write a model's files and return the model at its destination.

        :raises AppError: The files cannot be written.
        """
        try:
            return self._beside(component, model) if self._apart else self._into(component, model)
        except OSError as error:
            home = self._home()
            elsewhere = _elsewhere() + " puts the files elsewhere"
            hint = disk_space.remedy(error, home, elsewhere, needed=atomic_folders.size(model.path.parent))
            what = f"cannot be written: {error.strerror or error}"
            where = home if error.filename2 else error.filename or home  # a copy names first what was only read
            raise AppError(what, where=str(where), hint=hint) from error

    @property
    def _apart(self) -> bool:
        """Whether the files are written outside an app."""
        return self._bare or self._output is not None

    def _home(self) -> Path:
        return self._output or self._beside_pulled or self._app.root

    def _folder(self, component: Component, key: Key) -> str:
        """Return the name of the app's folder for a model's files: after its format and what else tells it apart.

        Of models that differ in their machine alone, the second one's folder is named after a hash of the machine.
        """
        owner = component.name if len(self._app.components) > 1 else ""
        words = (self._to, re.sub("[^A-Za-z0-9_-]+", "-", owner), key.variant, key.tile)
        name = "-".join(filter(None, words))
        others = [model for model in component.models if key_of(model) != key]
        if any(model.path.parent == self._home() / name for model in others):
            return f"{name}-{hashlib.sha256(repr(key.bound).encode()).hexdigest()[:8]}"
        return name

    def _beside(self, component: Component, model: Model) -> Model:
        """Copy a model's files into a folder that may hold other files too."""
        home = self._home()
        if len(self._app.components) > 1:
            home /= self._folder(component, key_of(model))
            atomic_folders.refuse_link(home)
        home.mkdir(parents=True, exist_ok=True)
        files = [path for path in sorted(model.path.parent.rglob("*")) if path.is_file() and path.name != MANIFEST]
        names = _names(model, files, self._app.name)
        for name in names.values():
            atomic_folders.refuse_link(home / name)
        taken = [names[path] for path in files if _differs(path, home / names[path])]
        if taken and not self._force:
            raise AppError(
                f"{', '.join(taken)} already {'exists' if len(taken) == 1 else 'exist'}",
                where=str(home),
                hint=either(
                    "--force overwrites, lpbench convert -o DIR writes elsewhere",
                    "force=True overwrites, lpbench.convert(output=DIR) writes elsewhere",
                ),
            )
        self._copy(files, home, names)
        moved = [home / names[path] for path in (model.path, *model.extra)]
        return dataclasses.replace(model, path=moved[0], extra=tuple(moved[1:]))

    def _copy(self, files: Sequence[Path], home: Path, names: Mapping[Path, str]) -> None:
        """Copy files into a folder: each of them complete, and none unless there is space for all."""
        with atomic_folders.folder_locked(home):
            atomic_folders.sweep(home, self._to)
            with atomic_folders.staging(home, self._to) as stage:
                for path in files:
                    shutil.copyfile(path, stage / names[path])
                for path in files:
                    (stage / names[path]).replace(home / names[path])

    def _into(self, component: Component, model: Model) -> Model:
        """Add a model to the app atomically: its folder and its entry, or neither."""
        root, name = self._home(), self._folder(component, key_of(model))
        atomic_folders.refuse_link(root)
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            held.enter_context(atomic_folders.folder_locked(root))
            atomic_folders.sweep(root, name)
            stage = held.enter_context(atomic_folders.staging(root, name))
            new = stage / "new"
            _copy_folder(model.path.parent, new)
            moved = _moved(model, root / name)
            atomic_folders.install(new, root / name, stage)
            try:
                self._enter(component, moved, stage)
            except BaseException:
                (root / name).rename(stage / "refused")
                if (stage / "before").exists():
                    (stage / "before").rename(root / name)
                raise
        return moved

    def _enter(self, component: Component, model: Model, stage: Path) -> None:
        """Add the model to the config, provided that the app loads with it, or to the list beside a pulled app."""
        root = self._app.root
        if self._beside_pulled is not None:
            add_conversion(self._beside_pulled, component, model, _entry(model, self._beside_pulled), stage)
            return
        config = read_config(root / CONFIG)
        enter(config, component, model, _entry(model, root))
        install_config(config, root, stage)


def _otherwise(old: Model, job: Job) -> str:
    """Return in words how a conversion was made, where it was made otherwise than a job would; else an empty text."""
    made, known = origin(old), old.provenance
    if known.get("options", {}) != job.options:
        return f"{made}, with other options ({_listed(known.get('options', {}))}; asked for: {_listed(job.options)})"
    return "" if (known.get("precision"), known["converter"]) == (job.precision, job.check.converter) else made


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {words_of(value, BRIEF)}" for key, value in values.items()) or "none"


def _copy_folder(source: Path, target: Path) -> None:
    """Copy all but the manifest; the first file that cannot be written is the error, with its number."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _differs(source: Path, target: Path) -> bool:
    return target.exists() and not (target.is_file() and filecmp.cmp(source, target, shallow=False))


def _names(model: Model, files: Sequence[Path], name: str) -> dict[Path, str]:
    """Return the names of the copies: after the app, unless the main file refers to the others by name."""
    name, stem = "-".join(filter(None, (name, model.variant))), model.path.name.partition(".")[0]
    if external(Model(model.format, model.path)):
        return {path: path.name for path in files}
    ours = [path for path in files if path.name.partition(".")[0] == stem]
    if len(ours) > 1:  # files of two formats may both end in .bin
        name = f"{name}.{model.format}"
    return {path: f"{name}{path.name[len(stem) :]}" if path in ours else path.name for path in files}


def _moved(model: Model, folder: Path) -> Model:
    """Return a model whose files were moved to another folder."""
    before = model.path.parent
    extra = tuple(folder / path.relative_to(before) for path in model.extra)
    return dataclasses.replace(model, path=folder / model.path.name, extra=extra)


def _entry(model: Model, root: Path) -> dict[str, Any]:
    """Return the config entry of a converted model."""
    told = {"variant": model.variant, "version": model.version, "tile": tile_text(model.tile) if model.tile else ""}
    entry: dict[str, Any] = {key: value for key, value in told.items() if value}
    entry |= {"file": str(model.path.relative_to(root))}
    entry |= {"extra": [str(path.relative_to(root)) for path in model.extra]} if model.extra else {}
    entry |= {"inputs": list(map(statement, model.inputs))} if model.inputs else {}
    entry |= {"outputs": list(map(statement, model.outputs))} if model.outputs else {}
    return {**entry, "provenance": dict(model.provenance)}
