"""Attacks on engines: what a library does with damaged models is told apart from what its plugin does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.errors import LpbenchError
from lpbench.testing.setups import installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    Capture = pytest.CaptureFixture[str]

np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.testing import attack_engine  # noqa: E402 - after what may skip this file

FAKES = Path(__file__).parent.parent / "fakes"
FEW = 4


@pytest.fixture(autouse=True)
def _fragile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with installed("fragile", FAKES, tmp_path_factory.mktemp("site"), monkeypatch):
        yield


def commit(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv("FRAGILE", fault)


def test_a_model_that_is_refused_passes() -> None:
    found = attack_engine("fragile", mutants=20, seed=3)
    assert found.ok
    assert found.count("refused") + found.count("accepted") == 20
    assert found.count("refused") > 10


@pytest.mark.parametrize("fault", ["crash", "exit"])
def test_a_library_that_ends_the_worker_is_no_failure(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    commit(monkeypatch, fault)
    found = attack_engine("fragile", mutants=FEW, seed=3)
    assert found.ok
    assert found.count("crashed") == FEW - found.count("accepted")
    assert found.count("crashed")


def test_an_exception_of_the_library_that_gets_through_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told once, however often it happened."""
    commit(monkeypatch, "raise")
    found = attack_engine("fragile", mutants=10, seed=3)
    assert not found.ok
    assert list(found.failures()) == ["raised ValueError; expected EngineError"]
    ((first, count),) = found.failures().values()
    assert count == found.count("failed") > 1
    assert 'in open() of engine "fragile"' in first.words
    assert "mutant/model." in first.words, "the file is named"
    again = attack_engine("fragile", mutants=1, seed=3, first=first.number)
    assert list(again.failures()) == list(found.failures())


def test_a_file_beside_the_models_folder_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    commit(monkeypatch, "escape")
    found = attack_engine("fragile", mutants=FEW, seed=3)
    assert list(found.failures()) == ["wrote escaped beside the model's folder"]


def test_what_a_crashed_library_started_ends_with_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    commit(monkeypatch, "start")
    assert attack_engine("fragile", mutants=2, seed=3).ok


def test_an_engine_without_a_case_cannot_be_attacked() -> None:
    with pytest.raises(LpbenchError, match="provides no case"):
        attack_engine("caseless", mutants=1)


def test_the_command_prints_what_came_of_it_and_how_to_repeat_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    commit(monkeypatch, "raise")
    assert main(["check", "fragile", "--attack", "--mutants", "6", "--seed", "3"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fragile: 6 mutants of seed 3: 0 refused, ")
    assert "raised ValueError; expected EngineError" in lines[1]
    repeat = lines[-1].partition("repeat: lpbench ")[2].split()
    assert main([*repeat, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["tried"], document["failed"], document["ok"]) == (1, 1, False)


def test_a_sound_engine_exits_with_0_and_time_may_bound_it(capsys: Capture) -> None:
    assert main(["check", "fragile", "--attack", "--seconds", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tried"] > 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fragile", "--mutants", "3"], "--mutants requires --attack"),
        (["fragile", "--attack", "--model", "m"], "--model does not apply to --attack"),
        (["tensors", "--kind", "preprocessor", "--attack"], "--attack is for engines"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], what: str, capsys: Capture) -> None:
    assert main(["check", *words]) == 2
    assert what in capsys.readouterr().err
