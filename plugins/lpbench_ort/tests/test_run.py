"""What a session answers: every type, every shape, and errors that name the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from lpbench.jobs.new_app import new_app
from lpbench.plugin.engine import EngineError
from lpbench.testing import onnx_models
from lpbench.testing.conversions import OnnxModels
from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

T = onnx.TensorProto
NUMERIC = "FLOAT DOUBLE FLOAT16 INT8 UINT8 INT16 UINT16 INT32 UINT32 INT64 UINT64 BOOL"


@pytest.mark.parametrize("name", NUMERIC.split())
@pytest.mark.parametrize("io_binding", [False, True])
def test_every_numeric_type_passes_through(
    models: Models, open_session: Opener, name: str, *, io_binding: bool
) -> None:
    """An identity model of each type: dtype announced as numpy calls it, data unchanged."""
    element = getattr(T, name)
    session = open_session(models.identity(element), io_binding=io_binding)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(element)
    data = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    outputs = session.run({"x": data})
    assert session.inputs[0].dtype == session.outputs[0].dtype == dtype.name
    assert outputs["y"].dtype == dtype
    assert np.array_equal(outputs["y"], data)


@pytest.mark.parametrize("kind", [object, str, bytes])
def test_strings_pass_through(models: Models, open_session: Opener, kind: type) -> None:
    """A string model takes numpy's three kinds of text arrays."""
    session = open_session(models.identity(T.STRING))
    words = ["a", "bc", ""]
    data: np.ndarray[Any, Any] = np.array([words]).astype(kind)
    assert session.inputs[0].dtype == "str"
    assert session.run({"x": data})["y"].tolist() == [words]


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("BFLOAT16", np.uint16),
        ("FLOAT8E4M3FN", np.uint8),
        ("FLOAT8E4M3FNUZ", np.uint8),
        ("FLOAT8E5M2", np.uint8),
        ("FLOAT8E5M2FNUZ", np.uint8),
    ],
)
def test_types_that_numpy_lacks_pass_through(models: Models, open_session: Opener, name: str, bits: type) -> None:
    """bfloat16 and float8, as ml_dtypes arrays and as their bits."""
    element = getattr(T, name)
    session = open_session(models.identity(element))
    dtype = onnx.helper.tensor_dtype_to_np_dtype(element)
    data = np.array([[1.5, -2, 0]]).astype(dtype)
    assert session.inputs[0].dtype == dtype.name
    assert np.array_equal(session.run({"x": data})["y"], data)
    assert np.array_equal(session.run({"x": data.view(bits)})["y"], data)
    with pytest.raises(EngineError, match=rf"the model takes {dtype.name}\n.*astype\(ml_dtypes.{dtype.name}\).view"):
        open_session(models.identity(element)).run({"x": np.zeros((1, 3), np.float32)})


def test_an_optional_input_may_be_left_out(models: Models, open_session: Opener) -> None:
    """It has the type and shape of its tensor; a wrong array is named as that of any other input."""
    x = np.array([[1, 2, 3]], np.float32)
    session = open_session(models.optional())
    assert [(info.name, info.dtype, info.shape, info.optional) for info in session.inputs] == [
        ("x", "float32", ("N", 3), False),
        ("extra", "float32", ("N", 3), True),
    ]
    assert session.run({"x": x})["y"].tolist() == [[1, 2, 3]]
    assert session.run({"x": x, "extra": x})["y"].tolist() == [[2, 4, 6]]
    with pytest.raises(EngineError, match='"extra" is float64; the model takes float32'):
        open_session(models.optional()).run({"x": x, "extra": x.astype(np.float64)})
    with pytest.raises(EngineError, match='io_binding cannot bind "extra", which may be left out'):
        open_session(models.optional(), io_binding=True)


def test_an_optional_input_of_unknown_rank_needs_no_shape(models: Models, open_session: Opener) -> None:
    path = models.optional((1, 3))
    model = onnx.load(path)
    model.graph.input[1].type.optional_type.elem_type.tensor_type.ClearField("shape")
    onnx.save(model, path)
    assert open_session(path).run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[1, 1, 1]]


def test_weights_among_the_inputs_are_no_inputs(models: Models, open_session: Opener) -> None:
    """Files of the first versions list them there, some without a shape; they cannot be given one."""
    path = models.convolution((1, 3, 4, 4))
    model = onnx.load(path)
    model.graph.input.append(
        onnx.helper.make_value_info("w", onnx.helper.make_tensor_type_proto(onnx_models.FLOAT, None))
    )
    onnx.save(model, path)
    assert [info.name for info in open_session(path).inputs] == ["x"]
    with pytest.raises(EngineError, match='a shape is given for "w", which is not an input'):
        open_session(path, {"w": (8, 3, 3, 3)})


def test_several_inputs_and_outputs_keep_their_names(models: Models, open_session: Opener) -> None:
    session = open_session(models.two())
    a, b = np.array([[3, 4]], np.float32), np.array([[1, 2]], np.float32)
    outputs = session.run({"b": b, "a": a})
    assert list(outputs) == ["total", "difference"]
    assert outputs["total"].tolist() == [[4, 6]]
    assert outputs["difference"].tolist() == [[2, 2]]


def test_sequences_come_back_as_lists(models: Models, open_session: Opener) -> None:
    """An output that is no tensor keeps ONNX Runtime's own words as its type."""
    node = onnx.helper.make_node("SequenceConstruct", ["x", "x"], ["y"], name="pack")
    value = onnx.helper.make_tensor_value_info("x", T.FLOAT, [3])
    output = onnx.helper.make_tensor_sequence_value_info("y", T.FLOAT, [3])
    graph = onnx.helper.make_graph([node], "graph", [value], [output])
    path = models.folder / "sequence.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9), path)
    session = open_session(path)
    assert session.outputs[0].dtype == "seq(tensor(float))"
    assert [part.tolist() for part in session.run({"x": np.ones(3, np.float32)})["y"]] == [[1] * 3] * 2


@pytest.mark.parametrize("io_binding", [False, True])
def test_open_dimensions_run_at_any_size(models: Models, open_session: Opener, *, io_binding: bool) -> None:
    """Named dimensions are announced by name, and the size may change from run to run."""
    session = open_session(models.double(("batch", 3)), io_binding=io_binding)
    assert session.inputs[0].shape == ("batch", 3)
    for rows in (2, 5, 1):
        assert session.run({"x": np.ones((rows, 3), np.float32)})["y"].tolist() == [[2] * 3] * rows


def test_unnamed_open_dimensions_are_none(models: Models, open_session: Opener) -> None:
    session = open_session(models.double((None, 3)))
    assert session.inputs[0].shape == (None, 3)
    assert session.inputs[0].dynamic == {0: "?"}


def test_scalars_run(models: Models, open_session: Opener) -> None:
    session = open_session(models.double(()))
    assert session.inputs[0].shape == ()
    assert session.run({"x": np.array(3, np.float32)})["y"] == 6


def test_an_unknown_rank_needs_a_shape(models: Models, open_session: Opener) -> None:
    """ONNX Runtime reports it as a scalar, and runs it as one."""
    path = models.double(None)
    with pytest.raises(EngineError, match=r'input "x" has an unknown rank.*\n.*shapes={"x": \['):
        open_session(path)
    for shape in ((2, 2), ()):
        session = open_session(path, {"x": shape})
        assert session.inputs[0].shape == shape
        assert session.run({"x": np.ones(shape, np.float32)})["y"].tolist() == np.full(shape, 2).tolist()


def test_a_new_app_around_an_input_of_unknown_rank_is_written(models: Models) -> None:
    """Its shape is said when it is run, or stated in the app: new-app takes none."""
    made = new_app(models.folder / "app", app_class="model", model=models.double(None))
    assert 'input "x" has an unknown rank' in made.unread
    assert made.app.components[0].models[0].inputs == ()


def test_shapes_fix_open_dimensions(models: Models, open_session: Opener) -> None:
    """The shape asked for is the shape in force, for the outputs too, and another one is refused."""
    session = open_session(models.double(("batch", 3)), {"x": (4, 3)})
    assert session.inputs[0].shape == session.outputs[0].shape == (4, 3)
    assert session.run({"x": np.ones((4, 3), np.float32)})["y"].shape == (4, 3)
    with pytest.raises(EngineError, match="shape 2x3; the model takes 4x3"):
        session.run({"x": np.ones((2, 3), np.float32)})


def test_a_shared_dimension_is_fixed_everywhere(models: Models, open_session: Opener) -> None:
    """Fixing N of one input fixes it for the other input that has it."""
    session = open_session(models.two(), {"a": (6, 2)})
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(6, 2)] * 4


def test_a_shared_dimension_in_another_place_is_fixed_too(models: Models, open_session: Opener, tmp_path: Path) -> None:
    """The batch is the second dimension of both; in a file in ORT format, too, which keeps the names."""
    path = OnnxModels(models.folder).sequence()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for file in (path, tmp_path / "model.ort"):
        session = open_session(file, {"x": (5, 2, 3)})
        assert [info.shape for info in session.inputs] == [(5, 2, 3), (1, 2, 3)]


def test_sizes_below_zero_are_open_dimensions(models: Models, open_session: Opener) -> None:
    session = open_session(models.double((-1, 3)), {"x": (2, 3)})
    assert session.inputs[0].shape == (2, 3)
    assert session.run({"x": np.ones((2, 3), np.float32)})["y"].shape == (2, 3)


def test_unnamed_dimensions_are_fixed_too(models: Models, open_session: Opener) -> None:
    session = open_session(models.double((None, 3)), {"x": (2, 3)})
    assert session.inputs[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"y": (1, 2)}, '"y", which is not an input'),
        ({"a": (1, 3)}, 'input "a" cannot be 1x3; the model has Nx2'),
        ({"a": (1, 2, 1)}, 'input "a" cannot be 1x2x1; the model has Nx2'),
        ({"a": (1, 2), "b": (2, 2)}, 'dimension "N" would be both 1 and 2, by input "b"'),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    models: Models, open_session: Opener, shapes: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineError, match=r"model\.onnx") as caught:
        open_session(models.two(), shapes)
    assert words in str(caught.value)


ONES = np.ones((1, 2), np.float32)


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"a": ONES}, 'input "b" is missing'),
        ({"a": ONES, "b": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "b": ONES.astype(np.float64)}, 'input "b" is float64; the model takes float32'),
        ({"a": ONES, "b": ONES.astype(">f4")}, 'input "b" is float32 with swapped bytes'),
        ({"a": ONES, "b": [[1, 2]]}, 'input "b" is list'),
        ({"a": ONES, "b": None}, 'input "b" is NoneType'),
        ({"a": ONES, "b": np.ones((1, 3), np.float32)}, 'input "b" has shape 1x3; the model takes Nx2'),
        ({"a": ONES, "b": np.ones(2, np.float32)}, 'input "b" has shape 2; the model takes Nx2'),
        ({"a": np.ones((2, 2), np.float32), "b": np.ones((3, 2), np.float32)}, "onnxruntime: "),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
@pytest.mark.parametrize("io_binding", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(  # noqa: PLR0913 - two fixtures and a table of three
    models: Models, open_session: Opener, feeds: dict[str, Any], words: str, *, after_a_good_run: bool, io_binding: bool
) -> None:
    """Each mistake, in the first run and in a later one; a good run works afterwards."""
    session = open_session(models.two(), io_binding=io_binding)
    good = {"a": ONES, "b": ONES}
    if after_a_good_run:
        session.run(good)
    if after_a_good_run and ("swapped" in words or "list" in words):
        return  # onnxruntime takes these as they are: see the reference page
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert words in str(caught.value)
    assert "model.onnx" in str(caught.value)
    assert session.run(good)["total"].tolist() == [[2, 2]]


def test_arrays_need_not_be_contiguous(models: Models, open_session: Opener) -> None:
    """A transposed view gives what its values say, bound or not."""
    data = np.arange(6, dtype=np.float32).reshape(3, 2).T
    for io_binding in (False, True):
        session = open_session(models.double(), io_binding=io_binding)
        assert np.array_equal(session.run({"x": data})["y"], data * 2)


@pytest.mark.parametrize("io_binding", [False, True])
def test_outputs_belong_to_the_caller(models: Models, open_session: Opener, *, io_binding: bool) -> None:
    """Outputs stay as they were after the next run and after closing, as the spec states; feeds are left alone."""
    session = open_session(models.double((2, 3)), io_binding=io_binding)
    data = np.ones((2, 3), np.float32)
    first = session.run({"x": data})["y"]
    assert np.array_equal(data, np.ones((2, 3)))
    data[:] = 7
    second = session.run({"x": data})["y"]
    session.close()
    assert first.tolist() == [[2] * 3] * 2
    assert second.tolist() == [[14] * 3] * 2


def test_io_binding_gives_the_same_numbers(models: Models, open_session: Opener) -> None:
    """A small convolution with and without io_binding, on new arrays and on one refilled in place."""
    path = models.convolution()
    plain, bound = open_session(path), open_session(path, io_binding=True)
    random = np.random.default_rng(1)
    buffer = np.empty((1, 3, 8, 8), np.float32)
    for _ in range(3):
        buffer[:] = random.standard_normal(buffer.shape)
        for feeds in ({"x": buffer}, {"x": buffer.copy()}):
            assert np.array_equal(plain.run(feeds)["y"], bound.run(feeds)["y"])


def test_io_binding_refuses_what_cannot_be_bound(models: Models, open_session: Opener) -> None:
    with pytest.raises(EngineError, match='cannot bind "x", which is str'):
        open_session(models.identity(T.STRING), io_binding=True)


def test_run_after_close_is_an_error_and_closing_twice_is_none(models: Models, open_session: Opener) -> None:
    session = open_session(models.double())
    session.run({"x": np.ones((1, 3), np.float32)})
    session.close()
    session.close()
    for call in (lambda: session.run({"x": np.ones((1, 3), np.float32)}), session.describe, session.profile):
        _refused(call, "the session is closed")


def test_sessions_run_side_by_side(models: Models, open_session: Opener) -> None:
    """Two sessions in two threads answer as one alone does, as the spec's ``streams`` states."""
    sessions = [open_session(models.convolution(), threads=2) for _ in range(2)]
    data = np.random.default_rng(3).standard_normal((1, 3, 16, 16)).astype(np.float32)
    expected = sessions[0].run({"x": data})["y"]
    found = side_by_side(*(lambda each=each: each.run({"x": data})["y"] for each in sessions))
    assert len(found) == 100
    assert all(np.array_equal(each, expected) for each in found)


def test_closing_one_session_leaves_the_other(models: Models, open_session: Opener) -> None:
    first, second = (open_session(models.double()) for _ in range(2))
    first.close()
    assert second.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[2] * 3]


def _refused(call: Callable[[], object], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        call()
