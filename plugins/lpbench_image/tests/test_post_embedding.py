"""Vectors of length 1, and who of a gallery is most like them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests.posts import Array, build, infos, sample

from lpbench.errors import ConfigError, ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench_image.post.config import EmbeddingConfig

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = settings(max_examples=50, deadline=None)
VECTORS = st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=3, max_size=3).filter(
    lambda each: math.hypot(*each) > 0.1
)
PEOPLE = {"ann": [1, 0, 0], "bob": [0, 2, 0], "cid": [3, 3, 0]}


def gallery(folder: Path, people: Any = PEOPLE) -> dict[str, Any]:
    """Write people into a file and return the setting that names it, as the app's loader leaves it."""
    np.savez(folder / "gallery.npz", **people)
    return {"gallery": {"file": str(folder / "gallery.npz")}}


def output(vector: Any) -> dict[str, Array]:
    return {"out": np.asarray(vector, np.float32)[None]}


def top(settings: dict[str, Any], vector: Any) -> list[dict[str, Any]]:
    outputs = output(vector)
    post = build("embedding", settings, infos(outputs))
    found: list[dict[str, Any]] = post.describe(post(outputs, sample(None)))["top"]
    return found


@given(VECTORS)
@ROUNDS
def test_a_vector_has_length_1_and_its_direction(vector: list[float]) -> None:
    """Whatever its length was."""
    outputs = output(vector)
    post = build("embedding", {}, infos(outputs))
    described = post.describe(post(outputs, sample(None)))
    length = math.sqrt(sum(each * each for each in vector))
    assert described == {"embedding": pytest.approx([each / length for each in vector], abs=1e-6)}
    assert post.values(outputs, sample(None))["embedding"].tolist() == described["embedding"]


@given(st.lists(VECTORS, min_size=1, max_size=12), VECTORS, st.integers(1, 6), st.floats(-1, 1))
@ROUNDS
def test_matches_are_those_of_a_loop_over_the_gallery(
    tmp_path_factory: pytest.TempPathFactory,
    known: list[list[float]],
    vector: list[float],
    top_k: int,
    threshold: float,
) -> None:
    """The cosine by its formula for each, the best first, and none below the threshold."""
    people = {f"person {at}": each for at, each in enumerate(known)}
    found = top({**gallery(tmp_path_factory.mktemp("known"), people), "top_k": top_k, "threshold": threshold}, vector)

    def cosine(other: list[float]) -> float:
        return sum(a * b for a, b in zip(vector, other, strict=True)) / math.hypot(*vector) / math.hypot(*other)

    wanted = sorted(map(cosine, known), reverse=True)[:top_k]
    close = sum(abs(each - threshold) < 1e-5 for each in wanted)  # rounding may decide these either way
    sure = [each for each in wanted if each >= threshold + 1e-5]
    assert len(sure) <= len(found) <= len(sure) + close
    assert [each["score"] for each in found] == pytest.approx(wanted[: len(found)], abs=1e-5)
    assert all(cosine(people[each["label"]]) == pytest.approx(each["score"], abs=1e-5) for each in found)


def test_the_best_match_comes_first_with_its_name_and_number(tmp_path: Path) -> None:
    """Of three people two are like it."""
    found = top(gallery(tmp_path), [0, 5, 0])
    assert [(each["label"], each["index"]) for each in found] == [("bob", 1), ("cid", 2)]
    assert [each["score"] for each in found] == pytest.approx([1, math.sqrt(0.5)])


def test_nobody_like_it_is_an_empty_list(tmp_path: Path) -> None:
    """The opposite of all three."""
    assert top(gallery(tmp_path), [-1, -1, 0]) == []


@pytest.mark.parametrize("vector", [[0, 0, 0], [np.nan, 1, 1], [1, np.inf, 1]])
def test_a_vector_without_a_direction_is_refused(vector: list[float]) -> None:
    """Zero, and no numbers."""
    outputs = output(vector)
    with pytest.raises(ProcessorError, match=r'cat\.jpg: output "out" (is a vector of length|holds)'):
        build("embedding", {}, infos(outputs))(outputs, sample(None))


@pytest.mark.parametrize(
    ("people", "error"),
    [
        ({}, "gallery.npz: the gallery is empty"),
        ({"ann": [1, 0], "bob": [1, 0, 0]}, '"bob" is int64 [3]; expected a vector as long as the first'),
        ({"ann": [[1, 0, 0]]}, '"ann" is int64 [1, 3]; expected a vector'),
        ({"ann": ["x"]}, '"ann" is <U1 [1]; expected a vector'),
        ({"ann": [1, 0, 0], "bob": [0, 0, 0]}, '"bob" is a vector of length 0'),
        ({"ann": [1, np.nan, 0]}, '"ann" is a vector of length nan'),
        ({"ann": np.array([None])}, "gallery.npz: cannot be read"),
        ({"ann": [1, 0]}, "the gallery's vectors have 2 numbers, the model's 3"),
    ],
)
def test_a_gallery_that_is_none_is_refused_by_name(tmp_path: Path, people: Any, error: str) -> None:
    """When the app is opened."""
    with pytest.raises(ProcessorError) as caught:
        build("embedding", gallery(tmp_path, people), [TensorInfo("out", "float32", (1, 3))])
    assert error in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x93NUMPY\x01\x00", b"plain text"])
def test_a_file_that_is_no_gallery_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """Empty, cut, one array, anything."""
    (tmp_path / "gallery.npz").write_bytes(content)
    with pytest.raises(ProcessorError, match=r"gallery\.npz: cannot be read"):
        build("embedding", {"gallery": {"file": str(tmp_path / "gallery.npz")}}, [TensorInfo("out", "float32", (1, 3))])


def test_a_single_array_is_no_gallery(tmp_path: Path) -> None:
    """It has no names."""
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(ProcessorError, match=r"one\.npy: holds one array without a name"):
        build("embedding", {"gallery": {"file": str(tmp_path / "one.npy")}}, [TensorInfo("out", "float32", (1, 3))])


def test_a_gallery_is_checked_when_the_vector_comes_where_the_model_does_not_tell(tmp_path: Path) -> None:
    """An open dimension."""
    post = build("embedding", gallery(tmp_path), [TensorInfo("out", "float32", (1, None))])
    with pytest.raises(ProcessorError, match="3 numbers, the model's 2"):
        post(output([1, 0]), sample(None))


@pytest.mark.parametrize(
    ("values", "error"), [({"threshold": 2}, "threshold must be -1 to 1"), ({"top_k": 0}, "top_k")]
)
def test_settings_out_of_range_are_refused(values: dict[str, Any], error: str) -> None:
    """A cosine is from -1 to 1."""
    with pytest.raises(ConfigError, match=error):
        dataclass_config.build(EmbeddingConfig, values)
