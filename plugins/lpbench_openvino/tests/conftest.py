"""Models written on the spot with onnx.helper, and one way to open them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

os.environ.setdefault(
    "CI", "true"
)  # before openvino is imported, as workers do: else it counts uses in the home folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Session

    Shape = Sequence[int | str | None]
    Value = tuple[str, int, Shape | None]
    """Name, element type and shape; None for any number of dimensions."""

FLOAT = onnx.TensorProto.FLOAT


class Models:
    """Writes small models into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        nodes: Sequence[Any],
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        weights: Mapping[str, Any] | None = None,
        saving: Mapping[str, Any] | None = None,
    ) -> Path:
        """Save a graph; inputs and outputs are (name, element type, shape)."""
        given, found = ([onnx.helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs))
        tensors = [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
        graph = onnx.helper.make_graph(nodes, "graph", given, found, tensors)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        path = self.folder / "model.onnx"
        onnx.save(model, path, **(saving or {}))
        return path

    def one(self, operator: str, shape: Shape | None = (1, 3), element: int = FLOAT) -> Path:
        """Y = operator(x)."""
        node = onnx.helper.make_node(operator, ["x"], ["y"], name="one")
        return self.save([node], [("x", element, shape)], [("y", element, shape)])

    def two(self, shape: Shape = ("N", 2)) -> Path:
        """Total = a + b, difference = a - b."""
        nodes = [
            onnx.helper.make_node("Add", ["a", "b"], ["total"], name="add"),
            onnx.helper.make_node("Sub", ["a", "b"], ["difference"], name="subtract"),
        ]
        inputs: list[Value] = [(name, FLOAT, shape) for name in ("a", "b")]
        return self.save(nodes, inputs, [(name, FLOAT, shape) for name in ("total", "difference")])

    def convolution(self, size: Shape = ("N", 3, "H", "W"), *, weights_beside: bool = False) -> Path:
        """Save a 3x3 convolution, ReLU and global pooling: (N, 3, H, W) to (N, 8, 1, 1); seeded weights."""
        weights = np.random.default_rng(7).standard_normal((8, 3, 3, 3)).astype(np.float32)
        nodes = [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1] * 4),
            onnx.helper.make_node("Relu", ["c"], ["r"], name="relu"),
            onnx.helper.make_node("GlobalAveragePool", ["r"], ["y"], name="pool"),
        ]
        saving = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
        outputs: list[Value] = [("y", FLOAT, (size[0], 8, 1, 1))]
        return self.save(nodes, [("x", FLOAT, size)], outputs, {"w": weights}, saving if weights_beside else None)

    def quantised(self) -> Path:
        """Save a convolution between quantising operators, of 16 channels, with int8 weights."""
        weights = np.random.default_rng(8).integers(-127, 127, (16, 16, 3, 3)).astype(np.int8)
        constants = {"s": np.float32(0.05), "z": np.uint8(128), "sw": np.float32(0.01), "zw": np.int8(0), "w": weights}
        nodes = [
            onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantise"),
            onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="input"),
            onnx.helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["dw"], name="weights"),
            onnx.helper.make_node("Conv", ["d", "dw"], ["y"], name="conv", pads=[1] * 4),
        ]
        shape = (1, 16, 8, 8)
        weights_ = {name: np.asarray(value) for name, value in constants.items()}
        return self.save(nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)], weights_)

    def ir(self, path: Path | None = None) -> Path:
        """Save an ONNX model in OpenVINO's own format: an .xml with a .bin beside it."""
        import openvino

        network = openvino.Core().read_model(str(path or self.convolution()))
        openvino.save_model(network, str(self.folder / "model.xml"), compress_to_fp16=False)
        return self.folder / "model.xml"


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


FORMATS = {".xml": "openvino", ".onnx": "onnx", ".tflite": "tflite"}


class Opener:
    """Opens models as the runner does, and closes every session at the end."""

    def __init__(self) -> None:
        self.opened: list[Session] = []

    def __call__(
        self,
        path: Path,
        shapes: Mapping[str, tuple[int, ...]] | None = None,
        extra: Sequence[Path] = (),
        *,
        profile: bool = False,
        **options: object,
    ) -> Session:
        from lpbench.plugin.engine import Model
        from lpbench.util.dataclass_config import build
        from lpbench_openvino._engine import OpenvinoEngine
        from lpbench_openvino.config import OpenvinoConfig

        config = build(OpenvinoConfig, {"threads": 1, **options}, where="options of openvino")
        model = Model(FORMATS[path.suffix], path, tuple(extra))
        session = OpenvinoEngine().open(model, config, shapes=shapes or {}, profile=profile)
        self.opened.append(session)
        return session


@pytest.fixture
def open_session() -> Iterator[Opener]:
    opener = Opener()
    yield opener
    for session in opener.opened:
        session.close()
