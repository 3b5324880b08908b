"""Samples that a user names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.model import load_app
from lpbench.app.resolve import sample_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_hidden_files_are_no_samples_whoever_names_their_folder(fake_app: Callable[..., Path]) -> None:
    """The app's own samples and those of ``--data`` are found in the same way."""
    folder = fake_app()
    hidden = folder / "samples" / ".cache"
    hidden.mkdir()
    for path in (folder / "samples" / "._0.txt", hidden / "0.txt"):
        path.write_text("1", encoding="ascii")
    app = load_app(folder)
    names = ["0.txt", "1.txt", "2.txt"]
    assert [path.name for path in app.samples] == names
    assert [path.name for path in sample_files(app, folder / "samples")] == names
