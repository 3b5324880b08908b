"""Requests and answers on the wire: each has a handler of its types, and nothing else comes through."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import ConfigError, EngineError, WorkerError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.progress import Activity
from lpbench.results.profile import LayerProfile
from lpbench.worker import requests, wire
from lpbench.worker.__main__ import describe_error
from lpbench.worker.protocol import VERSION, ProtocolError
from lpbench.worker.requests import (
    AvailableMemory,
    BeginQuality,
    CloseApp,
    Closed,
    CollectNumbers,
    InspectModel,
    MeasureSlice,
    OpenRequest,
    Predict,
    ReadEnvironment,
    Request,
    SampleNumbers,
    Slice,
)
from lpbench.worker.runner import Runner

INSPECT = InspectModel("model.onnx", "onnx", "engine")
NAMES = st.text("abc", min_size=1, max_size=3)
CONFIGURATIONS = st.builds(
    EngineConfiguration,
    NAMES,
    device=st.none() | NAMES,
    threads=st.none() | st.integers(0, 8),
    options=st.dictionaries(NAMES, st.booleans() | st.integers() | NAMES),
    shapes=st.dictionaries(NAMES, st.lists(st.integers(1, 9)).map(tuple)),
    batch=st.integers(1, 9),
    affinity=st.lists(st.integers(0, 9)).map(tuple),
)


def arrived(request: Request[Any]) -> Request[Any]:
    """Return a request as the other end reads it."""
    return wire.decode_request(json.loads(json.dumps(wire.encode_request(request))))


@given(
    st.builds(
        OpenRequest,
        st.just({"root": "/app", "labels": ["a"]}),
        CONFIGURATIONS,
        others=st.dictionaries(NAMES, CONFIGURATIONS),
        samples=st.lists(NAMES).map(tuple),
        seed=st.integers(0, 9),
        draw=NAMES,
    )
)
def test_a_request_arrives_as_it_was_sent(request_: OpenRequest) -> None:
    assert arrived(request_) == request_


def test_every_request_has_a_handler_that_takes_it_and_returns_its_answer() -> None:
    """A type checker sees the answer that a request's base names: here the handlers are held to it."""
    handlers = Runner().handlers
    assert set(handlers) == set(wire.KINDS.values())
    names = {**vars(requests), "Mapping": typing.get_origin(requests.Record), "Any": Any, "LayerProfile": LayerProfile}
    for kind, handler in handlers.items():
        hints = typing.get_type_hints(handler, globalns=names)
        assert hints["request"] is kind, kind
        answer = wire.answer_kind(kind)
        assert hints["return"] == answer, kind


def test_what_is_sent_changes_with_the_protocols_version_alone() -> None:
    """The other end may be of another lpbench, which knows by the version whether it understands.

    If this fails, raise ``VERSION`` (once between two releases) and put what is found in the place of what is expected.
    """
    seen: dict[str, list[str]] = {}
    for kind in wire.KINDS.values():
        _describe(kind, seen)
        _describe(wire.answer_kind(kind), seen)
    found = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]
    assert (VERSION, found) == (4, "2193461eb39429af")


def _describe(kind: Any, seen: dict[str, list[str]]) -> None:
    """Note the fields of a dataclass, and of those that stand in its fields, as they are annotated."""
    for part in typing.get_args(kind):
        _describe(part, seen)
    if not dataclasses.is_dataclass(kind) or not isinstance(kind, type) or kind.__name__ in seen:
        return
    seen[kind.__name__] = [f"{each.name}: {each.type}" for each in dataclasses.fields(kind)]
    for part in typing.get_type_hints(kind).values():
        _describe(part, seen)


def test_every_answer_says_what_a_worker_does_meanwhile() -> None:
    assert {kind.__name__ for kind in wire.KINDS.values() if not kind.phase} == {CollectNumbers.__name__}


@pytest.mark.parametrize("name", ["handle", "Request", "Slice", "__init__", "nonsense"])
def test_only_requests_can_be_asked_for(name: str) -> None:
    with pytest.raises(WorkerError, match=f"unknown request '{name}'"):
        wire.decode_request({"request": name, "fields": {}})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, 'missing key "count"'),
        ({"count": "7"}, "found '7'; expected a whole number"),
        ({"count": 7, "more": 1}, 'unknown key "more"'),
    ],
)
def test_fields_are_checked(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        wire.decode_request({"request": "MeasureSlice", "fields": fields})


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (MeasureSlice(2), Slice(3, 2, 0, 0, 99, b"12345678")),
        (CollectNumbers(0), SampleNumbers(None, (), (), b"")),
        (CloseApp(), Closed(5, ({"sample": "a", "error": "b"},))),
        (Predict(), ({"sample": "a", "top": [{"label": "b", "score": 0.5}]},)),
        (AvailableMemory(), None),
        (AvailableMemory(), 17),
        (BeginQuality(("top1",)), None),
    ],
)
def test_an_answer_arrives_as_it_was_given(request_: Request[Any], answer: object) -> None:
    message, block = wire.encode_answer(answer)
    assert wire.decode_answer(request_, json.loads(json.dumps(message))["answer"], block) == answer


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (MeasureSlice(2), None),
        (MeasureSlice(2), {"wall_ns": 1}),
        (MeasureSlice(2), {**dataclasses.asdict(Slice(3, 2, 0, 0, 99)), "block": "no bytes", "wall_ns": "1"}),
        (AvailableMemory(), "much"),
        (Predict(), [1]),
        (BeginQuality(()), {}),
        (MeasureSlice(2), {**dataclasses.asdict(Slice(3, 2, 0, 0, 99)), "cpu_ns": -1}),
        (CloseApp(), {"peak_bytes": -1, "problems": []}),
        (INSPECT, {"inputs": [{"name": None, "dtype": "float32", "shape": []}], "outputs": []}),
        (INSPECT, {"inputs": [], "outputs": [{"name": "y", "dtype": "float32", "shape": [1.5]}]}),
        (INSPECT, {"inputs": [], "outputs": [{"name": "y", "dtype": "float32", "shape": [], "scale": math.nan}]}),
        (ReadEnvironment(), {"deep": {"temperature": math.inf}}),
        (ReadEnvironment(), {"deep": json.loads("[" * 200 + "]" * 200)}),
    ],
    ids=str,
)
def test_an_answer_of_another_type_breaks_the_protocol(request_: Request[Any], answer: object) -> None:
    with pytest.raises(ProtocolError, match=f"answer to {type(request_).__name__}"):
        wire.decode_answer(request_, answer, b"")


@pytest.mark.parametrize(
    ("progress", "block"),
    [
        ({"what": "building", "done": 1.5}, b""),
        ({"what": "building", "done": -1}, b""),
        ({"what": 5, "done": 0.5}, b""),
        ({"done": 0.5}, b""),
        ({"what": "building", "left": 3}, b""),
        ([], b""),
        ({"what": "building", "done": 0.5}, b"1"),
    ],
    ids=["too much", "negative", "no words", "nothing", "unknown", "a list", "a block"],
)
def test_progress_that_is_none_is_refused(progress: Any, block: bytes) -> None:
    with pytest.raises(ProtocolError, match="progress of InspectModel"):
        wire.decode_activity(INSPECT, {"progress": progress}, block)


@given(st.text(), st.none() | st.floats(0, 1))
def test_progress_arrives_as_it_was_sent(what: str, done: float | None) -> None:
    activity = Activity(what, done)
    message = json.loads(json.dumps(wire.encode_activity(activity)))
    assert wire.decode_activity(INSPECT, message, b"") == activity


class VendorError(EngineError):
    """As plugins derive their own."""


def test_an_error_of_a_plugins_own_class_keeps_its_words_and_its_remedy() -> None:
    told = wire.decode_error(describe_error(VendorError("no device", where="model.plan", hint="install a driver")))
    assert type(told) is EngineError
    assert str(told) == "model.plan: no device\n  install a driver"
    assert "ZeroDivisionError: by 0" in str(wire.decode_error(describe_error(ZeroDivisionError("by 0"))))
