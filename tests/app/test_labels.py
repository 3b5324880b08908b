"""Files of class names: plain ones stay as they are, numbers decide where every line has one, the rest is refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.app.files import labels_of
from lpbench.app.labels import parse, written
from lpbench.errors import AppError

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = ("red", "green", "light blue", "grey")
LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
NAMES = st.lists(st.text(LETTERS, min_size=1), min_size=1)
FORMS = ["{} {}", "{}: {}", "{}:{}", "{}\t{}", "{},{}", "{} = {}", "{}; {}", "{}. {}", "{}) {}", "  {}   {}  "]
FORMS += ["{} - {}", "{} -> {}", "{}=>{}", "[{}] {}", "({}) {}", "[{}]: {}"]


@pytest.mark.parametrize("form", FORMS)
@given(seed=st.integers(0, 99))
def test_numbers_decide_the_order(form: str, seed: int) -> None:
    lines = [form.format(at, name) for at, name in enumerate(COLOURS)]
    random.Random(seed).shuffle(lines)  # noqa: S311 - the order of lines is no secret
    assert parse("\n".join(lines) + "\n\n", "names.txt") == COLOURS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(end: str) -> None:
    assert parse(end.join(COLOURS) + end, "names.txt") == COLOURS
    assert parse(end.join(["1: green", "0: red", ""]), "names.txt") == COLOURS[:2]


def test_numbers_that_are_left_out_have_no_name(tmp_path: Path) -> None:
    """As in the files of detectors whose classes have gaps; tabs, Windows line ends and blank lines between."""
    (tmp_path / "names.txt").write_bytes("\ufeff0\tperson\r\n2\tbicycle\r\n\r\n3\tcar\r\n".encode())
    assert labels_of(tmp_path / "names.txt") == ("person", "-", "bicycle", "car")


@pytest.mark.parametrize(
    "names",
    [
        ("3 musketeers", "cat", "dog"),
        ("10 dollars", "20 dollars", "50 dollars"),
        ("1 cent", "2 cents", "5 cents", "1 euro", "2 euro"),
        ("747 jet", "787 jet"),
        ("1,000 dollars", "2,000 dollars"),
        ("12:30", "13:00"),
        ("3.5 inch", "5.25 inch"),
        ("0", "1", "2"),
        ("1st", "2nd", "3rd"),
        ("0x1 hex", "n01440764 tench"),
        ("4x4", "2x4 timber"),
        ("2d", "3d glasses"),
        ("4-door car", "2-door car"),
        ("(unknown)", "[mask]", "- none -"),
    ],
)
def test_labels_that_begin_with_digits_stay_as_they_are(names: tuple[str, ...]) -> None:
    assert parse("\n".join(names), "names.txt") == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0: red\n1: green\nblue\n", 'line 3 of names.txt, "blue", has no number or no name'),
        ("id,name\n0,red\n1,green\n", 'line 1 of names.txt, "id,name", has no number'),
        ("0 red\n1\n2 blue\n", 'line 2 of names.txt, "1", has no number or no name'),
        ("0 red\n1 green\n1 blue\n", "line 3 of names.txt has the number 1, as line 2 does"),
        ("1: red\n2: green\n", 'begin at 1, in line 1, "red"; the first output is number 0'),
        ("2 red\n1 green\n3 blue\n", 'begin at 1, in line 2, "green"'),
        ("0: red\n1: green\n90: blue\n", "line 3 of names.txt has the number 90, but the file has only 3 names"),
    ],
)
def test_numbers_that_leave_the_order_open_are_refused(text: str, words: str) -> None:
    with pytest.raises(AppError) as caught:
        parse(text, "names.txt")
    assert words in caught.value.what
    assert "number all lines from 0" in caught.value.hint


@given(names=NAMES)
def test_names_are_read_as_they_were_written(names: list[str]) -> None:
    """Also names with digits in front, which plain lines would not keep."""
    assert parse(written(names), "names.txt") == tuple(names)


@pytest.mark.parametrize("names", [("1 euro", "2 euro", "5 euro"), ("0 red", "1 green"), ("red", "green")])
def test_numbers_are_written_where_names_need_them(names: tuple[str, ...]) -> None:
    text = written(names)
    assert parse(text, "") == names
    assert text.startswith("0: ") == names[0][0].isdigit()
