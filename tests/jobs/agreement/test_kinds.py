"""What is compared how: whole numbers and texts are equal or not, and what cannot be compared is no pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")

from lpbench.jobs.agreement import EngineAgreement, agree

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("agreeing")]


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of apps whose model has outputs of these kinds."""

    def make(*kinds: str) -> Path:
        (tmp_path / "model.kinds").write_text(json.dumps(kinds), encoding="ascii")
        return write_app(tmp_path, {"kinds": {"file": "model.kinds"}}, name="answers")

    return make


def compared(app: Path, options: str = "") -> EngineAgreement:
    """Return the row of the engine with an error."""
    (row,) = agree(app, [f"kinds:{options}" if options else "kinds"], number=1).engines
    return row


@pytest.mark.parametrize("kind", ["ids", "mask", "steps", "texts", "maps", "ragged", "shorter", "complex"])
def test_what_is_equal_passes_whatever_its_kind(app: Callable[..., Path], kind: str) -> None:
    row = compared(app(kind))
    assert row.agrees, row
    assert sum(array.count for array in row.values) > 0


@pytest.mark.parametrize(
    ("kind", "off", "reason"),
    [
        ("ids", 1, "ids: 4 of 4 whole numbers differ: 39999 instead of 39998"),
        ("mask", 11, "mask: 11 of 10000 whole numbers differ: 1 instead of 0"),
        ("texts", 1, "texts: 1 of 2 texts differs: maybe instead of no"),
        ("maps", 0.1, "maps[0].values: max absolute error 0.1 is above 0.0001"),
        ("ragged", 0.1, "ragged[1]: max absolute error 0.1 is above 0.0001"),
        ("shorter", 1, "shorter.length: 1 of 1 whole numbers differs: 1 instead of 2"),
        ("complex", 0.1, "complex: max absolute error 0.1 is above 0.0003"),
        ("steps", 2, "steps: max absolute error 1 is above 0.5, one rounding step"),
    ],
)
def test_what_differs_fails_and_is_named(app: Callable[..., Path], kind: str, off: float, reason: str) -> None:
    row = compared(app(kind, "numbers"), f"at={kind}:off={off}")
    assert row.reason.startswith(reason)


def test_one_rounding_step_of_a_quantised_output_is_within_tolerance(app: Callable[..., Path]) -> None:
    row = compared(app("steps"), "at=steps:off=1")
    assert row.agrees, row.reason
    assert row.deviation is not None
    assert row.deviation.max_absolute == 0.5  # in what the numbers stand for, not in steps


def test_of_many_whole_numbers_a_thousandth_may_go_another_way(app: Callable[..., Path]) -> None:
    """An arg-max over scores that tie; of a few numbers that is none."""
    row = compared(app("mask"), "at=mask:off=10")
    assert row.agrees, row.reason
    assert row.values[0].unequal == 10


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (["empty"], "every array is empty, so nothing could be compared"),
        (["numbers", "nan"], "nan: no value of the reference is finite"),
        (["numbers", "random"], "random: the model does not repeat itself"),
        (["state"], "state: the model does not repeat itself"),
        (["seldom"], "seldom: the model does not repeat itself"),  # its first two runs are equal
    ],
)
def test_where_nothing_could_be_compared_there_is_no_pass_and_no_blame(
    app: Callable[..., Path], kinds: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = compared(app(*kinds))
    assert row.not_compared.startswith(reason)
    assert (row.ran, row.compared, row.agrees, row.reason) == (True, False, False, "")
    assert main(["agree", str(app(*kinds)), "--engines", "kinds", "--number", "1"]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "not compared" in printed
    assert reason in printed
    assert "FAIL" not in printed


def test_an_engine_is_blamed_for_what_repeats_itself(app: Callable[..., Path]) -> None:
    """A random output beside one that is wrong hides nothing."""
    row = compared(app("random", "numbers"), "at=numbers:off=1")
    assert row.compared
    assert row.reason.startswith("numbers: max absolute error 1 ")


def test_an_empty_array_beside_others_is_no_obstacle(app: Callable[..., Path]) -> None:
    assert compared(app("numbers", "empty")).agrees


def test_json_says_what_was_not_compared(app: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    main(["agree", str(app("random")), "--engines", "kinds", "--json"])
    (row,) = json.loads(capsys.readouterr().out)["engines"]
    assert (row["compared"], row["agrees"], row["reason"]) == (False, False, "")
    assert "does not repeat itself" in row["not_compared"]
