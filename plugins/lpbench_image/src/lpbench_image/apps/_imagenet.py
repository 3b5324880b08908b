"""Recipes of the ImageNet classifiers: networks rebuilt layer by layer with the weights of a ``.pth`` file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpbench_image.apps._graph import Graph, Norm, same, tiled
from lpbench_image.apps._torch_weights import read
from lpbench_image.apps._writing import component, write_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TILE = 224
"""Height and width that the networks were trained with."""
CLASSES = 1000
STATISTICS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""Mean and standard deviation of ImageNet's training photos, red, green, blue from 0 to 1; used by all networks."""
SHORT_SIDE: dict[str, Any] = {"resize": {"mode": "short-side"}, "crop_share": 0.875}
"""The usual evaluation: the centre of a photo whose short side was resized to 256, for a tile of 224x224."""

MOBILENET_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and first stride: Sandler et al., arXiv:1801.04381, table 2."""

LITE0_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""Expansion, kernel, channels, blocks and first stride: Tan and Le, arXiv:1905.11946, table 1."""

MOBILENET_EPSILON = 1e-5
LITE0_EPSILON = 1e-3


def mobilenet_v2(members: Path, app: Path) -> None:
    """Write MobileNetV2 of torchvision as an app."""
    graph = Graph(read(members / "weights.pth"))

    def layer(x: str, name: str, stride: int = 1, groups: int = 1, pad: int = 0) -> str:
        norm = Norm(f"{name}.1", MOBILENET_EPSILON)
        convolved = graph.convolution(x, f"{name}.0", norm, stride=stride, pads=(pad, pad), groups=groups)
        return graph.relu6(convolved)

    x = layer("input", "features.0", stride=2, pad=1)
    channels = 32
    for at, (expansion, out, stride) in enumerate(blocks(MOBILENET_V2_STAGES), start=1):
        name = f"features.{at}.conv"
        wide = channels * expansion
        inner = x if expansion == 1 else layer(x, f"{name}.0")
        depthwise = 0 if expansion == 1 else 1
        inner = layer(inner, f"{name}.{depthwise}", stride, wide, pad=1)
        last = Norm(f"{name}.{depthwise + 2}", MOBILENET_EPSILON)
        inner = graph.convolution(inner, f"{name}.{depthwise + 1}", last)
        x = graph.add(x, inner) if (stride, channels) == (1, out) else inner
        channels = out
    x = graph.pool(layer(x, "features.18"))
    graph.linear(x, "classifier.1", "logits")
    graph.save(app / "model.onnx", name="mobilenet_v2", classes=CLASSES)
    _write_app(members, app)


def efficientnet_lite0(members: Path, app: Path) -> None:
    """Write EfficientNet-Lite0 as an app.

    The weights come from TensorFlow, so padding follows its "SAME": an odd zero is added at the end.  Where it depends
    on the size, it is that of sides in multiples of 32, which are even before each layer with a stride.
    """
    graph = Graph(read(members / "weights.pth"))

    def pointwise(x: str, name: str, norm: str) -> str:
        return graph.convolution(x, name, Norm(norm, LITE0_EPSILON))

    size, channels = TILE, 32
    x = graph.relu6(
        graph.convolution("input", "_conv_stem", Norm("_bn0", LITE0_EPSILON), stride=2, pads=same(size, 3, 2))
    )
    size = -(-size // 2)
    for at, (expansion, kernel, out, stride) in enumerate(blocks(LITE0_STAGES)):
        name = f"_blocks.{at}"
        wide = channels * expansion
        inner = x if expansion == 1 else graph.relu6(pointwise(x, f"{name}._expand_conv", f"{name}._bn0"))
        norm, pads = Norm(f"{name}._bn1", LITE0_EPSILON), same(size, kernel, stride)
        inner = graph.convolution(inner, f"{name}._depthwise_conv", norm, stride=stride, pads=pads, groups=wide)
        inner = pointwise(graph.relu6(inner), f"{name}._project_conv", f"{name}._bn2")
        x = graph.add(x, inner) if (stride, channels) == (1, out) else inner
        size, channels = -(-size // stride), out
    x = graph.pool(graph.relu6(pointwise(x, "_conv_head", "_bn1")))
    graph.linear(x, "_fc", "logits")
    graph.save(app / "model.onnx", name="efficientnet_lite0", classes=CLASSES)
    _write_app(members, app)


def blocks(stages: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Yield settings and stride of each block: only the first block of a stage has the stage's stride."""
    for *settings, count, stride in stages:
        for at in range(count):
            yield (*settings, stride if at == 0 else 1)


def _write_app(members: Path, app: Path) -> None:
    """Write labels and config around ``model.onnx``."""
    labels = json.loads((members / "labels.json").read_text("utf-8"))
    if len(labels) != CLASSES:
        raise ValueError(f"labels.json holds {len(labels)} labels; the network has {CLASSES} classes")
    # area: the published accuracies use a bilinear resize with antialiasing
    resize = {**SHORT_SIDE["resize"], "interpolation": "area"}
    pre = {**SHORT_SIDE, "resize": resize, "color": "RGB", "normalise": STATISTICS}
    post = {"type": "classification", "activation": "softmax", "top_k": 5}
    parts = [component("classifier", {"onnx": "model.onnx"}, pre, post, stated=tiled(TILE))]
    write_config(app, "image_classification", parts, labels=labels)
