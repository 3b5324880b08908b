"""What a prediction of each class of app says in one line; the shapes are those that postprocessors describe."""

from __future__ import annotations

from typing import Any

import pytest

from lpbench.render._answers import answer
from lpbench.render.predictions import prediction

PERSON = {"label": "person", "score": 0.73, "box": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"top": [{"label": "cat", "index": 3, "score": 0.5}]}, ("cat", "0.5")),
        ({"items": [PERSON, {**PERSON, "score": 0.9}, {"label": "cup", "score": 0.5}]}, ("2 person, cup", "0.9")),
        ({"items": []}, ("nothing found", "")),
        ({"items": [{"label": name} for name in "abcde"]}, ("a, b, c, 2 other kinds", "")),
        ({"items": [{"score": 0.4, "points": [[1, 2]]}]}, ("1 found", "0.4")),
        ({"text": "Region-based", "score": 0.98}, ("Region-based", "0.98")),
        ({"age": 33.2, "gender": {"label": "female", "score": 0.9}}, ("age 33.2, female", "")),
        ({"yaw": -2.3, "pitch": 3.0, "roll": 21.7}, ("yaw -2°, pitch 3°, roll 22°", "")),
        ({"mask": {"size": [2, 2], "counts": [4]}, "share": {"person": 0.25}}, ("person 25 %", "")),
        ({"embedding": [0.0] * 256}, ("256 numbers", "")),
        ({"score": 1.0, "points": [[0, 0]] * 468}, ("468 points", "1.0")),
    ],
)
def test_each_class_says_what_it_found(found: dict[str, Any], said: tuple[str, str]) -> None:
    words, score = answer({"sample": "a.png", **found})
    assert words == said[0]
    assert score == said[1] or float(score) == float(said[1])


def test_a_chain_says_what_each_component_found() -> None:
    found = {
        "sample": "a.png",
        "items": [{"score": 0.9, "box": [0, 0, 1, 1]}],
        "mood": [{"item": 0, "top": [{"label": "happy", "score": 1.0}]}],
        "name": [],
    }
    assert answer(found)[0] == "1 found; mood: happy; name: nothing"


def test_the_block_of_a_chain_holds_every_level() -> None:
    inner = {"item": 0, "score": 1.0, "points": [[0, 0]] * 20, "eyes": [{"item": 1, "label": "left"}]}
    text = "\n".join(prediction({"sample": "a.png", "items": [PERSON], "mesh": [inner]}))
    assert text.startswith("a.png: Number of objects found: 1\n  class: person ( 0.73 )")
    assert "mesh 0" in text
    assert "20 values" in text
    assert "eyes 1" in text
    assert "class: left" in text
