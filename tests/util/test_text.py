"""Text is made to fit a terminal in time that its width decides, not the length of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import LpbenchError, closest, nearest
from lpbench.util.text import MARKS, cells, clean, shorten

LETTERS = st.text(st.sampled_from("abé日本́"), max_size=40)


@given(LETTERS, st.integers(1, 30))
def test_a_shortened_text_fits_and_is_the_text_or_its_beginning(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cells(short) <= width
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


@given(LETTERS, st.integers(1, 30))
def test_no_text_that_fits_is_cut_and_no_more_is_cut_than_need_be(text: str, width: int) -> None:
    short = shorten(text, width)
    if cells(text) <= width and len(text) <= MARKS * width:
        assert short == text
    elif len(short) <= MARKS * width:
        kept = len(short) - 1
        assert cells(text[: kept + 1]) > width - 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize("letter", ["x", "日", "é", "́"])
def test_a_name_of_a_million_letters_is_cut_at_once(letter: str) -> None:
    for _ in range(1000):
        assert len(shorten(letter * 1_000_000, 80)) <= MARKS * 80 + 1


@pytest.mark.timeout(20)
def test_very_long_names_and_very_many_are_no_task_for_a_remedy() -> None:
    long = "ab" * 30_000
    assert closest(long, [long]) is None
    hint = nearest(long, [*(f"{long}{at}" for at in range(100)), "onnx"])
    assert len(hint) < 10_000
    many = [f"name{at}" for at in range(50_000)]
    assert nearest("name0", many) == 'did you mean "name0"?'
    assert nearest("zzz", many).endswith("more")


IN_PLAIN_NAMES = {"\u200c", "\u200d", "\xa0", "\u202f", "\u3000"}


def printable(text: str) -> bool:
    return all(letter.isprintable() or letter in IN_PLAIN_NAMES for letter in text)


@pytest.mark.parametrize(
    "name", ["می\u200cشود", "👨\u200d👩\u200d👧", "क्\u200dष", "3.21\u202fPM", "prix\xa0: 5", "図\u3000版"]
)
def test_names_in_any_language_stay_as_they_are(name: str) -> None:
    """Python calls joiners and these spaces unprintable; they act on no terminal."""
    assert clean(name) == name
    assert shorten(name, 2 * len(name)) == name


def test_joiners_take_no_column() -> None:
    assert shorten("می\u200cشود", 5) == "می\u200cشود"


@given(st.text(st.characters()))
def test_what_is_cleaned_can_be_printed_and_printable_text_is_left_alone(text: str) -> None:
    """Lone surrogates, both directions of writing, separators of lines and everything of C0 and C1 included."""
    cleaned = clean(text)
    assert printable(cleaned)
    assert clean(cleaned) == cleaned
    if text.isprintable():
        assert cleaned == text


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_an_error_is_printable_and_none_of_its_lines_looks_like_another_message(
    what: str, where: str, hint: str
) -> None:
    first, *others = str(LpbenchError(what, where=where, hint=hint)).split("\n")
    assert all(map(printable, (first, *others)))
    assert all(line.startswith(" ") for line in others)


def test_an_error_of_megabytes_says_how_much_was_left_out() -> None:
    error = LpbenchError(f"begin{'x' * 5_000_000}end", where="y" * 60_000, hint="z\n" * 60_000)
    shown = str(error)
    assert len(shown) < 10_000
    assert "begin" in shown
    assert "end" in shown
    assert "4,998,008 characters left out" in shown
    assert len(error.shown(10_000_000)) > 5_000_000
