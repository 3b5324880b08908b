"""``new_app``: a valid app around somebody's own model, whole or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.check import validate
from lpbench.app.guess import Guess
from lpbench.errors import AppError, PluginError
from lpbench.jobs import new_app as module
from lpbench.jobs.new_app import new_app
from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model that the fake engine opens."""
    file = tmp_path / "net.fake"
    file.write_text("{}")
    return file


def config_of(folder: Path) -> Any:
    return json.loads((folder / "ai_app_config.json").read_text("utf-8"))


def test_an_app_is_written_around_a_model(tmp_path: Path, model: Path) -> None:
    """Model, further file, labels, samples in folders; inputs as the engine sees them; nothing else in the folder."""
    (tmp_path / "names.txt").write_bytes(b"odd\r\neven\r\n")
    (tmp_path / "weights.bin").write_bytes(b"w")
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "inner" / "1.npy").write_bytes(b"1")
    (tmp_path / "data" / "notes.md").write_bytes(b"no sample")
    made = new_app(
        tmp_path / "apps" / "mine",
        app_class="signal_processing",
        model=model,
        extra=[tmp_path / "weights.bin"],
        labels=tmp_path / "names.txt",
        samples=tmp_path / "data",
        name="My net",
    )
    app = made.app
    assert (app.name, app.labels, made.unread) == ("mine", ("odd", "even"), "")
    assert [str(path.relative_to(app.root)) for path in app.samples] == ["samples/inner/1.npy"]
    assert app.components[0].models[0].inputs == (TensorInfo("number", "int64", (1,)),)
    assert [path.name for path in app.components[0].models[0].extra] == ["weights.bin"]
    names = {"ai_app.yml", "ai_app_config.json", "labels.txt", "net.fake", "samples", "weights.bin"}
    assert {path.name for path in app.root.iterdir()} == names
    assert [path.name for path in app.root.parent.iterdir()] == ["mine"]
    assert 'name: "My net"\n' in (app.root / "ai_app.yml").read_text("utf-8")
    assert [each for each in validate(app.root) if not each.note] == []


def test_further_files_keep_their_place_below_the_model(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model names its weights by their place; files from elsewhere go beside it."""
    places = ["weights/w.bin", "deep/er/w.bin"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(place)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / model.name).write_text("{}")
    monkeypatch.chdir(tmp_path)
    made = new_app("mine", app_class="model", model=model, extra=["weights/w.bin", "inner/../deep/er/w.bin"])
    (entry,) = config_of(tmp_path / "mine")["components"][0]["inference"]["models"].values()
    assert entry["extra"] == places
    assert [(made.app.root / place).read_text() for place in places] == places
    assert [each for each in validate(made.app.root) if not each.note] == []
    other = new_app("other", app_class="model", model=f"inner/{model.name}", extra=["weights/w.bin"]).app
    assert [path.relative_to(other.root).as_posix() for path in other.components[0].models[0].extra] == ["w.bin"]


def test_an_empty_folder_is_filled(tmp_path: Path, model: Path) -> None:
    (tmp_path / "mine").mkdir()
    new_app(tmp_path / "mine", app_class="model", model=model)
    assert [each for each in validate(tmp_path / "mine") if not each.note] == []


def test_nothing_that_is_there_is_touched(tmp_path: Path, model: Path) -> None:
    """A folder with a file, a file, and a broken link."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("full", "net.fake", "link"):
        with pytest.raises(AppError, match="already exists"):
            new_app(tmp_path / name, app_class="model", model=model)
    assert (tmp_path / "full" / "kept.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"app_class": "image_clasification"}, 'did you mean "image_classification"?'),
        ({"model": "gone.fake"}, "no such file"),
        ({"model": "empty.fake"}, "is empty"),
        ({"model": "names.xyz"}, 'no installed engine reads ".xyz"'),
        ({"model": "broken.fake"}, "broken.fake: fake cannot open it: cannot load"),
        ({"model": "crash.fake"}, "fake cannot open it: the worker crashed: SIGSEGV while opening the model"),
        ({"extra": ["gone.bin"]}, "no such file"),
        ({"extra": ["net.fake"]}, 'two files of the app would have the name "net.fake"'),
        ({"labels": "gone.txt"}, "no such file"),
        ({"labels": "blank.txt"}, "labels[1]: found an empty name"),
        ({"samples": "gone"}, "no such file"),
        ({"samples": "nothing"}, "contains no sample"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(
    tmp_path: Path, model: Path, changes: dict[str, Any], told: str
) -> None:
    (tmp_path / "empty.fake").touch()
    (tmp_path / "names.xyz").write_text("a")
    (tmp_path / "broken.fake").write_text("{")
    (tmp_path / "crash.fake").write_text('{"at": "load", "do": "crash"}')
    (tmp_path / "blank.txt").write_text("a\n\nb\n")
    (tmp_path / "nothing").mkdir()
    before = sorted(tmp_path.iterdir())
    places = {
        key: [tmp_path / each for each in value] if isinstance(value, list) else tmp_path / value
        for key, value in changes.items()
        if key != "app_class"
    }
    with pytest.raises(AppError) as caught:
        new_app(tmp_path / "mine", **{"app_class": "model", "model": model, **changes, **places})
    assert told in str(caught.value)
    assert f"{tmp_path}/." not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_an_engine_that_is_broken_leaves_the_inputs_unread_and_says_so(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise PluginError("cannot load libfake.so")

    monkeypatch.setattr("lpbench.worker.client.Worker.request", broken)
    made = new_app(tmp_path / "mine", app_class="model", model=model)
    assert made.unread == "fake: cannot load libfake.so"
    assert made.app.components[0].models[0].inputs == ()


def test_without_an_engine_the_inputs_are_unread_and_it_says_so(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "offers_where", lambda *_: iter(()))
    made = new_app(tmp_path / "mine", app_class="signal_processing", model=model)
    assert "no engine that reads fake is ready" in made.unread
    assert made.app.components[0].models[0].inputs == ()


def test_samples_that_only_another_plugin_reads_are_refused_with_the_reason(tmp_path: Path, model: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "1.wav").write_bytes(b"1")
    with pytest.raises(AppError) as caught:
        new_app(tmp_path / "mine", app_class="audio_classification", model=model, samples=tmp_path / "data")
    assert caught.value.hint.startswith('supported files: .npy, .npz\n  preprocessor "tensors" is used, because no')


def test_a_data_set_is_not_copied(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLES_LIMIT", 1)
    for name in ("1.npy", "2.npy"):
        (tmp_path / name).write_bytes(b"1")
    with pytest.raises(AppError, match="data=DIR"):
        new_app(tmp_path / "mine", app_class="model", model=model, samples=tmp_path)


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[3])
from lpbench.jobs import new_app as module
from lpbench.jobs.new_app import new_app
module.read_tensors = lambda _: ([], [], "unread")
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    new_app(sys.argv[1], app_class="signal_processing", model=sys.argv[2])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("limit", [100, 5000])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, model: Path, limit: int) -> None:
    """Files are limited: below the model's size, and below that of nothing else: an error with the place, or an app."""
    import subprocess
    import sys

    model.write_text("{" + " " * 2000 + "}")
    target = tmp_path / "apps" / "mine"
    command = [sys.executable, "-c", FULL, str(target), str(model), str(limit)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert said.startswith(f"AppError {target}: cannot be written") == (limit == 100)
    assert ("free space in" in said) == (limit == 100)
    assert [path.name for path in target.parent.iterdir()] == ([] if limit == 100 else ["mine"])


def test_a_pipe_among_the_samples_is_refused(tmp_path: Path, model: Path) -> None:
    import os

    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "1.npy")
    with pytest.raises(AppError, match="is a pipe, not a file"):
        new_app(tmp_path / "mine", app_class="signal_processing", model=model, samples=tmp_path / "data")
    assert not (tmp_path / "mine").exists()


def test_sizes_that_the_model_leaves_open_become_a_tile(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = {"type": "tensors"}
    monkeypatch.setattr(module, "guess", lambda *_: Guess(raw, raw, tile=(96, 64)))
    made = new_app(tmp_path / "mine", app_class="model", model=model)
    (entry,) = config_of(tmp_path / "mine")["components"][0]["inference"]["models"].values()
    assert entry == {"file": model.name, "tile": "96x64"}
    assert made.app.components[0].models[0].tile == (96, 64)
