"""The catalogue of image apps; importing it does not import the recipes."""

from __future__ import annotations

from lpbench.plugin.specs import AppSpec

PLAIN = ("numpy", "cv2")
"""Modules needed by recipes that use models without conversion."""
ONNX = (*PLAIN, "onnx")
HINT = 'pip install "lpbench-image[apps]"'


def _offer(module: str, name: str, summary: str, requires: tuple[str, ...]) -> AppSpec:
    """Return the specification of an entry whose definition is a constant with the entry's name in capitals."""
    target = f"lpbench_image.apps.{module}:{name.upper().replace('-', '_')}"
    return AppSpec(name, target, summary, requires=requires, hint=HINT)


def _random(name: str, network: str, tile: int = 224) -> AppSpec:
    """Return the specification of a published network with random weights."""
    summary = f"{network}, 1000 outputs, {tile}x{tile}; random weights: speed only"
    return _offer("_entries_random", f"{name}-random", summary, ONNX)


ENTRIES = (
    AppSpec(
        "imagenet-mobilenet-v2",
        "lpbench_image.apps._entries:MOBILENET_V2",
        "MobileNetV2, 1000 ImageNet classes, 224x224",
        requires=ONNX,
        hint=HINT,
    ),
    AppSpec(
        "imagenet-efficientnet-lite0",
        "lpbench_image.apps._entries:EFFICIENTNET_LITE0",
        "EfficientNet-Lite0, 1000 ImageNet classes, 224x224",
        requires=ONNX,
        hint=HINT,
    ),
    _offer("_entries_faces", "blazeface-short", "BlazeFace for faces near the camera, 6 points each, 128x128", PLAIN),
    _offer("_entries_faces", "blazeface-back", "BlazeFace of the rear camera, 6 points each, 256x256", PLAIN),
    _offer("_entries_faces", "blazeface-full", "BlazeFace for faces near and far, 6 points each, 192x192", PLAIN),
    _offer("_entries_faces", "face-landmarks", "faces, then 468 points in each", PLAIN),
    _offer("_entries_faces", "eye-gaze", "faces, 468 points in each, then both irises", PLAIN),
    _offer("_entries_faces", "head-pose", "faces, then how each head is turned", PLAIN),
    _offer("_entries_faces", "emotion", "faces, then one of seven emotions for each", PLAIN),
    _offer("_entries_npm", "nanodet-coco", "NanoDet, 80 COCO classes, 416x416", ONNX),
    _offer("_entries_npm", "ssd-mobilenet-v2-oid", "SSD-MobileNetV2, 23 Open Images classes, 300x300", PLAIN),
    _offer("_entries_npm", "face-recognition", "faces, then a vector of 256 for each, 112x112", ONNX),
    _offer("_entries_npm", "age-gender", "faces, then age and gender of each, 224x224", ONNX),
    _offer("_entries_npm", "movenet-lightning", "MoveNet, 17 points of a body, 192x192", ONNX),
    _offer("_entries_more", "selfie-segmentation", "mask of the people in a picture, 256x256", PLAIN),
    _offer("_entries_more", "ppocr-v6", "lines of text, then the text of each, 18709 characters", ONNX),
    _offer("_entries_more", "digits-mlp", "handwritten digits, 8x8; trained when it is built", ONNX),
    _random("alexnet", "AlexNet", 227),
    _random("efficientnet-b0", "EfficientNet-B0"),
    _random("googlenet", "GoogLeNet"),
    _random("mobilenet", "MobileNet, version 1"),
    _random("mobilenet-v3-large", "MobileNetV3-Large"),
    _random("mobilenet-v3-small", "MobileNetV3-Small"),
    _random("resnet18", "ResNet-18"),
    _random("resnet50", "ResNet-50"),
    _random("squeezenet", "SqueezeNet 1.1", 227),
)
