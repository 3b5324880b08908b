"""Pictures of predictions: drawn aside, and put into the folder that was asked for when all of them are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, ProcessorError, setting
from lpbench.util import atomic_folders, disk_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lpbench.plugin.processor import Preprocessor, Sample

NAME = "pictures"


def draw(preprocessor: Preprocessor[Any], drawn: Iterable[tuple[Sample, Mapping[str, Any]]], folder: Path) -> None:
    """Have samples drawn with their predictions into a folder; pictures of the same names are replaced.

    :param drawn: Samples, each with its prediction as JSON values.
    :raises ProcessorError: The folder or a picture in it is a link, through which nothing is written; or the disk is
        full: then the folder is as it was.
    """
    try:
        atomic_folders.refuse_link(folder)
        folder.mkdir(parents=True, exist_ok=True)
        atomic_folders.sweep(folder, NAME)
        with atomic_folders.staging(folder, NAME) as stage:
            for sample, prediction in drawn:
                _draw_one(preprocessor, sample, prediction, stage)
            pictures = sorted(stage.iterdir())
            for path in pictures:
                atomic_folders.refuse_link(folder / path.name)
            for path in pictures:
                path.replace(folder / path.name)
    except OSError as error:
        hint = disk_space.remedy(error, folder, f"{setting('draw')} takes another folder")
        raise ProcessorError(error.strerror or str(error), where=str(error.filename or folder), hint=hint) from error


def _draw_one(preprocessor: Preprocessor[Any], sample: Sample, prediction: Mapping[str, Any], stage: Path) -> None:
    try:
        preprocessor.draw(sample, prediction, stage)
    except LpbenchError as error:
        error.where = error.where.replace(str(stage), str(stage.parent))  # the staging folder is gone when it is read
        if isinstance(error.__cause__, OSError) and not error.hint:
            elsewhere = f"{setting('draw')} takes another folder"
            error.hint = disk_space.remedy(error.__cause__, stage.parent, elsewhere)
        raise
