"""The postprocessors of detectors; importing this imports neither cv2 nor numpy."""

from __future__ import annotations

from lpbench.plugin.specs import ProcessorSpec

_HINT = "pip install numpy"

# they serve every class: a chain of any may begin with a detector
DETECTORS = (
    ProcessorSpec(
        "ssd",
        "lpbench_image.boxes._ssd:Ssd",
        "boxes relative to anchors, as of SSD and BlazeFace, and their key points",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:SsdConfig",
    ),
    ProcessorSpec(
        "nanodet",
        "lpbench_image.boxes._nanodet:NanoDet",
        "boxes as distributions of the distances to their sides, as of NanoDet",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:NanoDetConfig",
    ),
    ProcessorSpec(
        "boxes",
        "lpbench_image.boxes._decoded:Boxes",
        "boxes that the model has decoded, as of YOLO, DETR and models that suppress themselves",
        requires=("numpy",),
        hint=_HINT,
        config="lpbench_image.boxes.config:BoxesConfig",
    ),
)
