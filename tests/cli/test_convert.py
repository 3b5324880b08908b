"""``lpbench convert`` and ``lpbench run --convert``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("formulas")]

MODEL = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "softmax"}]}
QUICKLY = ("--number", "2", "--runs", "1", "--no-yardstick")


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of apps around a formula: ``app(converter="crash")``."""

    def make(**changes: Any) -> Path:
        folder = tmp_path / "numbers"
        folder.mkdir()
        (folder / "m.formula").write_text(json.dumps({**MODEL, **changes}), encoding="ascii")
        return write_app(folder, {"formula": {"file": "m.formula"}}, name="shares")

    return make


def test_converting_tells_what_was_made_how_it_was_checked_and_what_to_type_next(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app()
    assert main(["convert", str(folder), "--to", "table"]) == 0
    shown = capsys.readouterr()
    first, files, checked, following = shown.out.splitlines()
    assert first.startswith("numbers: table F32 by maker 7 · ")
    assert str(folder / "table" / "model.table") in files
    assert checked == "  checked on quick 3 against exact 3, 3 inputs: largest error 0, cosine 1.000000"
    assert following == f"next: lpbench run {folder} --engine quick"
    assert "m.formula: checking · maker" in shown.err
    assert main(["convert", str(folder), "--to", "table"]) == 0
    assert "converted earlier" in capsys.readouterr().out


def test_other_programs_get_json(app: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(app()), "--to", "table", "--precision", "F16", "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)
    assert made["format"] == "table"
    assert made["provenance"]["precision"] == "F16"
    assert made["inputs"][0]["alias"] == "x"


def test_a_bare_model_is_run_with_the_words_that_its_engine_needs(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(["convert", str(app() / "m.formula"), "--to", "table", "-o", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: lpbench run {out / 'm.table'} --engine quick"


def test_a_format_that_is_mistyped_gets_the_nearest(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(app()), "--to", "tabel"]) == 2
    assert 'no converter makes "tabel"\n  did you mean "table"?' in capsys.readouterr().err


def test_without_convert_the_error_says_that_it_would_help(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app()
    assert main(["run", str(folder), "--engine", "quick", *QUICKLY]) == 2
    assert "add --convert: maker converts formula to table" in capsys.readouterr().err
    assert main(["run", str(folder), "--engine", "alien", *QUICKLY]) == 2
    assert "--convert" not in capsys.readouterr().err


def test_run_converts_for_the_benchmark_only_and_says_so(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app()
    before = sorted(folder.iterdir())
    results = []
    for engine in ("exact", "quick"):
        assert main(["run", str(folder), "--engine", engine, "--convert", "--json", *QUICKLY]) == 0
        results.append(json.loads(capsys.readouterr().out))
    original, converted = (each["configurations"][0] for each in results)
    assert "converted" not in original["facts"]
    assert converted["facts"]["converted"] == "F32 by maker 7"
    assert converted["outputs"][0]["name"] == "out0"
    assert results[0]["app"] == results[1]["app"]
    assert sorted(folder.iterdir()) == before
    assert main(["show", "last"]) == 0
    assert "converted, F32 by maker 7" in capsys.readouterr().out


def test_a_second_run_does_not_convert(
    app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.log"
    monkeypatch.setenv("MAKER_LOG", str(log))
    folder = app()
    for _ in range(2):
        assert main(["run", str(folder), "--engine", "quick", "--convert", *QUICKLY]) == 0
    assert log.read_text("ascii") == "converted\n"


@pytest.mark.parametrize(("asked", "converted"), [([], True), (["--no-convert"], False)])
def test_all_engines_means_those_too_that_need_a_conversion(
    app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], *, converted: bool
) -> None:
    log = tmp_path / "calls.log"
    monkeypatch.setenv("MAKER_LOG", str(log))
    assert main(["run", str(app()), "--engine", "all", *asked, *QUICKLY]) == 0
    assert log.exists() == converted


def test_a_conversion_that_fails_is_one_configurations_failure_among_others(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app(converter="wrong softmax")
    assert main(["run", str(folder), "--engine", "exact,quick", "--convert", "--json", *QUICKLY]) == 0
    outcomes = {each["label"]: each["outcome"] for each in json.loads(capsys.readouterr().out)["configurations"]}
    assert outcomes["exact"]["kind"] == "ok"
    assert outcomes["quick"]["kind"] == "failed"
    assert outcomes["quick"]["detail"].startswith(
        'm.formula: the model that maker 7 made differs from its source: output "y" differs'
    )


def test_a_conversion_that_fails_for_the_only_engine_is_the_error(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(app(converter="crash")), "--engine", "quick", "--convert", *QUICKLY]) == 2
    assert 'error: m.formula: converter "maker" crashed: SIGSEGV' in capsys.readouterr().err


def test_converters_are_listed_with_their_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "-v"]) == 0
    assert "  converter: absent-maker, maker" in capsys.readouterr().out


def test_a_bare_model_and_its_conversion_see_the_same_numbers(
    app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the input has another name and its channels stand last."""
    picture = {"inputs": [{"name": "x", "shape": ["n", 3, "h", 5]}], "outputs": [{"name": "y", "formula": "double"}]}
    model = str(app(**picture) / "m.formula")
    words = ["--engine", "exact,quick", "--convert", "--shape", "x=1,3,4,5", "--range", "x=3,9", "--json"]
    assert main(["run", model, *words, *QUICKLY]) == 0
    exact, quick = json.loads(capsys.readouterr().out)["configurations"]
    assert exact["outcome"]["kind"] == quick["outcome"]["kind"] == "ok"
    one, other = (each["predictions"][0]["outputs"]["y"] for each in (exact, quick))
    assert other["shape"] == [1, 4, 5, 3]
    assert [one[key] for key in ("min", "max")] == [other[key] for key in ("min", "max")]
