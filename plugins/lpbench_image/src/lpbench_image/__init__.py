"""Registers the plugins of lpbench-image; importing this module imports neither cv2 nor numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import MetricSpec, ProcessorSpec
from lpbench_image.boxes.specs import DETECTORS
from lpbench_image.post.specs import SPECS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.specs import AppSpec

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".npy")


@hookimpl
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register the preprocessor that turns images into a model's input."""
    register(
        ProcessorSpec(
            "image",
            "lpbench_image._pre:ImagePreprocessor",
            "one image: resize, crop, colour order, filter, normalise, layout, type",
            requires=("numpy", "cv2"),
            hint="pip install opencv-python-headless",
            config="lpbench_image.config:ImageConfig",
            suffixes=SUFFIXES,
            guess="lpbench_image._guess:image",
            case="lpbench_image.cases:image",
        )
    )


@hookimpl
def lpbench_register_postprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register the postprocessors that turn the outputs of vision models into predictions."""
    register(
        ProcessorSpec(
            "classification",
            "lpbench_image._classification:Classification",
            "class scores: softmax and the best labels",
            requires=("numpy",),
            hint="pip install numpy",
            config="lpbench_image.config:ClassificationConfig",
            classes=("image_classification", "object_classification", "emotion"),
            guess="lpbench_image._guess:classification",
            case="lpbench_image.cases:classification",
        )
    )
    for spec in (*DETECTORS, *SPECS):
        register(spec)


@hookimpl
def lpbench_register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Register quality metrics for boxes, masks and points."""
    boxes, masks = "lpbench_image.metrics.boxes", "lpbench_image.metrics.pixels"
    detection = ("object_detection", "face_detection")
    for name, target, summary, classes, higher in (
        ("map", f"{boxes}:CocoAveragePrecision", "mean average precision of boxes, COCO's", detection, True),
        ("map-voc", f"{boxes}:VocAveragePrecision", "mean average precision of boxes, PASCAL VOC's", (), True),
        (
            "miou",
            f"{masks}:MeanIntersectionOverUnion",
            "mean intersection over union of masks",
            ("segmentation",),
            True,
        ),
        ("dice", f"{masks}:Dice", "Dice coefficient of masks", ("segmentation",), True),
        (
            "nme",
            f"{masks}:NormalisedMeanError",
            "mean error of points relative to the size of their bounding box",
            ("face_landmarks",),
            False,
        ),
    ):
        needs = ("numpy", "cv2")
        register(MetricSpec(name, target, summary, needs, classes=classes, higher_is_better=higher))


@hookimpl
def lpbench_register_apps(register: Callable[[AppSpec], None]) -> None:
    """Register the catalogue of image apps."""
    from lpbench_image.apps import ENTRIES

    for entry in ENTRIES:
        register(entry)
