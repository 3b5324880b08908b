"""The recipe of the app that separates people from the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_image.apps._writing import component, copy, write_config

if TYPE_CHECKING:
    from pathlib import Path


def selfie_segmentation(members: Path, app: Path) -> None:
    """Write MediaPipe's selfie segmentation, which maps pixels from 0 to 1 to probabilities."""
    copy(members, app, "model.tflite")
    person = component("person", {"tflite": "model.tflite"}, {}, {"type": "mask", "threshold": 0.5})
    write_config(app, "segmentation", [person], labels=["person"])
