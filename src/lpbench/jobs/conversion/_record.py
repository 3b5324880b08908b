"""Writes into an app's config, or into the list beside a pulled app, what became of a converted model."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Any

from lpbench.app.files import CONFIG, components_of, models_of, read_config
from lpbench.app.model import app_of, load_app
from lpbench.app.model_entries import find, key_of, replaced
from lpbench.app.pulled import add_conversion, conversions_folder, kept_entry
from lpbench.errors import AppError
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model


def configured(app: App) -> bool:
    """Return whether the app's folder holds its config; the config of a bare model exists in memory only.

    Conversions that were added since the app was read do not count as another config.
    """
    file = app.root / CONFIG
    now = read_config(file) if file.is_file() else None
    return now is not None and (bool(now == app.config) or _only_more_models(app.config, now))


def as_it_is_now(app: App) -> App:
    """Return an app with the conversions that were added to its folder since it was read."""
    there = configured(app) and read_config(app.root / CONFIG) != app.config
    return load_app(app.root) if there else app


def _only_more_models(before: Mapping[str, Any], now: Any) -> bool:
    """Say whether a config is another one with more models and nothing else changed."""
    if not isinstance(now, dict) or _without_models(before) != _without_models(now):
        return False
    return _model_files(before) <= _model_files(now)


def _without_models(config: Mapping[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(dict(config))
    for _, component in components_of(bare):
        inference = component.get("inference")
        if isinstance(inference, dict):
            inference.pop("models", None)
    return bare


def _model_files(config: Mapping[str, Any]) -> set[tuple[str, str]]:
    places = (place for _, component in components_of(config) for place in models_of(component))
    return {(place.format, str(place.entry.get("file"))) for place in places}


def with_model(app: App, component: Component, before: Model, now: Model) -> App:
    """Return an app with another model of a component in place of one that it has."""
    models = tuple(now if each is before else each for each in component.models)
    changed = dataclasses.replace(component, models=models)
    return dataclasses.replace(app, components=tuple(changed if each is component else each for each in app.components))


def record_check(app: App, component: Component, before: Model, checked: Model) -> App:
    """Write into an app, or into the list beside a pulled one, that a model was checked, and return the app.

    Where it cannot be written, or somebody replaced the model meanwhile, only the returned app says so: then the next
    use checks it again.

    :param before: The model as it was, one of the component's.
    """
    beside = conversions_folder(app.root)
    found = dataclasses.replace(with_model(app, component, before, checked), config=_marked(app, component, checked))
    with contextlib.suppress(OSError, AppError):
        if beside is not None and before.path.is_relative_to(beside):
            _record_beside(beside, component, before, checked)
        elif beside is None and configured(app):
            return dataclasses.replace(found, config=_record_inside(app.root, component, before, checked))
    return found


def _marked(app: App, component: Component, checked: Model) -> dict[str, Any]:
    """Return an app's config in which a model is marked as checked, if it is there: the digest then is the file's."""
    config: dict[str, Any] = copy.deepcopy(dict(app.config))
    _mark(config, component, checked)
    return config


def _mark(config: Mapping[str, Any], component: Component, checked: Model) -> None:
    entry = find(inference_of(config, component)["models"], key_of(checked))
    if entry is not None:
        entry["provenance"] = dict(checked.provenance)  # type: ignore[index] # a config as it was read


def _record_beside(folder: Path, component: Component, before: Model, checked: Model) -> None:
    with atomic_folders.folder_locked(folder), atomic_folders.staging(folder, checked.format) as stage:
        entry = kept_entry(folder, component, checked)
        if entry is not None and entry.get("provenance") == before.provenance:
            new = {**entry, "provenance": dict(checked.provenance)}
            add_conversion(folder, component, checked, new, stage)


def _record_inside(root: Path, component: Component, before: Model, checked: Model) -> dict[str, Any]:
    """Return the config as it is now, in which the model is marked as checked."""
    with atomic_folders.folder_locked(root), atomic_folders.staging(root, checked.format) as stage:
        config: dict[str, Any] = read_config(root / CONFIG)
        entry = find(inference_of(config, component)["models"], key_of(checked))
        if entry is not None and entry.get("provenance") == before.provenance:
            _mark(config, component, checked)
            install_config(config, root, stage)
    return config


def enter(config: Mapping[str, Any], component: Component, model: Model, entry: Mapping[str, Any]) -> None:
    """Enter a model into a config that was read, in place of the one that has its key."""
    inference = inference_of(config, component)
    inference["models"] = replaced(inference["models"], key_of(model), entry)


def inference_of(config: Mapping[str, Any], component: Component) -> dict[str, Any]:
    """Return what a config says of a component's inference."""
    found: dict[str, Any] = next(
        record["inference"] for record in config["components"] if record["name"] == component.name
    )
    return found


def install_config(config: dict[str, Any], root: Path, stage: Path) -> None:
    """Replace an app's config, provided that the app loads with it."""
    app_of(config, root / CONFIG)
    new, old = stage / CONFIG, (root / CONFIG).resolve()
    new.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copymode(old, new)
    new.replace(old)
