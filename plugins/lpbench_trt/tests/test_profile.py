"""The profile by layer, and what the inspector tells of layers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

X = np.random.default_rng(2).standard_normal((1, 3, 8, 8)).astype(np.float32)


def test_each_layer_has_a_record(models: Graphs, open_session: Opener) -> None:
    """Layers by their names in the file, with type, kind of kernel and precision; the first run is left out."""
    session = open_session(models.convolution(X.shape), profile=True)
    for _ in range(4):
        session.run({"x": X})
    records = session.profile()
    convolution = next(record for record in records if "conv" in record["name"])
    assert (convolution["category"], convolution["precision"]) == ("convolution", "F32")
    assert all(record["ns"] > 0 and len(record["runs_ns"]) == 3 for record in records)


def test_a_profile_needs_a_run_and_a_session_for_it(models: Graphs, open_session: Opener) -> None:
    path = models.one("Relu")
    with pytest.raises(EngineError, match="the session has not run yet"):
        open_session(path, profile=True).profile()
    with pytest.raises(EngineError, match="was not opened with profile=True"):
        open_session(path).profile()


class Inspected:
    """An engine whose inspector answers with this text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def create_engine_inspector(self) -> Inspected:
        return self

    def get_engine_information(self, kind: object) -> str:
        return self.text


def facts(*layers: Any) -> dict[str, Any]:
    from lpbench_trt import _inspect

    text = json.dumps({"Layers": list(layers), "Bindings": []})
    return _inspect.precision_facts(_inspect.layers(Inspected(text)))


def layer(kind: str, into: str, *, weights: str = "", kernel: str = "", **more: Any) -> dict[str, Any]:
    stated = {"Weights": {"Type": weights, "Count": 9}} if weights else {}
    tensors = {"Inputs": [{"Name": "x", "Format/Datatype": into}]}
    return {"Name": kind, "LayerType": kind, "TacticName": kernel, **tensors, **stated, **more}


@pytest.mark.usefixtures("fake_tensorrt")
@pytest.mark.parametrize(
    ("stated", "precision"),
    [
        (layer("CaskConvolution", "Row major linear FP32", weights="Float"), "F32"),
        (layer("CaskConvolution", "Row major linear FP32", kernel="sm80_xmma_tf32f32_tn"), "TF32"),
        (layer("Convolution", "Two wide channel vectorized row major FP16 format", weights="Half"), "F16"),
        (layer("gemm", "Row-Major Linear BFloat16"), "BF16"),
        (layer("CaskConvolution", "Thirty-two wide channel vectorized row major Int8 format", weights="Int8"), "S8"),
        (layer("gemm", "Row major linear FP16", weights="INT4"), "F16"),
        ({"Name": "g", "LayerType": "gemm", "Inputs": [{"Name": "x", "Format": "Linear", "Datatype": "FP8"}]}, "F8"),
    ],
)
def test_the_precision_is_that_of_the_computing_layers(stated: dict[str, Any], precision: str) -> None:
    """In the words of several versions; reformatting layers do not count, weights alone in 4 bits do not either."""
    assert facts(layer("Reformat", "Row major linear Int8"), stated)["precision"] == precision


@pytest.mark.usefixtures("fake_tensorrt")
def test_several_precisions_are_counted() -> None:
    found = facts(layer("Convolution", "FP32"), layer("Convolution", "FP16"), layer("Convolution", "FP16"))
    assert "precision" not in found
    assert found["precision_reason"] == "the computing layers run 2 in F16, 1 in F32"
    assert found["precisions"] == {"F16": 2, "F32": 1}


@pytest.mark.usefixtures("fake_tensorrt")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"Layers": 3}',
        '{"Layers": [1, null, {"Inputs": 7}]}',
        "[" * 100_000,
        '{"Layers": ["a"]}',
    ],
)
def test_whatever_the_inspector_says_there_is_a_reason(text: str) -> None:
    from lpbench_trt import _inspect

    found = _inspect.precision_facts(_inspect.layers(Inspected(text)))
    assert found["precision_reason"]


def test_a_plan_without_details_says_so(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """A plan of the user's, built with names alone."""
    path = models.folder / "model.plan"
    path.write_bytes(plain_plan(fake_tensorrt, str(models.one("Relu"))))
    session = open_session(path, profile=True)
    session.run({"x": np.ones((1, 3), np.float32)})
    assert "without details" in session.describe()["precision_reason"]
    assert session.profile()[0]["type"] == "unknown"


def plain_plan(fake: Fake, model: str) -> bytes:
    trt = fake.module
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse_from_file(model)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.LAYER_NAMES_ONLY
    return bytes(builder.build_serialized_network(network, config))
