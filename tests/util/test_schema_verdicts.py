"""The schema validator and the reference implementation agree on random schemas and values."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.util.schema import iter_problems, published

hypothesis = pytest.importorskip("hypothesis", reason="makes up the values")
jsonschema = pytest.importorskip("jsonschema", reason="is the reference implementation")

from hypothesis import given, settings  # noqa: E402 - after the check that it is there
from hypothesis import strategies as st  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.sampled_from(["a", "b", "name", "x y"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -0.0, 1e300]) | NAMES
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
SMALL = st.integers(0, 3)


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return schemas around others."""
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "."]), inner, max_size=2),
            "additionalProperties": inner,
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": SMALL,
            "maxItems": SMALL,
            "minLength": SMALL,
            "pattern": st.sampled_from(["^a$", "m", "[ab]"]),
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.sampled_from([-1, 0, 0.5]),
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "oneOf": st.lists(inner, min_size=1, max_size=3),
        },
    )


SCHEMAS = st.recursive(st.booleans() | schemas(st.booleans()), schemas, max_leaves=4)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, schema=SCHEMAS)
def test_any_schema_and_any_value_get_the_reference_verdict(value: Any, schema: Any) -> None:
    assert (not list(iter_problems(value, schema))) == jsonschema.Draft202012Validator(schema).is_valid(value)


APP: dict[str, Any] = {
    "schema_version": 1,
    "ai_app_class": "image_classification",
    "labels": ["cat", "dog"],
    "components": [
        {
            "name": "classifier",
            "preprocessing": {"type": "image", "crop": 224},
            "inference": {
                "engine": "onnxruntime",
                "models": {
                    "onnx": {
                        "file": "m.onnx",
                        "extra": ["w.bin"],
                        "inputs": [{"name": "x", "dtype": "float32", "shape": [None, 3, "h", 2], "layout": "NCHW"}],
                        "outputs": [{"name": "y", "scale": 0.5, "zero_point": 3}],
                    }
                },
            },
            "postprocessing": {"type": "classification"},
        }
    ],
    "quality": {"metric": "top1", "at_least_of_reference": 0.99, "reference": 0.7},
    "samples": ["samples"],
    "decode_in_region": False,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside another."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


@st.composite
def nearly_right(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """Return an app with a few values replaced, added or removed."""
    app = copy.deepcopy(APP)
    for _ in range(draw(st.integers(0, 3))):
        *path, key = draw(st.sampled_from(places(app)[1:]))
        holder = app
        for step in path:
            holder = holder[step]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del holder[key]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(NAMES)] = draw(VALUES)
        else:
            holder[key] = draw(VALUES)
        if len(places(app)) == 1:
            break
    return app


@settings(max_examples=200, deadline=None)
@given(app=nearly_right())
def test_apps_with_slips_get_the_reference_verdict(app: Any) -> None:
    schema = published("lpbench.app", "ai_app")
    reference = jsonschema.Draft202012Validator(schema)
    assert (not list(iter_problems(app, schema))) == reference.is_valid(app), json.dumps(app)
