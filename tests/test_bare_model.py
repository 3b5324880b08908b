"""A model file alone is an app: its format, and the words that say shapes and ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.app import App
from lpbench.app_check import validate
from lpbench.bare_model import model_app, parse_ranges, parse_shapes
from lpbench.errors import AppError, ConfigError
from lpbench.schema import iter_problems, published

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.registry import Registry

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model file that the fake engine reads."""
    file = tmp_path / "My Net.FAKE"
    file.write_text("{}")
    return file


def test_a_model_file_is_an_app_with_made_up_inputs(model: Path) -> None:
    app = model_app(model, shapes={"x": [1, 3]}, ranges={"x": (0, 9)}, seed=7)
    (component,) = app.components
    assert (app.name, app.app_class, component.models[0].format) == ("My Net", "model", "fake")
    assert component.models[0].path == model
    assert component.preprocessing.config == {"shapes": {"x": [1, 3]}, "ranges": {"x": [0, 9]}, "seed": 7}
    assert list(iter_problems(app.config, published("ai_app"))) == []
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
        ("gone.fake", None, "does not exist"),
        ("empty.fake", b"", "is empty"),
        ("net.fkae", b"?", 'no installed engine reads ".fkae" files\n  known: '),
        ("net", b"?", "has no ending that tells its format"),
        ("net.bin", b"\x08\x07\x12\x07pytorch", "its first bytes look like onnx"),
        ("net.tfl", b"\x1c\0\0\0TFL3", "its first bytes look like tflite"),
        ("net.param.txt", b"7767517\n3 3\n", "its first bytes look like ncnn"),
        ("net.pth", b"PK\x03\x04", "its first bytes look like zip archive, as PyTorch and Keras save"),
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


def test_a_format_may_be_named_and_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_text("{}")
    assert model_app(tmp_path / "net.bin", format="fake").components[0].models[0].format == "fake"
    with pytest.raises(AppError, match='did you mean "fake"'):
        model_app(tmp_path / "net.bin", format="fak")


def test_without_any_engine_the_remedy_is_to_install_one(
    fakes: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fakes, "all", lambda _: {})
    (tmp_path / "net.onnx").write_bytes(b"?")
    with pytest.raises(AppError, match=r"pip install \"lpbench\[ort\]\""):
        model_app(tmp_path / "net.onnx")


def test_a_model_given_to_validate_is_told_that_it_needs_no_app(model: Path) -> None:
    (problem,) = validate(model)
    assert "lpbench run" in problem.right


def test_shapes_and_ranges_are_read_from_words() -> None:
    """Names of tensors may hold = and : and dots; integers stay integers."""
    assert parse_shapes(["a=1,3,224,224", "x:0=2", "w=v=7"]) == {"a": (1, 3, 224, 224), "x:0": (2,), "w=v": (7,)}
    assert parse_ranges(["ids=0,30000", "y=-1.5,2e3"]) == {"ids": (0, 30000), "y": (-1.5, 2000.0)}
    assert isinstance(parse_ranges(["ids=0,30000"])["ids"][1], int)


@pytest.mark.parametrize("word", ["1,3", "=1", "a=", "a=1,,2", "a=1,x", "a=0", "a=-1", "a=1.5", "a=1,?"])
def test_a_word_that_is_no_shape_is_named_with_one_that_is(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_shapes([word])
    assert caught.value.where == f"--shape {word}"
    assert "--shape input=1,3,224,224" in caught.value.hint


@pytest.mark.parametrize("word", ["0,1", "a=1", "a=1,2,3", "a=2,1", "a=1,1", "a=nan,1", "a=0,inf", "a=x,y"])
def test_a_word_that_is_no_range_is_named_with_one_that_is(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ranges([word])
    assert caught.value.where == f"--range {word}"


def test_an_input_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match='input "a" is given twice'):
        parse_shapes(["a=1", "a=2"])
