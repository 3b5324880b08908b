"""Finds the app and the samples that a user names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.app import dataset, quality_gate
from lpbench.app.files import find_samples
from lpbench.app.manifest import refuse_damaged
from lpbench.app.model import App, load_app
from lpbench.app.pulled import with_conversions
from lpbench.errors import AppError, LpbenchError, setting
from lpbench.plugin import registry
from lpbench.util.paths import is_path, no_such_file
from lpbench.util.regular_files import irregular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app.dataset import Labelled


LABELLED = "labelled"
"""Folder in an app with labelled samples for measuring quality."""


def sample_files(app: App, data: str | Path | None) -> tuple[Path, ...]:
    """Return the files to measure with: those of ``data``, else the app's own; empty means synthetic samples.

    :raises AppError: ``data`` does not exist, or holds no file that the app's preprocessor reads.
    """
    if data is None:
        return app.samples
    place = Path(data)
    if place.is_file():
        return (place.resolve(),)
    if kind := irregular(place) if not place.is_dir() else "":
        raise AppError(f"is {kind}, not a file or folder", where=str(data))
    if not place.is_dir():
        raise AppError(
            "no such file or folder", where=str(data), hint=f"{setting('data')} takes a folder of samples, or one file"
        )
    step = app.components[0].preprocessing
    suffixes = registry.current().get(registry.PREPROCESSORS, step.type).spec.suffixes
    files = tuple(path.resolve() for path in find_samples([place], suffixes))
    if not files:
        raise AppError(
            "holds no samples", where=str(data), hint=f'preprocessor "{step.type}" reads {", ".join(suffixes)}'
        )
    return files


def labelled(
    app: App, data: str | Path | None, *, quality: bool | str | Sequence[str]
) -> tuple[list[Labelled], list[str]]:
    """Return the labelled samples and the metrics for measuring quality; both empty if ``quality`` is false.

    Without ``data`` the app's own folder ``labelled`` is used.

    :raises LpbenchError: The data are not labelled, or no metric supports the app's class.
    """
    if not quality:
        return [], []
    if app.untrained:
        what = f"{app.name} has random weights, so its predictions have no quality"
        raise LpbenchError(what, hint=f"omit {setting('quality')}, or take an app with trained weights")
    place = data if data is not None else app.root / LABELLED
    if data is None and not Path(place).is_dir():
        raise LpbenchError(
            f"{app.name} has no labelled samples", hint=f"name a folder of them: {setting('data', 'LABELLED')}"
        )
    names = [] if quality is True else [quality] if isinstance(quality, str) else [*quality]
    metrics = quality_gate.metrics_for(app.app_class, (app.quality or {}).get("metric", ""), names)
    suffixes = registry.current().get(registry.PREPROCESSORS, app.components[0].preprocessing.type).spec.suffixes
    return dataset.load(place, suffixes, app.labels), metrics


def resolve(
    app: str | Path | App,
    *,
    shapes: Mapping[str, Sequence[int]],
    ranges: Mapping[str, Sequence[float]],
    seed: int,
) -> App:
    """Return an app: the given object, or loaded from its folder, a bare model file, or the catalogue.

    :raises LpbenchError: The app is not found; the hint suggests the nearest file or name.
    """
    if isinstance(app, App):
        return with_conversions(app)
    from lpbench.app import catalogue
    from lpbench.app.bare_model import model_app

    path = Path(app)
    if path.is_file() and path.suffix != ".json":
        return model_app(path, shapes=shapes, ranges=ranges, seed=seed)
    if path.exists():
        refuse_damaged(path if path.is_dir() else path.parent)
        return with_conversions(load_app(path))
    if is_path(str(app)):
        raise no_such_file(path, AppError, what="file or folder")
    pulled = catalogue.find(str(app))
    return with_conversions(load_app(pulled or catalogue.pull(str(app))))
