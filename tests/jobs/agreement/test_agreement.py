"""``lpbench.agree`` and its command: engines that are off, crash, are not there; each is an answer, not the end."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.errors import AppError, EngineError, LpbenchError, UnknownNameError
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.jobs.agreement import agree  # noqa: E402 - after the skip
from lpbench.jobs.parity import Tolerance  # noqa: E402
from lpbench.render import agreement, unstyled  # noqa: E402
from lpbench.util.text import cells  # noqa: E402

pytestmark = pytest.mark.usefixtures("agreeing")

LAYERS = ["a", "b", "c", "d"]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "matrices"
    folder.mkdir()
    (folder / "model.matrix").write_text(json.dumps(LAYERS), encoding="ascii")
    return write_app(folder, {"matrix": {"file": "model.matrix"}}, name="multiplier")


def test_an_engine_that_computes_the_same_agrees(app: Path) -> None:
    found = agree(app, ["twin"])
    (row,) = found.engines
    assert found.agree
    assert (found.reference, row.samples, row.agrees, row.reason) == ("plain", 4, True, "")
    assert row.deviation is not None
    assert (row.deviation.max_absolute, row.deviation.count) == (0, 16)


def test_an_engine_that_is_off_fails_with_error_and_sample_and_bisecting_names_the_layer(app: Path) -> None:
    found = agree(app, ["twin:off=0.01:at=b"], bisect=True)
    (row,) = found.engines
    assert not found.agree
    assert row.reason.startswith("d: max absolute error ")
    assert row.reason.endswith("in 4 of 4 samples)")
    at = row.divergence
    assert at is not None
    assert (at.tensor, at.last, at.shape, at.makers) == ("b", "a", (1, 4), ("MatMul b", "MatMul b"))
    assert at.deviation is not None
    assert at.deviation.max_absolute == pytest.approx(0.01, rel=1e-3)
    assert at.sample == row.values[0].worst


def test_what_is_off_is_judged_by_the_tolerance_that_was_asked_for(app: Path) -> None:
    assert agree(app, ["twin:off=0.01:at=d"], tolerance=Tolerance(0.1, 1.0)).agree


def test_an_error_that_only_fusing_brings_is_told_as_such(app: Path) -> None:
    (row,) = agree(app, ["twin:off=0.01:at=b:fused=true"], bisect=True).engines
    assert row.divergence is not None
    assert not row.divergence.tensor
    assert row.divergence.reason.startswith("with every tensor shown all 4 agree")


def test_an_engine_that_shows_nothing_says_so(app: Path) -> None:
    (row,) = agree(app, ["closed:off=0.01:at=b"], bisect=True).engines
    assert row.divergence is not None
    assert row.divergence.reason == "closed cannot show intermediate tensors of matrix"


def test_a_crash_is_a_row_and_the_next_engine_is_compared(app: Path) -> None:
    crashed, refused, good = agree(app, ["twin:do=crash", "twin:do=raise", "twin"]).engines
    assert crashed.state == crashed.reason == "crashed: SIGSEGV while running sample 0"
    assert crashed.compared
    assert not crashed.agrees
    assert refused.state == "failed: this input is not liked; like it"
    assert good.agrees


def test_numbers_that_are_none_fail(app: Path) -> None:
    (row,) = agree(app, ["twin:do=nan"]).engines
    assert "4 values differ where one or both are not finite" in row.reason


def test_outputs_of_another_shape_fail(app: Path) -> None:
    (row,) = agree(app, ["twin:do=shape"]).engines
    assert "its shape is 1x2; the reference has 1x4" in row.reason
    assert row.deviation is None


def test_engines_that_cannot_run_are_told_with_the_reason(app: Path) -> None:
    found = agree(app, ["lost", "other", "twin"])
    lost, other, good = found.engines
    assert lost.state == 'engine "lost" is not ready: not installed: no_such_library; pip install it'
    assert other.state.startswith('engine "other" reads vector; component "multiplier" has matrix')
    assert good.agrees
    assert found.agree


def test_all_engines_are_compared_where_none_is_named(app: Path) -> None:
    ran = {each.engine for each in agree(app).engines if each.ran}
    assert ran == {"plain", "twin", "closed"}


def test_a_mistyped_engine_is_named_with_the_nearest(app: Path) -> None:
    with pytest.raises(UnknownNameError, match='unknown engine "twim"') as caught:
        agree(app, ["plain", "twim"])
    assert '"twin"' in caught.value.hint


def test_no_reference_is_an_error_that_says_for_what(tmp_path: Path) -> None:
    (tmp_path / "model.vector").write_text("[]", encoding="ascii")
    with pytest.raises(EngineError, match="no reference engine for vector is ready"):
        agree(write_app(tmp_path, {"vector": {"file": "model.vector"}}), ["other"])


def test_a_folder_that_is_not_there_is_named(app: Path, tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no such file or folder"):
        agree(app, ["twin"], data=tmp_path / "photos")


def test_given_samples_are_compared_and_those_of_no_use_are_told(app: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, size in (("good", 4), ("odd", 7), ("last", 4)):
        np.save(data / f"{name}.npy", np.full((1, size), 0.5, np.float32))
    found = agree(app, ["twin:off=0.01:at=a"], data=data)
    (row,) = found.engines
    assert row.samples == 2
    assert row.values[0].worst in {"good.npy", "last.npy"}
    assert [each["sample"] for each in found.problems] == ["odd.npy"]
    assert agree(app, ["twin"], data=data, number=1).engines[0].samples == 1


def test_a_sample_that_the_reference_refuses_is_blamed_on_no_engine(app: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "unlucky.npy", np.full((1, 4), 13, np.float32))
    with pytest.raises(EngineError, match="this input is not liked") as caught:
        agree(app, ["twin"], data=tmp_path / "unlucky.npy")
    assert caught.value.where == "reference plain:size=4"


def test_a_model_that_the_reference_cannot_load_is_told_as_such(app: Path) -> None:
    (app / "model.matrix").write_text("{", encoding="ascii")
    with pytest.raises(LpbenchError, match="JSONDecodeError") as caught:
        agree(app, ["twin"])
    assert caught.value.where == f"reference plain:size=4: {app / 'model.matrix'}"


def test_the_command_prints_a_row_and_leaves_with_0(app: Path, capsys: Capture) -> None:
    assert main(["agree", str(app), "--engines", "twin"]) == 0
    head, titles, row, _ = capsys.readouterr().out.splitlines()
    assert "reference plain:size=4 2.5" in head
    assert titles.split()[:4] == ["engine", "version", "samples", "max"]
    assert (row.split()[:4], row.split()[-1]) == (["twin", "2.5", "4", "0"], "pass")


def test_the_command_says_why_one_fails_where_it_parts_and_leaves_with_1(app: Path, capsys: Capture) -> None:
    assert main(["agree", str(app), "--engines", "twin:off=0.01:at=b,lost", "--bisect"]) == 1
    printed = capsys.readouterr().out
    assert "FAIL" in printed
    assert 'diverges from plain at tensor "b" (1x4), after "a", the last that agrees' in printed
    assert "could not run\n  lost  " in printed


def test_the_command_leaves_with_3_where_nothing_could_be_compared(app: Path, capsys: Capture) -> None:
    assert main(["agree", str(app), "--engines", "lost"]) == 3
    assert "not installed: no_such_library" in capsys.readouterr().out


def test_json_holds_every_figure_and_is_all_there_is(app: Path, capsys: Capture) -> None:
    assert main(["agree", str(app), "--engines", "twin,twin:do=nan", "--json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)["engines"]
    assert (good["agrees"], good["deviation"]["max_absolute"]) == (True, 0)
    assert (bad["agrees"], bad["deviation"]["nonfinite_mismatch"]) == (False, 16)


def test_every_array_is_shown_where_that_is_asked_for(app: Path, capsys: Capture) -> None:
    main(["agree", str(app), "--engines", "twin", "-v"])
    printed = capsys.readouterr().out
    assert "values multiplier/d" in printed
    assert "output multiplier/d" in printed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "F8"])
def test_a_tolerance_that_is_none_is_refused(app: Path, text: str, capsys: Capture) -> None:
    assert main(["agree", str(app), f"--tolerance={text}"]) == 2
    assert f'found "{text}"' in capsys.readouterr().err


@pytest.mark.parametrize("verbose", [False, True])
def test_a_narrow_terminal_shows_all_figures_in_blocks(app: Path, *, verbose: bool) -> None:
    """60 columns: the verdict stands in the last block, beside the engine's name."""
    lines = agreement.screen(agree(app, ["twin", "plain"]), width=60, paint=unstyled, verbose=verbose)
    assert [line for line in lines if cells(line) > 60] == []
    assert any(re.match("twin .* pass$", line) for line in lines)
    for title in ("max abs", "mean abs", "max rel", "mean rel", "cosine"):
        assert any(title in line for line in lines), title
