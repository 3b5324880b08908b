"""Loading AI apps: what is read, and what a stranger's folder may not do."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.bare_model import model_app
from lpbench.app.model import App, load_app
from lpbench.errors import AppError
from lpbench.util.digests import set_digest
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def edit(folder: Path, **changes: Any) -> Path:
    """Change keys of a folder's config; returns the folder."""
    file = folder / "ai_app_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")
    return folder


def model(**changes: Any) -> list[dict[str, Any]]:
    """Return components of one model with these keys."""
    return [
        {
            "name": "doubler",
            "preprocessing": {"type": "text"},
            "inference": {"models": {"fake": {"file": "model.fake", **changes}}},
            "postprocessing": {"type": "text"},
        }
    ]


def test_a_folder_becomes_an_app(fake_app: Callable[..., Path]) -> None:
    """Config, labels from a file with Windows line ends and a byte-order mark, samples from a folder."""
    folder = fake_app("numbers")
    (folder / "names.txt").write_bytes("\ufeffeven\r\nodd one\r\n\r\n".encode())
    (folder / "samples" / "notes.md").write_text("no sample")
    app = load_app(edit(folder, labels="names.txt"))
    assert (app.name, app.app_class, app.labels) == ("numbers", "signal_processing", ("even", "odd one"))
    assert [path.name for path in app.samples] == ["0.txt", "1.txt", "2.txt"]
    (component,) = app.components
    assert (component.preprocessing.type, component.preprocessing.config) == ("text", {"offset": 5})
    assert component.models[0].path == folder.resolve() / "model.fake"


def test_the_config_file_itself_names_its_app(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    assert load_app(folder / "ai_app_config.json") == load_app(folder)


def test_an_app_survives_the_way_to_a_worker(fake_app: Callable[..., Path]) -> None:
    """Through JSON and back, tensors with open dimensions and the quality gate included."""
    inputs = [{"name": "number", "dtype": "int64", "shape": ["n", None, 3], "layout": "NCHW", "scale": 0.5}]
    quality = {"metric": "top1", "reference": 0.7, "at_least_of_reference": 0.99}
    flags = {"decode_in_region": True, "untrained": True}
    app = load_app(edit(fake_app(), components=model(inputs=inputs), quality=quality, **flags))
    assert App.from_request(json.loads(json.dumps(app.request()))) == app


def test_the_digest_tells_models_and_settings_apart_and_not_spacing(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    before = load_app(folder).digest()
    file = folder / "ai_app_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")), indent=4), "utf-8")
    assert load_app(folder).digest() == before
    (folder / "model.fake").write_text('{"work_us": 1}')
    other = load_app(folder).digest()
    assert other != before
    assert load_app(edit(folder, labels=["a", "b"])).digest() not in {other, before}


def test_names_of_files_that_are_no_text_have_digests(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    plain, odd = folder / "model.fake", folder / os.fsdecode(b"\xff.fake")
    odd.write_bytes(plain.read_bytes())
    assert model_app(odd).digest() != model_app(plain).digest()
    assert set_digest([odd]) not in {"", set_digest([plain])}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not JSON: Expecting value at line 1, column 1"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8: byte 0 is 0xff"),
        (b'{"labels": 1, "labels": 2}', 'has the key "labels" twice'),
        (b'{"quality": NaN}', "has the number NaN"),
        (b'{"quality": -Infinity}', "has the number -Infinity"),
        (b'{"quality": 1e999}', "has the number 1e999"),
        (b'{"quality": ' + b"9" * 5000 + b"}", "has a whole number of 5000 digits"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"labels": ["\\ud800"]}', "holds half a surrogate pair"),
        (b" " * (9 << 20), "is larger than 8 MiB"),
        (b"[]", "found a list of 0"),
    ],
)
def test_a_hostile_config_is_one_clear_error(tmp_path: Path, text: bytes, told: str) -> None:
    file = tmp_path / "ai_app_config.json"
    file.write_bytes(text)
    with pytest.raises(AppError) as caught:
        load_app(tmp_path)
    assert caught.value.where.startswith(str(file))
    assert told in caught.value.what


@pytest.mark.parametrize("name", ["../model.fake", "/etc/hostname", "samples/../../x", "link.fake", "links/model.fake"])
@pytest.mark.parametrize("key", ["file", "extra", "labels", "samples"])
def test_no_path_of_a_config_leaves_the_folder(
    fake_app: Callable[..., Path], tmp_path: Path, key: str, name: str
) -> None:
    """Parent folders, absolute paths, links to a file and to a folder outside."""
    folder = fake_app()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "model.fake").write_text("{}")
    (tmp_path / "model.fake").write_text("{}")
    (folder / "link.fake").symlink_to(outside / "model.fake")
    (folder / "links").symlink_to(outside)
    changes = {"file": {"components": model(file=name)}, "extra": {"components": model(extra=[name])}}
    edit(folder, **changes.get(key, {key: [name] if key == "samples" else name}))
    with pytest.raises(AppError, match="points outside the app's folder") as caught:
        load_app(folder)
    assert key in caught.value.where


def test_a_link_among_the_samples_may_not_lead_out(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    folder = fake_app()
    (tmp_path / "secret.txt").write_text("1")
    (folder / "samples" / "9.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(AppError, match="points outside"):
        load_app(folder)


def test_a_link_inside_the_folder_is_fine(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    (folder / "again.fake").symlink_to("model.fake")
    assert load_app(edit(folder, components=model(file="again.fake"))).components[0].models[0].path.exists()


@pytest.mark.parametrize("name", ["gone.fake", "samples", "empty.fake", "pipe.fake", "loop.fake", "a\0b", "x" * 5000])
def test_a_model_that_cannot_be_one_is_named(fake_app: Callable[..., Path], name: str) -> None:
    """Missing, a folder, empty, a pipe, a loop of links, names that no file can have."""
    folder = fake_app()
    (folder / "empty.fake").touch()
    os.mkfifo(folder / "pipe.fake")
    (folder / "loop.fake").symlink_to("loop.fake")
    with pytest.raises(AppError) as caught:
        load_app(edit(folder, components=model(file=name)))
    assert "components[0].inference.models.fake.file" in caught.value.where
    assert repr(name)[:60] in caught.value.what
    assert len(str(caught.value)) < 1000


def test_a_config_that_repeats_itself_is_read_as_if_it_did_not(fake_app: Callable[..., Path]) -> None:
    """Each file is looked at once, however often it is named."""
    folder = fake_app()
    app = load_app(edit(folder, samples=["samples"] * 3000))
    assert app.samples == load_app(edit(folder, samples=["samples"])).samples
    (folder / "extra.bin").write_bytes(b"x")
    again = load_app(edit(folder, components=model(extra=["extra.bin"] * 3000)))
    assert [path.name for path in again.components[0].models[0].extra] == ["extra.bin"]


@pytest.mark.parametrize("levels", [150, 600, 100_000])
def test_a_config_nested_deeply_is_an_error(fake_app: Callable[..., Path], levels: int) -> None:
    folder = fake_app()
    (folder / "ai_app_config.json").write_text('{"components": ' + '[{"a":' * levels + "1" + "}]" * levels + "}")
    with pytest.raises(AppError, match="nested too deeply"):
        load_app(folder)


def test_more_components_than_any_chain_has_are_refused(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(AppError, match="at most 32"):
        load_app(edit(fake_app(), components=model() * 1000))


def test_several_errors_say_how_to_see_all(fake_app: Callable[..., Path]) -> None:
    folder = edit(fake_app(), components=model(file="gone"), ai_app_class="x", more=1)
    with pytest.raises(AppError, match=r"2 more: lpbench\.validate"):
        load_app(folder)


@pytest.mark.parametrize(
    ("place", "told"),
    [("nowhere", "no such file"), ("empty", "it has no ai_app_config.json"), ("model.onnx", "lpbench.benchmark")],
)
def test_what_is_no_app_says_what_to_do(tmp_path: Path, place: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(AppError) as caught:
        load_app(tmp_path / place)
    assert told in str(caught.value)


def test_metadata_are_read_where_yaml_is_installed(fake_app: Callable[..., Path]) -> None:
    """A date becomes text, so that metadata fit into a result."""
    pytest.importorskip("yaml", reason="needs PyYAML")
    folder = fake_app()
    (folder / "ai_app.yml").write_text("name: numbers\nmade: 2026-01-02\nsize: .nan\n", "utf-8")
    assert load_app(folder).metadata() == {"name": "numbers", "made": "2026-01-02", "size": "nan"}


def test_metadata_are_said_to_be_unread_where_yaml_is_not_installed(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_app()
    missing = load_app(folder).metadata()
    (folder / "ai_app.yml").write_text("name: numbers\n", "utf-8")
    monkeypatch.setitem(sys.modules, "yaml", None)
    unread = load_app(folder).metadata()
    assert isinstance(missing, Unavailable)
    assert missing.reason == "there is no ai_app.yml"
    assert isinstance(unread, Unavailable)
    assert "was not read: PyYAML is not installed" in unread.reason


@pytest.mark.parametrize(
    "text",
    [
        b"a: &a [x]\nb: [*a, *a]\n",
        b"- a list",
        b"a: [",
        b"a: 2026-99-99",
        b"!!python/object/apply:os.system ['true']",
        b"[" * 50_000,
        b"\xff",
        b"x" * (2 << 20),
    ],
)
def test_hostile_metadata_are_one_clear_error(fake_app: Callable[..., Path], text: bytes) -> None:
    """Aliases that grow, no mapping, broken, a date that is none, code, depth, bytes, size."""
    pytest.importorskip("yaml", reason="needs PyYAML")
    folder = fake_app()
    (folder / "ai_app.yml").write_bytes(text)
    with pytest.raises(AppError, match=r"ai_app\.yml"):
        load_app(folder).metadata()


def test_a_setting_may_name_a_file_of_the_app(fake_app: Callable[..., Path]) -> None:
    """It gets the file's path, which survives the way to a worker, and the file counts as part of the app."""
    folder, components = fake_app(), model()
    (folder / "known.txt").write_text("7")
    components[0]["postprocessing"]["known"] = {"file": "known.txt"}
    app = load_app(edit(folder, components=components))
    path = str(folder.resolve() / "known.txt")
    assert app.components[0].postprocessing.config["known"] == {"file": path}
    assert App.from_request(app.request()).components[0].postprocessing.config["known"] == {"file": path}
    before = app.digest()
    (folder / "known.txt").write_text("8")
    assert app.digest() != before


@pytest.mark.parametrize("name", ["../known.txt", "absent.txt"])
def test_a_file_that_a_setting_names_lies_in_the_folder(fake_app: Callable[..., Path], name: str) -> None:
    """As models do."""
    components = model()
    components[0]["preprocessing"]["known"] = {"file": name}
    with pytest.raises(AppError, match=r"components\[0\]\.preprocessing\.known\.file: found"):
        load_app(edit(fake_app(), components=components))
