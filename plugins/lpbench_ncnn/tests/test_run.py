"""What a session answers, compared with numpy, and errors that name the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpbench
from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.lpbench_ncnn.tests.conftest import Models

    from lpbench.plugin.engine import Feeds
    from lpbench.testing.fixtures import Opener

X = {"in0": np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)}
SHAPE = {"in0": (1, 3, 8, 8)}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_answers_what_numpy_does(models: Models, open_session: Opener, threads: int) -> None:
    """Convolution, depthwise convolution, pooling, inner product and softmax against numpy, F32."""
    session = open_session(models.network(), SHAPE, threads=threads)
    outputs = session.run(X)
    assert list(outputs) == ["out0"]
    assert outputs["out0"].shape == (1, 5)
    assert outputs["out0"].dtype == np.float32
    assert np.allclose(outputs["out0"], models.expected(X["in0"]), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"light_mode": False},
        {"packing_layout": False},
        {"winograd": False},
        {"sgemm": False},
        {"winograd": False, "sgemm": False, "packing_layout": False},
        {"threads": 0},
    ],
)
def test_options_change_no_result(models: Models, open_session: Opener, options: dict[str, Any]) -> None:
    session = open_session(models.network(), SHAPE, **options)
    assert np.allclose(session.run(X)["out0"], models.expected(X["in0"]), atol=1e-6)
    switches = {key: value for key, value in options.items() if key != "threads"}
    assert session.describe()["options"].items() >= switches.items()


@pytest.mark.parametrize(("precision", "off"), [("F16", 5e-3), ("BF16", 5e-2), ("default", 5e-3)])
def test_floats_of_16_bits_stay_near(models: Models, open_session: Opener, precision: str, off: float) -> None:
    session = open_session(models.network(), SHAPE, precision=precision)
    assert np.allclose(session.run(X)["out0"], models.expected(X["in0"]), atol=off)


def test_several_inputs_and_outputs_keep_their_names(models: Models, open_session: Opener) -> None:
    session = open_session(models.two())
    a, b = (np.random.default_rng(seed).standard_normal((1, 2, 4)).astype(np.float32) for seed in (1, 2))
    outputs = session.run({"b": b, "a": a})
    assert list(outputs) == [info.name for info in session.outputs] == ["total", "difference"]
    assert np.array_equal(outputs["total"], a + b)
    assert np.array_equal(outputs["difference"], a - b)


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7), (2, 3, 5, 7), (1, 7), (1, 3, 5, 7), (1, 2, 3, 5, 7)])
def test_every_number_of_dimensions_passes_through(
    models: Models, open_session: Opener, shape: tuple[int, ...]
) -> None:
    """ReLU on one to four dimensions, with and without a batch of 1; 5 x 7 is a size that ncnn pads."""
    session = open_session(models.relu(), {"in0": shape})
    data = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    found = session.run({"in0": data})["out0"]
    assert np.array_equal(found, np.maximum(data, 0))
    assert found.flags.c_contiguous
    assert session.outputs[0].shape == found.shape


def test_whole_numbers_pass_through(models: Models, open_session: Opener) -> None:
    """An input that the app states as int32, as embeddings take: bits unchanged."""
    path = models.save(["Input in0 0 1 in0", "Noop noop 1 1 in0 out0"])
    given, found = [TensorInfo("in0", "int32", (1, 3))], [TensorInfo("out0", "int32", (1, 3))]
    session = open_session(path, inputs=given, outputs=found)
    data = np.array([[1, -2, 1 << 30]], np.int32)
    answer = session.run({"in0": data})["out0"]
    assert answer.dtype == np.int32
    assert np.array_equal(answer, data)


def test_quantised_layers_compute_in_whole_numbers(models: Models, open_session: Opener) -> None:
    """A convolution of 8 bits on whole numbers is exact, and rounds what is between."""
    session = open_session(models.quantised(), {"in0": (1, 16, 4, 4)})
    data = np.random.default_rng(3).integers(-5, 6, (1, 16, 4, 4)).astype(np.float32)
    expected = np.einsum("oc,nchw->nohw", models.whole[:, :, 0, 0].astype(np.float32), data)
    assert np.array_equal(session.run({"in0": data})["out0"], expected)
    assert np.array_equal(session.run({"in0": data + np.float32(0.3)})["out0"], expected)


def test_an_output_takes_the_shape_that_the_app_states(models: Models, open_session: Opener) -> None:
    """Statements win over what follows from the layers, as long as the number of values is right."""
    session = open_session(models.network(), SHAPE, outputs=[TensorInfo("out0", "float32", (1, 5, 1, 1))])
    assert session.outputs[0].shape == session.run(X)["out0"].shape == (1, 5, 1, 1)


def test_a_shape_that_does_not_follow_is_known_after_the_first_run(models: Models, open_session: Opener) -> None:
    """Reduction has no rule: the session says nothing before the first run, then what came out."""
    session = open_session(models.save(["Input in0 0 1 in0", "Reduction sum 1 1 in0 out0 0=0 1=1"]), {"in0": (1, 6)})
    assert [info.shape for info in session.outputs] == [()]
    assert session.describe()["bytes_copied"] == {"inputs": 24, "outputs": None}
    assert session.run({"in0": np.ones((1, 6), np.float32)})["out0"].ravel().tolist() == [6]
    assert [info.shape for info in session.outputs] == [(1, 1)]
    assert session.describe()["bytes_copied"] == {"inputs": 24, "outputs": 4}


@pytest.mark.parametrize(
    ("layer", "change"),
    [
        ("Noop l 1 1 in0 out0", lambda x: x),
        ("Dropout l 1 1 in0 out0", lambda x: x),
        ("Reshape l 1 1 in0 out0 0=16 1=3", lambda x: x.reshape(1, 3, 16)),
        ("Flatten l 1 1 in0 out0", lambda x: x.reshape(1, 48)),
        ("ReLU l 1 1 in0 out0", lambda x: np.maximum(x, 0)),
    ],
)
@pytest.mark.parametrize("light_mode", [True, False])
def test_outputs_belong_to_the_caller_and_feeds_are_left_alone(
    models: Models, open_session: Opener, layer: str, change: Callable[[Any], Any], *, light_mode: bool
) -> None:
    """Layers that hand on or overwrite their input: nothing changes what was handed out, or the feeds."""
    session = open_session(models.save(["Input in0 0 1 in0", layer]), {"in0": (1, 3, 4, 4)}, light_mode=light_mode)
    data = np.random.default_rng(3).standard_normal((1, 3, 4, 4)).astype(np.float32)
    before = data.copy()
    first = session.run({"in0": data})["out0"]
    assert np.array_equal(data, before)
    second = session.run({"in0": -data})["out0"]
    second[...] += 1
    third = session.run({"in0": -data})["out0"]
    session.close()
    assert np.array_equal(first, change(before))
    assert np.array_equal(third, change(-before))
    assert np.array_equal(second, third + 1)


def test_arrays_need_not_be_contiguous(models: Models, open_session: Opener) -> None:
    session = open_session(models.network(), SHAPE)
    data = np.ascontiguousarray(X["in0"].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert not data.flags.c_contiguous
    assert np.array_equal(session.run({"in0": data})["out0"], session.run(X)["out0"])


def test_an_array_at_the_end_of_memory_is_not_read_past(models: Models, open_session: Opener) -> None:
    """An input that ends where a mapping ends: ncnn's kernels read further, so they get a copy."""
    import mmap

    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        size = 3 * 8 * 8
        data = np.frombuffer(page, np.float32)[-size:].reshape(1, 3, 8, 8)
        data[...] = X["in0"]
        session = open_session(models.network(), SHAPE)
        assert np.array_equal(session.run({"in0": data})["out0"], session.run(X)["out0"])
        del data


A = np.ones((1, 2, 4), np.float32)


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"a": A}, 'input "b" is missing\n  give float32 of shape 1x2x4'),
        ({"a": A, "bb": A}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": A, "b": A, "c": A}, 'no input "c"'),
        ({"a": A, "b": A.astype(np.float64)}, 'input "b" is float64; the model takes float32\n  convert it'),
        ({"a": A, "b": A.astype(np.int32)}, 'input "b" is int32'),
        ({"a": A, "b": A.astype(">f4")}, 'input "b" is float32 with swapped bytes'),
        ({"a": A, "b": A.tolist()}, 'input "b" is list'),
        ({"a": A, "b": None}, 'input "b" is NoneType'),
        ({"a": A, "b": A[0]}, 'input "b" has shape 2x4; the model takes 1x2x4'),
        ({"a": A, "b": A[:, :1]}, 'input "b" has shape 1x1x4; the model takes 1x2x4'),
        ({"a": A, "b": np.float32(1)}, 'input "b" is float32'),
        ([A, A], "feeds are list"),
        ({}, 'input "a" is missing'),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(
    models: Models, open_session: Opener, feeds: Feeds, words: str, *, after_a_good_run: bool
) -> None:
    """Each mistake, in the first run and in a later one; a good run works afterwards."""
    session = open_session(models.two())
    if after_a_good_run:
        session.run({"a": A, "b": A})
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert words in str(caught.value)
    assert "model.param" in str(caught.value)
    assert np.array_equal(session.run({"a": A, "b": A})["total"], A + A)


@pytest.mark.parametrize("device", ["cpu", "vulkan:0"])
def test_an_error_kept_does_not_stop_the_process_when_the_session_closes(
    models: Models, open_session: Opener, request: pytest.FixtureRequest, device: str
) -> None:
    """A traceback keeps what a failed run held; an extractor among it would end the process at closing."""
    if device != "cpu":
        request.getfixturevalue("vulkan")
    # the extractor keeps what relu made; of 4 columns nothing is left from the fifth on
    relu, crop = "ReLU relu 1 1 a out0", "Crop crop 1 1 b out1 0=4 1=0 2=0 3=-233 4=-233 5=-233"
    path = models.save(["Input in0 0 1 in0", "Split split 1 2 in0 a b", relu, crop])
    session = open_session(path, {"in0": (3, 4, 4)}, device=device)
    kept = []
    for _ in range(3):
        with pytest.raises(EngineError, match=r'returned no output "out1" \(code -100\)') as caught:
            session.run({"in0": np.ones((3, 4, 4), np.float32)})
        kept.append(caught)
    session.close()
    assert all("model.param" in str(each.value) for each in kept)


def test_run_after_close_is_an_error_and_closing_twice_is_none(models: Models, open_session: Opener) -> None:
    session = open_session(models.network(), SHAPE)
    session.run(X)
    session.close()
    session.close()
    calls: list[Callable[[], object]] = [lambda: session.run(X), session.describe]
    for call in calls:
        with pytest.raises(EngineError, match="the session is closed"):
            call()


def test_there_is_no_profile_and_the_reason_is_said(models: Models, open_session: Opener) -> None:
    session = open_session(models.network(), SHAPE)
    with pytest.raises(EngineError, match="built without NCNN_BENCHMARK"):
        session.profile()


def test_a_benchmark_that_is_to_profile_gives_the_reason(models: Models) -> None:
    found = lpbench.benchmark(
        models.network(), engine="ncnn", shapes=SHAPE, number=6, runs=1, profile=True, yardstick=False
    )
    (profile,) = found.configurations[0].profile
    assert "built without NCNN_BENCHMARK" in profile.reason
    assert found.configurations[0].measured


def test_sessions_run_side_by_side(models: Models, open_session: Opener) -> None:
    """Two sessions in two threads answer as one alone does, as the spec's ``streams`` states."""
    path = models.network()
    sessions = [open_session(path, SHAPE, threads=2) for _ in range(2)]
    expected = sessions[0].run(X)["out0"]
    found = side_by_side(*(lambda each=each: each.run(X)["out0"] for each in sessions))
    assert len(found) == 100
    assert all(np.array_equal(each, expected) for each in found)


def test_closing_one_session_leaves_the_other(models: Models, open_session: Opener) -> None:
    path = models.network()
    first, second = (open_session(path, SHAPE) for _ in range(2))
    first.run(X)
    first.close()
    assert np.allclose(second.run(X)["out0"], models.expected(X["in0"]), atol=1e-6)
