"""Settings from outside: what is right arrives unchanged, what is wrong is named with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - config reads the annotations when running
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import ConfigError
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any


@dataclass(frozen=True)
class Crop:
    """A dataclass inside another."""

    size: tuple[int, int]
    centre: bool = True


@dataclass(frozen=True)
class Settings:
    """One field of every kind that configs use."""

    mode: Literal["fit", "fill"]
    threads: int = 0
    scale: float = 1.0
    verbose: bool = False
    title: str = ""
    mean: tuple[float, ...] = ()
    size: tuple[int, int] | None = None
    std: float | tuple[float, ...] = 1.0
    crop: Crop | None = None
    ranges: Mapping[str, tuple[float, float]] | None = None
    level: Literal[0, 1, 2] = 0
    anything: Any = None


NUMBER = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
INTEGER = st.integers(-(10**9), 10**9)
PAIR = st.lists(INTEGER, min_size=2, max_size=2)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
VALID: dict[str, st.SearchStrategy[Json]] = {
    "mode": st.sampled_from(["fit", "fill"]),
    "threads": INTEGER,
    "scale": NUMBER,
    "verbose": st.booleans(),
    "title": st.text(),
    "mean": st.lists(NUMBER, max_size=4),
    "size": st.none() | PAIR,
    "std": NUMBER | st.lists(NUMBER, max_size=4),
    "crop": st.none() | st.fixed_dictionaries({"size": PAIR}, optional={"centre": st.booleans()}),
    "ranges": st.none() | st.dictionaries(st.text(), st.lists(NUMBER, min_size=2, max_size=2), max_size=3),
    "level": st.sampled_from([0, 1, 2]),
    "anything": JSON,
}


def number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numbers(value: Json) -> bool:
    return isinstance(value, list) and all(map(number, value))


def whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def pair(value: Json, right: Callable[[Json], bool]) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(right, value))


def crop(value: Json) -> bool:
    known = isinstance(value, dict) and "size" in value and value.keys() <= {"size", "centre"}
    return known and pair(value["size"], whole) and isinstance(value.get("centre", True), bool)


RIGHT: dict[str, Callable[[Json], bool]] = {
    "mode": lambda value: value in {"fit", "fill"} if isinstance(value, str) else False,
    "threads": whole,
    "scale": number,
    "verbose": lambda value: isinstance(value, bool),
    "title": lambda value: isinstance(value, str),
    "mean": numbers,
    "size": lambda value: value is None or pair(value, whole),
    "std": lambda value: number(value) or numbers(value),
    "crop": lambda value: value is None or crop(value),
    "ranges": lambda value: (
        value is None or (isinstance(value, dict) and all(pair(each, number) for each in value.values()))
    ),
    "level": lambda value: whole(value) and value in {0, 1, 2},
}


@given(st.fixed_dictionaries({"mode": VALID["mode"]}, optional={k: v for k, v in VALID.items() if k != "mode"}))
def test_right_values_arrive_unchanged(values: dict[str, Json]) -> None:
    """Any mix of right values builds, and reads back as the JSON that was given, defaults aside."""
    built = json.loads(json.dumps(asdict(dataclass_config.build(Settings, values))))
    for key, value in values.items():
        found = {k: built[key][k] for k in value} if key == "crop" and value else built[key]
        assert found == value
    assert dataclass_config.errors(Settings, values) == []


@given(st.sampled_from(sorted(RIGHT)), JSON)
def test_wrong_values_are_refused_with_their_path(key: str, value: Json) -> None:
    """Any JSON in any field: taken if and only if it is right, and else refused at that field."""
    values = {"mode": "fit", key: value}
    if RIGHT[key](value):
        dataclass_config.build(Settings, values, where="components[0].preprocessing")
        return
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(Settings, values, where="components[0].preprocessing")
    assert caught.value.where.startswith(f"components[0].preprocessing.{key}")
    assert [str(error) for error in dataclass_config.errors(Settings, values)] == [
        str(caught.value).replace("components[0].preprocessing.", "")
    ]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"threads": "two"}, "threads: found 'two'; expected a whole number"),
        ({"threads": True}, "threads: found true; expected a whole number"),
        ({"threads": None}, "threads: found null; expected a whole number"),
        ({"threads": 1.5}, "threads: found 1.5; expected a whole number"),
        ({"verbose": 1}, "verbose: found 1; expected true or false"),
        ({"scale": 10**400}, "scale: found 1000"),
        ({"mode": "fil"}, "mode: found 'fil'; expected 'fit' or 'fill'\n  did you mean \"fill\"?"),
        ({"level": True}, "level: found true; expected 0 or 1 or 2"),
        ({"level": "1"}, "level: found '1'; expected 0 or 1 or 2"),
        ({"mean": [1, "x"]}, "mean[1]: found 'x'; expected a number"),
        ({"size": [1, 2, 3]}, "size: found 3 values; expected 2"),
        ({"size": 3}, "size: found 3; expected a list or null"),
        ({"std": "x"}, "std: found 'x'; expected a number or a list"),
        ({"crop": {"size": [1, "2"]}}, "crop.size[1]: found '2'; expected a whole number"),
        ({"crop": {"siez": [1, 2]}}, 'crop: unknown key "siez"\n  did you mean "size"?'),
        ({"crop": {}}, 'crop: missing key "size"\n  expected a list'),
        ({"ranges": {"input": [0]}}, "ranges.input: found 1 value; expected 2"),
        ({"thread": 1}, 'unknown key "thread"\n  did you mean "threads"?'),
        ({1: 1}, 'unknown key "1"'),
    ],
)
def test_errors_say_what_was_found_where_and_what_is_right(values: dict[str, Json], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(Settings, {"mode": "fit", **values})
    assert str(caught.value).startswith(text)


def test_a_long_wrong_value_is_not_repeated_in_full() -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(Settings, {"mode": "x" * 10_000})
    assert len(str(caught.value)) < 200


def test_every_error_is_told_at_once() -> None:
    found = dataclass_config.errors(Settings, {"threads": "two", "thread": 1}, where="inference")
    assert [str(error).splitlines()[0] for error in found] == [
        "inference.threads: found 'two'; expected a whole number",
        'inference: unknown key "thread"',
        'inference: missing key "mode"',
    ]


@dataclass(frozen=True)
class Picky:
    """A dataclass that checks more than types."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


def test_what_the_dataclass_itself_refuses_is_a_config_error_too() -> None:
    with pytest.raises(ConfigError, match=r"^range: low is above high$"):
        dataclass_config.build(Picky, {"low": 2, "high": 1}, where="range")
    assert len(dataclass_config.errors(Picky, {"low": 2, "high": 1})) == 1


def test_the_first_fitting_type_of_a_field_is_taken() -> None:
    """A list of three where two or three numbers are right."""

    @dataclass(frozen=True)
    class Either:
        size: Any

    Either.__annotations__["size"] = tuple[int, int] | tuple[int, int, int]
    assert dataclass_config.build(Either, {"size": [1, 2, 3]}).size == (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("threads=2", 2),
        ("scale=1e-3", 1e-3),
        ("verbose=true", True),
        ("title=007", "007"),
        ("mode=fill", "fill"),
        ("mean=[1, 2]", (1.0, 2.0)),
        ("mean=1,2", (1.0, 2.0)),
        ("mean=3", (3.0,)),
        ("std=3", 3.0),
        ("size=null", None),
        ('crop={"size": [1, 2]}', Crop((1, 2))),
    ],
)
def test_words_of_the_command_line_become_values(text: str, value: object) -> None:
    """Engine options as users type them; text stays text even where it looks like a number."""
    key, _, word = text.partition("=")
    built = dataclass_config.build(Settings, {"mode": "fit", **dataclass_config.parse(Settings, {key: word})})
    assert getattr(built, key) == value


def test_an_unknown_word_is_refused_when_building() -> None:
    with pytest.raises(ConfigError, match='did you mean "threads"'):
        dataclass_config.build(Settings, {"mode": "fit", **dataclass_config.parse(Settings, {"treads": "2"})})
