"""Recipes of apps whose models are converted from TensorFlow.js.

Sizes, colours and normalisations are those of the training, from NanoDet's and MobileFace's repositories, MoveNet's
model card and HSE_FaceRec_tf.  The recorded numbers were computed by TensorFlow.js 4.22 with its CPU backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_image.apps._coco import CLASSES, KEYPOINTS
from lpbench_image.apps._faces import FACE, detector
from lpbench_image.apps._graph import BATCH
from lpbench_image.apps._recorded import Recorded, check
from lpbench_image.apps._tfjs_onnx import convert
from lpbench_image.apps._writing import component, copy, write_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AS_IT_IS = {"scale": 1}
"""Pixels stay 0 to 255: the networks contain their own normalisation."""

STRIDES = (8, 16, 32)
NANODET_OUTPUTS = {
    **{
        f"scores_{stride}": name for stride, name in zip(STRIDES, ("Identity", "Identity_1", "Identity_2"), strict=True)
    },
    **{
        f"boxes_{stride}": name
        for stride, name in zip(STRIDES, ("Identity_3", "Identity_4", "Identity_5"), strict=True)
    },
}
NANODET = Recorded(
    {
        "scores_8": (0.00421158, 0.00268452, 0.0107906, 0.00502403),
        "scores_16": (0.00648063, 0.00256417, 0.00858664, 0.0065589),
        "scores_32": (0.0157625, 0.0184983, 0.0097165, 0.0091469),
        "boxes_8": (1.99458e-06, 1.00418, 3.11842, -0.2436),
        "boxes_16": (-2.03182e-05, 0.505977, -0.171916, -0.605065),
        "boxes_32": (-3.51554e-05, 1.15898, 0.0683456, -1.21167),
    },
    mean=116,
    std=57,
)
MOVENET = Recorded({"keypoints": (0.383293, 0.321121, 0.19032, 0.105253)})
MOBILEFACE = Recorded({"embedding": (0.191158, 4.21013, 3.45705, 6.97425)})
FACERES = Recorded({"gender": (0.631238, 0.0, 0.631238, 0.631238), "age": (0.01, 0.00651247, 0.0121859, 0.00218039)})

EYES_NOSE_MOUTH = [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [56.14, 92.28]]
"""Positions of BlazeFace's first four points in MobileFace's 112x112 pictures of faces: the eyes and the nose of its
five-point template, and the midpoint between its corners of the mouth."""


def nanodet(members: Path, app: Path) -> None:
    """Write NanoDet for COCO's 80 classes as an app."""
    _convert(members, app, "nanodet", NANODET_OUTPUTS, NANODET)
    pre = {
        "resize": {"mode": "stretch"},
        "color": "BGR",
        "normalise": {"scale": 1, "mean": [103.53, 116.28, 123.675], "std": [57.375, 57.12, 58.395]},
    }
    post = {
        "type": "nanodet",
        "scores": [f"scores_{stride}" for stride in STRIDES],
        "boxes": [f"boxes_{stride}" for stride in STRIDES],
        "threshold": 0.35,
        "overlap": 0.5,
    }
    write_config(app, "object_detection", [component("detector", {"onnx": "nanodet.onnx"}, pre, post)], labels=CLASSES)


def movenet(members: Path, app: Path) -> None:
    """Write MoveNet Lightning as an app."""
    _convert(members, app, "movenet-lightning", {"keypoints": "Identity"}, MOVENET)
    pre = {"resize": {"mode": "letterbox"}, "color": "RGB"}
    models = {"onnx": "movenet-lightning.onnx"}
    write_config(app, "body_pose", [component("pose", models, pre, {"type": "keypoints"})], labels=KEYPOINTS)


def face_recognition(members: Path, app: Path) -> None:
    """Write the app that finds faces and computes an embedding of each."""
    copy(members, app, FACE)
    _convert(members, app, "mobileface", {"embedding": "batchnorm0/add_1"}, MOBILEFACE)
    pre = {"region": {"template": EYES_NOSE_MOUTH}, "color": "RGB", "normalise": AS_IT_IS}
    vector = component("embedding", {"onnx": "mobileface.onnx"}, pre, {"type": "embedding"})
    write_config(app, "face_recognition", [detector("back"), vector], labels=["face"])


def age_gender(members: Path, app: Path) -> None:
    """Write the app that finds faces and predicts age and gender of each."""
    copy(members, app, FACE)
    outputs = {"gender": "gender_pred/Sigmoid", "age": "age_pred/Softmax"}
    _convert(members, app, "faceres", outputs, FACERES)
    pre = {"region": {"square": True, "scale": 1.3}, "color": "RGB", "normalise": AS_IT_IS}
    post = {"type": "age-gender", "age": "age", "gender": "gender"}
    classifier = component("age-gender", {"onnx": "faceres.onnx"}, pre, post)
    write_config(app, "age_gender", [detector("back"), classifier], labels=["face"])


def _convert(members: Path, app: Path, name: str, outputs: Mapping[str, str], recorded: Recorded) -> None:
    """Convert a model and check that it gives the recorded numbers."""
    convert(members / f"{name}.json", app / f"{name}.onnx", outputs, batch=BATCH)
    check(app / f"{name}.onnx", recorded)
