"""Entries of published ImageNet networks with random weights; checksums and sizes as of November 2026."""

from __future__ import annotations

from lpbench.app.catalogue import Entry, Package
from lpbench_image.apps._packages import skimage

PHOTOS = ("chelsea.png", "coffee.png")


def _random(name: str, graph: str, recipe: str, *packages: Package) -> Entry:
    return Entry(
        name=f"{name}-random",
        version="3",
        app_class="image_classification",
        licence="Apache-2.0",
        source=f"random weights: speed only. The graph is {graph}; photos of scikit-image",
        packages=(*packages, skimage(*PHOTOS)),
        recipe=f"lpbench_image.apps.{recipe}",
        samples=PHOTOS,
    )


def _wheel(name: str, graph: str, tile: int) -> Entry:
    """Return the entry of a graph from the onnx wheel."""
    package = Package(
        "pip",
        "onnx",
        "1.23.2",
        "onnx-1.23.2-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348",
        8_886_609,
        "Apache-2.0",
        {f"onnx/backend/test/data/light/{graph}.onnx": "light.onnx"},
        "onnx-1.23.2.dist-info/licenses/LICENSE",
    )
    return _random(name, f"the onnx wheel's {graph}.onnx", f"_random_weights:random_{tile}", package)


def _written(name: str, paper: str) -> Entry:
    """Return the entry of a network that is written layer by layer."""
    return _random(name, f"that of {paper}", f"_published:{name.replace('-', '_')}")


ALEXNET_RANDOM = _wheel("alexnet", "light_bvlc_alexnet", 227)
GOOGLENET_RANDOM = _wheel("googlenet", "light_inception_v1", 224)
SQUEEZENET_RANDOM = _wheel("squeezenet", "light_squeezenet", 227)
MOBILENET_RANDOM = _written("mobilenet", "arXiv:1704.04861")
MOBILENET_V3_LARGE_RANDOM = _written("mobilenet-v3-large", "arXiv:1905.02244")
MOBILENET_V3_SMALL_RANDOM = _written("mobilenet-v3-small", "arXiv:1905.02244")
EFFICIENTNET_B0_RANDOM = _written("efficientnet-b0", "arXiv:1905.11946")
RESNET18_RANDOM = _written("resnet18", "arXiv:1512.03385")
RESNET50_RANDOM = _written("resnet50", "arXiv:1512.03385")
