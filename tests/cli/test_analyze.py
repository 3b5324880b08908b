"""``lpbench analyze`` and ``lpbench.analyze``, over an analyzer of formulas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import AnalysisError
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.usefixtures("formulas")

Capture = pytest.CaptureFixture[str]
INPUT: dict[str, Any] = {"name": "x", "shape": ["N", 1000]}
MODEL: dict[str, Any] = {
    "inputs": [INPUT],
    "outputs": [{"name": "y", "formula": "double"}, {"name": "z", "formula": "double"}],
}
"""Two products with the same matrix."""


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of a formula: ``model(order="crash")``."""

    def make(**changes: Any) -> Path:
        path = tmp_path / "m.formula"
        path.write_text(json.dumps({**MODEL, **changes}), encoding="ascii")
        return path

    return make


def test_the_figures_of_the_published_tables_come_first_then_what_makes_them_up(
    model: Callable[..., Path], capsys: Capture
) -> None:
    assert main(["analyze", str(model(order="magic")), "--shape", "x=100,1000", "--layers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "at least 0.4 GFLOP · 1.0 M parameters · 4.0 MB F32"
    assert lines[1] == "m · formula · one inference of x 100x1000"
    assert [line.split()[:4] for line in lines if "MatMul" in line] == [
        ["GEMM", "2", "MatMul", "0.400"],
        ["y", "MatMul", "100x1000", "0.200"],
        ["z", "MatMul", "100x1000", "0.200"],
    ]
    assert lines[-1] == "not counted, as their rule or a size that it needs is not known: 1 operator Magic"


def test_engines_that_read_the_format_say_what_they_lack_or_why_that_is_not_known(
    model: Callable[..., Path], capsys: Capture
) -> None:
    assert main(["analyze", str(model())]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("exact"))
    assert "not known: its plugin does not tell which operators it supports" in line


def test_other_programs_get_every_layer_and_the_sums(model: Callable[..., Path], capsys: Capture) -> None:
    assert main(["analyze", str(model()), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["GFLOP"], found["#PARAMS"], found["STORAGE"]) == (0.004, 1.0, 4.0), "of batch 1"
    (each,) = found["models"]
    assert each["analysis"]["activation_bytes"] == 3 * 4000
    assert [layer["params"] for layer in each["analysis"]["layers"]] == [1_000_000, 0]
    assert each["analysis"]["intensity"] == pytest.approx(4e6 / (8e6 + 4 * 4000))


def test_the_report_is_what_the_command_prints(model: Callable[..., Path], capsys: Capture) -> None:
    path = model()
    report = lpbench.analyze(path)
    assert (report.flop, report.params, report.storage_bytes) == (4_000_000, 1_000_000, 4_000_000)
    main(["analyze", str(path), "--no-engines"])
    assert str(report) == capsys.readouterr().out.rstrip("\n")
    assert "<table>" in str(report._repr_html_())


def test_an_analysis_is_made_once_for_the_same_files_and_shapes(
    model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = tmp_path_factory.mktemp("elsewhere") / "made"
    path = model(order=str(made))
    first, again = lpbench.analyze(path), lpbench.analyze(path)
    assert first == again
    assert lpbench.analyze(path, shapes={"x": [2, 1000]}).flop == 2 * first.flop
    model(order=str(made), outputs=MODEL["outputs"][:1])
    assert lpbench.analyze(path).flop == first.flop // 2
    assert made.read_text(encoding="ascii").count("analysed") == 3


def test_a_component_that_cannot_be_analysed_is_named_and_the_others_stay(
    model: Callable[..., Path], capsys: Capture
) -> None:
    folder = write_app(model().parent, {"formula": {"file": "m.formula"}}, name="first")
    (folder / "open.formula").write_text(json.dumps({**MODEL, "inputs": [{"name": "x", "shape": ["N", "W"]}]}), "ascii")
    config = json.loads((folder / "ai_app_config.json").read_text("utf-8"))
    second = {
        **config["components"][0],
        "name": "second",
        "inference": {"models": {"formula": {"file": "open.formula"}}},
    }
    config["components"].append(second)
    (folder / "ai_app_config.json").write_text(json.dumps(config), "utf-8")
    assert main(["analyze", str(folder)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "one inference of each of 1 of 2 components" in shown
    assert "second: not analysed" in shown
    assert "--shape 'second/x=1,?'" in shown
    assert main(["analyze", str(folder), "--shape", "second/x=1,10"]) == 0
    assert "one inference of each of 2 components" in " ".join(capsys.readouterr().out.split())


def test_a_model_with_open_width_and_height_is_analysed_at_the_tile_of_its_app(model: Callable[..., Path]) -> None:
    """As a benchmark opens it; what is asked for comes before."""
    path = model(inputs=[{"name": "x", "shape": ["N", 3, "H", "W"]}])
    app = write_app(path.parent, {"formula": {"file": path.name, "tile": "20x10"}})

    def taken(**asked: Any) -> tuple[int | str | None, ...]:
        return lpbench.analyze(app, **asked).models[0].analysis.inputs[0].shape

    assert taken() == (1, 3, 10, 20)
    assert taken(tile=(8, 4)) == taken(tile="8x4") == (1, 3, 4, 8)
    assert taken(shapes={"x": [2, 3, 5, 6]}) == (2, 3, 5, 6)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tile": (8,)}, "expected width and height in pixels"),
        ({"tile": "8"}, "expected width and height in pixels"),
        ({"shapes": {"x": (1, -10)}}, 'the shape of "x" has -10 in it'),
    ],
)
def test_sizes_that_no_input_has_are_refused(model: Callable[..., Path], asked: Any, message: str) -> None:
    with pytest.raises(lpbench.LpbenchError, match=message):
        lpbench.analyze(model(), **asked)


@pytest.mark.parametrize(
    ("changes", "words", "message"),
    [
        ({"order": "crash"}, (), 'analyzer "weigher" crashed: SIGABRT'),
        ({"order": "grow"}, (), 'analyzer "weigher" needs more than 8 GiB of memory'),
        ({"order": "raise"}, (), 'analyzer "weigher": ArithmeticError: no rule'),
        ({"order": "lie"}, (), 'analyzer "weigher" returned a value of a wrong type'),
        ({"order": "negative"}, (), 'analyzer "weigher" returned what no model has: params -5'),
        ({"order": "odd"}, (), 'kind "odd"; known: convolution, '),
        ({"inputs": [{"name": "x", "shape": ["N", "W"]}]}, (), "--shape 'x=1,?'"),
        ({}, ("--shape", "y=1,10"), 'the model has no input "y"'),
        ({}, ("--shape", "x=1,10,10"), "has 2 dimensions, not the 3"),
        ({}, ("--shape", "x=1,9999999999"), 'the shape of "x" has 9999999999 in it'),
        ({"inputs": [{"name": "x", "shape": [1, 1 << 40]}]}, (), 'm.formula: the shape of "x" has 1099511627776 in it'),
        ({}, ("--tile", "10x10"), "no input is known to hold images"),
        ({}, ("--tile", "10"), "expected two sizes such as 224x224"),
        ({}, ("--format", "table"), 'has no model "table"'),
        ({}, ("--variant", "s8"), 'has no variant "s8"'),
    ],
)
def test_what_cannot_be_analysed_is_an_error_with_its_reason(
    model: Callable[..., Path], capsys: Capture, changes: Any, words: tuple[str, ...], message: str
) -> None:
    assert main(["analyze", str(model(**changes)), *words]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert not shown.out


def test_the_stack_of_a_crash_is_not_what_the_analyzer_said(model: Callable[..., Path], capsys: Capture) -> None:
    assert main(["analyze", str(model(order="crash"))]) == 2
    shown = capsys.readouterr().err
    assert "Fatal Python error: Aborted" in shown
    assert ", line " not in shown


def test_a_format_without_analyzer_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.table").write_text("{}", encoding="ascii")
    with pytest.raises(AnalysisError, match="no analyzer is ready for table"):
        lpbench.analyze(tmp_path / "m.table")
