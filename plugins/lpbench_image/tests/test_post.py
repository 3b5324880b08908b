"""Class scores become the best labels, as scipy and a full sort have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin import registry
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._classification import Classes, Classification
from lpbench_image.config import ClassificationConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = Sample("cat.jpg", None)
SCORES = st.lists(st.floats(-90, 90, width=32), min_size=1, max_size=300)
ROUNDS = settings(max_examples=60, deadline=None)


def build(values: dict[str, Any], shape: Sequence[Any], labels: Sequence[str] = (), **more: Any) -> Classification:
    settled = dataclass_config.build(ClassificationConfig, values)
    return Classification(settled, [TensorInfo("logits", more.pop("dtype", "float32"), tuple(shape), **more)], labels)


def classify(values: dict[str, Any], scores: Any, **more: Any) -> Classes:
    array = np.asarray(scores, more.get("dtype", "float32"))
    return build(values, (1, array.size), **more)({"logits": array[None]}, SAMPLE)


@given(SCORES, st.integers(1, 12))
@ROUNDS
def test_softmax_is_scipys(scores: list[float], top_k: int) -> None:
    """Any scores, in a range that overflows a plain exponential."""
    found = classify({"top_k": top_k}, scores)
    expected = scipy.special.softmax(np.array(scores, np.float32).astype(float))
    assert len(found.indices) == len(found.scores) == min(top_k, len(scores))
    assert found.scores == pytest.approx(expected[found.indices], rel=1e-4, abs=1e-7)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.integers(1, 12))
@ROUNDS
def test_the_order_is_that_of_a_full_stable_sort(scores: list[int], top_k: int) -> None:
    """Many equal scores: the lower index comes first, at the edge of the top too."""
    found = classify({"top_k": top_k, "activation": "none"}, scores)
    assert found.indices.tolist() == np.argsort(-np.array(scores), kind="stable")[:top_k].tolist()
    assert found.scores.tolist() == sorted(scores, reverse=True)[:top_k]


@given(SCORES)
@ROUNDS
def test_sigmoid_is_scipys(scores: list[float]) -> None:
    """Both ends of the range."""
    found = classify({"activation": "sigmoid"}, scores)
    assert found.scores == pytest.approx(
        scipy.special.expit(np.array(scores, np.float32).astype(float))[found.indices], rel=1e-4
    )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_values_are_the_scores_of_all_classes_after_the_activation(activation: str) -> None:
    """What two engines are compared by: the prediction's scores, and those that it leaves out."""
    scores = np.linspace(-3, 5, 11, dtype=np.float32)[None]
    post = build({"activation": activation, "top_k": 11}, (1, 11))
    everything, found = post.values({"logits": scores}, SAMPLE)["scores"], post({"logits": scores}, SAMPLE)
    assert everything[found.indices].tolist() == found.scores.tolist()


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantised_scores_count_in_real_numbers(dtype: str) -> None:
    """Scale and zero point matter to softmax."""
    scores = np.array([3, 100, 90, 7], dtype)
    found = classify({}, scores, dtype=dtype, scale=0.25, zero_point=10)
    expected = scipy.special.softmax((scores.astype(float) - 10) * 0.25)
    assert found.indices.tolist() == [1, 2, 3, 0]
    assert found.scores == pytest.approx(expected[found.indices], rel=1e-5)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (1, 7, 1, 1), (1, 1, 1, 7), ("batch", 7)])
def test_dimensions_of_one_do_not_matter(shape: tuple[Any, ...]) -> None:
    """The forms in which models hand classes over."""
    values = np.arange(7, dtype=np.float16).reshape([1 if each == "batch" else each for each in shape])
    assert build({"top_k": 1}, shape, dtype="float16")({"logits": values}, SAMPLE).indices.tolist() == [6]


def test_predictions_do_not_change_with_the_next_output() -> None:
    """An engine may write to the same array again."""
    post, scores = build({"activation": "none"}, (1, 4)), np.array([[1, 2, 3, 4]], np.float32)
    first = post({"logits": scores}, SAMPLE)
    scores[:] = 0
    assert first.scores.tolist() == [4, 3, 2, 1]


def test_a_description_is_plain_data_with_labels() -> None:
    """What the console and the result file get."""
    post = build({"top_k": 2, "activation": "none"}, (1, 3), ["ant", "bee", "cat"])
    described = post.describe(post({"logits": np.array([[0.1, 0.2, 0.7]], np.float64)}, SAMPLE))
    first, second = described["top"]
    assert (first["label"], first["index"], second["label"]) == ("cat", 2, "bee")
    assert type(first["score"]) is float
    assert first["score"] == pytest.approx(0.7)


def test_without_labels_they_are_the_indices() -> None:
    """A model of three classes and no labels."""
    post = build({"top_k": 1}, (1, 3))
    assert post.describe(post({"logits": np.array([[0, 9, 0]])}, SAMPLE))["top"][0]["label"] == "1"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_scores_that_are_no_numbers_are_refused_by_sample(bad: float, activation: str) -> None:
    """NaN and infinity anywhere among the scores, as half precision yields them."""
    scores = np.zeros(1000, np.float32)
    scores[777] = bad
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "logits" holds (nan|inf)'):
        classify({"activation": activation}, scores)


def test_a_score_of_minus_infinity_is_a_class_ruled_out() -> None:
    """Masked classes have no chance, the rest share it."""
    found = classify({}, [0, -np.inf, 0])
    assert found.scores.tolist() == [0.5, 0.5, 0]


def test_labels_that_are_not_one_for_each_class_are_refused() -> None:
    """At construction where the model tells, at the first output where it does not."""
    with pytest.raises(ProcessorError, match="2 labels for 3 classes"):
        build({}, (1, 3), ["ant", "bee"])
    post = build({}, (1, "classes"), ["ant", "bee"])
    with pytest.raises(ProcessorError, match="2 labels for 3 classes"):
        post({"logits": np.zeros((1, 3), np.float32)}, SAMPLE)


def test_an_output_that_is_no_list_of_classes_is_refused() -> None:
    """A feature map."""
    with pytest.raises(ProcessorError, match=r"\[1, 10, 7, 7\] is not one score for each class"):
        build({}, (1, 10, 7, 7))


def test_the_output_is_chosen_by_name_or_is_the_only_one() -> None:
    """Two outputs: one must be named, and a wrong name gets the nearest."""
    outputs = [TensorInfo("features", "float32", (1, 9, 9)), TensorInfo("logits", "float32", (1, 3))]
    with pytest.raises(ProcessorError, match="2 outputs: features, logits"):
        Classification(ClassificationConfig(), outputs, [])
    with pytest.raises(ProcessorError) as caught:
        Classification(ClassificationConfig(output="logit"), outputs, [])
    assert '"logits"' in caught.value.hint
    assert Classification(ClassificationConfig(output="logits"), outputs, []).output is outputs[1]


def test_top_k_must_be_a_count() -> None:
    """None of nothing."""
    with pytest.raises(ConfigError, match="top_k must be 1 or more, found 0"):
        dataclass_config.build(ClassificationConfig, {"top_k": 0})


def test_the_postprocessor_is_found_through_its_entry_point() -> None:
    """The way lpbench takes, and the app class that it serves."""
    spec = registry.current().get(registry.POSTPROCESSORS, "classification").spec
    assert spec.availability()
    assert "image_classification" in spec.classes
    assert spec.load() is Classification
