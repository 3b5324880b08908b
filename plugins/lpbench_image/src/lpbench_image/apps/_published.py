"""Recipes of published ImageNet networks with random weights: valid for measuring speed, not for predictions.

Each network follows the tables of its paper.  A batch normalisation folded into its convolution leaves a kernel and a
bias, so these are drawn; the padding is half the kernel on all sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_image.apps._drawn import DrawnGraph
from lpbench_image.apps._imagenet import CLASSES, LITE0_STAGES, TILE, blocks
from lpbench_image.apps._random_app import write_random_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lpbench_image.apps._drawn import Activation

    Block = tuple[int, int, int, bool, Activation, int]

MOBILENET_LAYERS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
"""Channels and stride of each pair of a depthwise and a pointwise layer: Howard et al., arXiv:1704.04861, table 1."""

RESNET18_STAGES = ((64, 2, 1), (128, 2, 2), (256, 2, 2), (512, 2, 2))
RESNET50_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Channels, blocks and first stride of each stage: He et al., arXiv:1512.03385, table 1."""
WIDENING = 4
"""Factor from the channels within a block of ResNet-50 to those behind it."""

MOBILENET_V3_LARGE: tuple[Block, ...] = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
MOBILENET_V3_SMALL: tuple[Block, ...] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
"""Kernel, expanded channels, channels, squeeze-and-excitation, activation and stride of each block: Howard et al.,
arXiv:1905.02244, tables 1 and 2."""
HIDDEN = 1280
"""Width of the layer before the classes in both; with it, the small network has the 2.9 M parameters of the published
tables (with 1024, as in later versions of the paper, 2.5 M)."""


def mobilenet(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write MobileNet, version 1."""
    graph = DrawnGraph()
    x = graph.layer("input", 32, 3, "relu", stride=2)
    for channels, stride in MOBILENET_LAYERS:
        x = graph.depthwise(x, 3, "relu", stride=stride)
        x = graph.layer(x, channels, 1, "relu")
    write_random_app(graph.classifier(graph.pool(x), CLASSES, "mobilenet"), app, TILE)


def resnet18(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write ResNet-18."""
    graph = DrawnGraph()

    def layers(x: str, channels: int, stride: int) -> str:
        return graph.layer(graph.layer(x, channels, 3, "relu", stride=stride), channels, 3)

    _resnet(graph, RESNET18_STAGES, layers, "resnet18", app)


def resnet50(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write ResNet-50 as published, with the stride in the first layer of a block."""
    graph = DrawnGraph()

    def layers(x: str, channels: int, stride: int) -> str:
        narrow = graph.layer(graph.layer(x, channels, 1, "relu", stride=stride), channels, 3, "relu")
        return graph.layer(narrow, channels * WIDENING, 1)

    _resnet(graph, RESNET50_STAGES, layers, "resnet50", app)


def _resnet(
    graph: DrawnGraph,
    stages: Iterable[tuple[int, int, int]],
    layers: Callable[[str, int, int], str],
    name: str,
    app: Path,
) -> None:
    """Write a residual network; where a block changes the size, a pointwise layer brings its input to it.

    :param layers: Adds the layers of a block, given its input, its channels and its stride.
    """
    x = graph.max_pool(graph.layer("input", 64, 7, "relu", stride=2), 3, stride=2)
    for channels, stride in blocks(stages):
        inner = layers(x, channels, stride)
        out = graph.channels[inner]
        same = stride == 1 and graph.channels[x] == out
        x = graph.relu(graph.add(x if same else graph.layer(x, out, 1, stride=stride), inner))
    write_random_app(graph.classifier(graph.pool(x), CLASSES, name), app, TILE)


def mobilenet_v3_large(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write MobileNetV3-Large."""
    _mobilenet_v3(MOBILENET_V3_LARGE, 960, "mobilenet_v3_large", app)


def mobilenet_v3_small(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write MobileNetV3-Small."""
    _mobilenet_v3(MOBILENET_V3_SMALL, 576, "mobilenet_v3_small", app)


def _mobilenet_v3(table: tuple[Block, ...], last: int, name: str, app: Path) -> None:
    graph = DrawnGraph()
    x = graph.layer("input", 16, 3, "hard_swish", stride=2)
    for kernel, wide, out, excites, activation, stride in table:
        inner = x if wide == graph.channels[x] else graph.layer(x, wide, 1, activation)
        inner = graph.depthwise(inner, kernel, activation, stride=stride)
        if excites:
            inner = graph.excite(inner, _eights(wide / 4), "relu", "hard_sigmoid")
        x = graph.block(x, graph.layer(inner, out, 1), stride)
    x = graph.pool(graph.layer(x, last, 1, "hard_swish"))
    x = graph.hard_swish(graph.linear_layer(x, HIDDEN))
    write_random_app(graph.classifier(x, CLASSES, name), app, TILE)


def _eights(wanted: float) -> int:
    """Return the nearest multiple of 8, at least 8 and at least 90 % of what is wanted, as the authors round."""
    near = max(8, int(wanted + 4) // 8 * 8)
    return near if near >= 0.9 * wanted else near + 8


def efficientnet_b0(members: Path, app: Path) -> None:  # noqa: ARG001 - recipes are called with both
    """Write EfficientNet-B0: the stages of Lite0, with squeeze-and-excitation and swish."""
    graph = DrawnGraph()
    x = graph.layer("input", 32, 3, "swish", stride=2)
    for expansion, kernel, out, stride in blocks(LITE0_STAGES):
        channels = graph.channels[x]
        inner = x if expansion == 1 else graph.layer(x, channels * expansion, 1, "swish")
        inner = graph.depthwise(inner, kernel, "swish", stride=stride)
        inner = graph.excite(inner, channels // 4, "swish", "sigmoid")
        x = graph.block(x, graph.layer(inner, out, 1), stride)
    x = graph.pool(graph.layer(x, HIDDEN, 1, "swish"))
    write_random_app(graph.classifier(x, CLASSES, "efficientnet_b0"), app, TILE)
