"""Folders appear complete or not at all, and no link that was planted in their place is written through."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lpbench.util import atomic_folders

KILLED = """
import os, signal, sys
from pathlib import Path
from lpbench.util import atomic_folders
with atomic_folders.staging(Path(sys.argv[1]), "app") as stage:
    (stage / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(folder: Path) -> None:
    """Leave what a killed process leaves."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert names(folder) != []


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_what_a_kill_left_is_swept_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    killed(tmp_path)
    (tmp_path / ".app.settings").mkdir()  # somebody's own
    with atomic_folders.staging(tmp_path, "app") as used:
        atomic_folders.sweep(tmp_path)
        assert names(tmp_path) == sorted([".app.settings", used.name])
    assert names(tmp_path) == [".app.settings"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_is_filled_or_left_as_it_was(tmp_path: Path, there: bool) -> None:  # noqa: FBT001 - two cases
    target = tmp_path / "app"
    if there:
        target.mkdir()

    def fill(*, fails: bool) -> None:
        with atomic_folders.filled(target) as new:
            (new / "inner").mkdir()
            (new / "inner" / "file").write_text("x")
            if fails:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        fill(fails=True)
    assert names(tmp_path) == (["app"] if there else [])
    assert atomic_folders.is_free(target)
    fill(fails=False)
    assert (target / "inner" / "file").read_text() == "x"
    assert (names(tmp_path), names(target)) == (["app"], ["inner"])


def test_what_a_kill_left_in_an_empty_folder_does_not_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    killed(tmp_path / "app")
    assert atomic_folders.is_free(tmp_path / "app")


def test_a_half_moved_folder_is_moved_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two renames fails."""
    (tmp_path / "app").mkdir()
    rename, seen = Path.rename, list[Path]()

    def failing(self: Path, target: Path) -> Path:
        seen.append(self)
        if len(seen) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)

    def fill() -> None:
        with atomic_folders.filled(tmp_path / "app") as new:
            (new / "a").write_text("a")
            (new / "b").write_text("b")

    with pytest.raises(OSError, match="Input/output"):
        fill()
    assert names(tmp_path / "app") == []


def test_a_planted_link_is_refused_by_name(tmp_path: Path) -> None:
    """In place of the lock's file, and of the folder that is replaced; what they point to is as before."""
    outside, parent = tmp_path / "outside", tmp_path / "parent"
    outside.mkdir()
    parent.mkdir()
    (parent / ".app.lock").symlink_to(outside / "created")
    with pytest.raises(OSError, match=r"is a link.*\.app\.lock"), atomic_folders.locked(parent, "app"):
        pass
    (parent / "app").symlink_to(outside)
    with atomic_folders.staging(parent, "app") as stage:
        (stage / "new").mkdir()
        with pytest.raises(OSError, match="is a link"):
            atomic_folders.install(stage / "new", parent / "app", stage)
    assert not atomic_folders.is_free(parent / "app")
    assert names(outside) == []


def test_the_lock_of_a_folder_leaves_no_file_and_keeps_others_out(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from lpbench.util import atomic_folders\n"
    code += "with atomic_folders.folder_locked(Path(sys.argv[1]), waiting=lambda: sys.exit(7)): pass"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with atomic_folders.folder_locked(tmp_path):
        assert subprocess.run(command, check=False).returncode == 7
    assert subprocess.run(command, check=False).returncode == 0
    assert names(tmp_path) == []
