"""What is said of a path that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.errors import AppError
from lpbench.util.paths import is_path, no_such_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("model.onnx", "./app", "apps/mine", "mine/", ".", ".."), True),
        (("digits-mlp", "imagenet-mobilenet-v2"), False),
    ],
)
def test_a_word_with_a_separator_or_a_suffix_is_a_path(words: tuple[str, ...], *, path: bool) -> None:
    assert {is_path(word) for word in words} == {path}


def test_the_hint_names_the_nearest_file_else_where_it_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    assert no_such_file(tmp_path / "modle.onnx", AppError).hint == f'did you mean "{tmp_path / "model.onnx"}"?'
    assert no_such_file(tmp_path / "zzz", AppError).hint == f"looked in {tmp_path}"
    assert no_such_file(tmp_path / "no" / "zzz", AppError).hint == f"the folder {tmp_path / 'no'} does not exist"
