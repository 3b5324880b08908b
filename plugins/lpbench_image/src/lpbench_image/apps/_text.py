"""The recipe of the app that reads text: PP-OCRv6 detects lines, then recognises each.

Normalisation, threshold and growth are those of PaddleOCR's configuration (ppocr/data, ppocr/postprocess).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx

from lpbench_image.apps._writing import LABELLED, component, copy, write_config, write_picture

if TYPE_CHECKING:
    from pathlib import Path

CHARACTERS = "characters.txt"
HALVES = {"mean": 0.5, "std": 0.5}
LARGEST = 1920
"""Longest side of a picture in which lines are detected; detection needs about 2 GB at this size."""

PAGE = (
    "Region-based segmentation",
    "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label",
    "unambiguously as either object or background. Here,",
    "the markers are found at the two extreme parts of the",
    "histogram of grey values:",
    ">>> markers = np.zeros_like(coins)",
)
"""The legible text of scikit-image's photo of a page; half a line below it is not legible."""


def ppocr(members: Path, app: Path) -> None:
    """Write detection and recognition as a chain, and a page with its text.

    :raises ValueError: The model does not list its characters.
    """
    copy(members, app, "detection.onnx", "recognition.onnx")
    known = characters(members / "recognition.onnx")
    (app / CHARACTERS).write_text("".join(f"{character}\n" for character in known), "utf-8")
    _write_page(members / "page.png", app)
    look = {"color": "BGR", "normalise": HALVES}
    detection = component(
        "detection",
        {"onnx": "detection.onnx"},
        {**look, "resize": {"mode": "multiple", "multiple": 32, "most": LARGEST}},
        {"type": "text-boxes", "threshold": 0.3, "box_threshold": 0.5, "grow": 1.6},
    )
    recognition = component(
        "recognition",
        {"onnx": "recognition.onnx"},
        {**look, "resize": {"mode": "height"}, "region": {"points": [0, 1, 2, 3], "rotate": [0, 1]}},
        {"type": "ctc", "characters": {"file": CHARACTERS}, "blank": 0, "space": True},
    )
    write_config(app, "text_recognition", [detection, recognition])


def characters(path: Path) -> list[str]:
    """Return a recogniser's characters, in the order of its classes, without blank and space.

    :raises ValueError: The model does not list them.
    """
    metadata = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    known: list[str] = metadata.get("character", "").split("\n")
    if known == [""]:
        raise ValueError(f"{path.name} does not list its characters")
    return known


def _write_page(source: Path, app: Path) -> None:
    """Write the page at twice its size as a sample, and with its text as labelled data.

    Pixels are repeated: with interpolation, the three marks at the start of the last line may be recognised as two.
    """
    page = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
    if page is None:
        raise ValueError(f"{source.name} cannot be read as a picture")
    large = page.repeat(2, axis=0).repeat(2, axis=1).astype(np.uint8, copy=False)
    for folder in ("samples", LABELLED):
        write_picture(app / folder / "page.png", large)
    truth = [{"file": "page.png", "text": "\n".join(PAGE)}]
    (app / LABELLED / "manifest.json").write_text(json.dumps(truth, indent=1) + "\n", "utf-8")
