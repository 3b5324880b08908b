"""OpenVINO's own times of layers, as records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import lpbench
from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import shares
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

X = {"x": np.ones((1, 3, 32, 32), np.float32)}


def test_every_layer_that_ran_has_a_record(models: Models, open_session: Opener) -> None:
    """A convolution with its ReLU fused, and a pooling, in order, among what OpenVINO put between them."""
    session = open_session(models.convolution((1, 3, 32, 32)), profile=True)
    for _ in range(4):
        session.run(X)
    records = session.profile()
    convolution, pooling = (each for each in records if each["category"] in {"convolution", "pooling"})
    assert convolution["name"] == "conv"
    assert convolution["type"] == "Convolution"
    assert convolution["precision"] == "F32"
    assert convolution["kernel"]
    assert {"conv", "relu"} <= set(convolution["fused"])
    assert pooling["category"] == "pooling"
    assert all(isinstance(each["ns"], int) and each["ns"] >= 0 for each in records)


def test_the_profile_is_the_mean_of_the_runs(models: Models, open_session: Opener) -> None:
    """Ten times the runs are not ten times the time: shares add up to one, sums stay near one run's time."""
    session = open_session(models.convolution((1, 3, 32, 32)), profile=True)
    for _ in range(5):
        session.run(X)
    few = sum(each["ns"] for each in session.profile())
    for _ in range(45):
        session.run(X)
    records = session.profile()
    assert sum(each["ns"] for each in records) < 5 * few
    assert sum(shares(records).values()) == pytest.approx(1)


def test_no_profile_unless_it_was_asked_for(models: Models, open_session: Opener) -> None:
    session = open_session(models.convolution())
    with pytest.raises(EngineError, match="not opened with profile=True"):
        session.profile()


def test_a_profile_of_nothing_is_an_error(models: Models, open_session: Opener) -> None:
    session = open_session(models.convolution(), profile=True)
    with pytest.raises(EngineError, match="the session has not run yet"):
        session.profile()


def test_each_run_is_told_apart_and_of_very_many_the_mean_alone(models: Models, open_session: Opener) -> None:
    """The first run is left out of both."""
    session = open_session(models.convolution((1, 3, 32, 32)), profile=True)
    for _ in range(71):  # more than wait to be added up at a time
        session.run(X)
    records = session.profile()
    assert {len(each["runs_ns"]) for each in records} == {70}
    assert all(each["ns"] == pytest.approx(np.mean(each["runs_ns"]), abs=1) for each in records)
    for _ in range(71):
        session.run(X)
    assert not any("runs_ns" in each for each in session.profile())


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_benchmark_sums_layers_up_by_kind(models: Models, engine: str) -> None:
    path = models.convolution((1, 3, 64, 64))
    result = lpbench.benchmark(path, engine=engine, threads=1, number=6, runs=1, profile=True, yardstick=False)
    (found,) = result.configurations[0].profile
    assert found.reason == ""
    assert {"convolution", "pooling"} <= {kind.name for kind in found.kinds}
    assert any(layer.type in {"Conv", "Convolution"} for layer in found.layers)
    assert 0 < sum(found.share(kind.ns) for kind in found.kinds) <= 1
    assert all(kind.median_ns for kind in found.kinds)
    assert found.outside_median_ns is not None
    assert 0 < found.outside_median_ns < found.median_ns
    assert found.spans_reason == "the engine does not tell"


def test_components_of_a_chain_are_profiled_each_on_its_own_engine(models: Models, tmp_path: Path) -> None:
    """The second reads OpenVINO's format alone, so it runs there."""
    (tmp_path / "first.onnx").write_bytes(models.convolution((1, 3, 64, 64)).read_bytes())
    for part in (models.ir(), models.ir().with_suffix(".bin")):
        (tmp_path / part.name).write_bytes(part.read_bytes())
    write_app(tmp_path, {"onnx": {"file": "first.onnx"}}, name="first")
    file = tmp_path / "ai_app_config.json"
    config = json.loads(file.read_text())
    model = {"file": "model.xml", "extra": ["model.bin"]}
    second = {**config["components"][0], "name": "second"}
    config["components"].append({**second, "inference": {"models": {"openvino": model}}})
    file.write_text(json.dumps(config))
    result = lpbench.benchmark(tmp_path, engine="onnxruntime", number=6, runs=1, profile=True, yardstick=False)
    first, second_found = result.configurations[0].profile
    assert (first.component, first.engine) == ("first", "onnxruntime")
    assert (second_found.component, second_found.engine) == ("second", "openvino")
