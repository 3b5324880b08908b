"""What a child process writes into its file of progress reaches the parent, and nothing else that is put there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.progress import Activity, report
from lpbench.plugin.progress_file import Reports, kept_in

if TYPE_CHECKING:
    from pathlib import Path


def test_each_report_is_news_once(tmp_path: Path) -> None:
    reports = Reports(tmp_path / "progress")
    assert reports.news() is None
    with kept_in(tmp_path / "progress"):
        report("building", 0.5)
        assert reports.news() == Activity("building", 0.5)
        assert reports.news() is None
        report("linking")
        assert reports.news() == Activity("linking")


def test_a_folder_that_takes_no_file_costs_the_progress_alone(tmp_path: Path) -> None:
    with kept_in(tmp_path / "missing" / "progress"):
        report("building", 0.5)
    assert Reports(tmp_path / "missing" / "progress").news() is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"what": 5}',
        b'{"what": "x", "done": 7}',
        b'{"what": "x", "done": NaN}',
        b"\xff" * 9000,
    ],
)
def test_what_is_no_report_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress").write_bytes(content)
    assert Reports(tmp_path / "progress").news() is None


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "progress")
    assert Reports(tmp_path / "progress").news() is None
