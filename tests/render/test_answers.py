"""What a prediction of each class of app says in one line; the shapes are those that postprocessors describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin import registry
from lpbench.render._answers import answer
from lpbench.render.predictions import prediction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
        ({"text": "a", "pulse": 71}, ("a", "")),
        ({"pulse": 71, "wave": [0] * 9}, ('{"pulse": 71, "wave": "9 values"}', "")),
    ],
)
def test_each_class_says_what_it_found(found: dict[str, Any], said: tuple[str, str]) -> None:
    words, score = answer({"sample": "a.png", **found})
    assert words == said[0]
    assert score == said[1] or float(score) == float(said[1])


PULSE = """
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import ProcessorSpec

def pulse(prediction):
    return f"{prediction['pulse']} beats a minute\\n"

def fails(prediction):
    raise SystemExit(1)

def number(prediction):
    return 1

@hookimpl
def lpbench_register_postprocessors(register):
    words = {"fails": "beat:fails", "number": "beat:number", "absent": "beat:absent", "pulse": "beat:pulse"}
    register(ProcessorSpec("beat", "nowhere", words=words))
"""


def test_what_only_a_plugin_knows_is_put_into_words_by_it(install: Callable[..., Path]) -> None:
    """With a score, in front of a label, and under a component; not in front of candidates or text."""
    install("beat", PULSE)
    assert answer({"sample": "1", "pulse": 71, "score": 0.5}) == (r"71 beats a minute\n", "0.500")
    assert answer({"label": "fast", "pulse": 71})[0] == r"71 beats a minute\n"
    assert answer({"items": [], "heart": [{"item": 0, "pulse": 71}]})[0].startswith("nothing found; heart: 71 beats")
    assert answer({"top": [{"label": "cat"}], "pulse": 71})[0] == "cat"
    assert answer({"text": "a", "pulse": 71})[0] == "a"


@pytest.mark.parametrize("key", ["fails", "number", "absent"])
def test_a_plugin_whose_words_fail_is_passed_over(install: Callable[..., Path], key: str) -> None:
    install("beat", PULSE)
    assert answer({"sample": "1", key: 2}) == (f'{{"{key}": 2}}', "")
    assert answer({key: 2, "pulse": 71})[0].startswith("71 beats")
    assert answer({key: 2, "label": "cat", "score": 1}) == ("cat", "1.00")


def test_for_what_the_core_knows_no_plugin_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "current", None)
    assert answer({"sample": "1", "label": "cat", "index": 3, "score": 1.0}) == ("cat", "1.00")
    assert answer({"sample": "1", "outputs": {"y": {"shape": [1]}}})[0] == '{"outputs": {"y": {"shape": [1]}}}'


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
