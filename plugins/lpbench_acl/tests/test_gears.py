"""Gears: which one a run takes, what is said where there is none, and what a description tells of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench_acl import _gear_tables
from lpbench_acl._calls import Calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_acl._gears import Gears

IMAGE = TensorInfo("x", "float32", (1, 3, None, None))
ROWS = TensorInfo("x", "float32", (None, 3))
STATIC = TensorInfo("mask", "float32", (5,))
GEAR = TensorInfo("ascend_mbatch_shape_data", "int32", (1,))
DESCRIPTION = 77
NONE: dict[str, Any] = {"batch": {"batchCount": 0, "batch": []}, "hw": {"hwCount": 0, "hw": []}, "dims": []}


def described(**told: Any) -> Calls:
    """Return pyACL's calls of a model whose description says this, and nothing of other kinds of gears."""
    answers = {**NONE, **told}
    mdl = SimpleNamespace(
        get_dynamic_batch=lambda _: (answers["batch"], 0),
        get_dynamic_hw=lambda *_: (answers["hw"], 0),
        get_input_dynamic_gear_count=lambda *_: (len(answers["dims"]), 0),
        get_input_dynamic_dims=lambda *_: (answers["dims"], 0),
    )
    module: Any = SimpleNamespace(mdl=mdl, get_recent_err_msg=lambda: None)
    return Calls(module)


def read(inputs: Sequence[TensorInfo], **told: Any) -> Gears:
    gears = _gear_tables.gears(described(**told), DESCRIPTION, [*inputs, GEAR])
    assert gears
    return gears


def batches(*sizes: int) -> Gears:
    return read([ROWS, STATIC], batch={"batch": list(sizes)})


def of(rows: int) -> list[tuple[int, ...]]:
    return [(rows, 3), (5,)]


def refusal(gears: Gears, shapes: list[tuple[int, ...]]) -> str:
    with pytest.raises(EngineError) as caught:
        gears.choose(shapes)
    return str(caught.value)


def test_a_batch_size_without_a_gear_names_those_that_there_are_and_the_nearest() -> None:
    text = refusal(batches(1, 4, 8), of(5))
    assert 'no gear for "x" 5x3; it has batch sizes 1, 4, 8\n' in text
    assert "the nearest is 4: give data of that size, or convert" in text
    assert "--set batches=" in text


def test_image_sizes_and_shapes_are_named_in_their_own_terms() -> None:
    images = read([IMAGE], hw={"hwCount": 2, "hw": [[224, 224], [448, 224]]})
    text = refusal(images, [(1, 3, 400, 224)])
    assert 'for "x" 1x3x400x224; it has image sizes 224x224, 448x224\n' in text
    assert "nearest is 448x224" in text
    second = TensorInfo("y", "float32", (2, None))
    shapes = read([ROWS, second], dims=[{"dims": [1, 3, 2, 7]}, {"dims": [4, 3, 2, 9]}])
    text = refusal(shapes, [(1, 3), (2, 9)])
    assert 'for "x" 1x3, "y" 2x9; it has shapes ("x" 1x3, "y" 2x7), ("x" 4x3, "y" 2x9)' in text


def test_a_hundred_gears_are_not_all_listed() -> None:
    text = refusal(batches(*range(1, 101)), of(500))
    assert "7, 8, … (100 in all)" in text
    assert "nearest is 100" in text
    assert len(text) < 300


@given(sizes=st.sets(st.integers(1, 50), min_size=1, max_size=10), asked=st.integers(1, 60))
def test_every_size_has_its_gear_or_is_told_a_nearest_one(sizes: set[int], asked: int) -> None:
    gears = batches(*sizes)
    if asked in sizes:
        assert gears.choose(of(asked)).sizes == (asked,)
        return
    distance = min(abs(size - asked) for size in sizes)
    assert any(f"nearest is {asked + far}:" in refusal(gears, of(asked)) for far in (distance, -distance))


@given(rows=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=8, unique=True))
def test_each_gear_is_chosen_by_the_shapes_it_was_converted_for(rows: list[tuple[int, int]]) -> None:
    """Of image sizes and of shapes alike; what AscendCL is told is what its description said."""
    images = read([IMAGE], hw={"hw": [list(row) for row in rows]})
    second = TensorInfo("y", "float32", (None,))
    shapes = read([ROWS, second], dims=[{"dims": [first, 3, last], "dimCount": 3} for first, last in rows])
    for row in rows:
        assert images.choose([(1, 3, *row)]).sizes == row
        assert shapes.choose([(row[0], 3), (row[1],)]).sizes == (row[0], 3, row[1])


def test_dimensions_that_differ_have_names_and_those_that_do_not_are_fixed() -> None:
    assert [info.shape for info in batches(1, 4).inputs] == [("batch", 3), (5,)]
    assert read([IMAGE], hw={"hw": [[8, 8], [9, 9]]}).inputs[0].shape == (1, 3, "height", "width")
    assert read([IMAGE], hw={"hw": [[8, 8], [9, 8]]}).inputs[0].shape == (1, 3, "height", 8)
    assert read([ROWS], dims=[{"dims": [1, 3]}, {"dims": [2, 3]}]).inputs[0].shape == (None, 3)


def test_shapes_asked_for_leave_the_gears_that_have_them() -> None:
    """One that is left fixes all inputs, those too of which no shape was given."""
    second = TensorInfo("y", "float32", (None,))
    gears = read([ROWS, second], dims=[{"dims": [1, 3, 7]}, {"dims": [1, 3, 8]}, {"dims": [2, 3, 9]}])
    assert [info.shape for info in gears.within({"x": (2, 3)}).inputs] == [(2, 3), (9,)]
    left = gears.within({"x": (1, 3)})
    assert [info.shape for info in left.inputs] == [(1, 3), (None,)]
    assert len(left) == 2
    with pytest.raises(EngineError, match=r'no gear for "x" 3x3, "y" \?; it has shapes .*\n.*nearest is \("x" 2x3'):
        gears.within({"x": (3, 3)})


def test_a_batch_asked_for_of_one_input_is_that_of_all() -> None:
    pair = [ROWS, TensorInfo("y", "float32", (None, 2))]
    gears = read(pair, batch={"batch": [1, 2, 4]})
    assert [info.shape for info in gears.within({"y": (2, 2)}).inputs] == [(2, 3), (2, 2)]
    with pytest.raises(EngineError, match='"batch" would be both 2 and 4'):
        gears.within({"x": (2, 3), "y": (4, 2)})


def test_gears_are_told_in_a_result_and_not_more_than_a_hundred() -> None:
    assert batches(1, 4).facts() == {"batch": [1, 4]}
    assert read([IMAGE], hw={"hw": [[8, 9]]}).facts() == {"image": [[8, 9]]}
    assert len(batches(*range(1, 1001)).facts()["batch"]) == 100


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"batch": None}, "get_dynamic_batch returned None"),
        ({"batch": {"batch": [1, "2"]}}, "get_dynamic_batch returned"),
        ({"batch": {"batch": [0]}}, "get_dynamic_batch returned"),
        ({"batch": {"batch": [True]}}, "get_dynamic_batch returned"),
        ({"batch": {"batch": [1, 2], "batchCount": 3}}, "get_dynamic_batch returned"),
        ({"batch": {"batch": [1 << 70]}}, "get_dynamic_batch returned"),
        ({"batch": {"batch": [1 << 39]}}, "too large"),
        ({"batch": {"batch": list(range(1, 9999))}}, "get_dynamic_batch returned"),
        ({"hw": {"hw": [[1, 2, 3]]}}, "get_dynamic_hw returned"),
        ({"hw": {"hw": [7]}}, "get_dynamic_hw returned"),
        ({"hw": {"hw": [[1, 2]]}}, 'gear 1x2 does not fit input "x", which is ?x3'),
        ({"dims": [{"dims": [1, 3, 5]}, 3]}, "get_input_dynamic_dims returned"),
        ({"dims": [{"dims": [1, 4, 5]}]}, 'gear 1x4x5 does not fit input "x", which is ?x3'),
        ({"dims": [{"dims": [1, 3]}]}, 'gear 1x3 does not fit input "mask", which is 5'),
        ({"dims": [{"dims": [1, 3, 5, 6]}]}, "gear 1x3x5x6 does not fit"),
        ({"dims": [{"dims": [1] * 200}]}, "gear 1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1 does not fit"),
        ({}, "has an input for its gear, and no gears"),
    ],
)
def test_a_description_that_cannot_be_is_an_error(told: dict[str, Any], words: str) -> None:
    """Whatever stands in a model's file: no crash, no endless list."""
    with pytest.raises(EngineError) as caught:
        read([ROWS, STATIC], **told)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_gears_of_other_kinds_may_be_left_out() -> None:
    """Some versions tell a count of 0 and no list."""
    gears = read([IMAGE], batch={"batchCount": 0}, hw={"hwCount": 1, "hw": [[8, 9]]})
    assert gears.choose([(1, 3, 8, 9)]).sizes == (8, 9)


def test_a_model_for_a_range_of_shapes_is_refused_with_what_to_do() -> None:
    assert _gear_tables.gears(described(), DESCRIPTION, [STATIC]) is None
    with pytest.raises(EngineError, match=r'input "x" is \?x3: .* range of shapes.*\n.*--set batches=1,4'):
        _gear_tables.gears(described(), DESCRIPTION, [STATIC, ROWS])


def test_a_model_that_is_told_its_preprocessing_is_refused_with_what_to_do() -> None:
    settings = TensorInfo("ascend_dynamic_aipp_data", "uint8", (64,))
    with pytest.raises(EngineError, match=r"preprocessing \(AIPP\).*\n.*aipp_mode: static"):
        _gear_tables.gears(described(), DESCRIPTION, [STATIC, settings])
