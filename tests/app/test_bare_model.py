"""Bare model files as apps; the error for a file of an unknown format suggests what it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.app.bare_model import model_app
from lpbench.app.check import validate
from lpbench.app.model import App
from lpbench.errors import AppError
from lpbench.util.schema import iter_problems, published

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model file that the fake engine reads."""
    file = tmp_path / "My Net.FAKE"
    file.write_text("{}")
    return file


def test_a_model_file_is_an_app_with_synthetic_inputs(model: Path) -> None:
    app = model_app(model, shapes={"x": [1, 3]}, ranges={"x": (0, 9)}, seed=7)
    (component,) = app.components
    assert (app.name, app.app_class, component.models[0].format) == ("My Net", "model", "fake")
    assert component.models[0].path == model
    assert component.preprocessing.config == {"shapes": {"x": [1, 3]}, "ranges": {"x": [0, 9]}, "seed": 7}
    assert list(iter_problems(app.config, published("lpbench.app", "ai_app"))) == []
    assert App.from_request(app.request()) == app


def test_a_model_behind_a_link_is_taken_under_the_links_name(model: Path, tmp_path: Path) -> None:
    """Model hubs keep files under their hash and link to them."""
    link = tmp_path / "hub" / "net.fake"
    link.parent.mkdir()
    link.symlink_to(model)
    assert model_app(link).components[0].models[0].path == link


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("gone.fake", None, "no such file"),
        ("empty.fake", b"", "is empty"),
        ("net.fkae", b"?", 'no installed engine reads ".fkae" files\n  known: '),
        ("net", b"?", "has no file extension that names its format"),
        ("net.bin", b"\x08\x07\x12\x07pytorch", "its first bytes look like onnx"),
        ("net.tfl", b"\x1c\0\0\0TFL3", "its first bytes look like tflite"),
        ("net.param.txt", b"7767517\n3 3\n", "its first bytes look like ncnn"),
        ("net.pth", b"PK\x03\x04", "its first bytes look like a zip archive, as PyTorch and Keras write"),
    ],
)
def test_a_file_that_is_no_model_says_what_it_may_be(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AppError) as caught:
        model_app(tmp_path / name)
    assert told in str(caught.value)
    assert str(tmp_path / name) in caught.value.where


def test_a_format_may_be_named_whatever_the_file_is_called(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"x")
    for named in ("fake", "one of mine"):
        assert model_app(tmp_path / "net.bin", format=named).components[0].models[0].format == named


@pytest.mark.usefixtures("core_only")
def test_without_any_engine_the_remedy_is_to_install_one(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"?")
    with pytest.raises(AppError, match=r"pip install \"lpbench\[ort\]\""):
        model_app(tmp_path / "net.onnx")


def test_a_model_given_to_validate_is_told_that_it_needs_no_app(model: Path) -> None:
    (problem,) = validate(model)
    assert "lpbench.benchmark(" in problem.right
