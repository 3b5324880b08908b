"""Writes the files of an app other than its models: the config, and labelled pictures."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, Any

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Settings = Mapping[str, Any]

ENGINES = {"onnx": "onnxruntime", "tflite": "tflite"}
"""The engine by which an app runs unless the user names another: the reference of its model's format."""
LABELLED = "labelled"
"""Folder in an app for pictures to measure the quality with; its manifest lists file and truth of each picture."""
MANIFEST = "labels.csv"


def component(
    name: str, models: Mapping[str, str], pre: Settings, post: Settings, *, stated: Settings | None = None
) -> dict[str, Any]:
    """Return one model with its processors, as a component of the config.

    :param models: Files by format; the first decides on the engine.
    :param pre: Settings of the preprocessor ``image``.
    :param post: Type and settings of the postprocessor.
    :param stated: What the config states of the models beside their files.
    """
    return {
        "name": name,
        "preprocessing": {"type": "image", **pre},
        "inference": {
            "engine": ENGINES[next(iter(models))],
            "models": {form: {"file": file, **(stated or {})} for form, file in models.items()},
        },
        "postprocessing": dict(post),
    }


def write_config(  # noqa: PLR0913 - what an app states
    app: Path,
    app_class: str,
    components: Sequence[Mapping[str, Any]],
    *,
    labels: Iterable[str] = (),
    quality: Settings | None = None,
    untrained: bool = False,
) -> None:
    """Write ``ai_app_config.json``, and ``labels.txt`` if there are labels.

    :param quality: The quality gate.
    :param untrained: Whether the weights are random, so that predictions carry no meaning.
    """
    config: dict[str, Any] = {"schema_version": 1, "ai_app_class": app_class}
    if labels := list(labels):
        (app / "labels.txt").write_text("".join(f"{label}\n" for label in labels), "utf-8")
        config["labels"] = "labels.txt"
    if untrained:
        config["untrained"] = True
    config["components"] = list(components)
    if quality:
        config["quality"] = dict(quality)
    config["samples"] = ["samples"]
    (app / "ai_app_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def write_labelled(folder: Path, pictures: Iterable[tuple[str, NDArray[np.uint8], str]], truth: str = "label") -> None:
    """Write pictures as PNG files, and a manifest with the columns ``file`` and ``truth``.

    :param pictures: Name without suffix, picture (height, width) or (height, width, 3) in the order blue, green, red,
        and truth.
    :param truth: Name of the second column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("file", truth))
        for name, picture, label in pictures:
            write_picture(folder / f"{name}.png", picture)
            rows.writerow((f"{name}.png", label))


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, grey or in the order blue, green, red.

    :raises OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path.name} cannot be written")


def copy(members: Path, app: Path, *names: str) -> None:
    """Copy models that need no conversion."""
    for name in names:
        shutil.copyfile(members / name, app / name)
