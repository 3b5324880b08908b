"""Whatever an engine states: an error that names it, or a result that can be read again."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lpbench.errors import ConfigError, EngineError, EngineFaultError, LpbenchError
from lpbench.jobs.measuring.session import benchmark
from lpbench.jobs.probing import probe
from lpbench.plugin.engine import Engine, TensorInfo
from lpbench.plugin.specs import State
from lpbench.results import json_document, store
from lpbench.util.json_files import parse_json
from lpbench.util.jsonable import to_json, to_jsonable
from lpbench.util.text import clean
from lpbench.worker import statements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.model import Result


class Unspeakable:
    """Has no text."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


STRANGE = {
    "long": 1 << 200,
    "longer than Python writes": -(1 << 20_000),
    "a set": {1, 2},
    "a class": object,
    "complex": 1j,
    "deep": _nested(60),
    "deeper than the stack": _nested(5000),
    "without a text": Unspeakable(),
}


@dataclasses.dataclass(frozen=True)
class Odd:
    """Stands for a value that hypothesis could not show."""

    name: str


def _made(value: Any) -> Any:
    """Return a value with what its parts stand for."""
    if isinstance(value, Odd):
        return STRANGE[value.name]
    if isinstance(value, dict):
        return {key: _made(item) for key, item in value.items()}
    return type(value)(map(_made, value)) if isinstance(value, (list, tuple)) else value


TEXT = st.text(st.characters(exclude_categories=()), max_size=4)
"""Halves of characters among them."""
SINGLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.binary(max_size=3)
    | st.sampled_from(sorted(STRANGE)).map(Odd)
)
ANYTHING = st.recursive(
    SINGLE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(TEXT | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = [item.name for item in dataclasses.fields(TensorInfo)]
STATED = st.tuples(st.sampled_from(["facts", "inputs", "outputs"]), st.sampled_from(FIELDS), ANYTHING)
KNOWN = st.sampled_from(["version", "device", "processor", "precision", "threads", "components", "makers", "providers"])


def _read_again(result: Result) -> None:
    """Read a result as a file has it."""
    again = json_document.parse(json.dumps(result.to_dict(), allow_nan=False).encode())
    assert again.to_dict() == result.to_dict()


def _stating(side: str, field: str, value: object) -> Engine[Any]:
    """Return the fake engine, which states something else in one place."""
    from lpbench_fakes.engine import FakeConfig, FakeEngine  # type: ignore[import-not-found] # from the fixture

    class Stating(FakeEngine):  # type: ignore[misc] # what the fixture installs has no types
        def open(self, model: Any, config: Any, /, **asked: Any) -> Any:
            session = super().open(model, FakeConfig(), **asked)
            said = session.describe()
            if side == "facts":
                session.describe = lambda: {**said, field: value}
            else:
                setattr(session, side, (dataclasses.replace(getattr(session, side)[0], **{field: value}),))
            return session

    return Stating()


@pytest.fixture
def measure(fake_app: Callable[..., Path]) -> Callable[[Engine[Any]], Result]:
    """Return what measures an engine in this process."""
    app = fake_app()
    return lambda engine: benchmark(app, engine=engine, number=6, yardstick=False)


def _outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the error with which it refuses."""
    try:
        return call()
    except (EngineError, ConfigError) as error:
        return error


def _stated_or_named(measure: Callable[[Engine[Any]], Result], place: str, engine: Engine[Any]) -> None:
    found = _outcome(lambda: measure(engine))
    if not isinstance(found, EngineError):
        _read_again(found)
        return
    assert found.what.startswith(f'engine "Stating" states {place}')
    assert len(str(found)) < 1000
    assert clean(str(found)) == str(found)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(STATED)
@example(("inputs", "name", None))
@example(("inputs", "shape", (1.5,)))
@example(("inputs", "shape", (-1,)))
@example(("inputs", "shape", (True,)))
@example(("inputs", "shape", None))
@example(("outputs", "scale", [1]))
@example(("outputs", "scale", math.nan))
@example(("outputs", "zero_point", 1 << 200))
@example(("outputs", "dtype", b"float32"))
@example(("outputs", "name", "\ud800"))
def test_whatever_an_engine_states_of_its_tensors(
    measure: Callable[[Engine[Any]], Result], stated: tuple[str, str, object]
) -> None:
    side, field, value = stated[0], stated[1], _made(stated[2])
    place = f"describe().{field}" if side == "facts" else f"{side}[0].{field}"
    _stated_or_named(measure, place, _stating(side, field, value))


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(KNOWN, ANYTHING)
@example("threads", math.inf)
@example("threads", -1)
@example("components", 5)
@example("components", {"\n": None})
@example("makers", {"y": None})
@example("processor", ["CPU"])
@example("version", "\ud800")
@example("providers", Odd("deeper than the stack"))
@example("precision", Odd("without a text"))
def test_whatever_an_engine_states_of_itself(
    measure: Callable[[Engine[Any]], Result], fact: str, value: object
) -> None:
    _stated_or_named(measure, f"describe().{fact}", _stating("facts", fact, _made(value)))


@pytest.mark.parametrize(
    ("side", "told"),
    [("describe", "describe(): found"), ("inputs", "inputs: found"), ("outputs", "outputs[0]: found")],
)
def test_what_is_nothing_of_the_kind_is_named(
    measure: Callable[[Engine[Any]], Result], side: str, told: str, fake_app: Callable[..., Path]
) -> None:
    from lpbench_fakes.engine import FakeConfig, FakeEngine

    class Stating(FakeEngine):  # type: ignore[misc] # what the fixture installs has no types
        def open(self, model: Any, config: Any, /, **asked: Any) -> Any:
            session = super().open(model, FakeConfig(), **asked)
            setattr(session, side, {"describe": lambda: 5, "inputs": None, "outputs": ["y"]}[side])
            return session

    with pytest.raises(EngineError, match='engine "Stating" states ') as caught:
        measure(Stating())
    assert told in caught.value.what


@pytest.mark.parametrize("answer", [None, [1], "x"])
def test_an_engine_that_returns_no_outputs_by_name_is_named(
    measure: Callable[[Engine[Any]], Result], monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    engine = _stating("facts", "version", "1.0")
    opens = engine.open

    def answering(model: Any, config: Any, /, **asked: Any) -> Any:
        session: Any = opens(model, config, **asked)
        session.run = lambda _feeds: answer
        return session

    monkeypatch.setattr(engine, "open", answering)
    with pytest.raises(EngineError) as caught:
        measure(engine)
    assert caught.value.what == f'engine "Stating" returns {answer!r} from run(); expected outputs by name'


def test_a_size_that_is_a_number_of_numpy_is_named_and_not_called_open(
    measure: Callable[[Engine[Any]], Result],
) -> None:
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    with pytest.raises(EngineError) as caught:
        measure(_stating("inputs", "shape", (numpy.int32(1),)))
    assert caught.value.what == 'engine "Stating" states inputs[0].shape[0]: found int32 1; expected an int'


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"inputs": {"name": None}}, "inputs[0].name: found null; expected text"),
        ({"inputs": {"shape": [1.5]}}, "inputs[0].shape[0]: found 1.5; expected a whole number or text or null"),
        ({"outputs": {"scale": [1, 2]}}, "outputs[0].scale: found [1, 2]; expected a number or null"),
        ({"outputs": {"scale": math.nan}}, "outputs[0].scale: found nan; expected a finite number"),
        ({"facts": {"clock": math.inf}}, "describe().clock: found inf; expected a finite number"),
        ({"facts": {"a": {"b": [10**50]}}}, "describe().a.b[0]: found 10000"),
        ({"facts": {"threads": 1.5}}, "describe().threads: found 1.5; expected a whole number or null"),
        ({"facts": {"note": "\udcff"}}, "describe().note: found '\\udcff'; expected text of whole characters"),
    ],
)
def test_an_engine_in_a_worker_is_named_before_anything_is_saved(
    fake_app: Callable[..., Path], states: dict[str, Any], told: str
) -> None:
    with pytest.raises(EngineError) as caught:
        benchmark(fake_app(states=states), engine="fake", number=6, yardstick=False, save=True)
    assert caught.value.what.startswith(f'engine "fake" states {told}')
    assert not list(store.folder().glob("*"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"devices": 5}, "devices: found 5; expected a list"),
        ({"devices": [None]}, "devices[0]: found null; expected text"),
        ({"unusable": ["gpu"]}, "unusable: found ['gpu']; expected an object"),
        ({"version": 1}, "version: found 1; expected text or null"),
        ({"clock": math.nan}, "clock: found nan; expected a finite number"),
    ],
)
def test_a_probe_that_answers_nonsense_is_broken_and_says_where(
    fake_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], told: str
) -> None:
    monkeypatch.setenv("FAKE_PROBE", json.dumps(answer))
    found = probe("fake").availability
    assert found.state is State.BROKEN
    assert found.reason.startswith('"fake" states its probe\'s answer.')
    assert told in found.reason


@given(ANYTHING, TEXT)
@example(Odd("without a text"), "")
@example({"a": {"b": Odd("deep")}}, "\udcff")
def test_whatever_is_predicted_and_whatever_an_error_says_can_be_read_again(predicted: object, said: str) -> None:
    plain = to_jsonable({"top": _made(predicted)})
    from lpbench.results.json_encode import to_document

    document = to_document(Holds(plain, said))
    assert parse_json(json.dumps(document, allow_nan=False).encode())["said"] == document["said"]


@dataclasses.dataclass
class Holds:
    """Stands for a result."""

    predictions: Any
    said: str


@given(ANYTHING)
def test_what_passes_as_json_is_read_as_it_was(value: object) -> None:
    found = _outcome(lambda: to_json(_made(value), "place"))
    if isinstance(found, ConfigError):
        assert found.where.startswith("place")
    else:
        assert parse_json(json.dumps(found, allow_nan=False).encode()) == found


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {"a": math.nan}])
def test_options_that_are_not_finite_are_refused_before_anything_is_measured(
    fake_app: Callable[..., Path], value: object
) -> None:
    from lpbench_fakes.engine import FakeConfig, FakeEngine

    seen: list[object] = []
    app = fake_app()
    asked: list[dict[str, Any]] = [
        {"options": {"extra_us": value}},
        {"options": {"config": FakeConfig(extra_us=value)}, "engine": FakeEngine()},
        {"options": {"config": {"deep": [value]}}, "engine": FakeEngine()},
    ]
    if isinstance(value, float):
        asked += [
            {"engine": f"fake:extra_us={json.dumps(value)}"},
            {"ranges": {"number": [0, value]}},
            {"max_time": value},
            {"alone": value},
            {"timeout": value},
            {"percentile": value},
            {"shapes": {"number": [value]}},
        ]
    for each in asked:
        with pytest.raises(LpbenchError) as caught:
            benchmark(app, **each, progress=seen.append)
        assert "Error:" not in str(caught.value), each
    assert not seen


def test_what_describe_raises_is_told_with_engine_and_type() -> None:
    class Session:
        def describe(self) -> Any:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    session: Any = Session()
    with pytest.raises(EngineFaultError, match=r'raised UnicodeDecodeError in describe\(\) of engine "acme": .utf-8'):
        statements.facts(session, "acme")
    with pytest.raises(UnicodeDecodeError):  # an instance of the caller's own
        statements.facts(session, "")
