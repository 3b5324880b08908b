"""Pictures appear complete or not at all, and never through a link."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.cli import main
from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Preprocessor, Sample
from lpbench.worker import pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PAIRS: list[tuple[Sample, dict[str, Any]]] = [(Sample("a", 1), {}), (Sample("b", 2), {})]


class Draws(Preprocessor[Any]):
    """Writes a file for each sample; ``fails`` names one for which the disk is full."""

    def __init__(self, fails: str = "") -> None:
        super().__init__(None, ())
        self.fails = fails

    def load(self, path: Path) -> Sample:
        raise NotImplementedError

    def __call__(self, sample: Sample, /) -> Mapping[str, Any]:
        raise NotImplementedError

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        path = folder / f"{sample.name}.png"
        if sample.name == self.fails:
            cause = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            raise ProcessorError(str(cause.strerror), where=str(path)) from cause
        path.write_text(sample.name)
        return path


def test_pictures_are_drawn_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "pictures"
    pictures.draw(Draws(), PAIRS, folder)
    (folder / "a.png").write_text("of before")
    pictures.draw(Draws(), PAIRS, folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.png": "a", "b.png": "b"}


def test_a_full_disk_leaves_the_pictures_of_before(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("of before")
    with pytest.raises(ProcessorError, match=r"(?s)No space left.*free space in .*draw") as caught:
        pictures.draw(Draws("b"), PAIRS, tmp_path)
    assert caught.value.where == str(tmp_path / "b.png")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.png": "of before"}


@pytest.mark.parametrize("planted", ["b.png", ""])
def test_a_link_in_the_place_of_a_picture_or_of_the_folder_is_refused(tmp_path: Path, planted: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "pictures"
    outside.mkdir()
    if planted:
        folder.mkdir()
        (folder / planted).symlink_to(outside / "created")
    else:
        folder.symlink_to(outside)
    with pytest.raises(ProcessorError, match="is a link") as caught:
        pictures.draw(Draws(), PAIRS, folder)
    assert caught.value.where == str(folder / planted)
    assert list(outside.iterdir()) == []


def test_what_was_measured_is_kept_where_pictures_cannot_be_written(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is complete and saved; what is missing is said with the place, and the exit status is 2."""

    def full(*_: object) -> None:
        raise ProcessorError("No space left on device", where=str(tmp_path / "p" / "a.png"))

    monkeypatch.setattr(pictures, "draw", full)
    words = ["--number", "6", "--runs", "1", "--no-yardstick", "--no-isolate", "--draw", str(tmp_path / "p")]
    assert main(["run", str(fake_app()), *words]) == 2
    said = capsys.readouterr().out
    assert f"pictures: fake: {tmp_path / 'p' / 'a.png'}: No space left on device" in " ".join(said.split())
    assert "saved" in said
    assert "failed" not in said


@pytest.mark.parametrize("option", ["--draw", "-o", "--results"])
def test_nothing_a_run_writes_is_led_out_of_an_app_by_a_link(
    fake_app: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """The app's author planted a link called like the folder that the user will name."""
    folder = fake_app()
    (tmp_path / "outside").mkdir()
    (folder / "out").symlink_to(tmp_path / "outside")
    place = folder / "out" if option == "--draw" else folder / "out" / "file"
    assert main(["run", str(folder), "--number", "6", "--runs", "1", "--no-yardstick", option, str(place)]) == 2
    assert f"{folder / 'out'}: is a link that leads out of the app's folder" in capsys.readouterr().err
    assert list((tmp_path / "outside").iterdir()) == []
    assert load_app(folder)
