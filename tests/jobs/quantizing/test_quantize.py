"""Models in a shorter precision: what is made is a variant with its figures, what is not has its reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench import cli
from lpbench.app.model import App, load_app
from lpbench.errors import ConversionError, LpbenchError
from lpbench.jobs import conversion
from lpbench.jobs.quantizing import Quantized, QuantizedModel, quantize
from lpbench.jobs.quantizing._answers import Answers, compare, quality_of
from lpbench.jobs.quantizing._values import Quality
from lpbench.render import quantization, unstyled
from lpbench.testing.setups import write_app
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

np = pytest.importorskip("numpy", reason="needs numpy")

TWICE = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "double"}]}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app around a formula, with two samples."""
    folder = tmp_path / "numbers"
    (folder / "samples").mkdir(parents=True)
    for value in (1, 2):
        np.save(folder / "samples" / f"{value}.npy", np.full((1, 5), value, "float32"))
    (folder / "m.formula").write_text(json.dumps(TWICE), encoding="ascii")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers", samples=["samples"])


@pytest.mark.long
@pytest.mark.usefixtures("formulas")
def test_a_model_becomes_a_variant_with_its_figures_and_the_command_says_what_came_of_it(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = quantize(app, "S8", to=["table", "scroll", "nonsense"])
    made, tool, unknown = found.models
    assert (made.format, made.variant, made.converter, made.engine) == ("table", "s8", "rounder 1", "quick")
    assert (made.calibration, made.synthetic) == (2, False)
    assert made.max_absolute is not None
    assert made.cosine == pytest.approx(1.0, abs=0.01)
    assert not made.unanswered
    assert made.before_bytes == (app / "m.formula").stat().st_size
    assert isinstance(made.quality, Unavailable), "the app has no labelled samples"
    assert [(each.format, each.variant) for each in load_app(app).components[0].models][1:] == [("table", "s8")]
    assert 'no converter to scroll stores weights in "S8"' in tool.reason
    assert 'no converter makes "nonsense"' in unknown.reason
    assert cli.main(["quantize", str(app), "--to", "table,nonsense"]) == 0
    said = capsys.readouterr().out
    assert "calibrated on 2 samples" in said
    assert 'nonsense  no converter makes "nonsense"' in said
    assert f"next: lpbench run {app} --engine quick,quick:variant=s8" in said
    assert cli.main(["quantize", str(app), "--to", "table", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["models"]
    assert record["quality"] is None
    assert "no labelled samples" in record["quality_reason"]


@pytest.mark.usefixtures("formulas")
def test_an_app_gets_every_variant_that_is_made_of_it_and_what_is_next_is_said(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where it was loaded before the first."""
    loaded = load_app(app)
    for variant in ("one", "two"):
        assert quantize(loaded, to="table", variant=variant).recorded
    assert [model.variant for model in load_app(app).components[0].models] == ["", "one", "two"]
    assert cli.main(["quantize", str(app), "--to", "table"]) == 0
    assert "next: lpbench run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"precision": "s8"}, '"s8" is no precision[^\n]*\n[^\n]*S8'),
        ({"variant": "a b"}, "'a b' cannot name a variant"),
        ({"samples": 0}, "samples: found 0; expected 1 or more"),
    ],
)
def test_a_mistake_in_an_argument_is_an_error_at_once(app: Path, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(LpbenchError, match=words):
        quantize(app, **asked)


@pytest.mark.usefixtures("formulas")
def test_where_nothing_can_be_made_the_status_says_so(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run, either; the format of the app's own model is the one that is asked for."""
    assert cli.main(["quantize", str(app)]) == 3
    said = capsys.readouterr().out
    assert 'formula  no converter makes "formula"' in said
    assert "next:" not in said


@pytest.mark.usefixtures("formulas")
def test_all_stands_for_what_converters_make_of_the_app_and_depends_on_no_machine(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_app: object, to: str, **_how: object) -> None:
        raise ConversionError(f"not {to}", hint="never")

    monkeypatch.setattr(conversion, "convert", refuse)
    found = quantize(app, "F16", to="all")
    assert [(model.format, model.reason, model.hint) for model in found.models] == [
        ("formula", 'no converter makes "formula"', "lpbench.plugins() lists what is installed"),
        ("scroll", 'no converter to scroll stores weights in "F16"', "known: F32"),
        ("table", "not table", "never"),
    ]


def answered(*labels: str, quality: Mapping[str, Any] | None = None) -> Answers:
    described = {str(at): {"top": [{"label": label, "score": 0.9}]} for at, label in enumerate(labels)}
    return Answers("quick", described, quality or Unavailable("no labelled samples"))


def test_the_same_best_answer_counts_for_each_sample() -> None:
    same, of, boxes = compare(answered("cat", "dog", "cow"), answered("cat", "dog", "hen"))
    assert (same, of, boxes) == (2, 3, None)
    assert compare(answered("cat", "dog"), answered("cat"))[:2] == (1, 1), "one sample could not be run"


def top1(value: float) -> dict[str, Any]:
    return {"metric": "top1", "value": value, "unit": "", "n": 500, "reason": ""}


@pytest.mark.parametrize(("value", "passes"), [(0.93, True), (0.92, False)])
def test_quality_is_judged_by_the_gate_of_the_app(tmp_path: Path, value: float, passes: bool) -> None:  # noqa: FBT001 - a case
    gate = {"metric": "top1", "reference": 0.934, "at_least_of_reference": 0.99}
    app = App("digits", "image_classification", tmp_path, (), quality=gate)
    found = quality_of(app, answered("1", quality=top1(0.934)), answered("1", quality=top1(value)))
    assert found == Quality("top1", "", 500, 0.934, value, passes)


def test_a_model_that_misses_the_gate_is_shown_as_that_and_fails_the_command() -> None:
    worse = Quality("top1", "", 500, 0.934, 0.5, passes=False)
    model = QuantizedModel("onnx", "S8", variant="s8", engine="quick", same=3, of=6, quality=worse)
    found = Quantized("digits", "S8", (model,), recorded=True, samples=6)
    said = "\n".join(quantization.screen(found, width=120, paint=unstyled))
    assert "3/6" in said
    assert "top1 0.934 → 0.5" in said
    assert "misses its gate" in said
    assert "it wins no ranking" in said
    from lpbench.cli.quantize import status

    assert status(found) == 1


def test_models_of_a_chain_are_told_apart_by_their_components() -> None:
    models = tuple(QuantizedModel("onnx", "F16", component=name, variant="f16") for name in ("face", "embedding"))
    said = quantization.screen(Quantized("faces", "F16", models, recorded=True, samples=1), width=120, paint=unstyled)
    assert [line.split("  ")[0] for line in said[2:4]] == ["onnx · face", "onnx · embedding"]
    assert "1 sample says little" in said[-1]
