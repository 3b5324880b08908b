"""The Markdown that a comparison appends for the page of a CI job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]


@pytest.fixture
def two(fake_app: Make, tmp_path: Path) -> list[str]:
    """Return two saved results of one app."""
    result = lpbench.benchmark(fake_app(), isolate=False, number=6, yardstick=False)
    return [str(result.save(tmp_path / name)) for name in ("a.json", "b.json")]


def test_a_summary_is_added_to_what_the_page_holds_already(two: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n\n", encoding="utf-8")
    assert main(["compare", *two, "--summary", str(page), "--fail-unclear"]) == 1
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n\n### lpbench: fake: UNCLEAR 1.000\n\n**failed:** fake: unclear: ")
    assert "| stage | verdict | ratio |" in text
    assert main(["compare", *two, "--summary", str(page)]) == 0
    assert page.read_text(encoding="utf-8").count("### lpbench: ") == 2


def test_an_error_stands_on_the_page_too(two: list[str], tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.md"
    assert main(["compare", two[0], str(tmp_path / "none_of_it.json"), "--summary", str(page)]) > 1
    assert capsys.readouterr().err
    assert page.read_text(encoding="utf-8").startswith("### lpbench: nothing was compared\n\n**failed:** ")


@pytest.mark.parametrize(
    ("place", "told"), [("", "is not a file"), ("none/page.md", "cannot be written: No such file")]
)
def test_a_page_that_cannot_be_written_is_refused_before_anything_else(
    tmp_path: Path, capsys: Capture, place: str, told: str
) -> None:
    assert main(["compare", "--live", "no-such-app", "--summary", str(tmp_path / place)]) > 1
    assert told in capsys.readouterr().err


def test_the_page_says_why_a_side_was_not_measured(fake_app: Make, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    words = ("--engine", "fake", "--engine", "absent", "--runs", "1", "--max-time", "0.2")
    assert main(["compare", "--live", str(fake_app()), *words, "--summary", str(page)]) > 1
    text = page.read_text(encoding="utf-8")
    assert text.startswith("### lpbench: nothing was compared\n\n- absent: not measured: ")
