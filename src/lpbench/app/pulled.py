"""Conversions of pulled apps: they live beside the apps, which stay as they were built."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Any

from lpbench.app.files import CONFIG_LIMIT, inside_file
from lpbench.app.model_described import model_entry
from lpbench.app.model_entries import entries, find, key_of, replaced
from lpbench.errors import AppError, LpbenchError
from lpbench.util.atomic_folders import cache_folder
from lpbench.util.json_files import read_json
from lpbench.util.schema import published_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lpbench.app.model import App, Component
    from lpbench.plugin.engine import Model

MODELS = "models.json"
"""File that lists the converted models: by component a list of their config entries, or an object by format."""


def apps_folder() -> Path:
    """Return the folder of all pulled apps; it need not exist."""
    return cache_folder() / "apps"


def is_pulled(root: Path) -> bool:
    """Return whether a folder is that of a pulled app: none is where there is no home for the cache."""
    with contextlib.suppress(LpbenchError):
        return root.resolve().parent == apps_folder().resolve()
    return False


def conversions_folder(root: Path) -> Path | None:
    """Return where conversions of the pulled app in a folder live; None for an app of the user's own."""
    return cache_folder() / "conversions" / root.name if is_pulled(root) else None


def with_conversions(app: App) -> App:
    """Return an app with the conversions that live beside it; one with damaged or missing files is left out."""
    folder = conversions_folder(app.root)
    if folder is None or not (folder / MODELS).is_file():
        return app
    listed = _entries(folder)
    components = tuple(_completed(each, listed.get(each.name), folder) for each in app.components)
    return dataclasses.replace(app, components=components)


def add_conversion(folder: Path, component: Component, model: Model, entry: Mapping[str, Any], stage: Path) -> None:
    """Enter a converted model, whose files are in the folder already.

    :param stage: A staging folder on the same file system, for the unfinished list.
    """
    listed = _entries(folder)
    listed[component.name] = replaced(listed.get(component.name) or [], key_of(model), entry)
    new = stage / MODELS
    new.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(folder / MODELS)


def kept_entry(folder: Path, component: Component, model: Model) -> Mapping[str, Any] | None:
    """Return the entry of a component's converted model, as it is in the list now; None without one."""
    return find(_entries(folder).get(component.name), key_of(model))


def forget_conversions(root: Path) -> None:
    """Remove the conversions of a pulled app: it is built anew, and its models may have changed."""
    folder = conversions_folder(root)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / MODELS, limit=CONFIG_LIMIT)
    except AppError:
        return {}
    return found if isinstance(found, dict) else {}


def _completed(component: Component, listed: Any, folder: Path) -> Component:
    models = {key_of(model): model for model in component.models}
    for model in _models(listed, folder):
        models.setdefault(key_of(model), model)
    return dataclasses.replace(component, models=tuple(models.values()))


def _models(listed: Any, folder: Path) -> Iterator[Model]:
    for _, name, entry in entries(listed):
        if any(published_problems(entry, "lpbench.app", "ai_app", "model")) or "provenance" not in entry:
            continue  # only conversions live here
        with contextlib.suppress(AppError, KeyError, TypeError, AttributeError):
            yield model_entry(name, entry, lambda file: inside_file(folder, file))
