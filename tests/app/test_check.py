"""``validate``: everything that is wrong with an app, and notes on what cannot be checked here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.check import validate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METADATA = 'name: numbers\nversion: "1"\nlicence: Apache-2.0\nsource: synthetic\n'


@pytest.fixture
def checked(fake_app: Callable[..., Path]) -> Callable[..., tuple[list[str], list[str]]]:
    """Return a function that changes a right app's config and returns its errors and notes."""
    folder = fake_app()
    (folder / "ai_app.yml").write_text(METADATA, "utf-8")

    def check(change: Callable[[dict[str, Any]], object] = lambda _: None) -> tuple[list[str], list[str]]:
        file = folder / "ai_app_config.json"
        config = json.loads(file.read_text("utf-8"))
        change(config)
        file.write_text(json.dumps(config), "utf-8")
        found = [(each.note, str(each).replace(f"{folder}/", "")) for each in validate(folder)]
        unread = "ai_app.yml was not read"  # where PyYAML is not installed
        return [text for note, text in found if not note], [text for note, text in found if note and unread not in text]

    return check


def test_a_right_app_has_no_errors(checked: Callable[..., tuple[list[str], list[str]]]) -> None:
    assert checked() == ([], [])


def test_every_error_is_told_at_once(checked: Callable[..., tuple[list[str], list[str]]]) -> None:
    """A wrong class, processor, two settings, engine, file, label, sample folder and gate in one app."""

    def change(config: dict[str, Any]) -> None:
        component = config["components"][0]
        component["preprocessing"] = {"type": "text", "ofset": 1, "offset": "two"}
        component["postprocessing"]["type"] = "txt"
        component["labels"] = "names"
        component["inference"]["engine"] = "faek"
        component["inference"]["models"]["fake"]["file"] = "modle.fake"
        config.update(ai_app_class="signal_procesing", labels=["", "odd"], samples=["sample"])
        config["quality"] = {"metric": "top3", "reference": 0.7, "at_least_of_reference": 99}

    errors, notes = checked(change)
    files = "files there: ai_app.yml, ai_app_config.json, model.fake"
    gate = "expected at most 1: smallest share of the reference that passes, more than 0 and at most 1"
    assert {each.removeprefix("ai_app_config.json: ").replace("\n  ", " | ") for each in errors} == {
        'ai_app_class: found "signal_procesing" | did you mean "signal_processing"?',
        'labels[0]: found "" | expected at least 1 characters: the name of one class',
        f"quality.at_least_of_reference: found 99 | {gate}",
        f"components[0].inference.models.fake.file: found 'modle.fake', which does not exist | {files}",
        f"components[0].labels: found 'names', which does not exist | {files}",
        f"samples[0]: found 'sample', which does not exist | {files}",
        'components[0].preprocessing: unknown key "ofset" | did you mean "offset"?',
        "components[0].preprocessing.offset: found 'two'; expected a whole number",
        'components[0].postprocessing.type: unknown postprocessor "txt" | did you mean "text"?',
        'components[0].inference.engine: unknown engine "faek" | did you mean "fake"?',
    }
    assert any('the metric "top3"' in note for note in notes)


def test_what_is_not_installed_is_a_note(checked: Callable[..., tuple[list[str], list[str]]]) -> None:
    """A format that no engine here reads, and a metric that no plugin here offers."""

    def change(config: dict[str, Any]) -> None:
        config["components"][0]["inference"]["models"]["rare"] = {"file": "model.fake"}
        config["quality"] = {"metric": "rarely", "reference": 1, "at_least_of_reference": 1}

    errors, notes = checked(change)
    assert errors == []
    assert [note.partition("note: ")[2].partition("\n")[0] for note in notes] == [
        'no installed engine reads the format "rare"',
        'no installed plugin offers the metric "rarely"; the gate cannot be checked here',
    ]


def test_a_label_that_stands_twice_is_a_note(checked: Callable[..., tuple[list[str], list[str]]]) -> None:
    """ImageNet has two classes named crane."""
    errors, notes = checked(lambda config: config.update(labels=["crane", "maillot", "crane"]))
    assert errors == []
    assert 'found twice: "crane"' in notes[0]


def test_a_processor_that_does_not_serve_the_class_is_an_error(
    checked: Callable[..., tuple[list[str], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from lpbench.plugin import registry

    offers = registry.current().all(registry.POSTPROCESSORS)
    narrow = dataclasses.replace(offers["text"].spec, classes=("emotion",))
    monkeypatch.setitem(offers, "text", registry.Offer(narrow, offers["text"].plugin))
    (error,) = checked()[0]
    assert 'does not support the class "signal_processing"\n  it supports emotion' in error


def test_a_folder_without_readable_samples_is_an_error(
    checked: Callable[..., tuple[list[str], list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "numbers" / "photos").mkdir()
    (error,) = checked(lambda config: config.update(samples=["photos"]))[0]
    assert 'samples[0]: found no sample in "photos"\n  text reads .txt' in error


def test_an_engine_that_reads_none_of_the_models_is_an_error_as_it_is_for_run(
    checked: Callable[..., tuple[list[str], list[str]]], formulas: Any
) -> None:
    (error,) = checked(lambda config: config["components"][0]["inference"].update(engine="quick"))[0]
    assert 'components[0].inference.engine: engine "quick" reads table; the component has fake' in error


def test_labelled_samples_that_quality_would_refuse_are_an_error(
    checked: Callable[..., tuple[list[str], list[str]]], tmp_path: Path
) -> None:
    """A manifest that names a missing file."""
    (tmp_path / "numbers" / "labelled").mkdir()
    (tmp_path / "numbers" / "labelled" / "labels.csv").write_text("file,label\nnone.txt,even\n", "utf-8")
    (error,) = checked()[0]
    assert "labelled: " in error
    assert "none.txt" in error


def test_a_processor_that_is_not_ready_is_a_note(
    checked: Callable[..., tuple[list[str], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from lpbench.plugin import registry

    offers = registry.current().all(registry.PREPROCESSORS)
    spec = dataclasses.replace(offers["text"].spec, requires=("no_such_library",), hint="pip install no-such-library")
    monkeypatch.setitem(offers, "text", registry.Offer(spec, offers["text"].plugin))
    errors, (note,) = checked()
    assert errors == []
    assert 'preprocessor "text" is not ready: not installed: no_such_library\n  pip install no-such-library' in note


def test_two_components_of_one_name_are_an_error(checked: Callable[..., tuple[list[str], list[str]]]) -> None:
    (error,) = checked(lambda config: config["components"].append(config["components"][0]))[0]
    assert "components[1].name" in error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "ai_app.yml: is missing"),
        ("name: x\nversion: 1\nsource: y\n", 'ai_app.yml: missing key "licence"'),
        (METADATA.replace("synthetic", '""'), "ai_app.yml: source: found nothing"),
        ("name: [", "ai_app.yml: cannot be read as YAML"),
        ("name: !!timestamp x", "ai_app.yml: cannot be read as YAML: a tag"),
        ('name: !!int ""', "ai_app.yml: cannot be read as YAML: a tag"),
        ("name: !!bool x", "ai_app.yml: cannot be read as YAML: a tag"),
        ("name: !!python/name:os.system", "ai_app.yml: cannot be read as YAML"),
        ("name: 2024-99-99", "ai_app.yml: cannot be read as YAML: month"),
        ("a: &a [*a]", "ai_app.yml: cannot be read as YAML: aliases"),
        ("a: " + "[" * 600 + "]" * 600, "ai_app.yml: cannot be read as YAML: nested"),
        ('name: "\\ud800"', "ai_app.yml: holds half a surrogate pair"),
    ],
)
def test_metadata_have_their_keys(
    checked: Callable[..., tuple[list[str], list[str]]], tmp_path: Path, text: str | None, told: str
) -> None:
    pytest.importorskip("yaml", reason="needs PyYAML")
    file = tmp_path / "numbers" / "ai_app.yml"
    file.unlink()
    if text is not None:
        file.write_text(text, "utf-8")
    (error,) = checked()[0]
    assert error.startswith(told)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"components": [3, {"inference": {"models": []}}], "samples": 3}'])
def test_a_config_of_any_shape_gets_an_answer(tmp_path: Path, content: bytes) -> None:
    """What is not even an object, and objects with values of other types than expected."""
    (tmp_path / "ai_app_config.json").write_bytes(content)
    assert any(not each.note for each in validate(tmp_path))


def test_a_place_without_an_app_gets_an_answer(tmp_path: Path) -> None:
    (problem,) = validate(tmp_path / "nowhere")
    assert problem.found == "no such file or folder"
