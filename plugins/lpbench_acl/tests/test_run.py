"""Sessions on the fake: names, feeds, what is valid how long, errors that name the thing, closing."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.onnx_models import FLOAT

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

ONES = np.ones((1, 2), np.float32)
MODES = pytest.mark.parametrize("run_mode", [0, 1], ids=["device", "host"])
WAYS = pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])


@pytest.fixture
def sums(models: Graphs, fake_acl: Fake) -> Path:
    return fake_acl.om(models.two((1, 2)))


@MODES
@WAYS
def test_tensors_go_by_their_names(
    sums: Path, open_session: Opener, fake_acl: Fake, run_mode: int, *, asynchronous: bool
) -> None:
    """In both run modes and both ways of calling: what the model computes, whichever order the feeds have."""
    fake_acl.set(run_mode=run_mode)
    session = open_session(sums, asynchronous=asynchronous)
    for factor in (1, 2):
        feeds = {"b": factor * np.array([[1, 2]], np.float32), "a": np.array([[3, 4]], np.float32)}
        outputs = session.run(feeds)
        assert outputs["total"].tolist() == [[3 + factor, 4 + 2 * factor]]
        assert outputs["difference"].tolist() == [[3 - factor, 4 - 2 * factor]]


@MODES
@pytest.mark.parametrize("api", ["old", "new"])
def test_a_session_leaves_nothing_behind(
    sums: Path, open_session: Opener, fake_acl: Fake, run_mode: int, api: str
) -> None:
    """Memory, datasets, the model, stream, context and device are released, in the order that the vendor asks for."""
    fake_acl.set(run_mode=run_mode, api=api)
    session = open_session(sums)
    session.run({"a": ONES, "b": ONES})
    session.close()
    session.close()
    assert fake_acl.wrong() == []


@WAYS
def test_a_run_after_the_first_allocates_nothing(
    models: Graphs, open_session: Opener, fake_acl: Fake, *, asynchronous: bool
) -> None:
    """Of all calls only the context's choice, the copies, the model and the wait are made again, once each."""
    session = open_session(fake_acl.om(models.one("Relu")), asynchronous=asynchronous)
    session.run({"x": np.ones((1, 3), np.float32)})
    before = len(fake_acl.calls())
    session.run({"x": np.zeros((1, 3), np.float32)})
    queued = ["acl.rt.memcpy_async", "acl.mdl.execute_async", "acl.rt.memcpy_async", "acl.rt.synchronize_stream"]
    waiting = ["acl.rt.memcpy", "acl.mdl.execute", "acl.rt.memcpy"]
    assert fake_acl.calls()[before:] == ["acl.rt.set_context", *(queued if asynchronous else waiting)]


@MODES
def test_outputs_show_the_last_run_and_outlive_the_session(
    models: Graphs, open_session: Opener, fake_acl: Fake, run_mode: int
) -> None:
    """No copy: the next run fills the same memory.  Reading it too late is no crash; then all is released."""
    fake_acl.set(run_mode=run_mode)
    session = open_session(fake_acl.om(models.one("Relu")))
    first = session.run({"x": np.full((1, 3), 5, np.float32)})["y"]
    second = session.run({"x": np.full((1, 3), 6, np.float32)})["y"]
    assert np.shares_memory(first, second)
    session.close()
    gc.collect()
    assert second.tolist() == [[6] * 3]
    del first, second
    assert fake_acl.wrong() == []


def test_an_npu_stays_open_as_long_as_an_array_shows_its_memory(
    models: Graphs, open_session: Opener, fake_acl: Fake
) -> None:
    """Closing an NPU takes away what belongs to it."""
    session = open_session(fake_acl.om(models.one("Relu")))
    shown = session.run({"x": np.full((1, 3), 5, np.float32)})["y"]
    session.close()
    gc.collect()
    assert "acl.rt.destroy_context" in fake_acl.calls()
    assert "acl.rt.reset_device" not in fake_acl.calls()
    del shown
    gc.collect()
    assert fake_acl.calls()[-2:] == ["acl.rt.free_host", "acl.rt.reset_device"]


def test_memory_that_is_released_late_leaves_other_sessions_alone(
    models: Graphs, open_session: Opener, fake_acl: Fake
) -> None:
    """The last array of a closed session goes between two runs of another one: that runs on in its own context."""
    path = fake_acl.om(models.one("Relu"))
    first, second = open_session(path), open_session(path)
    late = first.run({"x": np.ones((1, 3), np.float32)})["y"]
    first.close()
    assert second.run({"x": np.full((1, 3), 2, np.float32)})["y"].tolist() == [[2] * 3]
    del late
    gc.collect()
    assert second.run({"x": np.full((1, 3), 3, np.float32)})["y"].tolist() == [[3] * 3]
    second.close()
    assert fake_acl.wrong() == []


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        (None, "feeds are NoneType"),
        ({"a": ONES}, 'input "b" is missing'),
        ({"a": ONES, "b": ONES, "bb": ONES}, 'no input "bb"\n  did you mean "b"?'),
        ({"a": ONES, "b": ONES.astype(np.float64)}, 'input "b" is float64; the model takes float32'),
        ({"a": ONES, "b": ONES.astype(">f4")}, 'input "b" is float32 with swapped bytes'),
        ({"a": ONES, "b": [[1, 2]]}, 'input "b" is list'),
        ({"a": ONES, "b": np.ones((1, 3), np.float32)}, 'input "b" has shape 1x3; the model takes 1x2'),
    ],
)
@pytest.mark.parametrize("after_a_good_run", [False, True])
def test_wrong_feeds_name_the_input_and_what_is_right(
    sums: Path, open_session: Opener, feeds: dict[str, Any], words: str, *, after_a_good_run: bool
) -> None:
    """Each mistake, in the first run and in a later one; a good run works afterwards."""
    session = open_session(sums)
    good = {"a": ONES, "b": ONES}
    if after_a_good_run:
        session.run(good)
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert words in str(caught.value)
    assert ".om: " in str(caught.value)
    assert session.run(good)["total"].tolist() == [[2, 2]]


def test_views_are_read_each_time_and_never_changed(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """A transposed view and a read-only one, whose buffer is filled anew between runs."""
    session = open_session(fake_acl.om(models.one("Identity", (2, 3))))
    buffer, plain = np.zeros((3, 2), np.float32), np.zeros((2, 3), np.float32)
    frozen = plain.view()
    frozen.flags.writeable = False
    for value in (1, 2):
        buffer[:] = np.arange(6).reshape(3, 2) + value
        plain[:] = np.arange(6).reshape(2, 3) * value
        for array in (buffer.T, frozen):
            kept = array.copy()
            shown = session.run({"x": array})["y"]
            assert np.array_equal(shown, kept)
            assert np.array_equal(array, kept)
            assert not np.shares_memory(shown, array)


def test_a_closed_session_says_so(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    path = fake_acl.om(models.one("Relu"))
    session = open_session(path)
    session.close()
    calls = (lambda: session.run({"x": ONES}), session.describe, session.profile, session.memory, session.device_spans)
    for call in calls:
        with pytest.raises(EngineError, match=rf"{path.name}: the session is closed"):
            call()


@MODES
def test_facts_say_what_ran_and_that_it_is_the_fake(
    models: Graphs, open_session: Opener, fake_acl: Fake, run_mode: int
) -> None:
    fake_acl.set(run_mode=run_mode, soc="Ascend310P3")
    facts = open_session(fake_acl.om(models.convolution((1, 3, 8, 8)))).describe()
    assert "fake" in facts["version"]
    assert (facts["processor"], facts["device"], facts["soc"]) == ("NPU", "npu:0", "Ascend310P3")
    assert facts["run_mode"] == ("device", "host")[run_mode]
    assert "precision" not in facts
    assert "does not tell" in facts["precision_reason"]
    assert facts["bytes_copied"] == {"inputs": 768, "outputs": 32}


ELEMENTS = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
    "complex64": 14,
    "complex128": 15,
}
"""ONNX's numbers of types by numpy's names."""


@pytest.mark.parametrize(("dtype", "element"), ELEMENTS.items())
def test_elements_keep_their_type(
    models: Graphs, open_session: Opener, fake_acl: Fake, dtype: str, element: int
) -> None:
    session = open_session(fake_acl.om(models.one("Identity", (2, 3), element)))
    data = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    shown = session.run({"x": data})["y"]
    assert session.inputs[0].dtype == session.outputs[0].dtype == dtype
    assert shown.dtype == data.dtype
    assert np.array_equal(shown, data)


def test_bfloat16_is_passed_as_it_is_or_as_its_bits(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    session = open_session(fake_acl.om(models.one("Identity", (1, 3), 16)))
    assert session.inputs[0].dtype == "bfloat16"
    data = np.array([[1.5, -2, 3e30]]).astype(ml_dtypes.bfloat16)
    for given in (data, data.view(np.uint16)):
        shown = session.run({"x": given})["y"]
        assert shown.dtype == data.dtype
        assert np.array_equal(shown, data)
    with pytest.raises(EngineError, match="float16; the model takes bfloat16"):
        session.run({"x": data.astype(np.float16)})


def test_names_too_long_for_a_description_are_the_models_own(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AscendCL puts a number in their place, by which it knows them."""
    name, mdl = "x" * 200, fake_acl.module.mdl
    node = onnx.helper.make_node("Relu", [name], ["y"], name="one")
    path = fake_acl.om(models.save([node], [(name, FLOAT, (1, 2))], [("y", FLOAT, (1, 2))]))
    told = mdl.get_input_dims
    monkeypatch.setattr(mdl, "get_input_name_by_index", lambda *place: told(*place)[0]["name"])
    session = open_session(path)
    assert session.run({name: -ONES})["y"].tolist() == [[0, 0]]


@pytest.mark.parametrize("api", ["old", "new"])
def test_images_that_a_model_preprocesses_itself_have_the_shape_in_which_they_are_fed(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    """With static AIPP the newer one of two calls tells it, the other one the model's without preprocessing."""
    fake_acl.set(api=api)
    path = fake_acl.om(models.one("Relu", (1, 4, 4, 3)))
    if api == "new":
        monkeypatch.setattr(fake_acl.module.mdl, "get_input_dims", lambda *_: ({"dims": [1, 3, 8, 8]}, 0))
    session = open_session(path)
    assert session.inputs[0].shape == (1, 4, 4, 3)
    assert session.run({"x": np.ones((1, 4, 4, 3), np.float32)})["y"].all()


@pytest.mark.parametrize("told", [["one:0:y", "two:0:y"], ["one:0:", "two:0:y"]])
def test_outputs_whose_own_names_do_not_tell_them_apart_keep_those_of_atc(
    sums: Path, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """ATC writes operator, number and name."""
    monkeypatch.setattr(fake_acl.module.mdl, "get_output_name_by_index", lambda _, index: told[index])
    assert list(open_session(sums).run({"a": ONES, "b": ONES})) == told


@pytest.mark.parametrize(("form", "layout"), [("NCHW", "NCHW"), ("ND", "")])
def test_the_order_of_an_images_dimensions_is_told_where_it_is_known(
    models: Graphs, open_session: Opener, fake_acl: Fake, form: str, layout: str
) -> None:
    session = open_session(fake_acl.om(models.one("Relu", (1, 3, 4, 4)), input_format=form))
    assert session.inputs[0].layout == layout
