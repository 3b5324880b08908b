"""For tests of engines that read ONNX: graphs written on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Shape = Sequence[int | str | None]
    Value = tuple[str, int, Shape | None]
    """Name, element type as ``onnx.TensorProto`` numbers them, and shape; None for any number of dimensions."""

FLOAT = 1
"""The number of float32 in ``onnx.TensorProto``."""
BESIDE = {"save_as_external_data": True, "size_threshold": 0}
"""Keywords of ``onnx.save`` that store the weights in a separate file, ``location``."""


def save(  # noqa: PLR0913 - the parts of a model
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    weights: Mapping[str, Any] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
    **saving: Any,
) -> Path:
    """Save a graph; returns its path.

    :param weights: Arrays by name.
    :param saving: Keywords of ``onnx.save``.
    """
    import onnx

    helper = onnx.helper
    given, found = ([helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs))
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "graph", given, found, tensors)
    versions = [helper.make_opsetid(domain, opset) for domain in sorted({"", *(node.domain for node in nodes)})]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=ir_version), str(path), **saving)
    return path


class Graphs:
    """Writes small models into a folder, as ``model.onnx``; another opset is set by a subclass.

    :param folder: An existing folder.
    """

    opset = 17
    ir_version = 8

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        nodes: Sequence[Any],
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        weights: Mapping[str, Any] | None = None,
        **saving: Any,
    ) -> Path:
        """Save a graph; ``saving`` are keywords of ``onnx.save``."""
        path, versions = self.folder / "model.onnx", {"opset": self.opset, "ir_version": self.ir_version}
        return save(path, nodes, inputs, outputs, weights, **versions, **saving)

    def one(self, operator: str, shape: Shape | None = (1, 3), element: int = FLOAT) -> Path:
        """Save an operator of one input: ``x`` to ``y`` of the same shape and type."""
        import onnx

        node = onnx.helper.make_node(operator, ["x"], ["y"], name="one")
        return self.save([node], [("x", element, shape)], [("y", element, shape)])

    def two(self, shape: Shape = ("N", 2)) -> Path:
        """Save two inputs and two outputs: ``total`` is ``a + b``, ``difference`` is ``a - b``."""
        import onnx

        nodes = [
            onnx.helper.make_node("Add", ["a", "b"], ["total"], name="add"),
            onnx.helper.make_node("Sub", ["a", "b"], ["difference"], name="subtract"),
        ]
        inputs: list[Value] = [(name, FLOAT, shape) for name in ("a", "b")]
        return self.save(nodes, inputs, [(name, FLOAT, shape) for name in ("total", "difference")])

    def optional(self, shape: Shape | None = ("N", 3)) -> Path:
        """Save ``y = x + extra`` where the optional input ``extra`` is given, otherwise ``y = x``, both float32."""
        import onnx

        helper, value = onnx.helper, onnx.helper.make_tensor_value_info
        given = [helper.make_node("OptionalGetElement", ["extra"], ["e"]), helper.make_node("Add", ["x", "e"], ["a"])]
        then = helper.make_graph(given, "then", [], [value("a", FLOAT, shape)])
        other = helper.make_graph([helper.make_node("Identity", ["x"], ["b"])], "other", [], [value("b", FLOAT, shape)])
        nodes = [
            helper.make_node("OptionalHasElement", ["extra"], ["has"]),
            helper.make_node("If", ["has"], ["y"], then_branch=then, else_branch=other),
        ]
        path = self.save(nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)])
        model = onnx.load(path)
        element = helper.make_tensor_type_proto(FLOAT, shape)
        model.graph.input.append(helper.make_value_info("extra", helper.make_optional_type_proto(element)))
        onnx.save(model, path)
        return path

    def convolution(
        self, size: Shape = ("N", 3, "H", "W"), *, element: int = FLOAT, weights_beside: bool = False
    ) -> Path:
        """Save a 3x3 convolution, ReLU and global pooling: ``x`` (N, 3, H, W) to ``y`` (N, 8, 1, 1).

        :param weights_beside: Store the weights in ``weights.bin``.
        """
        import onnx

        weights = self.weights().astype(onnx.helper.tensor_dtype_to_np_dtype(element))
        nodes = [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1] * 4),
            onnx.helper.make_node("Relu", ["c"], ["r"], name="relu"),
            onnx.helper.make_node("GlobalAveragePool", ["r"], ["y"], name="pool"),
        ]
        saving: dict[str, Any] = {**BESIDE, "location": "weights.bin"} if weights_beside else {}
        outputs: list[Value] = [("y", element, (size[0], 8, 1, 1))]
        return self.save(nodes, [("x", element, size)], outputs, {"w": weights}, **saving)

    def weights(self) -> Any:
        """Return the weights of ``convolution``, float32, the same each time."""
        import numpy as np

        return np.random.default_rng(7).standard_normal((8, 3, 3, 3)).astype(np.float32)

    def convolved(self, x: Any) -> dict[str, Any]:
        """Return every tensor that ``convolution`` computes for one image, by name: with numpy, in double precision."""
        import numpy as np

        padded = np.pad(x[0].astype("f8"), ((0, 0), (1, 1), (1, 1)))
        rows, columns = x.shape[2:]
        weights = self.weights()
        c = np.empty((1, len(weights), rows, columns))
        for row in range(rows):
            for column in range(columns):
                window = padded[:, row : row + 3, column : column + 3]
                c[0, :, row, column] = [(window * each).sum() for each in weights]
        r = np.maximum(c, 0)
        return {"c": c, "r": r, "y": r.mean(axis=(2, 3), keepdims=True)}
