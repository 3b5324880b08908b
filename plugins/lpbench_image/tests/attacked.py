"""What the core's program attacks of this plugin: pictures, weights of PyTorch and graphs of TensorFlow.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind

from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

ENDINGS = (".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm", ".pgm")
NETPBM = (
    *(b"P1\n# c\n3 2\n1 0 1 0 1 0\n", b"P2\n3 2\n255\n0 1 2 3 4 5\n", b"P3 1 1 9 1 2 3\n", b"P4 9 2\n\x00\x80\xff\x00"),
    *(b"P5 3 2 65535\n" + bytes(12), b"P6 2 1 255\n" + bytes(6)),
)


class Pictures(Kind):
    """Pictures of every format by the preprocessor ``image``."""

    name: ClassVar[str] = "pictures"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "cv2", "lpbench_image")

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        import cv2
        import numpy as np

        random = np.random.default_rng(1)
        colours: Any = random.integers(0, 256, (9, 14, 3), np.uint8)
        seeds = [cv2.imencode(ending, colours)[1].tobytes() for ending in ENDINGS if ending != ".pgm"]
        seeds += [cv2.imencode(ending, colours[..., 0])[1].tobytes() for ending in (".png", ".jpg", ".pgm")]
        seeds.append(cv2.imencode(".png", colours.astype(np.uint16) * 257)[1].tobytes())
        np.save(home / "a.npy", colours)
        self._seeds = [*seeds, *NETPBM, (home / "a.npy").read_bytes()]

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged picture."""
        content = mutations.mutated(random.choice(self._seeds), random, self._seeds)
        (folder / f"picture{random.choice(ENDINGS)}").write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Decode it and make a tensor of it."""
        from lpbench.plugin.engine import TensorInfo
        from lpbench_image._pre import ImagePreprocessor
        from lpbench_image.config import ImageConfig

        preprocessor = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 8, 8))])
        (path,) = folder.iterdir()
        preprocessor(preprocessor.load(path))
        return ()


class TorchWeights(Kind):
    """Weights of PyTorch, whose pickles may name nothing but tensors."""

    name: ClassVar[str] = "torch-weights"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "lpbench_image", "pytest", "hypothesis")

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        from plugins.lpbench_image.tests import test_weights as written

        state = {"a": written.tensor(), "b": written.tensor("1", shape=(3, 2), strides=(1, 3))}
        program, storages = written.pickled(state), {"0": written.SIX["0"], "1": written.SIX["0"]}
        paths = [
            written.zipped(home / "zipped.pth", program, storages),
            written.legacy(home / "legacy.pth", program, storages),
        ]
        hostile = written.pickled({"x": written.Call("os", "system", "touch escape")})
        paths.append(written.zipped(home / "hostile.pth", hostile, {}))
        self._seeds = [path.read_bytes() for path in paths]

    def write(self, random: Random, folder: Path) -> None:
        """Write damaged weights."""
        (folder / "weights.pth").write_bytes(mutations.mutated(random.choice(self._seeds), random, self._seeds))

    def read(self, folder: Path) -> Iterable[str]:
        """Read them."""
        from lpbench_image.apps import _torch_weights

        for array in _torch_weights.read(folder / "weights.pth").values():
            float(array.sum())
        return ()


class GraphModels(Kind):
    """Graphs of TensorFlow.js, read and converted."""

    name: ClassVar[str] = "tfjs"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "onnx", "lpbench_image")

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        import numpy as np
        from plugins.lpbench_image.tests.tfjs_graphs import Graph

        graph = Graph()
        kernel, bias = graph.constant(np.ones((3, 3, 3, 4))), graph.constant(np.ones(4))
        fused = graph.window(
            "_FusedConv2D", graph.input((-1, 9, 8, 3)), kernel, bias, stride=2, fused_ops=["BiasAdd", "Relu6"]
        )
        scaled = graph.add("Mul", fused, graph.constant(np.ones(4)))
        mean = graph.add("Mean", scaled, graph.constant([1, 2]), keep_dims=False)
        last = graph.stored(np.ones((4, 5), np.uint8), "float32", scale=0.1, min=-1.0)
        self._output = graph.add("Softmax", graph.add("MatMul", mean, last, transpose_a=False, transpose_b=False))
        self._graph, self._content = json.dumps(graph.json()), graph.content

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged graph, or damaged weights."""
        damaged = random.random() < 0.9
        text = documents.damaged(self._graph, random) if damaged else self._graph.encode()
        weights = self._content if damaged else mutations.mutated(self._content, random)
        (folder / "m.json").write_bytes(text)
        (folder / "m.bin").write_bytes(weights)

    def read(self, folder: Path) -> Iterable[str]:
        """Convert it to ONNX."""
        from lpbench_image.apps._tfjs_onnx import convert

        convert(folder / "m.json", folder / "m.onnx", {"y": self._output}, batch="batch")
        return ()


class Truths(Kind):
    """Ground truth of a manifest, as every metric of this plugin and of the core takes it."""

    name: ClassVar[str] = "ground-truth"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "cv2", "lpbench_image")

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        import cv2
        import numpy as np

        self._picture = cv2.imencode(".png", np.eye(4, dtype=np.uint8) * 255)[1].tobytes()

    def write(self, random: Random, folder: Path) -> None:
        """Write samples and a manifest whose ground truth is damaged."""
        for name in ("a.png", "b.png"):
            (folder / name).write_bytes(self._picture)
        (folder / "manifest.json").write_bytes(documents.damaged(json.dumps(random.choice((ROWS, COCO))), random))

    def read(self, folder: Path) -> Iterable[str]:
        """Evaluate a prediction against each; a metric may refuse what it does not know."""
        import contextlib

        from lpbench.app import dataset
        from lpbench.errors import LpbenchError
        from lpbench.plugin import registry

        offers = registry.current().all(registry.METRICS).values()
        for sample in dataset.load(folder, (".png",)):
            for offer in offers:
                metric = offer.spec.load()(["cat", "dog"])
                with contextlib.suppress(LpbenchError):
                    metric.add(DESCRIBED, sample.truth)
                    metric.result()
        return ()


SQUARE = {"size": [4, 4], "counts": [0, 3, 2, 11]}
ROWS: list[dict[str, Any]] = [
    {"file": "a.png", "label": "cat", "value": 1, "text": "some text", "mask": "b.png", "points": [[1, 2], [3, 4]]},
    {"file": "b.png", "items": [{"box": [0, 1, 2.5, 3], "label": "dog", "crowd": True}], "mask": SQUARE},
]
COCO: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a.png", "height": 4, "width": 4}, {"id": 2, "file_name": "b.png"}],
    "categories": [{"id": 3, "name": "cat"}],
    "annotations": [
        {"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0, "keypoints": [1, 2, 2, 3, 4, 1]},
        {"image_id": 2, "category_id": 3, "bbox": [0, 0, 1, 1], "segmentation": SQUARE, "area": 1},
    ],
}
DESCRIBED: dict[str, Any] = {
    "top": [{"label": "cat", "score": 0.5}],
    "score": 0.5,
    "items": [{"box": [0, 1, 2, 3], "label": "cat", "score": 0.5}],
    "value": 1.0,
    "text": "some words",
    "mask": SQUARE,
    "share": {"cat": 0.25},
    "points": [[1, 2], [3, 4]],
}
"""A prediction with what any metric looks for."""
KINDS = (Pictures, TorchWeights, GraphModels, Truths)
