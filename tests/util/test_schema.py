"""The schema validator: every error with its place, and the verdicts of the reference implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lpbench.util.schema import iter_problems, published

SCHEMAS = sorted(
    (f"lpbench.{path.parent.name}", path.name.partition(".")[0])
    for path in Path(__file__).parents[2].glob("src/lpbench/*/*.schema.json")
)
APP: dict[str, Any] = {
    "schema_version": 1,
    "ai_app_class": "image_classification",
    "components": [
        {
            "name": "classifier",
            "preprocessing": {"type": "image"},
            "inference": {"models": {"onnx": {"file": "m.onnx"}}},
            "postprocessing": {"type": "classification"},
        }
    ],
}


def problems(instance: Any, schema: Any) -> list[str]:
    return [str(each) for each in iter_problems(instance, schema)]


def changed(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(APP)), **changes}


def test_a_right_app_has_no_problems() -> None:
    assert problems(APP, published("lpbench.app", "ai_app")) == []


def test_every_error_is_found_with_its_path_what_was_found_and_what_is_right() -> None:
    wrong = changed(ai_app_class="image_clasification", labls=["cat"], schema_version=2)
    wrong["components"][0]["inference"]["models"]["onnx"] = {"fil": "m.onnx", "extra": [3]}
    file = "file, relative to the app's folder"
    assert set(problems(wrong, published("lpbench.app", "ai_app"))) == {
        "schema_version: found 2\n  expected 1: version of this format",
        'ai_app_class: found "image_clasification"\n  did you mean "image_classification"?',
        f'components[0].inference.models.onnx: missing key "file"\n  add it: The model {file}.',
        'components[0].inference.models.onnx: unknown key "fil"\n  did you mean "file"?',
        f"components[0].inference.models.onnx.extra[0]: found 3\n  expected text: a {file}",
        'unknown key "labls"\n  did you mean "labels"?',
    }


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("", 'labels: found ""'),
        (3, "labels: found 3\n  expected text: a file in the app's folder; or a list: the class names"),
        (["cat", ""], 'labels[1]: found ""'),
        ([], "labels: found a list of 0"),
    ],
)
def test_of_two_descriptions_the_nearer_one_is_explained(labels: Any, told: str) -> None:
    found = problems(changed(labels=labels), published("lpbench.app", "ai_app"))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_key_that_is_no_word_is_quoted_in_the_path() -> None:
    found = problems({"a b": {"c": "x"}}, {"additionalProperties": {"properties": {"c": {"type": "integer"}}}})
    assert found == ['["a b"].c: found "x"\n  expected a whole number']


def test_long_and_strange_values_are_shown_short_and_escaped() -> None:
    (found,) = problems("\x1b[31m" + "x" * 1000, {"type": "null"})
    assert "\x1b" not in found
    assert len(found) < 120


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"a": {"unevaluatedItems": False}}}, "#/a: unknown keyword 'unevaluatedItems'"),
        ({"$defs": {"never used": {"maxLenght": 3}}}, "'maxLenght'"),
        ({"type": "text"}, "unknown type 'text'"),
        ({"items": {"$ref": "#/$defs/gone"}}, "no such reference"),
        ({"items": {"$ref": "https://example.org/other.json"}}, "no such reference"),
        ({"items": 3}, "expected an object, true or false"),
    ],
)
def test_a_schema_with_a_rule_that_is_not_known_is_refused(schema: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("$", r"\$")):
        list(iter_problems({}, schema))


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"$defs": {"node": {"items": {"$ref": "#/$defs/node"}, "type": "array"}}, "$ref": "#/$defs/node"}
    assert problems([[], [[]]], tree) == []
    assert problems([[], [3]], tree) == ["[1][0]: found 3\n  expected a list"]


@pytest.mark.parametrize(("package", "name"), SCHEMAS)
def test_published_schemas_are_valid_and_hold_only_rules_that_are_known(package: str, name: str) -> None:
    """Each schema in the package, by the reference implementation's meta-schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="needs the reference implementation")
    jsonschema.Draft202012Validator.check_schema(published(package, name))
    assert list(iter_problems({}, published(package, name)))


def test_every_key_of_an_app_is_described() -> None:
    keys = keys_of(published("lpbench.app", "ai_app"), "#")
    assert len(keys) > 20
    assert [place for place, inner in keys if not inner.get("description")] == []


def keys_of(schema: Any, place: str) -> list[tuple[str, Any]]:
    """Return every property of every object that a schema describes."""
    found: list[tuple[str, Any]] = []
    if isinstance(schema, list):
        return [each for at, inner in enumerate(schema) for each in keys_of(inner, f"{place}/{at}")]
    if not isinstance(schema, dict):
        return found
    if isinstance(schema.get("properties"), dict):
        found += [(f"{place}/{name}", inner) for name, inner in schema["properties"].items()]
    return found + [each for key, inner in schema.items() for each in keys_of(inner, f"{place}/{key}")]
