"""OpenVINO's own times of layers, as records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import shares

if TYPE_CHECKING:
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
