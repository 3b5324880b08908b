"""What engines say of their layers: sums that add up, or the reason why there are none."""

from __future__ import annotations

import json
import math
import time
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.app.model import load_app
from lpbench.errors import WorkerError
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import EngineError
from lpbench.results.profile import MOST_LAYERS, LayerProfile
from lpbench.worker import wire
from lpbench.worker.layer_profiles import NEVER_RAN, layer_profile
from lpbench.worker.profiled_session import NO_SPANS, ProfiledSession
from lpbench.worker.requests import OpenRequest, ReadProfiles
from lpbench.worker.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYER = {"name": "a", "type": "Conv", "ns": 10}


class Told:
    """A session that answers as it was told to, and computes nothing."""

    def __init__(self, layers: Any = (), spans: Any = None) -> None:
        self._layers, self._spans = layers, spans
        self.inputs = self.outputs = ()

    def run(self, _: Any) -> dict[str, Any]:
        return {}

    def profile(self) -> Any:
        return _given(self._layers)

    def device_spans(self) -> Any:
        return _given(self._spans)


def _given(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def profiled(layers: Any = (LAYER,), spans: Any = None, runs: int = 3) -> LayerProfile:
    told: Any = Told(layers, spans)
    session = ProfiledSession(told, "acme")
    for _ in range(runs):
        session.run({})
    return layer_profile(session, "")


def test_layers_are_summed_up_by_kind_the_slowest_first() -> None:
    found = profiled(
        [
            {"name": "a", "type": "Relu", "ns": 5, "runs_ns": [4, 6]},
            {"name": "b", "type": "Conv", "ns": 20, "runs_ns": [10, 30], "calls": 2},
            {"name": "c", "type": "Convolution", "ns": 30, "runs_ns": [20, 40]},
            {"name": "d", "type": "Subgraph", "ns": 1, "runs_ns": [1, 1], "category": "pooling"},
        ]
    )
    assert [(kind.name, kind.ns, kind.median_ns, kind.layers) for kind in found.kinds] == [
        ("convolution", 50, 50, 2),
        ("ReLU", 5, 5, 1),
        ("pooling", 1, 1, 1),
    ]
    assert [layer.name for layer in found.layers] == ["a", "b", "c", "d"]
    assert found.layers[1].count == 2
    assert (found.runs, found.reason, found.left_out) == (2, "", 0)
    assert found.layers_ns + found.outside_ns == pytest.approx(found.inference_ns)


def test_times_of_an_engine_that_tells_means_alone_have_no_median() -> None:
    found = profiled([LAYER, {**LAYER, "runs_ns": [1, 2, 3]}])
    assert [(kind.ns, kind.median_ns) for kind in found.kinds] == [(20, None)]
    assert found.outside_median_ns is None


def test_the_run_that_allocates_is_not_among_those_that_are_timed() -> None:
    class Slow(Told):
        first = True

        def run(self, _: Any) -> dict[str, Any]:
            time.sleep(0.05 if self.first else 0)
            self.first = False
            return {}

    told: Any = Slow([LAYER])
    session = ProfiledSession(told, "acme")
    for _ in range(4):
        session.run({})
    found = layer_profile(session, "")
    assert found.runs == 3
    assert found.inference_ns < 25e6


def test_what_the_device_says_of_each_run_becomes_a_median() -> None:
    spans = [{"copy": 900, "kernel": 900}, {"copy": 1, "kernel": 30}, {"copy": 3, "kernel": 10}, {"copy": 2}]
    told: Any = Told([LAYER])
    told.device_spans = iter(spans).__next__
    session = ProfiledSession(told, "acme")
    for _ in spans:
        session.run({})
    assert layer_profile(session, "").device_spans == {"copy": 2, "kernel": 10}


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        (None, NO_SPANS),
        ({"kernel": -5}, 'engine "acme" states device_spans().kernel: found -5; expected 0 or more'),
        ({"kernel": math.nan}, 'engine "acme" states device_spans().kernel: found nan'),
        ([1], 'engine "acme" states device_spans(): found [1]; expected an object'),
        (OSError("gone"), 'raised OSError in device_spans() of engine "acme": gone'),
    ],
)
def test_spans_that_are_none_say_why_and_the_layers_stay(spans: Any, reason: str) -> None:
    found = profiled(spans=spans)
    assert found.device_spans == {}
    assert reason in found.spans_reason
    assert found.kinds


HOSTILE: list[tuple[Any, str]] = [
    (None, 'engine "acme" states profile(): found None; expected a list of layers'),
    ({"a": 1}, "expected a list of layers"),
    ("Conv", "expected a list of layers"),
    ([], 'engine "acme" gives a profile without a layer'),
    ([5], 'engine "acme" states profile()[0]: found 5; expected an object'),
    ([LAYER, {"name": "b", "type": "Conv"}], 'engine "acme" states profile()[1].ns: found null; expected a number'),
    ([{**LAYER, "ns": math.nan}], 'engine "acme" states profile()[0].ns: found nan'),
    ([{**LAYER, "ns": -1}], 'engine "acme" states profile()[0].ns: found -1; expected a number from 0'),
    ([{**LAYER, "ns": math.inf}], 'engine "acme" states profile()[0].ns: found inf'),
    ([{**LAYER, "ns": 1e300}], 'engine "acme" states profile()[0].ns: found 1e+300; expected a number from 0'),
    ([{**LAYER, "ns": 10**60}], 'engine "acme" states profile()[0].ns: found 1000000'),
    ([{**LAYER, "ns": True}], 'engine "acme" states profile()[0].ns: found true'),
    ([{**LAYER, "ns": "9"}], "profile()[0].ns: found '9'"),
    ([{**LAYER, "name": 3}], 'engine "acme" states profile()[0].name: found 3; expected text'),
    ([{**LAYER, "type": None}], 'engine "acme" states profile()[0].type: found None; expected text'),
    ([{**LAYER, "calls": -2}], 'engine "acme" states profile()[0].calls: found -2'),
    ([{**LAYER, "runs_ns": 7}], 'engine "acme" states profile()[0].runs_ns: found 7; expected a list'),
    ([{**LAYER, "runs_ns": [1, math.nan]}], 'engine "acme" states profile()[0].runs_ns[1]: found nan'),
    ([{**LAYER, "runs_ns": [1] * 1_000_000}], "profile()[0].runs_ns: found 1000000 values"),
    ([LAYER] * 1_000_000, 'engine "acme" states profile(): found more than 100000 layers'),
    (repeat(LAYER), 'engine "acme" states profile(): found more than 100000 layers'),
    (EngineError("it has none", hint="take another"), "it has none; take another"),
    (OSError("x" * 9_000_000), 'raised OSError in profile() of engine "acme": xxx'),
]


@pytest.mark.parametrize(("layers", "reason"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_profile_that_is_none_becomes_a_reason_that_names_the_engine(layers: Any, reason: str) -> None:
    found = profiled(layers)
    assert reason in found.reason
    assert (found.kinds, found.layers) == ((), ())
    assert found.runs == 2
    assert len(json.dumps(wire.encode_answer((found,))[0])) < 10_000


def test_names_of_megabytes_are_cut() -> None:
    (layer,) = profiled([{"name": "n" * 5_000_000, "type": "Conv" * 1_000_000, "ns": 1}]).layers
    assert layer.kind == "convolution"
    assert len(layer.name) < 300
    assert len(layer.type) < 300


def test_of_very_many_layers_the_slowest_are_kept_and_all_are_summed_up() -> None:
    many = [{"name": str(at), "type": "Conv" if at % 2 else "Relu", "ns": at} for at in range(3 * MOST_LAYERS)]
    found = profiled(many)
    assert [int(layer.name) for layer in found.layers] == list(range(2 * MOST_LAYERS, 3 * MOST_LAYERS))
    assert found.left_out == 2 * MOST_LAYERS
    assert found.left_out_ns == sum(range(2 * MOST_LAYERS))
    assert found.layers_ns == sum(range(3 * MOST_LAYERS))
    assert sum(kind.layers for kind in found.kinds) == 3 * MOST_LAYERS


def test_a_component_that_no_sample_reached_says_so() -> None:
    found = profiled(runs=0)
    assert (found.reason, found.spans_reason, found.runs) == (NEVER_RAN, NEVER_RAN, 0)


RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=5) | st.none(),
        "type": st.text(max_size=5) | st.sampled_from(["Conv", "MatMul"]),
        "ns": st.floats() | st.integers() | st.none(),
        "calls": st.floats() | st.integers(),
        "category": st.text(max_size=3) | st.just("pooling"),
        "runs_ns": st.lists(st.floats() | st.integers(), max_size=3),
    },
)


@given(st.lists(RECORDS | st.none(), max_size=4))
def test_whatever_stands_in_a_record_the_answer_crosses_the_wire(records: Any) -> None:
    found = profiled(records)
    message, block = wire.encode_answer((found,))
    again = wire.decode_answer(ReadProfiles(), json.loads(json.dumps(message["answer"], allow_nan=False)), block)
    assert again == (found,)
    assert bool(found.reason) != bool(found.layers)


def test_an_app_that_was_not_opened_for_it_has_no_profile(fake_app: Callable[..., Path]) -> None:
    runner = Runner()
    runner.handle(OpenRequest(load_app(fake_app()).request(), EngineConfiguration("fake")))
    with pytest.raises(WorkerError, match="not opened with its profile"):
        runner.handle(ReadProfiles())
