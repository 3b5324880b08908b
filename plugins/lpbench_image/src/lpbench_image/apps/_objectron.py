"""Recipe of the detector inside MediaPipe's Objectron: SSD-MobileNetV2 for 23 classes of Open Images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_image.apps._faces import FROM_MINUS_ONE
from lpbench_image.apps._writing import component, write_config

if TYPE_CHECKING:
    from pathlib import Path

LABELS_END = 184
"""End of the label map in the packed file: one name per line, the first one for the background; the model follows."""

MODEL_MARK = slice(4, 8)
MARK = b"TFL3"
CLASSES = 23


def ssd(members: Path, app: Path) -> None:
    """Extract labels and model from the packed file, and write the app.

    :raises ValueError: The file is packed differently.
    """
    content = (members / "assets.data").read_bytes()
    background, *labels = content[:LABELS_END].decode().splitlines()
    model = content[LABELS_END:]
    if model[MODEL_MARK] != MARK or len(labels) != CLASSES or background != "???":
        raise ValueError(f"assets.data is packed differently: expected {CLASSES} labels, then a TFLite model")
    (app / "model.tflite").write_bytes(model)
    post = {
        "type": "ssd",
        "boxes": "raw_outputs/box_encodings",
        "scores": "raw_outputs/class_predictions",
        # TensorFlow's object detection, ssd_anchor_generator: six maps, the lowest layer reduced
        "anchors": {
            "maps": [19, 10, 5, 3, 2, 1],
            "scales": [0.2, 0.95],
            "ratios": [1, 2, 0.5, 3, 0.3333],
            "reduced": True,
        },
        "background": "first",
        "threshold": 0.4,
        "overlap": 0.5,
    }
    pre = {"resize": {"mode": "stretch"}, "color": "RGB", "normalise": FROM_MINUS_ONE}
    write_config(app, "object_detection", [component("detector", {"tflite": "model.tflite"}, pre, post)], labels=labels)
