"""Reading JSON that nobody vouches for: strict, and in time and memory that its size bounds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import AppError, ResultError
from lpbench.util.json_files import DEPTH, parse_json, read_json
from lpbench.util.regular_files import open_regular, read_regular

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    # any text but halves of characters
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_python_writes_is_read_back(value: object) -> None:
    for escaped in (True, False):
        assert parse_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b'{"a": 1', "is not JSON: .* at line 1, column 8\n.*cut short"),
        (b"\xff{}", "is not UTF-8: byte 0 is 0xff"),
        (b'{"a": 1, "b": 2, "a": 3}', 'has the key "a" twice'),
        (b"[NaN]", "NaN, which JSON does not allow"),
        (b"[-Infinity]", "-Infinity, which JSON does not allow"),
        (b"[1e999]", "1e999, which JSON does not allow"),
        (b"[" + b"9" * 5000 + b"]", "a whole number of 5000 digits; at most 40"),
        (rb'["\ud800"]', "half a surrogate pair"),
        (rb'{"\uDFFF": 1}', "half a surrogate pair"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "nested too deeply; at most 100 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"[" * 1_000_000, "nested too deeply"),
    ],
)
def test_what_json_leaves_undefined_is_refused_with_the_place(text: bytes, told: str) -> None:
    with pytest.raises(ResultError, match=f"(?s)^file: .*{told}"):
        parse_json(text, error=ResultError, where="file")


def test_a_mark_before_the_text_and_whole_pairs_of_surrogates_are_read() -> None:
    assert parse_json(b'\xef\xbb\xbf["\\ud83d\\ude00"]') == ["😀"]
    assert parse_json(b"[" * DEPTH + b"]" * DEPTH)


def test_errors_show_no_more_than_the_beginning_of_a_key() -> None:
    key = json.dumps("k" * 1_000_000)
    with pytest.raises(AppError) as refused:
        parse_json(f"{{{key}: 1, {key}: 2}}".encode())
    assert len(str(refused.value)) < 200


def _seconds(text: bytes) -> float:
    began = time.process_time()
    with pytest.raises(AppError, match="twice in one object"):
        parse_json(text)
    return time.process_time() - began


def test_a_key_that_is_there_twice_is_found_in_time_linear_in_their_number() -> None:
    def keys(count: int) -> bytes:
        return json.dumps({f"key{at}": at for at in range(count)}).encode()[:-1] + f', "key{count - 1}": 0}}'.encode()

    small, large = (min(_seconds(keys(count)) for _ in range(3)) for count in (10_000, 80_000))
    assert large < 30 * small


@pytest.mark.timeout(60)
def test_only_regular_files_are_read(tmp_path: Path) -> None:
    fifo, folder, link = tmp_path / "fifo", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(fifo)
    folder.mkdir()
    link.symlink_to(fifo)
    devices = [Path("/dev/zero")] if Path("/dev/zero").exists() else []
    for path, kind in [
        (fifo, "a pipe"),
        (link, "a pipe"),
        (folder, "a folder"),
        *((each, "a device") for each in devices),
    ]:
        with pytest.raises(AppError, match=f"{path}: is not a file: it is {kind}"):
            read_json(path, limit=100)


def test_a_file_is_read_up_to_the_limit_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and would take all memory
    with pytest.raises(AppError, match="is larger than 1 MiB"):
        read_regular(path, limit=1 << 20)


def test_what_cannot_be_opened_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("1", encoding="utf-8")
    with pytest.raises(AppError, match=r'ther\.json: no such file\n.*did you mean ".*there\.json"'):
        open_regular(tmp_path / "ther.json")
    with pytest.raises(AppError, match=r"cannot be read: .*null"):
        open_regular(Path("a\0b"))
    with pytest.raises(AppError, match="cannot be read: File name too long"):
        open_regular(tmp_path / ("n" * 5000))
