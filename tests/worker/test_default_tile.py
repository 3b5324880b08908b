"""The tile of a model with open height and width: what the app states, unless a shape was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import App, Component, Step
from lpbench.errors import EngineError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.worker.session_builder import Opener

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import Session

OPEN = TensorInfo("image", "float32", ("batch", 3, "height", "width"), layout="NCHW")


def opens(**_: Any) -> Session:
    pytest.fail("a model whose inputs the app states is opened once, with its tile")


def asked(
    configuration: EngineConfiguration, *, at: int = 0, components: int = 2, **facts: Any
) -> Mapping[str, tuple[int, ...]]:
    """Return the shapes with which a component of a chain is opened."""
    model = Model("onnx", Path("model.onnx"), inputs=(OPEN,), tile=(320, 224), **facts)
    step = Step("image")
    parts = tuple(Component(name, step, "fake", (model,), step) for name in ("first", "second")[:components])
    app = App("app", "image_classification", Path(), parts)
    return Opener(parts[at], app, model, opens, configuration).tiled().configuration.shapes


def test_nothing_asked_for_is_the_tile_that_the_app_states() -> None:
    """Width 320, height 224; of each component of a chain."""
    for at in (0, 1):
        assert asked(EngineConfiguration("fake"), at=at) == {"image": (1, 3, 224, 320)}


def test_a_shape_that_is_asked_for_has_precedence() -> None:
    shapes = {"image": (1, 3, 32, 32)}
    assert asked(EngineConfiguration("fake", shapes=shapes)) == shapes


def test_a_conversion_keeps_the_shapes_that_it_was_made_for() -> None:
    assert asked(EngineConfiguration("fake"), provenance={"converter": "any"}) == {}
    open_still = {"converter": "any", "shapes": {"image": [1, 3, 96, 128]}}
    assert asked(EngineConfiguration("fake"), provenance=open_still) == {"image": (1, 3, 96, 128)}


def test_a_tile_and_a_shape_that_contradict_it_are_refused() -> None:
    fitting = {"image": (2, 3, 16, 32)}
    assert asked(EngineConfiguration("fake", tile=(32, 16), shapes=fitting)) == fitting
    for shape in ((1, 3, 32, 16), (1, 3)):
        with pytest.raises(EngineError, match="with the tile 32x16 and with the shape 1x3"):
            asked(EngineConfiguration("fake", tile=(32, 16), shapes={"image": shape}))


def test_a_shape_for_an_input_that_a_conversion_lacks_is_refused() -> None:
    configuration = EngineConfiguration("fake", shapes={"imag": (1, 3, 32, 32)})
    with pytest.raises(EngineError, match='"imag", which is not an input of the model') as refused:
        asked(configuration, components=1, provenance={"converter": "any"})
    assert refused.value.hint == 'did you mean "image"?'
