"""Messages of engine plugins about shapes and arrays that do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from lpbench.errors import EngineError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit import feed_checks

np = pytest.importorskip("numpy", reason="needs numpy")

INPUTS = (TensorInfo("image", "float32", ("N", 3, None)), TensorInfo("word", "str", ()))
GOOD = {"image": np.ones((2, 3, 5), np.float32), "word": np.array("a")}


def test_arrays_that_fit_have_no_problem() -> None:
    """Open dimensions of any size, a scalar text as each of numpy's kinds."""
    assert feed_checks.problem(GOOD, INPUTS) is None
    assert feed_checks.problem({**GOOD, "word": np.array(b"a")}, INPUTS) is None
    assert feed_checks.problem({**GOOD, "word": np.array("a", object)}, INPUTS) is None


@pytest.mark.parametrize(
    ("given", "what", "hint"),
    [
        ([1], "feeds are list", "pass a mapping from input names to arrays"),
        ({"image": GOOD["image"]}, 'input "word" is missing', "give str of shape scalar"),
        ({**GOOD, "imag": 1}, 'the model has no input "imag"', 'did you mean "image"?'),
        ({**GOOD, "image": [[1]]}, 'input "image" is list', "numpy array of float32"),
        ({**GOOD, "image": None}, 'input "image" is NoneType', "numpy array of float32"),
        (
            {**GOOD, "image": GOOD["image"].astype("float64")},
            "is float64; the model takes float32",
            'astype("float32")',
        ),
        ({**GOOD, "image": GOOD["image"].astype(">f4")}, "float32 with swapped bytes", 'astype("float32")'),
        ({**GOOD, "image": np.ones((2, 4, 5), np.float32)}, "has shape 2x4x5; the model takes Nx3x?", "resize"),
        ({**GOOD, "image": np.ones((2, 3), np.float32)}, "has shape 2x3; the model takes Nx3x?", "resize"),
        ({**GOOD, "word": np.ones(())}, 'input "word" is float64; the model takes str', "convert"),
    ],
)
def test_a_misfit_is_named_with_what_is_right(given: Any, what: str, hint: str) -> None:
    found = feed_checks.problem(given, INPUTS)
    assert found is not None
    assert what in found[0]
    assert hint in found[1]


def test_real_values_for_a_quantised_input_are_to_be_quantised() -> None:
    info = TensorInfo("x", "int8", (2,), scale=0.5, zero_point=-3)
    found = feed_checks.problem({"x": np.array([1.0, -2.0])}, [info])
    assert found == (
        'input "x" is float64; the model takes int8',
        'quantise it: np.clip(np.rint(array / 0.5) + -3, -128, 127).astype("int8")',
    )
    assert "astype" in str(feed_checks.problem({"x": np.array([1, 2])}, [info]))


def test_an_optional_input_may_be_missing() -> None:
    inputs = (*INPUTS, TensorInfo("extra", "int64", (1,), optional=True))
    assert feed_checks.problem(GOOD, inputs) is None
    assert feed_checks.problem({**GOOD, "extra": np.ones(1)}, inputs) is not None


def test_shapes_asked_for_are_the_shapes_in_force() -> None:
    assert [info.shape for info in feed_checks.fixed(INPUTS, {"image": (4, 3, 6)})] == [(4, 3, 6), ()]


def test_a_dimension_of_one_name_has_one_size_in_every_input() -> None:
    """Also where it is not the first dimension; a dimension of another name stays open."""
    inputs = [TensorInfo("x", "float32", ("T", "N", 8)), TensorInfo("h", "float32", (1, "N", None, "M"))]
    assert [info.shape for info in feed_checks.fixed(inputs, {"x": (5, 2, 8)})] == [(5, 2, 8), (1, 2, None, "M")]
    with pytest.raises(EngineError, match='dimension "N" would be both 2 and 3, by input "h"'):
        feed_checks.fixed(inputs, {"x": (5, 2, 8), "h": (1, 3, 1, 1)})


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"imag": (1, 3, 1)}, 'for "imag", which is not an input of the model\n  did you mean "image"?'),
        ({"image": (1, 4, 1)}, 'input "image" cannot be 1x4x1; the model has Nx3x?'),
        ({"image": (1, 3)}, 'input "image" cannot be 1x3; the model has Nx3x?'),
        ({"image": (-1, 3, 1)}, 'input "image" cannot be -1x3x1'),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(EngineError) as caught:
        feed_checks.fixed(INPUTS, shapes)
    assert words in str(caught.value)
