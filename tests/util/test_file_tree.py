"""Files of a machine: nothing that stands in them, or in their place, makes reading raise or wait."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.util.file_tree import LONGEST, FileTree, numbers, whole


@pytest.fixture
def tree(tmp_path: Path) -> FileTree:
    """Return an empty tree."""
    return FileTree(tmp_path)


def test_a_text_has_neither_white_space_nor_nuls_at_its_ends(tree: FileTree) -> None:
    (tree.path / "model").write_bytes(b" Raspberry Pi 5\0compatible \n\0")
    assert tree.text("model") == "Raspberry Pi 5\0compatible"


@pytest.mark.parametrize("content", [b"", b" \n\0\n"])
def test_an_empty_file_has_no_text_and_a_reason(tree: FileTree, content: bytes) -> None:
    (tree.path / "temp").write_bytes(content)
    assert tree.text("temp") is None
    assert tree.missing("temp").code == "not-read"


def test_bytes_that_are_no_text_are_marked_and_not_refused(tree: FileTree) -> None:
    (tree.path / "temp").write_bytes(b"\xff\xfe41")
    assert tree.text("temp") == "\ufffd\ufffd41"


def test_of_a_huge_file_the_beginning_is_read(tree: FileTree) -> None:
    with (tree.path / "huge").open("wb") as file:
        file.write(b"7")
        file.truncate(1 << 40)
    assert tree.text("huge") == "7"
    (tree.path / "long").write_text("x" * (LONGEST + 5), encoding="utf-8")
    assert len(tree.text("long") or "") == LONGEST


@pytest.mark.skipif("os.name == 'nt'", reason="there are no pipes in folders")
def test_a_pipe_without_a_writer_is_not_waited_for(tree: FileTree) -> None:
    os.mkfifo(tree.path / "pipe")
    assert tree.text("pipe") is None


@pytest.mark.parametrize("name", ["absent", "absent/temp", "folder", "file/temp", "a\0b", "x" * 5000, "loop"])
def test_what_cannot_be_read_has_no_text_and_a_reason(tree: FileTree, name: str) -> None:
    (tree.path / "folder").mkdir()
    (tree.path / "file").write_text("1", encoding="utf-8")
    (tree.path / "loop").symlink_to("loop")
    assert tree.text(name) is None
    assert tree.number(name) is None
    assert tree.names(name, "temp*") == []
    assert tree.missing(name).reason


@pytest.mark.skipif("os.name == 'nt' or os.geteuid() == 0", reason="needs a user other than root")
def test_a_file_that_this_user_may_not_read_is_told_as_such(tree: FileTree) -> None:
    (tree.path / "energy_uj").write_text("1", encoding="utf-8")
    (tree.path / "energy_uj").chmod(0)
    assert tree.missing("energy_uj").code == "no-permission"


def test_the_reason_names_the_file_and_what_stands_in_it(tree: FileTree) -> None:
    (tree.path / "temp").write_text("not a number" * 20, encoding="utf-8")
    assert tree.missing("absent").reason == "there is no /absent"
    assert tree.missing("absent").code == "not-here"
    assert "/temp has unexpected content: 'not a number" in tree.missing("temp").reason
    assert len(tree.missing("temp").reason) < 100


@pytest.mark.parametrize(
    ("text", "number"),
    [("42", 42), ("-7", -7), ("4 2", None), ("4.2", None), ("", None), ("nan", None), ("9" * 5000, None), (None, None)],
)
def test_only_a_whole_number_is_one(text: str | None, number: int | None) -> None:
    assert whole(text) == number


def test_names_are_relative_to_the_root_and_ordered_by_their_numbers(tree: FileTree) -> None:
    for number in (10, 2, 0):
        (tree.path / f"sys/class/hwmon/hwmon{number}").mkdir(parents=True)
    found = tree.names("sys/class/hwmon", "hwmon*")
    assert found == ["sys/class/hwmon/hwmon0", "sys/class/hwmon/hwmon2", "sys/class/hwmon/hwmon10"]
    assert tree.names("sys/class/thermal", "*") == []


@pytest.mark.parametrize("pattern", ["/etc/*", "", "[", "**", "a\0b"])
def test_a_pattern_that_cannot_be_followed_matches_nothing_or_something_below(tree: FileTree, pattern: str) -> None:
    (tree.path / "sys").mkdir()
    assert all(not name.startswith("/") for name in tree.names("sys", pattern))


def test_only_the_root_is_this_machine(tree: FileTree) -> None:
    assert FileTree().here
    assert not tree.here


@pytest.mark.skipif("sys.platform != 'linux'", reason="reads /proc")
def test_this_machines_files_are_read_whole() -> None:
    files = FileTree()
    assert (files.text("proc/self/stat") or "").startswith(str(os.getpid()))
    assert files.text("proc/cpuinfo") == Path("/proc/cpuinfo").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-2,5", [0, 1, 2, 5]),
        ("3", [3]),
        ("0,0", [0, 0]),
        ("", None),
        ("2-1", None),
        ("0-99999999", None),
        ("a", None),
    ],
)
def test_a_kernel_list_is_numbers_and_ranges(text: str, expected: list[int] | None) -> None:
    assert numbers(text) == expected


@given(st.text(max_size=40))
def test_no_text_makes_a_number_or_a_list_raise(text: str) -> None:
    assert whole(text) is None or len(text) < 30
    assert all(0 <= number < 1 << 16 for number in numbers(text) or [])


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_reading_leaves_no_file_open(tree: FileTree) -> None:
    (tree.path / "temp").write_text("1", encoding="utf-8")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("temp", "absent", "") * 50:
        tree.text(name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
