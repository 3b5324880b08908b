"""Tests of which of an app's models an engine runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lpbench.app.model import App, Component, Step
from lpbench.app.model_choice import choose_model, origin, require_variant, stored_precision
from lpbench.errors import EngineError
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.plugin.specs import EngineSpec

ORT = EngineSpec("ort", "m:E", formats={"onnx": (".onnx",)})
VINO = EngineSpec("vino", "m:E", formats={"xml": (".xml",), "onnx": (".onnx",)})
MADE = {"converter": "c 1", "source": {"m": "0"}}
OPEN = TensorInfo("x", "float32", (1, 3, "h", "w"), layout="NCHW")
FIXED = TensorInfo("x", "float32", (1, 3, 160, 224), layout="NCHW")


def model(form: str, **facts: Any) -> Model:
    name = "-".join([form, facts.get("variant", ""), "x".join(map(str, facts.get("tile") or ())), str(len(facts))])
    return Model(form, Path(name), **facts)


def component(*models: Model, name: str = "main") -> Component:
    step = Step("tensors")
    return Component(name, step, "", models, step)


def test_the_variant_asked_for_runs_and_without_one_the_apps_own() -> None:
    own, small = model("onnx"), model("onnx", variant="s8")
    for models in ((own, small), (small, own)):
        assert choose_model(component(*models), ORT) is own
        assert choose_model(component(*models), ORT, variant="s8") is small


def test_an_engine_prefers_its_first_format_of_the_same_variant() -> None:
    own, small, converted = model("onnx"), model("xml", variant="s8"), model("xml", provenance=MADE)
    assert choose_model(component(own, small), VINO) is own
    assert choose_model(component(own, small, converted), VINO) is converted


def test_where_every_model_has_a_name_the_first_one_runs() -> None:
    first, second = model("onnx", variant="b"), model("onnx", variant="a")
    assert choose_model(component(first, second), ORT) is first


def test_a_component_without_the_variant_runs_its_own_and_one_with_it_in_another_format_is_refused() -> None:
    own = model("onnx")
    assert choose_model(component(own), ORT, variant="s8") is own
    with pytest.raises(EngineError, match='component "main" has no variant "s8" that engine "ort" reads'):
        choose_model(component(own, model("xml", variant="s8")), ORT, variant="s8")


def test_a_variant_that_no_component_has_is_refused_with_the_nearest() -> None:
    parts = (component(model("onnx")), component(model("onnx", variant="s8"), name="later"))
    app = App("app", "model", Path(), parts)
    require_variant(app, ORT, "s8")
    require_variant(app, ORT, "")
    with pytest.raises(EngineError, match='app has no variant "s9"') as refused:
        require_variant(app, ORT, "s9")
    assert "s8" in refused.value.hint


def test_a_conversion_for_a_tile_runs_for_that_tile_alone() -> None:
    small = model("xml", tile=(96, 96), provenance=MADE)
    usual = model("xml", provenance=MADE, inputs=(FIXED,))
    parts = component(model("onnx"), usual, small)
    assert choose_model(parts, VINO) is usual
    assert choose_model(parts, VINO, tile=(96, 96)) is small
    assert choose_model(parts, VINO, tile=(224, 160)) is usual
    assert choose_model(parts, VINO, tile=(32, 32)).format == "onnx"


def test_a_tile_that_no_model_has_is_refused_with_those_there_are() -> None:
    fixed = model("onnx", inputs=(FIXED,))
    with pytest.raises(EngineError, match=r"no model for .ort. with the tile 96x96") as refused:
        choose_model(component(fixed), ORT, tile=(96, 96))
    assert "224x160" in refused.value.hint
    alone = model("onnx", tile=(96, 96), provenance=MADE)
    with pytest.raises(EngineError, match="96x96") as unnamed:
        choose_model(component(alone), ORT)
    assert "ort:tile=96x96" in unnamed.value.hint


def test_a_conversion_whose_statements_tell_no_tile_has_the_apps_own() -> None:
    own, converted = model("onnx", tile=(224, 224)), model("xml", provenance=MADE)
    parts = component(own, converted)
    assert choose_model(parts, VINO) is converted
    assert choose_model(parts, VINO, tile=(224, 224)) is converted
    assert choose_model(parts, VINO, tile=(96, 96)) is own
    assert choose_model(component(model("onnx"), converted), VINO, tile=(96, 96)).format == "onnx"


def test_a_conversion_runs_with_no_other_shape_than_it_was_made_for() -> None:
    """Else the figures of one shape would stand beside the name of another; names may be the source's or its own."""
    own = model("onnx", inputs=(OPEN,))
    inputs = (TensorInfo("in0", "float32", (1, 160, 224, 3), alias="x"),)
    made = model("xml", variant="s8", inputs=inputs, provenance={**MADE, "shapes": {"x": [1, 3, 160, 224]}})
    parts = component(own, made)
    for shapes in ({"x": (1, 3, 160, 224)}, {"in0": (1, 160, 224, 3)}, {"another": (1, 1)}):
        assert choose_model(parts, VINO, variant="s8", shapes=shapes) is made
    with pytest.raises(EngineError, match='with the variant "s8" and x of 1x3x96x96') as refused:
        choose_model(parts, VINO, variant="s8", shapes={"x": (1, 3, 96, 96)})
    assert "it was converted for 1x3x160x224" in refused.value.hint
    assert choose_model(parts, VINO, shapes={"x": (1, 3, 96, 96)}) is own
    small = model("xml", variant="s8", inputs=inputs, provenance={**MADE, "shapes": {"x": [1, 3, 96, 96]}})
    assert choose_model(component(own, made, small), VINO, variant="s8", shapes={"x": (1, 3, 96, 96)}) is small


def test_an_open_model_takes_any_tile_whatever_its_default() -> None:
    own = model("onnx", tile=(224, 224), inputs=(OPEN,))
    assert choose_model(component(own), ORT, tile=(96, 96)) is own
    assert choose_model(component(own), ORT) is own


def test_batches_run_originals_first() -> None:
    own, converted = model("onnx"), model("xml", provenance=MADE)
    assert choose_model(component(own, converted), VINO, batch=4) is own


def test_batches_run_conversions_that_leave_the_batch_open_before_those_of_another_one() -> None:
    fixed = model("xml", variant="s8", provenance=MADE, inputs=(FIXED,))
    several = model("onnx", variant="s8", provenance=MADE, inputs=(TensorInfo("x", "float32", ("n", 3, 160, 224)),))
    parts = component(model("onnx"), fixed, several)
    assert choose_model(parts, VINO, variant="s8") is fixed
    assert choose_model(parts, VINO, variant="s8", batch=4) is several


def test_a_conversion_without_a_tile_of_its_own_is_named_by_the_apps_where_another_is_asked_for() -> None:
    parts = component(model("onnx", tile=(224, 160)), model("xml", variant="s8", provenance=MADE))
    with pytest.raises(EngineError) as refused:
        choose_model(parts, VINO, variant="s8", tile=(96, 96))
    assert "it has 224x160" in refused.value.hint


def test_the_precision_stored_is_the_one_stated_or_that_of_the_conversion() -> None:
    assert stored_precision(model("onnx", precision="F16", provenance={**MADE, "precision": "F32"})) == "F16"
    assert stored_precision(model("onnx", provenance={**MADE, "precision": "S8"})) == "S8"
    assert not stored_precision(model("onnx"))


def test_what_is_told_of_a_conversion_steers_no_terminal() -> None:
    made = model("onnx", provenance={**MADE, "precision": "F16\x1b[2J"})
    assert origin(made) == "F16\\x1b[2J by c 1"
