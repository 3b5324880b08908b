"""Entries for people, text and digits."""

from __future__ import annotations

from lpbench.app.catalogue import Entry, Package
from lpbench_image.apps._packages import skimage, sklearn

MEDIAPIPE = Package(
    "pip",
    "mediapipe",
    "0.10.21",
    "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    35_622_638,
    "Apache-2.0",
    {"mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite": "model.tflite"},
    "mediapipe-0.10.21.dist-info/LICENSE",
)
RAPIDOCR = Package(
    "pip",
    "rapidocr",
    "3.10.0",
    "rapidocr-3.10.0-py3-none-any.whl",
    "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
    27_288_134,
    "Apache-2.0",
    {
        "rapidocr/models/PP-OCRv6_det_small.onnx": "detection.onnx",
        "rapidocr/models/PP-OCRv6_rec_small.onnx": "recognition.onnx",
    },
    "rapidocr-3.10.0.dist-info/licenses/MODEL_LICENSES.md",
)

SELFIE_SEGMENTATION = Entry(
    name="selfie-segmentation",
    version="2",
    app_class="segmentation",
    licence="Apache-2.0",
    source="MediaPipe's selfie_segmentation.tflite; photo of scikit-image",
    packages=(MEDIAPIPE, skimage("astronaut.png")),
    recipe="lpbench_image.apps._people:selfie_segmentation",
    samples=("astronaut.png",),
)
PPOCR_V6 = Entry(
    name="ppocr-v6",
    version="2",
    app_class="text_recognition",
    licence="Apache-2.0",
    source="PaddleOCR's PP-OCRv6 detection and recognition, small; photo of scikit-image, enlarged",
    packages=(RAPIDOCR, skimage("page.png")),
    recipe="lpbench_image.apps._text:ppocr",
)
DIGITS_MLP = Entry(
    name="digits-mlp",
    version="2",
    app_class="image_classification",
    licence="BSD-3-Clause",
    source="trained here on scikit-learn's digits",
    packages=(sklearn("data/digits.csv.gz"),),
    recipe="lpbench_image.apps._digits:digits",
)
