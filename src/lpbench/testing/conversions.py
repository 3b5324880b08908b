"""For tests of converters: small ONNX models that are hard to convert, and the error of a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import merge, reference
from lpbench.plugin.converter import Conversion
from lpbench.plugin.engine import Model
from lpbench.testing import onnx_models
from lpbench.worker.named_tensors import Tensor
from lpbench.worker.tensor_wire import align_layout, fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.analyzer import Analysis, Analyzer
    from lpbench.plugin.converter import Converted, Converter
    from lpbench.plugin.engine import Feeds, Session, Shapes
    from lpbench.plugin.specs import EngineSpec

    Value = tuple[str, Sequence[int | str]]
    """Name and shape of an input or output."""

OPSET = 17
OLD = 9
"""An opset in which Softmax treats all dimensions from its axis on as one."""


class OnnxModels:
    """Writes small models with seeded weights into a folder; all numbers are float32.

    :param folder: An existing folder.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self.folder = folder
        self._random = np.random.default_rng(3)

    def network(self, batch: int | str = 1, *, beside: bool = False) -> Path:
        """Save convolution, ReLU, pooling and a matrix product: ``image`` (batch, 3, 8, 8) to ``logits`` (batch, 5).

        :param beside: Store the weights in a separate file.
        """
        nodes = [
            self._node("Conv", ["image", "w"], "c", pads=[1] * 4),
            self._node("Relu", ["c"], "r"),
            self._node("MaxPool", ["r"], "p", kernel_shape=[2, 2], strides=[2, 2]),
            self._node("Flatten", ["p"], "f"),
            self._node("Gemm", ["f", "w2", "b2"], "logits", transB=1),
        ]
        weights = {"w": self._weights(8, 3, 3, 3), "w2": self._weights(5, 128), "b2": self._weights(5)}
        saving: dict[str, Any] = {**onnx_models.BESIDE, "location": "weights.data"} if beside else {}
        return self.save(nodes, [("image", (batch, 3, 8, 8))], [("logits", (batch, 5))], weights, **saving)

    def several(self) -> Path:
        """Save two inputs and three outputs, in neither alphabetical nor computing order; one has another shape."""
        nodes = [
            self._node("Sub", ["b", "a"], "z:difference"),
            self._node("Add", ["a", "b"], "sum"),
            self._node("Conv", ["z:difference", "w"], "a/conv"),
        ]
        shape = (1, 3, 6, 5)
        outputs: list[Value] = [("z:difference", shape), ("a/conv", (1, 4, 4, 3)), ("sum", shape)]
        return self.save(nodes, [("b", shape), ("a", shape)], outputs, {"w": self._weights(4, 3, 3, 3)})

    def alike(self) -> Path:
        """Save three outputs of the same shape, (1, 4, 4, 4), so that shapes do not distinguish them."""
        nodes = [
            self._node("Conv", ["x", "w"], "c"),
            self._node("Relu", ["c"], "first"),
            self._node("Sigmoid", ["c"], "second"),
            self._node("Conv", ["first", "w"], "third"),
        ]
        shape = (1, 4, 4, 4)
        outputs: list[Value] = [(name, shape) for name in ("third", "second", "first")]
        return self.save(nodes, [("x", shape)], outputs, {"w": self._weights(4, 4, 1, 1)})

    def rows(self) -> Path:
        """Save a detector-like output, rows whose last dimension was the channels: ``y`` (1, 20, 8)."""
        import numpy as np

        nodes = [
            self._node("Conv", ["x", "w"], "c"),
            self._node("Relu", ["c"], "r"),
            self._node("Reshape", ["r", "shape"], "s"),
            self._node("Transpose", ["s"], "y", perm=[0, 2, 1]),
        ]
        weights = {"w": self._weights(8, 3, 1, 1), "shape": np.array([1, 8, 20])}
        return self.save(nodes, [("x", (1, 3, 4, 5))], [("y", (1, 20, 8))], weights)

    def pooling(self) -> Path:
        """Save an average pooling larger than its input, as in GoogLeNet: ``x`` (1, 3, 6, 6) to ``y`` (1, 3, 1, 1)."""
        nodes = [
            self._node("Relu", ["x"], "r"),
            self._node("AveragePool", ["r"], "y", kernel_shape=[7, 7], pads=[0, 0, 1, 1]),
        ]
        return self.save(nodes, [("x", (1, 3, 6, 6))], [("y", (1, 3, 1, 1))], {})

    def sequence(self) -> Path:
        """Save two inputs whose second dimension is the batch: ``x`` (T, N, 3), ``h`` (1, N, 3), ``y`` (T, N, 4)."""
        nodes = [self._node("Add", ["x", "h"], "sum"), self._node("MatMul", ["sum", "w"], "y")]
        inputs: list[Value] = [("x", ("T", "N", 3)), ("h", (1, "N", 3))]
        return self.save(nodes, inputs, [("y", ("T", "N", 4))], {"w": self._weights(3, 4)})

    def masked(self) -> Path:
        """Save ``image`` (N, 3, H, W) and ``mask`` (N, 1, H, W), which share three open dimensions."""
        nodes = [self._node("Mul", ["image", "mask"], "seen"), self._node("Conv", ["seen", "w"], "y")]
        inputs: list[Value] = [("image", ("N", 3, "H", "W")), ("mask", ("N", 1, "H", "W"))]
        return self.save(nodes, inputs, [("y", ("N", 4, "H", "W"))], {"w": self._weights(4, 3, 1, 1)})

    def softmax(self, operator: str = "Softmax", size: int = 1) -> Path:
        """Save a four-dimensional Softmax of an old opset: ``x`` (1, 3, size, size) to ``y`` (1, 10, size, size)."""
        nodes = [self._node("Conv", ["x", "w"], "c"), self._node(operator, ["c"], "y")]
        shapes = ((1, 3, size, size), (1, 10, size, size))
        return self.save(nodes, [("x", shapes[0])], [("y", shapes[1])], {"w": self._weights(10, 3, 1, 1)}, opset=OLD)

    def unsupported(self, operator: str = "Det", domain: str = "") -> Path:
        """Save a convolution and an operator that hardly any converter supports."""
        nodes = [self._node("Conv", ["x", "w"], "c"), self._node(operator, ["c"], "y", domain=domain)]
        outputs: list[Value] = [("y", (1, 3))]
        return self.save(nodes, [("x", (1, 3, 4, 4))], outputs, {"w": self._weights(3, 3, 1, 1)})

    def save(
        self,
        nodes: Sequence[Any],
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        weights: Mapping[str, Any],
        *,
        opset: int = OPSET,
        **saving: Any,
    ) -> Path:
        """Save a graph."""
        given, found = ([(name, onnx_models.FLOAT, shape) for name, shape in side] for side in (inputs, outputs))
        return onnx_models.save(self.folder / "model.onnx", nodes, given, found, weights, opset=opset, **saving)

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
        import onnx

        return onnx.helper.make_node(operator, inputs, [output], name=f"make_{output}", **attributes)

    def _weights(self, *shape: int) -> Any:
        return (self._random.standard_normal(shape) / 3).astype("float32")


def convert(  # noqa: PLR0913 - what a conversion is asked
    converter: Converter,
    source: Path,
    precision: str = "F32",
    shapes: Shapes | None = None,
    *,
    config: Any = None,
    calibration: Iterable[Feeds] = (),
) -> Converted:
    """Convert a file into the folder ``converted`` beside it: an ONNX file, or of the format that its name ends in."""
    folders = source.parent / "converted", source.parent / "scratch"
    for folder in folders:
        folder.mkdir()
    wanted = Conversion(*folders, precision, shapes or {}, config, calibration)
    return converter.convert(Model(source.suffix[1:], source), wanted)


def differences(made: Converted, spec: EngineSpec, source: Path, shapes: Shapes | None = None) -> dict[str, float]:
    """Run source and conversion on the same inputs; return each output's largest error by the source's name.

    The source, an ONNX file or of the format that its name ends in, runs on the reference engine in F32.

    :param spec: Spec of the engine that runs the conversion.
    """
    import numpy as np

    random = np.random.default_rng(5)
    own = source.suffix[1:]
    with _opened(reference(own), Model(own, source), shapes) as session:
        feeds = {info.name: random.random(_sizes(info.shape)).astype(info.dtype) for info in session.inputs}
        expected = {name: Tensor(name, "", np.array(array)) for name, array in session.run(feeds).items()}
    with _opened(spec, made.model, {}) as session:
        tensors = [Tensor(name, "", array) for name, array in feeds.items()]
        results = session.run(fitted(tensors, merge(session.inputs, made.model.inputs)))
        outputs = merge(session.outputs, made.model.outputs)
        named = {info.called: Tensor(info.called, info.layout, np.array(results[info.name])) for info in outputs}
    return {name: _furthest(align_layout(named[name], tensor), tensor.values) for name, tensor in expected.items()}


def _opened(spec: EngineSpec, model: Model, shapes: Shapes | None) -> Session:
    from lpbench.plugin.specs import load
    from lpbench.util import dataclass_config

    options = dataclass_config.build(load(spec.config, who=spec.name), dict(spec.reference or {}), where=spec.name)
    session: Session = spec.load()().open(model, options, shapes=shapes or {})
    return session


def _sizes(shape: Sequence[int | str | None]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else 1 for size in shape)


def _furthest(output: Any, expected: Any) -> float:
    import numpy as np

    assert output.shape == expected.shape, f"the output has shape {output.shape}; the source's has {expected.shape}"  # noqa: S101 - it is for tests
    return float(np.abs(output.astype(np.float64) - expected).max())


def analysed(model: Model, shapes: Shapes) -> Analysis:
    """Return what the analyzer of a model's format says of it.

    :param shapes: Of all inputs.
    :raises LookupError: No analyzer of the format is ready.
    """
    from lpbench.plugin import registry

    offers = registry.current().all(registry.ANALYZERS).values()
    ready = [offer.spec for offer in offers if model.format in offer.spec.formats and offer.availability()]
    if not ready:
        raise LookupError(f"no analyzer of {model.format} is ready")
    analyzer: Analyzer = ready[0].load()(model)
    return analyzer.analyze(shapes)
