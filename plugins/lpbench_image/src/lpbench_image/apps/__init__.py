"""The catalogue of image apps: what is on offer, without importing how it is built."""

from __future__ import annotations

from lpbench.specs import AppSpec

REQUIRES = ("numpy", "onnx")
HINT = 'pip install "lpbench-image[apps]"'

ENTRIES = (
    AppSpec(
        "imagenet-mobilenet-v2",
        "lpbench_image.apps._entries:MOBILENET_V2",
        "MobileNetV2, 1000 ImageNet classes, 224x224",
        requires=REQUIRES,
        hint=HINT,
    ),
    AppSpec(
        "imagenet-efficientnet-lite0",
        "lpbench_image.apps._entries:EFFICIENTNET_LITE0",
        "EfficientNet-Lite0, 1000 ImageNet classes, 224x224",
        requires=REQUIRES,
        hint=HINT,
    ),
)
