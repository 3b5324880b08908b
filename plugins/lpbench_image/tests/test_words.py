"""What the predictions of vision models say in one line; the shapes are those that postprocessors describe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.render._answers import answer
from lpbench.render._numbers import digits


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"age": 33.2, "gender": {"label": "female", "score": 0.9}}, ("age 33.2, female", "")),
        ({"yaw": -2.3, "pitch": 3.0, "roll": 21.7}, ("yaw -2°, pitch 3°, roll 22°", "")),
        ({"mask": {"size": [2, 2], "counts": [4]}, "share": {"person": 0.25}}, ("person 25 %", "")),
        ({"embedding": [0.0] * 256}, ("256 numbers", "")),
        ({"score": 1.0, "points": [[0, 0]] * 468}, ("468 points", "1.0")),
        ({"gender": {"label": "male"}, "age": None}, ("male", "")),
        ({"yaw": None, "pitch": None, "roll": None}, ("", "")),
        ({"masks": {}, "share": {"sky": 0.5, "sea": 0.251}}, ("sky 50 %, sea 25 %", "")),
        ({"mask": {"size": [2, 2], "counts": [4]}}, ("a mask", "")),
        ({"score": 0.5, "points": [[0, 0]] * 76, "iris": [0, 0], "gaze": [0, 0]}, ("76 points", "0.5")),
    ],
)
def test_each_prediction_says_what_was_found(found: dict[str, Any], said: tuple[str, str]) -> None:
    words, score = answer({"sample": "a.png", **found})
    assert words == said[0]
    assert score == said[1] or float(score) == float(said[1])


@given(st.integers(0, 120) | st.floats(0.0001, 120))
def test_ages_have_the_digits_of_other_numbers(age: float) -> None:
    assert answer({"age": age})[0] == f"age {digits(age)}"


@pytest.mark.parametrize(
    "found", [{"embedding": 3}, {"points": None}, {"age": 3, "gender": "x"}, {"mask": 1, "share": 2}]
)
def test_a_file_with_other_shapes_is_shown_as_it_is(found: dict[str, Any]) -> None:
    assert answer(found)[0].startswith("{")
