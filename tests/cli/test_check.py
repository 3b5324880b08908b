"""``lpbench check`` and ``lpbench new-plugin`` as people and programs see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.testing import CheckResult, checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]
    Checked = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("fakes")
GOOD = CheckResult("spec_is_complete", "listing", "passed", "", "The spec is complete.")
BAD = CheckResult("feeds_are_unchanged", "running", "failed", 'the feed "x" is off', "Feeds stay.", "Traceback: here")
ODD = CheckResult("outputs_are_right", "running", "expected failure", "rounds up (off by 1)", "Outputs are right.")
LOST = CheckResult("outputs_are_right", "running", "passed against expectation", "why", "Outputs are right.")
NONE = [CheckResult(name, "running", "not ready", "needs fake: not installed", "Runs.") for name in ("one", "two")]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Checked:
    """Have the kit find what the test wants; return what it was asked."""
    asked: dict[str, Any] = {}

    def prepare(*results: CheckResult) -> dict[str, Any]:
        def check_engine(name: str, case: object, **given: Any) -> list[CheckResult]:
            asked.update(given, name=name, case=case)
            for each in results:
                given["progress"](each)
            return list(results)

        monkeypatch.setattr("lpbench.testing._parent.check_engine", check_engine)
        return asked

    return prepare


def test_what_failed_stands_under_the_table_of_sections(checked: Checked, capsys: Capture) -> None:
    checked(GOOD, BAD, ODD)
    assert main(["check", "fake"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fake does not meet the contract"
    assert lines[1].split() == ["section", "passed", "failed", "not", "applicable", "expected", "failure"]
    assert lines[2].split() == ["listing", "1", "-", "-", "-"]
    assert lines[3].split() == ["running", "-", "1", "-", "1"]
    assert lines[5:8] == ["failed  feeds_are_unchanged", "  Feeds stay.", '  the feed "x" is off']
    assert "expected failure  outputs_are_right" in lines
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize(
    ("found", "status", "answer"),
    [
        ([GOOD], 0, "meets the contract"),
        ([GOOD, ODD], 0, "meets the contract"),
        ([GOOD, LOST], 1, "does not meet the contract"),
        ([GOOD, *NONE], 1, "is not ready"),
    ],
)
def test_the_answer_and_the_exit_status(
    checked: Checked, capsys: Capture, found: list[CheckResult], status: int, answer: str
) -> None:
    checked(*found)
    assert main(["check", "fake"]) == status
    assert capsys.readouterr().out.startswith(f"fake {answer}\n")


def test_equal_reasons_are_told_once(checked: Checked, capsys: Capture) -> None:
    checked(*NONE)
    main(["check", "fake"])
    shown = capsys.readouterr().out
    assert "not ready  2 checks\n  needs fake: not installed" in shown


def test_every_check_and_the_traceback_when_asked(checked: Checked, capsys: Capture) -> None:
    checked(GOOD, BAD)
    main(["check", "fake", "-v"])
    shown = capsys.readouterr().out
    assert "passed  spec_is_complete: The spec is complete." in shown
    assert "Traceback: here" in shown


def test_checks_for_programs(checked: Checked, capsys: Capture) -> None:
    checked(GOOD, BAD)
    assert main(["check", "phony", "--json"]) == 1
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert (found["kind"], found["name"], found["ok"]) == ("engine", "fake", False)
    assert [each["status"] for each in found["checks"]] == ["passed", "failed"]
    assert "checking: running" in shown.err


def test_options_reach_the_engine_with_their_types(checked: Checked) -> None:
    asked = checked(GOOD)
    main(["check", "fake", "--threads", "2", "--device", "gpu:0", "--set", "extra_us=1.5"])
    assert asked["options"] == {"threads": 2, "device": "gpu:0", "extra_us": 1.5}
    assert asked["case"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check"], "no name given"),
        (["check", "fkae"], 'did you mean "fake"?'),
        (["check", "fake"], "provides no case to check it with"),
        (["check", "fake", "--shape", "x=1"], "--shape requires --model"),
        (["check", "text"], '"text" is the name of a preprocessor and of a postprocessor'),
        (["check", "text", "--kind", "preprocessor"], 'preprocessor "text" provides no case to check it with'),
        (["check", "text", "--kind", "preprocessor", "--threads", "2"], "--threads is for engines"),
        (["check", "fake", "--kind", "monitor"], 'unknown monitor "fake"'),
        (["check", "fake", "--model", "no-such.fake"], "no-such.fake: no such file"),
        (["new-plugin", "Acme"], "cannot be an engine's name"),
        (["new-plugin", "class"], "cannot be an engine's name"),
    ],
)
def test_what_cannot_be_done_is_told(words: list[str], told: str, capsys: Capture) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


@pytest.mark.long
def test_processors_and_monitors_are_checked_by_their_names(sloppy_site: None, capsys: Capture) -> None:
    """Each by the kit's checks for its kind; a name that several have needs the kind."""
    pytest.importorskip("numpy", reason="needs numpy")
    assert main(["check", "tensors", "--kind", "postprocessor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["name"], found["ok"]) == ("postprocessor", "tensors", True)
    assert [each["check"] for each in found["checks"]] == [each.name for each in checks()["postprocessor"]]
    assert main(["check", "sloppy", "--kind", "monitor"]) == 0
    assert capsys.readouterr().out.startswith("monitor sloppy meets the contract\n")
    assert main(["check", "tensors"]) == 2
    assert "--kind preprocessor or --kind postprocessor" in capsys.readouterr().err


@pytest.mark.usefixtures("formulas")
@pytest.mark.parametrize(
    ("name", "instead"), [("weigher", "lpbench analyze MODEL"), ("maker", "lpbench convert MODEL")]
)
def test_what_has_no_checks_is_told_from_what_does_not_exist(name: str, instead: str, capsys: Capture) -> None:
    assert main(["check", name]) == 2
    told = capsys.readouterr().err
    assert f'"{name}" has no checks in the kit' in told
    assert instead in told


def test_every_check_is_listed(capsys: Capture) -> None:
    assert main(["check", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{each.name}: {each.summary}" in shown for found in checks().values() for each in found)


def test_a_model_of_ones_own_is_checked_with_synthetic_inputs(checked: Checked, tmp_path: Path) -> None:
    """A model of another engine's format is refused; inputs come from the session and from numpy."""
    pytest.importorskip("numpy", reason="needs numpy")
    asked = checked(GOOD)
    (tmp_path / "m.fake").write_text("{}", encoding="ascii")
    assert main(["check", "fake", "--model", str(tmp_path / "m.fake")]) == 0
    assert asked["case"].feeds.keys() == {"number"}
    assert asked["case"].feeds["number"].shape == (1,)
    assert main(["check", "absent", "--model", str(tmp_path / "m.onnx")]) == 2


def test_a_new_plugin_says_what_to_type_next(tmp_path: Path, capsys: Capture) -> None:
    assert main(["new-plugin", "acme-npu", "--dir", str(tmp_path / "here")]) == 0
    shown = capsys.readouterr().out
    assert "lpbench check acme-npu" in shown
    assert (tmp_path / "here" / "src" / "lpbench_acme_npu" / "_engine.py").is_file()
    assert main(["new-plugin", "acme-npu", "--dir", str(tmp_path / "here")]) == 2
    assert "not empty" in capsys.readouterr().err
