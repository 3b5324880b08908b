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
    # the model contains a custom operator of MediaPipe, which other readers of TFLite files do not support
    person["inference"]["engine"] = "tflite"
    write_config(app, "segmentation", [person], labels=["person"])
