"""Ages and genders as the formulas in words have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import Array, build, infos, sample

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image.post.config import AgeGenderConfig

BOTH = {"age": "age", "gender": "gender"}
ROUNDS = settings(max_examples=60, deadline=None)


def face(age: Any, gender: float) -> dict[str, Array]:
    return {"age": np.asarray(age, np.float32)[None], "gender": np.array([[gender]], np.float32)}


def describe(values: dict[str, Any], outputs: dict[str, Array]) -> Any:
    post = build("age-gender", values, infos(outputs))
    return post.describe(post(outputs, sample(None)))


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=100), st.integers(1, 8))
@ROUNDS
def test_the_age_is_the_weighted_mean_of_the_most_probable_years(probabilities: list[float], best: int) -> None:
    """Sorted in full, of equal ones the younger first."""
    if not any(probabilities):
        probabilities[0] = 1.0
    years = sorted(range(len(probabilities)), key=lambda year: (-probabilities[year], year))[:best]
    total = sum(probabilities[year] for year in years)
    wanted = sum(year * probabilities[year] for year in years) / total
    assert describe({**BOTH, "best": best}, face(probabilities, 0.2))["age"] == pytest.approx(
        wanted, rel=1e-5, abs=1e-5
    )


@pytest.mark.parametrize(
    ("gender", "label", "score"), [(0.0, "female", 1), (0.2, "female", 0.8), (0.5, "female", 0.5), (0.9, "male", 0.9)]
)
def test_the_gender_is_male_above_a_half(gender: float, label: str, score: float) -> None:
    """The score is that of the label."""
    found = describe(BOTH, face([0, 1], gender))["gender"]
    assert found == {"label": label, "score": pytest.approx(score, abs=1e-6)}


def test_a_model_may_tell_the_age_itself() -> None:
    """SSR-Net: one number in years, and the gender by another model."""
    assert describe({"age": "age", "form": "years"}, face([28.5], 0)) == {"age": 28.5}
    assert list(describe({"gender": "gender", "genders": ["f", "m"]}, face([0], 0.75)).items()) == [
        ("gender", {"label": "m", "score": 0.75})
    ]


def test_values_are_the_models_numbers() -> None:
    """What is compared between engines."""
    outputs = face([0.25, 0.75], 0.5)
    values = build("age-gender", BOTH, infos(outputs)).values(outputs, sample(None))
    assert {name: each.tolist() for name, each in values.items()} == {"age": [0.25, 0.75], "gender": [0.5]}


@pytest.mark.parametrize("age", [[0, 0, 0], [-1, -2, -3], [0.5, -0.5, 0.1]])
def test_numbers_that_are_no_probabilities_are_refused(age: list[float]) -> None:
    """Nothing is probable, or less than nothing."""
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "age" holds .* not probabilities'):
        describe(BOTH, face(age, 0))


@pytest.mark.parametrize("output", ["age", "gender"])
def test_what_is_no_number_is_refused(output: str) -> None:
    """By the output's name."""
    outputs = face([0.5, 0.5], 0.5)
    outputs[output][..., -1] = np.nan
    with pytest.raises(ProcessorError, match=f'output "{output}" holds nan'):
        describe(BOTH, outputs)


def test_an_output_of_another_size_is_refused() -> None:
    """A gender is one number, and so is an age in years."""
    outputs = [TensorInfo("age", "float32", (1, 100)), TensorInfo("gender", "float32", (1, 2))]
    with pytest.raises(ProcessorError, match=r"gender: .*\[1, 2\] does not hold 1 numbers"):
        build("age-gender", BOTH, outputs)
    with pytest.raises(ProcessorError, match=r"age: .*\[1, 100\] does not hold 1 numbers"):
        build("age-gender", {"age": "age", "form": "years"}, outputs)


@pytest.mark.parametrize(
    ("values", "error"), [({}, "name the outputs"), ({**BOTH, "best": 0}, "best must be 1 or more")]
)
def test_settings_that_say_nothing_are_refused(values: dict[str, Any], error: str) -> None:
    """Neither output, no year."""
    with pytest.raises(ConfigError, match=error):
        dataclass_config.build(AgeGenderConfig, values)
