"""Specifications of the detector postprocessors; importing this module imports neither cv2 nor numpy."""

from __future__ import annotations

from lpbench.plugin.specs import ProcessorSpec

_HINT = "pip install numpy"

# valid for every app class: any chain may begin with a detector
DETECTORS = (
    ProcessorSpec(
        "ssd",
        "lpbench_image.boxes._ssd:Ssd",
        "boxes relative to anchors, as in SSD and BlazeFace, with key points",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:SsdConfig",
        case="lpbench_image.cases:ssd",
    ),
    ProcessorSpec(
        "nanodet",
        "lpbench_image.boxes._nanodet:NanoDet",
        "boxes as distributions of the distances to their sides, as in NanoDet",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:NanoDetConfig",
        case="lpbench_image.cases:nanodet",
    ),
    ProcessorSpec(
        "boxes",
        "lpbench_image.boxes._decoded:Boxes",
        "boxes decoded by the model, as in YOLO, DETR and models with their own suppression",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:BoxesConfig",
        case="lpbench_image.cases:boxes",
    ),
)
