"""Models in S8 and F16: the same inputs and outputs, fewer bytes, and nearly the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

import lpbench_ort
from lpbench.plugin.converter import Conversion, ConversionError
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.testing import fixtures
from lpbench.testing.conversions import OnnxModels, differences
from lpbench_ort._convert import OnnxNarrowing

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.converter import Converted
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

spec = fixtures.converter_spec(lpbench_ort, "onnxruntime")
engine = fixtures.engine_spec(lpbench_ort, "onnxruntime")
graphs = fixtures.in_folder(OnnxModels)
OLDER = 11


def samples(count: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(11)
    return [{"image": random.random((1, 3, 8, 8), np.float32)} for _ in range(count)]


def narrowed(
    source: Path, precision: str, *, calibration: Any = None, inputs: tuple[TensorInfo, ...] = ()
) -> Converted:
    order = wanted(source.parent / f"made {precision}", precision, samples(8) if calibration is None else calibration)
    return OnnxNarrowing().convert(Model("onnx", source, inputs=inputs), order)


def wanted(home: Path, precision: str, calibration: Any = ()) -> Conversion:
    folders = home / "made", home / "scratch"
    for folder in folders:
        folder.mkdir(parents=True)
    return Conversion(*folders, precision, calibration=calibration)


def test_the_spec_says_what_it_makes(spec: ConverterSpec) -> None:
    assert (spec.reads, spec.writes, spec.precisions) == ("onnx", "onnx", ("S8", "F16"))
    assert spec.calibrated == {"S8"}, "F16 needs no samples"
    assert "onnx" in spec.requires


@pytest.mark.parametrize(("precision", "error", "share"), [("S8", 0.2, 0.6), ("F16", 0.005, 0.75)])
def test_it_computes_nearly_the_same(
    graphs: OnnxModels, engine: EngineSpec, precision: str, error: float, share: float
) -> None:
    """Inputs and outputs stay floats, and open dimensions open, so that a run need not know of the precision."""
    source = graphs.network("N")
    made = narrowed(source, precision)
    assert differences(made, engine, source)["logits"] < error
    assert [(info.name, info.dtype, info.shape) for info in made.model.inputs] == [("image", "float32", ("N", 3, 8, 8))]
    assert [(info.name, info.dtype) for info in made.model.outputs] == [("logits", "float32")]
    weights = onnx.load(str(made.model.path)).graph.initializer
    bytes_before = sum(each.ByteSize() for each in onnx.load(str(source)).graph.initializer)
    assert sum(each.ByteSize() for each in weights) < share * bytes_before


def test_two_operators_that_stay_in_f32_share_what_they_read(graphs: OnnxModels, engine: EngineSpec) -> None:
    """ONNX Runtime's tool casts it once for each, under one name, and then refuses to load that file."""
    node = onnx.helper.make_node
    nodes = [
        node("Mul", ["x", "w"], ["product"]),
        node("Max", ["product", "low"], ["above"]),
        node("Min", ["product", "high"], ["below"]),
        node("Mul", ["above", "below"], ["y"]),
    ]
    constants = {name: np.full((1, 4), value, np.float32) for name, value in (("w", 3), ("low", -1), ("high", 1))}
    source = graphs.save(nodes, [("x", (1, 4))], [("y", (1, 4))], constants)
    assert differences(narrowed(source, "F16"), engine, source)["y"] < 0.01


def test_weights_beside_the_model_come_into_it(graphs: OnnxModels, engine: EngineSpec) -> None:
    source = graphs.network(beside=True)
    made = narrowed(source, "F16")
    assert not made.model.extra
    assert differences(made, engine, source)["logits"] < 0.005


def test_a_layout_that_the_app_states_is_kept(graphs: OnnxModels) -> None:
    stated = TensorInfo("image", "float32", (1, 3, 8, 8), "NCHW")
    (image,) = narrowed(graphs.network(), "F16", inputs=(stated,)).model.inputs
    assert image.layout == "NCHW"


def test_a_model_of_an_older_operator_set_is_made_newer(graphs: OnnxModels, engine: EngineSpec) -> None:
    """Scales for each channel need operator set 13; the models that frameworks exported for years are older."""
    node = onnx.helper.make_node("Gemm", ["image", "w"], ["logits"], name="product", transB=1)
    weights = {"w": np.random.default_rng(2).standard_normal((5, 12)).astype(np.float32)}
    source = graphs.save([node], [("image", (1, 12))], [("logits", (1, 5))], weights, opset=OLDER)
    feeds = [{"image": np.random.default_rng(n).random((1, 12), np.float32)} for n in range(8)]
    assert differences(narrowed(source, "S8", calibration=feeds), engine, source)["logits"] < 0.2


def test_optimisations_do_not_change_what_it_computes(graphs: OnnxModels) -> None:
    """A CPU without VNNI adds products of 8 bits up in 16, which full weights overflow: every answer was wrong."""
    import onnxruntime

    wide = np.full((16, 64), 0.5, np.float32)
    wide[::2] *= -1
    node = onnx.helper.make_node("Gemm", ["x", "w"], ["y"], name="product", transB=1)
    path = graphs.save([node], [("x", (1, 64))], [("y", (1, 16))], {"w": wide})
    feeds = [{"x": np.full((1, 64), value, np.float32)} for value in (0.0, 0.5, 1.0)]
    made = narrowed(path, "S8", calibration=feeds)
    levels = onnxruntime.GraphOptimizationLevel
    found = []
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(str(made.model.path), options, providers=["CPUExecutionProvider"])
        found.append(session.run(None, feeds[-1])[0])
    np.testing.assert_allclose(found[1], found[0], atol=0.05 * float(np.abs(found[0]).max()))


def test_without_samples_there_is_no_s8(graphs: OnnxModels) -> None:
    with pytest.raises(ConversionError, match="no samples to take ranges from"):
        narrowed(graphs.network(), "S8", calibration=())


@pytest.mark.parametrize("precision", ["S8", "F16"])
def test_a_quantised_model_is_refused_as_that(graphs: OnnxModels, tmp_path: Path, precision: str) -> None:
    made = narrowed(graphs.network(), "S8").model.path
    source = made.rename(tmp_path / "quantised.onnx")
    with pytest.raises(ConversionError, match="the model is quantised already"):
        OnnxNarrowing().convert(Model("onnx", source), wanted(tmp_path / "again", precision))


def test_what_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"\x08\x99no model")
    with pytest.raises(ConversionError, match=r"damaged\.onnx"):
        narrowed(path, "F16")
