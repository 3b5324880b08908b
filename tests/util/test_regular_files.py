"""What is opened is a regular file; what is not is refused at once, where plain reading would wait for ever."""

from __future__ import annotations

import os
import socket
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.app import dataset, resolve
from lpbench.app.bare_model import model_app
from lpbench.app.check import validate
from lpbench.app.model import load_app
from lpbench.errors import AppError, LpbenchError
from lpbench.util.digests import file_digest, set_digest
from lpbench.util.json_files import read_json
from lpbench.util.regular_files import irregular, open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["pipe", "socket", "folder", "device"])
def odd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a path that is no regular file."""
    if request.param == "device":
        yield Path("/dev/zero")
        return
    place = tmp_path / request.param
    if request.param == "pipe":
        os.mkfifo(place)
    elif request.param == "folder":
        place.mkdir()
    else:
        monkeypatch.chdir(tmp_path)  # a socket's name may have about a hundred characters
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(place.name)
            yield place
        return
    yield place


def test_what_is_no_file_is_named_and_refused(odd: Path) -> None:
    with pytest.raises(AppError, match=r"is not a file: it is a (pipe|socket|folder|device)"):
        open_regular(odd)
    assert irregular(odd).startswith("a ")


def test_a_file_and_a_link_to_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"abc"
    assert irregular(tmp_path / "link") == irregular(tmp_path / "gone") == ""


def test_readers_of_every_kind_refuse_it(odd: Path) -> None:
    with pytest.raises(AppError):
        file_digest(odd)
    with pytest.raises(AppError):
        read_json(odd, limit=1000)
    with pytest.raises(AppError, match="not a model file"):
        model_app(odd)
    assert set_digest([odd]) == "" or odd.is_dir()


def test_a_pipe_among_an_apps_samples_is_refused(fake_app: Callable[..., Path]) -> None:
    """By loading and by validating, which names it."""
    folder = fake_app()
    os.mkfifo(folder / "samples" / "9.txt")
    with pytest.raises(AppError, match=r"ai_app_config.json: samples: found 'samples/9.txt'"):
        load_app(folder)
    assert "found 'samples/9.txt', which is a pipe, not a file" in [problem.found for problem in validate(folder)]


def test_a_pipe_as_data_is_refused(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data")
    with pytest.raises(AppError, match="is a pipe, not a file or folder"):
        resolve.sample_files(load_app(fake_app()), tmp_path / "data")


def test_a_pipe_as_a_mask_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"1")
    os.mkfifo(tmp_path / "mask.png")
    (tmp_path / "manifest.json").write_text('[{"file": "1.png", "mask": "mask.png"}]')
    with pytest.raises(AppError, match=r"sample 1: the mask mask\.png is a pipe"):
        dataset.load(tmp_path, (".png",))


def test_a_pipe_that_appears_among_samples_is_left_out(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    """As data, which nothing checked before: the others are measured, and the report says which was left out."""
    from lpbench.plugin.processor import Sample
    from lpbench.worker.samples import load

    class Reads:
        def load(self, path: Path) -> Sample:
            return Sample(path.name, path.read_bytes())

    os.mkfifo(tmp_path / "1.txt")
    with pytest.raises(LpbenchError, match="is a pipe, not a file"):
        load(Reads(), tmp_path / "1.txt")  # type: ignore[arg-type] # all that is asked of a preprocessor here


def test_reading_takes_memory_by_what_a_file_holds_not_by_what_it_might(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert read_regular(tmp_path / "small", limit=1 << 30) == b"x" * 1000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_file_whose_size_the_system_does_not_tell_is_read_whole() -> None:
    assert b"Threads:" in read_regular(Path("/proc/self/status"), limit=1 << 20)
    with pytest.raises(AppError, match="is larger than"):
        read_regular(Path("/proc/self/status"), limit=10)
