"""What a session answers, against numpy; every shape, and errors that name the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpbench
from lpbench.plugin.engine import EngineError
from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from plugins.lpbench_tflite.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

    Array = np.ndarray[Any, Any]

ONES = np.ones((1, 4), np.float32)


def convolved(x: Array, kernel: Array, bias: Array) -> Array:
    """Return softmax(relu(conv(x))) of an NHWC image and an OHWI kernel of 3x3, padded by one."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    inner = np.maximum(np.einsum("nhwcij,oijc->nhwo", windows, kernel) + bias, 0)
    shifted = np.exp(inner - inner.max(-1, keepdims=True))
    found: Array = shifted / shifted.sum(-1, keepdims=True)
    return found


def test_a_convolution_gives_numpys_numbers(models: Models, open_session: Opener) -> None:
    session = open_session(models.convolution())
    x = np.random.default_rng(2).standard_normal((1, 6, 5, 3)).astype(np.float32)
    assert np.allclose(session.run({"x": x})["y"], convolved(x, models.kernel, models.bias), atol=1e-6)


def test_int8_gives_numpys_numbers(models: Models, open_session: Opener) -> None:
    """A quantised matrix product, by its scales and zero-points, within one step of rounding."""
    session = open_session(models.quantised())
    x = np.random.default_rng(3).integers(-128, 127, (1, 8)).astype(np.int8)
    real = (x.astype(float) - 3) * 0.1 @ (models.weights.astype(float) * 0.02).T
    expected = np.clip(np.round(real / 2.0) - 4, -128, 127)
    found = session.run({"x": x})["y"]
    assert found.dtype == np.int8
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_types_are_announced_as_numpy_calls_them(models: Models, open_session: Opener, dtype: str) -> None:
    session = open_session(models.add(dtype=dtype))
    data = np.array([[1, 2, 3, 4]]).astype(dtype)
    found = session.run({"a": data, "b": data})["total"]
    assert session.inputs[0].dtype == session.outputs[0].dtype == found.dtype.name == dtype
    assert found.tolist() == [[2, 4, 6, 8]]


def test_open_dimensions_run_at_any_size(models: Models, open_session: Opener) -> None:
    """Open dimensions have no name, and the size may change from run to run."""
    session = open_session(models.add((-1, 4)))
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(None, 4)] * 3
    for rows in (2, 50, 1, 2):
        x = np.full((rows, 4), rows, np.float32)
        assert session.run({"a": x, "b": x})["total"].tolist() == [[2 * rows] * 4] * rows
        assert session.describe()["bytes_copied"] == {"inputs": 32 * rows, "outputs": 16 * rows}


def test_shapes_fix_open_dimensions(models: Models, open_session: Opener) -> None:
    """The shapes asked for are in force, for the output too, and another one is refused."""
    session = open_session(models.add((-1, 4)), {"a": (3, 4), "b": (3, 4)})
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(3, 4)] * 3
    x = np.ones((3, 4), np.float32)
    assert session.run({"a": x, "b": x})["total"].shape == (3, 4)
    with pytest.raises(EngineError, match="shape 1x4; the model takes 3x4"):
        session.run({"a": ONES, "b": ONES})


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"y": (1, 4)}, '"y", which is not an input'),
        ({"a": (1, 3)}, 'input "a" cannot be 1x3; the model has ?x4'),
        ({"a": (1, 4, 1)}, 'input "a" cannot be 1x4x1; the model has ?x4'),
        ({"a": (2, 4), "b": (3, 4)}, "the model does not accept inputs of 2x4, 3x4"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    models: Models, open_session: Opener, shapes: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineError, match=r"model\.tflite") as caught:
        open_session(models.add((-1, 4)), shapes)
    assert words in str(caught.value)


@pytest.mark.parametrize("xnnpack", [True, False])
def test_shapes_that_do_not_fit_each_other_are_refused(models: Models, open_session: Opener, *, xnnpack: bool) -> None:
    """An error each time, and the session goes on with shapes that fit."""
    session = open_session(models.add((-1, 4)), xnnpack=xnnpack)
    good = {"a": ONES, "b": ONES}
    session.run(good)
    bad = {"a": np.ones((2, 4), np.float32), "b": np.ones((3, 4), np.float32)}
    for _ in range(2):
        with pytest.raises(EngineError, match="does not accept inputs of 2x4, 3x4"):
            session.run(bad)
        assert session.run(good)["total"].tolist() == [[2] * 4]


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        (None, "feeds are NoneType"),
        ({"a": ONES}, 'input "b" is missing'),
        ({"a": ONES, "b": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "b": ONES.astype(np.float64)}, 'input "b" is float64; the model takes float32'),
        ({"a": ONES, "b": ONES.astype(">f4")}, 'input "b" is float32 with swapped bytes'),
        ({"a": ONES, "b": [[1.0, 2, 3, 4]]}, 'input "b" is list'),
        ({"a": ONES, "b": None}, 'input "b" is NoneType'),
        ({"a": ONES, "b": np.ones((1, 3), np.float32)}, 'input "b" has shape 1x3; the model takes 1x4'),
        ({"a": ONES, "b": np.ones(4, np.float32)}, 'input "b" has shape 4; the model takes 1x4'),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(
    models: Models, open_session: Opener, feeds: dict[str, Any], words: str, *, after_a_good_run: bool
) -> None:
    """Each mistake, in the first run and in a later one; a good run works afterwards."""
    session = open_session(models.add())
    good = {"a": ONES, "b": ONES}
    if after_a_good_run:
        session.run(good)
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert words in str(caught.value)
    assert "model.tflite" in str(caught.value)
    assert session.run(good)["total"].tolist() == [[2] * 4]


def test_arrays_are_read_each_time(models: Models, open_session: Opener) -> None:
    """A buffer filled anew, a transposed view of it and a read-only one."""
    session = open_session(models.add((2, 3)))
    buffer, zeros = np.zeros((3, 2), np.float32), np.zeros((2, 3), np.float32)
    frozen = buffer.T.view()
    frozen.flags.writeable = False
    for value in (1, 2):
        buffer[:] = np.arange(6).reshape(3, 2) + value
        for array in (buffer.T, frozen):
            assert np.array_equal(session.run({"a": array, "b": zeros})["total"], array)


def test_outputs_belong_to_the_caller(models: Models, open_session: Opener) -> None:
    """Outputs stay as they were after the next run and after closing, as the spec states; feeds are left alone."""
    session = open_session(models.add())
    data = ONES.copy()
    first = session.run({"a": data, "b": data})["total"]
    assert np.array_equal(data, ONES)
    data[:] = 7
    second = session.run({"a": data, "b": data})["total"]
    session.close()
    assert first.tolist() == [[2] * 4]
    assert second.tolist() == [[14] * 4]


def test_there_is_no_profile_and_it_is_said(models: Models, open_session: Opener) -> None:
    for profile in (False, True):
        with pytest.raises(EngineError, match="does not support per-layer profiles in Python"):
            open_session(models.add(), profile=profile).profile()


def test_a_benchmark_that_is_to_profile_gives_the_reason(models: Models) -> None:
    found = lpbench.benchmark(models.add(), engine="tflite", number=6, runs=1, profile=True, yardstick=False)
    (profile,) = found.configurations[0].profile
    assert "does not support per-layer profiles" in profile.reason
    assert found.configurations[0].measured


def test_run_after_close_is_an_error_and_closing_twice_is_none(models: Models, open_session: Opener) -> None:
    session = open_session(models.add())
    session.run({"a": ONES, "b": ONES})
    session.close()
    session.close()
    for call in (lambda: session.run({"a": ONES, "b": ONES}), session.describe, session.profile):
        with pytest.raises(EngineError, match="the session is closed"):
            call()


def test_sessions_run_side_by_side(models: Models, open_session: Opener) -> None:
    """Two sessions in two threads answer as one alone does, as the spec's ``streams`` states."""
    path = models.convolution()
    sessions = [open_session(path, threads=2) for _ in range(2)]
    data = np.random.default_rng(3).standard_normal((1, 6, 5, 3)).astype(np.float32)
    expected = sessions[0].run({"x": data})["y"]
    found = side_by_side(*(lambda each=each: each.run({"x": data})["y"] for each in sessions))
    assert len(found) == 100
    assert all(np.array_equal(each, expected) for each in found)


def test_closing_one_session_leaves_the_other(models: Models, open_session: Opener) -> None:
    first, second = (open_session(models.add()) for _ in range(2))
    first.close()
    assert second.run({"a": ONES, "b": ONES})["total"].tolist() == [[2] * 4]


def test_an_unknown_rank_needs_a_shape(models: Models, open_session: Opener) -> None:
    """LiteRT reports it as a scalar, and runs it as one."""
    path = models.add(None)
    assert 'input "a" has an unknown rank' in open_session.refused(path)
    assert 'shapes={"a": [' in open_session.refused(path)
    for shape in ((2, 3), ()):
        session = open_session(path, {"a": shape, "b": shape})
        assert [info.shape for info in (*session.inputs, *session.outputs)] == [shape] * 3
        ones = np.ones(shape, np.float32)
        assert session.run({"a": ones, "b": ones})["total"].tolist() == (2 * ones).tolist()


def test_a_scalar_of_a_file_that_says_so_is_one(models: Models, open_session: Opener) -> None:
    session = open_session(models.add(()))
    assert session.inputs[0].shape == ()
    assert session.run(dict.fromkeys("ab", np.ones((), np.float32)))["total"] == 2
