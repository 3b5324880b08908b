"""What engines say of their device's memory: bytes by use, or the reason why there are none."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.app.model import load_app
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.worker import wire
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.device_memory import SILENT, device_memory
from lpbench.worker.requests import DeviceMemory, OpenRequest, ReadDeviceMemory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Knowing:
    """A session that answers as it was told to."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def memory(self) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _asked(answer: Any, engine: str = "acme") -> DeviceMemory:
    session: Any = Knowing(answer)
    return device_memory(session, engine)


def test_bytes_by_use_are_passed_on() -> None:
    assert _asked({"weights": 10, "total": 12}) == DeviceMemory({"weights": 10, "total": 12})
    assert _asked(None) == DeviceMemory(None, SILENT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (5, 'engine "acme" states memory(): found 5; expected an object'),
        ({"total": math.nan}, 'engine "acme" states memory().total: found nan'),
        ({"total": -1}, 'engine "acme" states memory().total: found -1; expected 0 or more'),
        ({"total": True}, 'engine "acme" states memory().total: found true; expected a whole number'),
        ({"total": 1.5}, 'engine "acme" states memory().total: found 1.5; expected a whole number'),
        ({"total": 2**63}, 'engine "acme" states memory().total: found 9223372036854775808'),
        ({3: 1}, 'engine "acme" states memory(): found the key 3; expected text'),
        ({"x" * 5_000_000: 1}, 'engine "acme" states memory()'),
        ({str(at): 1 for at in range(100_000)}, "found 100000 values; expected at most 1000"),
        (OSError("gone"), 'raised OSError in memory() of engine "acme": gone'),
    ],
)
def test_an_answer_that_is_none_becomes_a_reason_that_names_the_engine(answer: Any, reason: str) -> None:
    found = _asked(answer)
    assert found.by_use is None
    assert reason in found.reason
    assert len(found.reason) < 3000


def test_an_instance_that_raises_loses_this_alone() -> None:
    assert _asked(OSError("gone"), engine="") == DeviceMemory(None, "memory() raised OSError: gone")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists))
def test_whatever_stands_for_a_size_the_answer_crosses_the_wire(value: Any) -> None:
    found = _asked({"total": value})
    message, block = wire.encode_answer({"": found})
    again = wire.decode_answer(ReadDeviceMemory(), json.loads(json.dumps(message["answer"])), block)
    assert again == {"": found}
    assert (found.by_use is None) == bool(found.reason)


def test_each_component_of_a_chain_in_a_worker_has_its_own(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    file = folder / "ai_app_config.json"
    config = json.loads(file.read_text())
    config["components"].append({**config["components"][0], "name": "second"})
    file.write_text(json.dumps(config))
    app = load_app(folder)
    with Worker(WorkerOptions()) as worker:
        worker.request(OpenRequest(app.request(), EngineConfiguration("fake"), samples=tuple(map(str, app.samples))))
        found = worker.request(ReadDeviceMemory())
    assert set(found) == {part.name for part in app.components}
    assert set(found.values()) == {DeviceMemory(None, SILENT)}
