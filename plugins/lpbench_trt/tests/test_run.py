"""Sessions on the fake: names, feeds, what is valid how long, errors that name the thing, closing."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

ONES = np.ones((1, 2), np.float32)


def test_tensors_go_by_their_names(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.two((1, 2)))
    outputs = session.run({"b": np.array([[1, 2]], np.float32), "a": np.array([[3, 4]], np.float32)})
    assert outputs["total"].tolist() == [[4, 6]]
    assert outputs["difference"].tolist() == [[2, 2]]


def test_a_session_leaves_nothing_behind(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """Memory, streams and TensorRT's objects are released, in an order that the fake has nothing against."""
    session = open_session(models.two((1, 2)))
    session.run({"a": ONES, "b": ONES})
    session.close()
    session.close()
    assert fake_tensorrt.wrong() == []


def test_a_run_after_the_first_allocates_nothing(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """Of all calls only the copies, the engine and the wait are made again."""
    session = open_session(models.one("Relu"))
    session.run({"x": np.ones((1, 3), np.float32)})
    fake_tensorrt.begin()
    session.run({"x": np.zeros((1, 3), np.float32)})
    copies = ["cudaMemcpyAsync", "IExecutionContext.execute_async_v3", "cudaMemcpyAsync"]
    assert fake_tensorrt.calls() == ["cudaSetDevice", *copies, "cudaStreamSynchronize"]


def test_waiting_may_block(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """With wait=block the thread sleeps on an event that was made for it."""
    session = open_session(models.one("Relu"), wait="block")
    fake_tensorrt.begin()
    assert session.run({"x": np.full((1, 3), 2, np.float32)})["y"].tolist() == [[2] * 3]
    assert fake_tensorrt.calls()[-2:] == ["cudaEventRecord", "cudaEventSynchronize"]
    assert session.describe()["wait"] == "block"


def test_outputs_show_the_last_run_and_outlive_the_session(models: Graphs, open_session: Opener) -> None:
    """No copy: the next run fills the same memory.  Reading it too late, even after closing, is no crash."""
    session = open_session(models.one("Relu"))
    first = session.run({"x": np.full((1, 3), 5, np.float32)})["y"]
    second = session.run({"x": np.full((1, 3), 6, np.float32)})["y"]
    assert np.shares_memory(first, second)
    session.close()
    gc.collect()
    assert second.tolist() == [[6] * 3]


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
        ({"a": ONES, "b": np.ones((1, 3), np.float32)}, 'input "b" has shape 1x3; the model takes 1x2'),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(
    models: Graphs, open_session: Opener, feeds: dict[str, Any], words: str, *, after_a_good_run: bool
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


def test_views_and_read_only_arrays_are_read_each_time(models: Graphs, open_session: Opener) -> None:
    """A transposed view and a read-only view, whose buffer is filled anew between runs."""
    session = open_session(models.one("Identity", (2, 3)))
    buffer, plain = np.zeros((3, 2), np.float32), np.zeros((2, 3), np.float32)
    frozen = plain.view()
    frozen.flags.writeable = False
    for value in (1, 2):
        buffer[:] = np.arange(6).reshape(3, 2) + value
        plain[:] = np.arange(6).reshape(2, 3) * value
        for array in (buffer.T, frozen):
            assert np.array_equal(session.run({"x": array})["y"], array)


def test_feeds_are_neither_changed_nor_shown(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.one("Relu", (2, 3)))
    data = np.array([[1, -2, 3], [4, 5, -6]], np.float32)
    kept = data.copy()
    outputs = session.run({"x": data})["y"]
    before = outputs.copy()
    assert np.array_equal(data, kept)
    data[:] = 7
    assert np.array_equal(outputs, before)


def test_a_closed_session_says_so(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.one("Relu"))
    session.close()
    calls = (lambda: session.run({"x": ONES}), session.describe, session.profile, session.memory, session.device_spans)
    for call in calls:
        with pytest.raises(EngineError, match=r"model\.onnx: the session is closed"):
            call()


def test_two_sessions_share_a_device(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """In two threads, each with a stream of its own; closing one leaves the other."""
    path = models.convolution((1, 3, 8, 8))
    sessions = [open_session(path) for _ in range(2)]
    data = np.random.default_rng(3).standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = np.array(sessions[0].run({"x": data})["y"])
    found = side_by_side(*(lambda each=each: np.array(each.run({"x": data})["y"]) for each in sessions), times=10)
    assert len(found) == 20
    assert all(np.array_equal(each, expected) for each in found)
    sessions[0].close()
    assert np.array_equal(sessions[1].run({"x": data})["y"], expected)
    sessions[1].close()
    assert fake_tensorrt.wrong() == []


def test_sessions_on_two_devices_alternate(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """CUDA's current device belongs to the thread, not to the session: each run selects its own."""
    fake_tensorrt.set(devices=2)
    path = models.one("Neg")
    sessions = [open_session(path, device=f"gpu:{number}") for number in range(2)]
    for session in (*sessions, *sessions):
        assert session.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    assert [session.describe()["device"] for session in sessions] == ["gpu:0", "gpu:1"]
    for session in sessions:
        session.close()
    assert fake_tensorrt.wrong() == []


def test_a_device_that_is_not_there_is_refused(models: Graphs, open_session: Opener) -> None:
    assert "there is no device gpu:7\n  here: gpu:0" in open_session.refused(models.one("Relu"), device="gpu:7")


def test_facts_say_what_ran_and_that_it_is_the_fake(models: Graphs, open_session: Opener) -> None:
    facts = open_session(models.convolution((1, 3, 8, 8))).describe()
    assert "fake" in facts["version"]
    assert (facts["processor"], facts["device"], facts["library"]) == ("GPU", "gpu:0", "tensorrt")
    assert (facts["precision"], facts["from_cache"]) == ("F32", False)
    assert facts["layers"] > 0
    assert facts["bytes_copied"] == {"inputs": 768, "outputs": 32}


def test_a_second_session_takes_the_plan_from_the_cache(models: Graphs, open_session: Opener) -> None:
    """Loading a kept plan and building one are never the same figure: the time of the build stays with it."""
    path = models.one("Relu")
    first, second = (open_session(path).describe() for _ in range(2))
    assert (first["from_cache"], second["from_cache"]) == (False, True)
    assert first["build_s"] == second["build_s"]
