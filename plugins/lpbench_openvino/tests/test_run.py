"""What a session answers: every type, every shape, and errors that name the input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

T = onnx.TensorProto
NUMERIC = "FLOAT DOUBLE FLOAT16 INT8 UINT8 INT16 UINT16 INT32 UINT32 INT64 UINT64 BOOL BFLOAT16"
ONES = np.ones((1, 2), np.float32)


@pytest.mark.parametrize("name", NUMERIC.split())
@pytest.mark.parametrize("shape", [(2, 3), ("N", 3), ()])
def test_every_numeric_type_passes_through(
    models: Models, open_session: Opener, name: str, shape: tuple[int | str, ...]
) -> None:
    """An identity of each type, fixed, dynamic and a scalar: dtype announced as numpy calls it, data unchanged."""
    element = getattr(T, name)
    session = open_session(models.one("Identity", shape, element))
    data = np.array([[0, 1, 1], [1, 0, 1]] if shape else 1).astype(onnx.helper.tensor_dtype_to_np_dtype(element))
    for _ in range(2):
        found = session.run({"x": data})["y"]
        assert session.inputs[0].dtype == session.outputs[0].dtype == data.dtype.name
        assert found.dtype == data.dtype
        assert np.array_equal(found, data)


@pytest.mark.parametrize("name", ["BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2"])
def test_floats_that_numpy_lacks_are_passed_as_their_bits(models: Models, open_session: Opener, name: str) -> None:
    """Every value of the type but NaN, as an array of ml_dtypes and as integers, with the values of ml_dtypes."""
    element = getattr(T, name)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(element)
    bits = np.arange(256**dtype.itemsize).astype(f"uint{8 * dtype.itemsize}")
    data = bits[np.isfinite(bits.view(dtype).astype(np.float32))]
    cast = onnx.helper.make_node("Cast", ["x"], ["y"], to=T.FLOAT)
    session = open_session(
        models.save([cast], [("x", element, data.shape)], [("y", T.FLOAT, data.shape)]), precision="auto"
    )
    assert session.inputs[0].dtype == dtype.name
    for array in (data, data.view(dtype)):
        assert np.array_equal(session.run({"x": array})["y"], data.view(dtype).astype(np.float32))
    with pytest.raises(EngineError, match=rf"the model takes {dtype.name}\n.*astype\(ml_dtypes.{dtype.name}\).view"):
        session.run({"x": np.zeros(data.shape, np.float32)})


def test_without_ml_dtypes_outputs_are_bits(
    models: Models, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes in as bits comes out as the same bits, not as a float16 of the same size."""
    data = np.array([[0x3F80, 0xC000, 0x0001]], np.uint16)
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    session = open_session(models.one("Identity", (1, 3), T.BFLOAT16))
    found = session.run({"x": data})["y"]
    assert (found.dtype, found.tolist()) == (np.uint16, data.tolist())


@pytest.mark.parametrize("name", ["FLOAT8E4M3FNUZ", "FLOAT8E5M2FNUZ"])
def test_float8_that_openvino_lacks_is_refused_with_the_reason(models: Models, open_session: Opener, name: str) -> None:
    with pytest.raises(EngineError, match="has a type that OpenVINO does not have, such as float8_e4m3fnuz"):
        open_session(models.one("Identity", (1, 3), getattr(T, name)))


def test_several_inputs_and_outputs_keep_their_names(models: Models, open_session: Opener) -> None:
    session = open_session(models.two((1, 2)))
    a, b = np.array([[3, 4]], np.float32), np.array([[1, 2]], np.float32)
    outputs = session.run({"b": b, "a": a})
    assert list(outputs) == ["total", "difference"]
    assert outputs["total"].tolist() == [[4, 6]]
    assert outputs["difference"].tolist() == [[2, 2]]


def test_open_dimensions_run_at_any_size(models: Models, open_session: Opener) -> None:
    """Open dimensions have the names of the file, which OpenVINO drops, and the size may change from run to run."""
    session = open_session(models.two())
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [("N", 2)] * 4
    for rows in (2, 50, 1, 2):
        x = np.ones((rows, 2), np.float32)
        assert session.run({"a": x, "b": x})["total"].tolist() == [[2, 2]] * rows


def test_outputs_of_a_dynamic_model_are_the_callers(models: Models, open_session: Opener) -> None:
    """They stay after a run with larger ones, where OpenVINO frees the memory that a view would show."""
    session = open_session(models.one("Relu", ("N", 3)))
    first = session.run({"x": np.full((2, 3), 5, np.float32)})["y"]
    session.run({"x": np.ones((5000, 3), np.float32)})
    session.close()
    assert first.tolist() == [[5] * 3] * 2
    assert first.flags.owndata


def test_outputs_of_a_fixed_model_show_the_last_run(models: Models, open_session: Opener) -> None:
    """As stated: no copy, so the next run fills the same memory; mappings are separate, and reading late is safe."""
    session = open_session(models.one("Relu"))
    first = session.run({"x": np.full((1, 3), 5, np.float32)})
    second = session.run({"x": np.full((1, 3), 6, np.float32)})
    assert np.shares_memory(first["y"], second["y"])
    assert first is not second
    session.close()
    assert second["y"].shape == (1, 3)


def test_shapes_fix_open_dimensions(models: Models, open_session: Opener) -> None:
    """The shape asked for is the shape in force, for the outputs too, and another one is refused."""
    session = open_session(models.convolution(), {"x": (2, 3, 6, 5)})
    assert session.inputs[0].shape == (2, 3, 6, 5)
    assert session.outputs[0].shape == (2, 8, 1, 1)
    with pytest.raises(EngineError, match="shape 1x3x8x8; the model takes 2x3x6x5"):
        session.run({"x": np.ones((1, 3, 8, 8), np.float32)})
    assert session.run({"x": np.ones((2, 3, 6, 5), np.float32)})["y"].shape == (2, 8, 1, 1)


def test_an_unknown_rank_needs_a_shape(models: Models, open_session: Opener) -> None:
    path = models.one("Relu", None)
    with pytest.raises(EngineError, match=r'has an unknown rank.*\n.*shapes={"x": \['):
        open_session(path)
    assert open_session(path, {"x": (2, 2)}).run({"x": np.ones((2, 2), np.float32)})["y"].shape == (2, 2)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"y": (1, 2)}, '"y", which is not an input'),
        ({"a": (1, 3)}, 'input "a" cannot be 1x3; the model has Nx2'),
        ({"a": (1, 2, 1)}, 'input "a" cannot be 1x2x1; the model has Nx2'),
        ({"a": (3, 2), "b": (2, 2)}, 'dimension "N" would be both 3 and 2, by input "b"'),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    models: Models, open_session: Opener, shapes: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineError, match=r"model\.onnx") as caught:
        open_session(models.two(), shapes)
    assert words in str(caught.value)


def test_shapes_that_contradict_each_other_without_a_common_name_are_refused(
    models: Models, open_session: Opener
) -> None:
    with pytest.raises(EngineError, match='the model does not accept "a" 3x2, "b" 2x2'):
        open_session(models.two((None, 2)), {"a": (3, 2), "b": (2, 2)})


@pytest.mark.parametrize("given", [("a", (2, 5)), ("b", (2, 5))])
def test_a_shape_sets_the_dimensions_of_the_same_name(
    models: Models, open_session: Opener, given: tuple[str, tuple[int, int]]
) -> None:
    session = open_session(models.two(("N", "T")), dict([given]))
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(2, 5)] * 4


def test_sizes_below_zero_are_open_dimensions(models: Models, open_session: Opener) -> None:
    path = models.one("Relu", (-1, 3))
    assert open_session(path).inputs[0].shape == (None, 3)
    assert open_session(path, {"x": (2, 3)}).run({"x": np.ones((2, 3), np.float32)})["y"].shape == (2, 3)


def test_shapes_that_do_not_fit_each_other_are_refused(models: Models, open_session: Opener) -> None:
    """OpenVINO itself answers with the last outputs; here it is an error, each time, and leaves no harm."""
    session = open_session(models.two())
    good = {"a": ONES, "b": ONES}
    session.run(good)
    bad = {"a": np.ones((2, 2), np.float32), "b": np.ones((3, 2), np.float32)}
    for _ in range(2):
        with pytest.raises(EngineError, match='model does not accept "a" 2x2, "b" 3x2'):
            session.run(bad)
    assert session.run(good)["total"].tolist() == [[2, 2]]


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        (None, "feeds are NoneType"),
        ({"a": ONES}, 'input "b" is missing'),
        ({"a": ONES, "b": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "b": ONES.astype(np.float64)}, 'input "b" is float64; the model takes float32'),
        ({"a": ONES, "b": ONES.astype(">f4")}, 'input "b" is float32 with swapped bytes'),
        ({"a": ONES, "b": [[1, 2]]}, 'input "b" is list'),
        ({"a": ONES, "b": None}, 'input "b" is NoneType'),
        ({"a": ONES, "b": np.ones((1, 3), np.float32)}, 'input "b" has shape 1x3; the model takes 1x2'),
        ({"a": ONES, "b": np.ones(2, np.float32)}, 'input "b" has shape 2; the model takes 1x2'),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(
    models: Models, open_session: Opener, feeds: dict[str, Any], words: str, *, after_a_good_run: bool
) -> None:
    """Each mistake, in the first run and in a later one; a good run works afterwards."""
    session = open_session(models.two((1, 2)))
    good = {"a": ONES, "b": ONES}
    if after_a_good_run:
        session.run(good)
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert words in str(caught.value)
    assert "model.onnx" in str(caught.value)
    assert session.run(good)["total"].tolist() == [[2, 2]]


@pytest.mark.parametrize("shape", [(2, 3), ("N", 3)])
def test_views_and_read_only_arrays_are_read_each_time(
    models: Models, open_session: Opener, shape: tuple[int | str, ...]
) -> None:
    """A transposed view and a read-only view, whose buffer is filled anew between runs."""
    session = open_session(models.one("Identity", shape))
    buffer = np.zeros((3, 2), np.float32)
    transposed = buffer.T
    plain = np.zeros((2, 3), np.float32)
    frozen = plain.view()
    frozen.flags.writeable = False
    for value in (1, 2):
        buffer[:] = plain[:] = np.arange(6).reshape(plain.shape).T.reshape(buffer.shape)[0, 0] + value
        for array in (transposed, frozen):
            assert np.array_equal(session.run({"x": array})["y"], array)


def test_two_read_only_arrays_do_not_share_memory(models: Models, open_session: Opener) -> None:
    """Each is copied, and the copies are read when the model runs: the second must not lie where the first lay."""
    session = open_session(models.two((1, 50_000)))
    feeds = {name: np.full((1, 50_000), value, np.float32) for name, value in (("a", 3), ("b", 5))}
    for array in feeds.values():
        array.flags.writeable = False
    outputs = session.run(feeds)
    assert np.array_equal(outputs["total"], np.full((1, 50_000), 8))
    assert np.array_equal(outputs["difference"], np.full((1, 50_000), -2))


@pytest.mark.parametrize("operator", ["Identity", "Relu", "Flatten", "Softmax", "Neg"])
def test_feeds_are_neither_changed_nor_shown(models: Models, open_session: Opener, operator: str) -> None:
    """Feeds are handed over where they lie: no operator computes in place, and no output is a view of them."""
    session = open_session(models.one(operator, (2, 3)))
    data = np.array([[1, -2, 3], [4, 5, -6]], np.float32)
    kept = data.copy()
    outputs = session.run({"x": data})["y"]
    before = outputs.copy()
    assert np.array_equal(data, kept)
    data[:] = 7
    assert np.array_equal(outputs, before)


def test_new_arrays_and_refilled_ones_are_read(models: Models, open_session: Opener) -> None:
    session = open_session(models.one("Identity"))
    buffer = np.zeros((1, 3), np.float32)
    for value in range(3):
        buffer[:] = value
        for array in (buffer, np.full((1, 3), value + 10, np.float32)):
            assert np.array_equal(session.run({"x": array})["y"], array)


def test_run_after_close_is_an_error_and_closing_twice_is_none(models: Models, open_session: Opener) -> None:
    session = open_session(models.one("Relu"))
    session.run({"x": np.ones((1, 3), np.float32)})
    session.close()
    session.close()
    for call in (lambda: session.run({"x": np.ones((1, 3), np.float32)}), session.describe, session.profile):
        with pytest.raises(EngineError, match="the session is closed"):
            call()


def test_sessions_run_side_by_side(models: Models, open_session: Opener) -> None:
    """Two sessions in two threads answer as one alone does, as the spec's ``streams`` states."""
    sessions = [open_session(models.convolution((1, 3, 16, 16)), threads=2) for _ in range(2)]
    data = np.random.default_rng(3).standard_normal((1, 3, 16, 16)).astype(np.float32)
    expected = np.array(sessions[0].run({"x": data})["y"])
    found = side_by_side(*(lambda each=each: np.array(each.run({"x": data})["y"]) for each in sessions))
    assert len(found) == 100
    assert all(np.array_equal(each, expected) for each in found)


def test_closing_one_session_leaves_the_other(models: Models, open_session: Opener) -> None:
    first, second = (open_session(models.one("Relu")) for _ in range(2))
    first.close()
    assert second.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[1] * 3]
