"""The precision that is reported is the one that was executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ncnn.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

SHAPE = {"in0": (1, 16, 4, 4)}
VALUE = np.float32(1 + 2**-9 + 2**-15)
KEPT = {"F32": VALUE, "F16": np.float32(1 + 2**-9), "BF16": np.float32(1)}


def identity(models: Models, more: str = "") -> Path:
    line = f"Convolution c 1 1 in0 out0 0=16 1=1 6=256 {more}"
    return models.save(["Input in0 0 1 in0", line], models.tagged(np.eye(16)))


def executed(models: Models, open_session: Opener, **options: Any) -> tuple[dict[str, Any], set[float]]:
    """Return what a session reports and what a convolution really leaves of a number with many digits."""
    session = open_session(identity(models), SHAPE, **options)
    left = session.run({"in0": np.full((1, 16, 4, 4), VALUE)})["out0"]
    return dict(session.describe()), {float(value) for value in left.ravel()}


@pytest.mark.parametrize("precision", ["F32", "F16", "BF16", "default"])
@pytest.mark.parametrize("device", ["cpu", "vulkan:0"])
def test_what_is_reported_is_what_the_model_does(
    models: Models, open_session: Opener, request: pytest.FixtureRequest, precision: str, device: str
) -> None:
    """The model itself, not the fingerprint, shows which digits survive; F32 must be F32 everywhere."""
    if device != "cpu":
        request.getfixturevalue("vulkan")
    try:
        facts, left = executed(models, open_session, precision=precision, device=device)
    except EngineError as error:
        assert "would use the CPU" in error.what  # noqa: PT017 - versions that cannot have BF16 and Vulkan together
        return
    assert facts["precision_asked"] == precision
    assert left == {float(KEPT[facts["precision"]])}
    assert facts["precision"] == "F32" or precision != "F32"


def test_switches_may_be_set_one_by_one(models: Models, open_session: Opener) -> None:
    """bf16_storage on its own turns a convolution into BF16 on the CPU; what is in force is recorded."""
    facts, left = executed(models, open_session, bf16_storage=True)
    assert facts["options"]["bf16_storage"] is True
    assert facts["options"]["fp16_storage"] is False
    assert left == {float(KEPT[facts["precision"]])}


def test_layers_that_differ_are_not_given_one_name(models: Models, open_session: Opener) -> None:
    """Weights kept in F16 and computed in F32, as x86 does for inner products: no single precision is claimed."""
    facts = open_session(models.network(), {"in0": (1, 3, 8, 8)}, precision="default").describe()
    seen = {kind for each in facts["fingerprint"].values() for kind in each.values()}
    assert sorted(facts["fingerprint"]) == ["Convolution", "ConvolutionDepthWise", "InnerProduct"]
    assert ("precision" in facts) == (len(seen) == 1)
    assert ("precision_reason" in facts) == (len(seen) > 1)


def test_quantised_layers_are_s8(models: Models, open_session: Opener) -> None:
    facts = open_session(models.quantised(), SHAPE).describe()
    assert facts["precision"] == "S8"


@pytest.mark.parametrize("device", ["cpu", "vulkan:0"])
def test_quantised_layers_are_refused_or_right_without_integers(
    models: Models, open_session: Opener, request: pytest.FixtureRequest, device: str
) -> None:
    """Without int8_inference ncnn may give nan, which is refused, or go on in integers, which is said."""
    if device != "cpu":
        request.getfixturevalue("vulkan")
    path, data = models.quantised(), np.full((1, 16, 4, 4), 0.4, np.float32)
    try:
        session = open_session(path, SHAPE, int8_inference=False, device=device)
    except EngineError as error:
        assert "leave int8_inference on" in error.hint  # noqa: PT017 - one of two right answers
        return
    wanted = np.round(data) if session.describe()["precision"] == "S8" else data
    expected = np.einsum("oc,nchw->nohw", models.whole[:, :, 0, 0].astype(np.float32), wanted)
    assert np.allclose(session.run({"in0": data})["out0"], expected, atol=1e-5)


def test_a_network_that_is_partly_quantised_says_how_much(models: Models, open_session: Opener) -> None:
    models.quantised()
    path = models.save(
        [
            "Input in0 0 1 in0",
            "Convolution conv 1 1 in0 c 0=16 1=1 6=256 8=1",
            "Convolution last 1 1 c out0 0=1 1=1 6=16",
        ],
        (models.folder / "model.bin").read_bytes() + models.tagged(np.ones(16)),
    )
    facts = open_session(path, SHAPE).describe()
    assert facts["precision_reason"] == "1 of 2 layers with weights are quantised to 8 bits"


def test_a_layer_without_a_fingerprint_is_named(models: Models, open_session: Opener) -> None:
    """An LSTM with floats of 16 bits allowed: nothing is claimed; with F32 forced there is nothing to doubt."""
    weights = models.tagged(np.zeros(4 * 2 * 3)) + models.tagged(np.zeros(4 * 2)) + models.tagged(np.zeros(4 * 2 * 2))
    path = models.save(["Input in0 0 1 in0", "LSTM l 1 1 in0 out0 0=2 1=24"], weights)
    shape = {"in0": (1, 5, 3)}
    assert (
        "no fingerprint is known for LSTM" in open_session(path, shape, precision="F16").describe()["precision_reason"]
    )
    assert open_session(path, shape).describe()["precision"] == "F32"


def test_layers_that_switch_options_off_are_seen(models: Models, open_session: Opener) -> None:
    """Parameter 31 turns BF16 off for one layer: the fingerprint does not have it, so nothing is claimed."""
    session = open_session(identity(models, "31=4"), SHAPE, precision="BF16")
    assert "switches options off" in session.describe()["precision_reason"]


def test_a_network_without_weights_is_tried_with_a_convolution(models: Models, open_session: Opener) -> None:
    assert open_session(models.relu(), SHAPE).describe()["precision"] == "F32"
