"""Models written on the spot with onnx.helper, and one way to open them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported, as workers do

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Session

    Shape = Sequence[int | str | None]
    Value = tuple[str, int, Shape]
    """Name, element type and shape."""


class Models:
    """Writes small ONNX models into one folder."""

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
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
        path = self.folder / "model.onnx"
        onnx.save(model, path, **(saving or {}))
        return path

    def identity(self, element: int, shape: Shape = ("N", 3)) -> Path:
        """Y = x, of any element type."""
        node = onnx.helper.make_node("Identity", ["x"], ["y"], name="copy")
        return self.save([node], [("x", element, shape)], [("y", element, shape)])

    def double(self, shape: Shape = ("N", 3)) -> Path:
        """Y = x + x in float32."""
        node = onnx.helper.make_node("Add", ["x", "x"], ["y"], name="add")
        element = onnx.TensorProto.FLOAT
        return self.save([node], [("x", element, shape)], [("y", element, shape)])

    def two(self) -> Path:
        """Total = a + b, difference = a - b; both of shape (N, 2)."""
        element = onnx.TensorProto.FLOAT
        nodes = [
            onnx.helper.make_node("Add", ["a", "b"], ["total"], name="add"),
            onnx.helper.make_node("Sub", ["a", "b"], ["difference"], name="subtract"),
        ]
        inputs: list[Value] = [(name, element, ("N", 2)) for name in ("a", "b")]
        outputs: list[Value] = [(name, element, ("N", 2)) for name in ("total", "difference")]
        return self.save(nodes, inputs, outputs)

    def convolution(self, element: int | None = None, *, weights_beside: bool = False) -> Path:
        """Save a 3x3 convolution, ReLU and global pooling: (N, 3, H, W) to (N, 8, 1, 1); seeded weights."""
        element = element or onnx.TensorProto.FLOAT
        dtype = onnx.helper.tensor_dtype_to_np_dtype(element)
        weights = np.random.default_rng(7).standard_normal((8, 3, 3, 3)).astype(dtype)
        nodes = [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1] * 4),
            onnx.helper.make_node("Relu", ["c"], ["r"], name="relu"),
            onnx.helper.make_node("GlobalAveragePool", ["r"], ["y"], name="pool"),
        ]
        inputs, outputs = [("x", element, ("N", 3, "H", "W"))], [("y", element, ("N", 8, 1, 1))]
        saving = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
        return self.save(nodes, inputs, outputs, {"w": weights}, saving if weights_beside else None)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


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
        from lpbench_ort._engine import OrtEngine
        from lpbench_ort.config import OrtConfig

        config = build(OrtConfig, {"threads": 1, **options}, where="options of onnxruntime")
        session = OrtEngine().open(Model("onnx", path, tuple(extra)), config, shapes=shapes or {}, profile=profile)
        self.opened.append(session)
        return session


@pytest.fixture
def open_session() -> Iterator[Opener]:
    opener = Opener()
    yield opener
    for session in opener.opened:
        session.close()
