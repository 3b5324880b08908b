"""A control group for one process, on trees of files: here no cgroup v2 counts memory."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from lpbench.machine.own_cgroup import OwnCgroup, own_cgroup
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

PID = 4321


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc" / str(PID)).mkdir(parents=True)
    (tmp_path / "proc" / str(PID) / "cgroup").write_text("0::/user.slice/app.scope\n")
    (tmp_path / "sys/fs/cgroup/user.slice/app.scope").mkdir(parents=True)
    return tmp_path


def kernel(counts_below: str) -> object:
    """Return what makes groups as the kernel does: it counts memory only below one of them."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "cgroup.procs").touch()
        if folder.parent.name == counts_below:
            (folder / "memory.peak").write_text("0\n")

    return make


def test_the_process_moves_to_a_group_whose_memory_is_counted(root: Path) -> None:
    """Not below its own group, where the kernel counts nothing; beside it."""
    found = own_cgroup(PID, root, kernel("user.slice"))  # type: ignore[arg-type] # a stand-in
    assert isinstance(found, OwnCgroup)
    assert found.folder == root / "sys/fs/cgroup/user.slice" / f"lpbench-{PID}"
    assert (found.folder / "cgroup.procs").read_text() == str(PID)


def test_a_group_that_counts_nothing_is_not_left_behind(root: Path) -> None:
    def make(folder: Path) -> None:
        folder.mkdir()

    assert isinstance(own_cgroup(PID, root, make), Unavailable)
    assert list(root.glob("sys/fs/cgroup/**/lpbench-*")) == []


def test_without_permission_the_reason_says_where(root: Path) -> None:
    def make(folder: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    found = own_cgroup(PID, root, make)
    assert isinstance(found, Unavailable)
    assert found.code == "no-permission"
    assert "user.slice: Permission denied" in found.reason


@pytest.mark.parametrize("text", ["", "4:memory:/x\n", "0::/../../etc\n", "\x00\xff"])
def test_what_is_no_group_of_version_2_is_left_alone(root: Path, text: str) -> None:
    (root / "proc" / str(PID) / "cgroup").write_text(text, encoding="latin-1")
    assert isinstance(own_cgroup(PID, root, kernel("user.slice")), Unavailable)  # type: ignore[arg-type] # a stand-in


def test_a_process_that_is_gone_is_a_reason(tmp_path: Path) -> None:
    assert isinstance(own_cgroup(PID, tmp_path), Unavailable)
