"""Every table on a terminal of 60 columns: no line runs over, so that the terminal wraps none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.util.text import cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin import registry

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]

WIDTH = 60
UNCUT = ("saved ", "next: ", "  lpbench ")
"""Paths and commands stay whole, so that they can be copied."""
FEW = ("--number", "12", "--runs", "2")


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def too_long(capture: Capture) -> list[str]:
    """Return the lines that run over."""
    lines = capture.readouterr().out.splitlines()
    assert lines
    return [line for line in lines if cells(line) > WIDTH and not line.startswith(UNCUT)]


@pytest.mark.parametrize(
    "words",
    [["--help"], ["engines"], ["plugins"], ["plugins", "-v"], ["apps"], ["doctor"], ["check", "--list"]],
    ids=" ".join,
)
def test_listings_fit(fakes: registry.Registry, capsys: Capture, words: list[str]) -> None:
    assert fakes
    assert main(words) == 0
    assert too_long(capsys) == []


def test_the_reason_why_an_engine_cannot_be_used_is_whole(fakes: registry.Registry, capsys: Capture) -> None:
    assert fakes
    assert main(["engines"]) == 0
    assert "absent: not installed: no_such_library" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "options", [[], ["-v"], ["--predictions"], ["--explain"], ["--profile", "-v"], ["--engine", "fake,absent"]], ids=str
)
def test_a_run_fits(fake_app: Make, capsys: Capture, options: list[str]) -> None:
    layers = [{"name": f"block_{at}/" * at, "type": "Conv" * at, "ns": 1000 * at} for at in range(1, 30)]
    assert main(["run", str(fake_app(work_us=200, layers=layers, spans={"copy": 5})), *FEW, *options]) == 0
    assert too_long(capsys) == []


def test_comparisons_fit(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    app, first, second = str(fake_app(work_us=200)), str(tmp_path / "a.json"), str(tmp_path / "b.json")
    for file in (first, second):
        assert main(["run", app, *FEW, "-o", file]) == 0
    capsys.readouterr()
    assert main(["compare", first, second]) == 0
    assert too_long(capsys) == []
