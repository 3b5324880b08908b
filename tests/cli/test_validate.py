"""``lpbench validate`` as it is typed."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from lpbench.app import catalogue
from lpbench.cli import validate
from lpbench.errors import AppError
from lpbench.plugin.specs import READY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    validate.configure(parser)
    return validate.main(parser.parse_args(words))


@pytest.fixture
def right(fake_app: Callable[..., Path]) -> Path:
    """Return an app without errors."""
    folder = fake_app()
    (folder / "ai_app.yml").write_text("name: x\nversion: 1\nlicence: MIT\nsource: synthetic\n", "utf-8")
    return folder


def test_a_right_app_is_ok(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(right)) == 0
    assert capsys.readouterr().out.endswith(f"{right}: ok\n")


def test_every_error_of_every_app_is_printed_with_its_remedy(
    right: Path, fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = fake_app("wrong")
    (wrong / "model.fake").unlink()
    assert run(str(right), str(wrong)) == 2
    out = capsys.readouterr().out
    assert f"{right}: ok\n" in out
    assert f"{wrong}/ai_app_config.json: components[0].inference.models.fake.file: found 'model.fake'" in out
    assert f"{wrong}/ai_app.yml: is missing\n  write it with the keys name, version, licence, source\n" in out
    assert out.endswith(f"{wrong}: 2 errors\n")


def test_of_very_many_errors_the_first_are_printed_and_all_are_counted(
    right: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = right / "ai_app_config.json"
    unknown = {f"key{at}": 1 for at in range(1000)}
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **unknown}), "utf-8")
    assert run(str(right)) == 2
    out = capsys.readouterr().out
    assert out.count("unknown key") == 100
    assert run(str(right), "--json") == 2
    problems = json.loads(capsys.readouterr().out)[0]["problems"]  # with notes, where a processor lacks a library
    assert sum(not each["note"] for each in problems) == 1000
    assert out.endswith(f"… {len(problems) - 100} more, all with --json\n{right}: 1000 errors\n")


def test_names_from_a_strangers_config_cannot_steer_the_terminal(
    fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fake_app()
    file = folder / "ai_app_config.json"
    config = json.loads(file.read_text("utf-8"))
    config["components"][0]["inference"]["engine"] = "\x1b[2J"
    config["components"][0]["preprocessing"]["\x1b[2J"] = 1
    file.write_text(json.dumps(config), "utf-8")
    assert run(str(folder)) == 2
    out = capsys.readouterr().out
    assert 'unknown engine "\\x1b[2J"' in out
    assert "\x1b" not in out


def test_json_is_one_document(fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = fake_app()
    assert run(str(folder), "--json") == 2
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["app"], record["ok"]) == (str(folder), False)
    assert {"file", "path", "found", "right", "note"} == set(record["problems"][0])


def test_a_pulled_catalogue_entry_is_found_by_its_name(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find", {"numbers-app": right}.get)
    assert run("numbers-app") == 0


def test_an_entry_that_is_not_pulled_and_a_name_that_is_none_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "entries", lambda: {"numbers-app": None})
    with pytest.raises(AppError, match="lpbench pull numbers-app"):
        run("numbers-app")
    with pytest.raises(AppError, match=r'did you mean "numbers-app"\?'):
        run("number-app")


def listed(name: str, folder: Path | None, *, outdated: bool = False) -> catalogue.Listed:
    return catalogue.Listed(name, "", "shop", "shop", None, READY, folder, outdated)


def test_all_takes_the_entries_that_are_pulled(
    right: Path, fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is pulled, one outdated, one not pulled; an app that is named is checked as well."""
    offered = [listed("pulled", right), listed("old", right, outdated=True), listed("other", None)]
    monkeypatch.setattr(catalogue, "entries", lambda: {each.name: each for each in offered})
    wrong = fake_app("wrong")
    assert run(str(wrong), "--all") == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith((": ok", "error", "errors"))] == [f"{wrong}: 1 error", "pulled: ok"]


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ({"at": "load", "do": "crash"}, "on fake: crashed: SIGSEGV while loading"),
        ({"at": "run", "do": "raise"}, "on fake: "),
    ],
)
def test_load_finds_what_only_loading_and_running_can_find(
    fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str], orders: dict[str, str], told: str
) -> None:
    folder = fake_app(**orders)
    (folder / "ai_app.yml").write_text("name: x\nversion: 1\nlicence: MIT\nsource: synthetic\n", "utf-8")
    assert run(str(folder)) == 0
    assert run(str(folder), "--load") == 2
    shown = capsys.readouterr()
    assert f"{folder}/ai_app_config.json: {told}" in shown.out
    assert shown.out.endswith(f"{folder}: 1 error\n")
    assert f"loading {folder}" in shown.err


def test_load_of_a_right_app_is_ok(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(right), "--load") == 0
    assert capsys.readouterr().out.endswith(f"{right}: ok\n")


def test_what_no_sample_of_the_app_can_do_is_told_by_load(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each in (right / "samples").iterdir():
        each.write_text("no number", "utf-8")
    assert run(str(right), "--load") == 2
    assert "none of 3 samples can be used" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "remedy"), [((), "--all checks every"), (("--all",), "lpbench pull --all")])
def test_nothing_to_check_is_an_error_with_a_remedy(
    words: tuple[str, ...], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "entries", dict)
    with pytest.raises(AppError, match=remedy):
        run(*words)
