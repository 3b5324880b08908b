"""``lpbench platforms``, ``frameworks`` and ``models``: what a user types and sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.util.text import cells

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("kind", ["platforms", "frameworks", "models"])
def test_a_listing_fits_the_terminal_and_names_the_next_command(
    kind: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main([kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cells, lines)) <= 60
    first = lines[1].split()[0]
    assert lines[-1] == f"one in full: lpbench {kind} {first}"
    assert main([kind, first]) == 0
    shown = capsys.readouterr().out
    assert max(map(cells, shown.splitlines())) <= 60
    assert "…" not in shown, "one row is shown whole"
    assert "not told: " in shown


def test_one_platform_is_shown_in_full_under_any_of_its_names(capsys: Capture) -> None:
    assert main(["platforms", "jetson-nano"]) == 0
    shown = capsys.readouterr().out
    for words in ("jetson-nano2", "90 to 150 USD (2022-07-05)", "472 GFLOPS", "EC7", "Board power (W)"):
        assert words in shown


def test_filters_join_and_may_leave_nothing(capsys: Capture) -> None:
    words = ["platforms", "--filter", "os=linux", "--filter", "os=ubuntu"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == "no platforms are like that"
    assert main([*words[:3], "--json"]) == 0
    assert {"rpi3"} not in {each["id"] for each in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["platforms", "rpi44"], ['no "rpi44" among the platforms', 'did you mean "rpi4"?']),
        (["frameworks", "--filter", "provder=Intel"], ["provder", 'did you mean "provider"?']),
        (["models", "--filter", "family"], ["--filter", "KEY=VALUE"]),
        (["platforms", "--file", "none.json"], ["none.json", "no such file"]),
        (["platforms", "--csv", "a", "--json"], ["not allowed with"]),
    ],
)
def test_a_wrong_line_is_answered_with_what_is_right(words: list[str], said: list[str], capsys: Capture) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in said), error


def test_a_csv_is_never_overwritten_unasked(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "table.csv"
    assert main(["models", "--csv", str(file)]) == 0
    first = file.read_bytes()
    assert "saved" in capsys.readouterr().err
    assert main(["models", "detr", "--csv", str(file)]) == 2
    assert file.read_bytes() == first
    assert main(["models", "detr", "--csv", str(file), "--force"]) == 0
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2
    capsys.readouterr()
    assert main(["models", "--csv", "-"]) == 0
    assert capsys.readouterr().out.encode() == first


def test_a_name_of_a_file_of_the_user_cannot_act_on_the_terminal_or_a_spreadsheet(
    tmp_path: Path, capsys: Capture
) -> None:
    row = {"id": "x", "board_name": "=1+1\u202e", "sources": ["us"]}
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"platforms": [row]}), encoding="utf-8")
    for words in ([], ["x"], ["--json"], ["x", "--csv", "-"]):
        assert main(["platforms", "--file", str(file), *words]) == 0
        assert "\u202e" not in capsys.readouterr().out
    assert main(["platforms", "x", "--file", str(file), "--csv", "-"]) == 0
    assert ",'=1+1" in capsys.readouterr().out
