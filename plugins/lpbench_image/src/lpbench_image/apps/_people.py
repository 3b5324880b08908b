"""The recipe of the app that tells people from what is behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_image.apps._writing import component, copy, write_config

if TYPE_CHECKING:
    from pathlib import Path


def selfie_segmentation(members: Path, app: Path) -> None:
    """Write MediaPipe's selfie segmentation: pixels 0 to 1 in, a probability for each out."""
    copy(members, app, "model.tflite")
    person = component("person", {"tflite": "model.tflite"}, {}, {"type": "mask", "threshold": 0.5})
    # the model has an operator of MediaPipe's own, which TFLite knows and other readers of its files do not
    person["inference"]["engine"] = "tflite"
    write_config(app, "segmentation", [person], labels=["person"])
