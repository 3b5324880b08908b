"""Two apps, or two model files, that take turns: a fake engine, real workers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]

QUICK = ("--runs", "4", "--max-time", "1")


@pytest.fixture
def before_and_after(fake_app: Make) -> tuple[Path, Path]:
    """Return two apps; the second has another preprocessing and a model that takes longer."""
    before, after = fake_app("before", engine="fake"), fake_app("after", engine="fake", work_us=3000)
    config = json.loads((after / "ai_app_config.json").read_text(encoding="utf-8"))
    config["components"][0]["preprocessing"]["offset"] = 6
    (after / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
    return before, after


def test_an_app_is_compared_with_what_became_of_it(before_and_after: tuple[Path, Path], capsys: Capture) -> None:
    before, after = map(str, before_and_after)
    assert main(["compare", "--live", "--app", before, "--app", after, *QUICK, "--fail-slower", "5%"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"fake → fake:app={after}" in told
    assert "SLOWER" in told
    assert "the apps differ in preprocessing: offset 5 → 6" in told
    assert "the apps differ in inference: sha256" in told
    assert "3 of 3 alike" in told


def test_the_first_may_be_named_as_ever(before_and_after: tuple[Path, Path], capsys: Capture) -> None:
    before, after = map(str, before_and_after)
    assert main(["compare", "--live", before, "--app", after, *QUICK, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["apps"]["preprocessing"] == {"offset": [5, 6]}
    assert set(found["apps"]) == {"preprocessing", "inference"}


def test_each_side_keeps_its_app_and_its_engine(before_and_after: tuple[Path, Path], environment: Make) -> None:
    before, after = before_and_after
    place = environment("other")
    engines = [f"fake@{place}", f"fake:extra_us=10:app={after}"]
    result, (found,) = lpbench.compare_live(before, engines, runs=2, max_time=0.5)
    assert [each.app["name"] for each in result.configurations] == ["before", "after"]
    assert result.app["name"] == "before"
    assert found.second == f"fake:extra_us=10:app={after}"
    assert found.software["environment"][0] == str(place)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--engine", "all"], "name one engine for all apps, or one for each app"),
        (["--engine", "fake", "--engine", "fake", "--engine", "fake"], "2 apps and 3 engines"),
        (["--app", "none/there"], "no such file or folder"),
    ],
)
def test_sides_that_do_not_fit_are_refused(
    before_and_after: tuple[Path, Path], capsys: Capture, words: list[str], told: str
) -> None:
    before, after = map(str, before_and_after)
    assert main(["compare", "--app", before, "--app", after, *words]) > 1
    assert told in capsys.readouterr().err


def test_a_comparison_names_an_app(capsys: Capture) -> None:
    assert main(["compare", "--live"]) > 1
    assert "no app is named" in capsys.readouterr().err


def test_the_app_itself_is_one_of_those_that_are_measured(before_and_after: tuple[Path, Path]) -> None:
    before, after = before_and_after
    with pytest.raises(LpbenchError, match="no engine runs before itself"):
        lpbench.compare_live(before, [f"fake:app={after}", f"fake:app={after}"])


def test_other_commands_refuse_another_app(before_and_after: tuple[Path, Path]) -> None:
    before, after = before_and_after
    with pytest.raises(LpbenchError, match="app= is for run and compare --live"):
        lpbench.agree(before, ["fake", f"fake:app={after}"])


def test_who_names_one_app_is_told_how_to_name_another(before_and_after: tuple[Path, Path], capsys: Capture) -> None:
    before, after = map(str, before_and_after)
    assert main(["compare", "--live", "--app", before]) == 2
    assert main(["compare", "--live", before, after]) == 2
    first, second = capsys.readouterr().err.split("\nerror: ")
    assert "or two apps: --app BEFORE --app AFTER" in first
    assert "another app is --app APP" in second
