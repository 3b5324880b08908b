"""Recipes of the face apps whose models are TFLite files: BlazeFace, the face mesh, the iris, emotions.

Sizes, regions and normalisations are those of MediaPipe's graphs (modules/face_detection, face_landmark,
iris_landmark); those of the emotions are fer's (fer/fer.py).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lpbench_image.apps._writing import LABELLED, component, copy, write_config, write_labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Config = dict[str, Any]

FACE = "face.tflite"
"""File name of the detector among the members, for every kind of detector."""
MESH = "mesh.tflite"
IRIS = "iris.tflite"
EMOTION = "emotion.tflite"

FROM_MINUS_ONE = {"scale": 1 / 127.5, "mean": 1}
"""Maps pixels from 0 to 255 to -1 to 1."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

RIGHT_EYE, LEFT_EYE = 0, 1
"""Numbers of BlazeFace's points of the eyes; the person's right eye is on the left of the picture."""
EYES = ((33, 133), (362, 263))
"""Numbers of the mesh's points in the corners of each eye; the eye on the left of the picture comes first."""

FACES = 100
"""Number of labelled patches, from the first on, that are faces; the others are not."""
PATCH = 160
CANVAS = 256

DETECTORS: dict[str, Config] = {
    "short": {"size": 128, "maps": [16, 8, 8, 8], "outputs": ("regressors", "classificators"), "auc": 0.9998},
    "back": {"size": 256, "maps": [16, 8, 8, 8], "outputs": ("regressors", "classificators"), "auc": 0.99295},
    "full": {
        "size": 192,
        "maps": [48],
        "interpolated": None,
        "outputs": ("reshaped_regressor_face_4", "reshaped_classifier_face_4"),
        "auc": 0.765,
    },
}
"""For each BlazeFace: side of the input, feature maps, outputs, and the area under the curve that LiteRT reaches on the
patches."""


def detector(kind: str) -> Config:
    """Return a face detector as a component: boxes with points of eyes, nose, mouth and ears.

    :param kind: One of ``DETECTORS``.
    """
    settings = DETECTORS[kind]
    boxes, scores = settings["outputs"]
    post = {
        "type": "ssd",
        "boxes": boxes,
        "scores": scores,
        "anchors": {"maps": settings["maps"], "interpolated": settings.get("interpolated", 1)},
        "order": "xywh",
        "divisors": [settings["size"]] * 4,
        "size": "linear",
        "points": 6,
        "threshold": 0.5,
        "overlap": 0.3,
    }
    pre = {"resize": {"mode": "letterbox"}, "normalise": FROM_MINUS_ONE}
    return {**component("face", {"tflite": FACE}, pre, post), "labels": ["face"]}


def mesh(name: str, post: Config) -> Config:
    """Return the face mesh as a component that processes each face.

    :param post: Type and settings of its postprocessor.
    """
    region = {"rotate": [RIGHT_EYE, LEFT_EYE], "square": True, "scale": 1.5}
    return component(name, {"tflite": MESH}, {"region": region}, {**post, "points": "conv2d_20"})


def blazeface(kind: str, members: Path, app: Path) -> None:
    """Write a face detector as an app, with pictures of faces and of other things to measure its quality."""
    copy(members, app, FACE)
    write_labelled(app / LABELLED, patches(members / "lfw_subset.npy"), "value")
    quality = {"metric": "auc", "reference": DETECTORS[kind]["auc"], "at_least_of_reference": 0.99}
    write_config(app, "face_detection", [detector(kind)], quality=quality)


blazeface_short = partial(blazeface, "short")
blazeface_back = partial(blazeface, "back")
blazeface_full = partial(blazeface, "full")


def landmarks(members: Path, app: Path) -> None:
    """Write the app that finds faces and 468 points in each."""
    copy(members, app, FACE, MESH)
    chain = [detector("short"), mesh("mesh", {"type": "mesh", "flag": "conv2d_30"})]
    write_config(app, "face_landmarks", chain)


def eye_gaze(members: Path, app: Path) -> None:
    """Write the app that finds faces, the points in each and both of its irises."""
    copy(members, app, FACE, MESH, IRIS)
    # the model is trained on one eye only; the other one is mirrored
    eyes = [
        {"points": corners, "rotate": corners, "square": True, "scale": 2.3, "mirror": mirror}
        for corners, mirror in zip(map(list, EYES), (False, True), strict=True)
    ]
    post = {"type": "iris", "contour": "output_eyes_contours_and_brows", "iris": "output_iris"}
    iris = component("iris", {"tflite": IRIS}, {"region": eyes}, post)
    chain = [detector("short"), mesh("mesh", {"type": "mesh", "flag": "conv2d_30"}), iris]
    write_config(app, "eye_gaze", chain)


def head_pose(members: Path, app: Path) -> None:
    """Write the app that finds faces and the pose of each head."""
    copy(members, app, FACE, MESH)
    write_config(app, "head_pose", [detector("short"), mesh("pose", {"type": "head-pose"})])


def emotion(members: Path, app: Path) -> None:
    """Write the app that finds faces and the emotion of each."""
    copy(members, app, FACE, EMOTION)
    pre = {"region": {}, "color": "GREY", "normalise": FROM_MINUS_ONE}
    post = {"type": "classification", "activation": "none", "top_k": len(EMOTIONS)}
    chain = [detector("short"), component("emotion", {"tflite": EMOTION}, pre, post)]
    write_config(app, "emotion", chain, labels=EMOTIONS)


def patches(path: Path) -> Iterator[tuple[str, NDArray[np.uint8], str]]:
    """Yield name, picture and truth, 1 for faces and 0 for others, of each of scikit-image's patches.

    A patch of 25x25 shows only the face; detectors expect some surroundings, so it is set into a larger picture.

    :param path: Patches (n, 25, 25) of values 0 to 1.
    """
    edge = (CANVAS - PATCH) // 2
    for at, patch in enumerate(np.load(path, allow_pickle=False)):
        picture = np.full((CANVAS, CANVAS), patch.mean())
        inside = slice(edge, edge + PATCH)
        picture[inside, inside] = cv2.resize(patch, (PATCH, PATCH), interpolation=cv2.INTER_CUBIC)
        name, value = (f"face-{at:03d}", "1") if at < FACES else (f"other-{at - FACES:03d}", "0")
        yield name, np.rint(np.clip(picture * 255, 0, 255)).astype(np.uint8), value
