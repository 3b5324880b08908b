"""Events and profiling of the fake tell modelled times, the same each time."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import X, network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

NOTHING = 0xFF
"""No metrics of cores: a subscription tells times alone."""


@pytest.fixture
def running(fake_acl: Fake, tmp_path: Path) -> Iterator[bare.Bare]:
    made = bare.Bare(str(fake_acl.om(network(tmp_path))))
    yield made
    made.close()


def timed(running: bare.Bare) -> float:
    """Return the milliseconds between two events around a run."""
    events = [bare.call("rt.create_event") for _ in range(2)]
    bare.call("rt.record_event", events[0], running.device.stream)
    running.enqueue()
    bare.call("rt.record_event", events[1], running.device.stream)
    bare.call("rt.synchronize_stream", running.device.stream)
    taken = bare.call("rt.event_elapsed_time", *events)
    for each in events:
        bare.call("rt.destroy_event", each)
    return float(taken)


def test_events_tell_the_modelled_time(running: bare.Bare) -> None:
    first, second = timed(running), timed(running)
    assert first == pytest.approx(second)
    assert 0.003 < first < 0.1


def test_an_event_is_reached_by_waiting_or_by_asking_again(running: bare.Bare) -> None:
    event = bare.call("rt.create_event")
    for wait in (lambda: bare.call("rt.synchronize_event", event), lambda: None):
        running.feed({"x": X})
        running.enqueue()
        bare.call("rt.record_event", event, running.device.stream)
        wait()
        asked = 0
        while bare.call("rt.query_event", event):
            asked += 1
        assert np.array_equal(running.outputs[0].array, bare.expected(X))
    assert asked == 4
    assert bare.call("rt.query_event_status", event) == 1
    bare.call("rt.destroy_event", event)


def test_a_stream_waits_for_another(running: bare.Bare) -> None:
    other, event = bare.call("rt.create_stream"), bare.call("rt.create_event")
    running.feed({"x": X})
    running.enqueue()
    bare.call("rt.record_event", event, running.device.stream)
    bare.call("rt.stream_wait_event", other, event)
    bare.call("rt.synchronize_stream", other)
    assert np.array_equal(running.outputs[0].array, bare.expected(X))
    for name, handle in (
        ("synchronize_stream", running.device.stream),
        ("destroy_event", event),
        ("destroy_stream", other),
    ):
        bare.call(f"rt.{name}", handle)


class Reader:
    """Reads a pipe to its end, in a thread of its own."""

    def __init__(self) -> None:
        self.end, self.beginning = os.pipe()
        self.content = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while part := os.read(self.end, 100):
            self.content += part

    def finish(self) -> bytes:
        self._thread.join()
        os.close(self.end)
        return self.content


def told(acl: Any, content: bytes) -> list[tuple[str, str, int, int]]:
    """Return name, type, duration and model of each record."""
    where, size = acl.util.bytes_to_ptr(content), len(content)
    return [
        (
            bare.call("prof.get_op_name", where, size, index, 275),
            bare.call("prof.get_op_type_v2", where, size, index),
            acl.prof.get_op_end(where, size, index) - acl.prof.get_op_start(where, size, index),
            acl.prof.get_model_id(where, size, index),
        )
        for index in range(bare.call("prof.get_op_num", where, size))
    ]


def test_operators_are_told_through_a_pipe_that_is_closed_at_the_end(running: bare.Bare) -> None:
    acl, reader = running.acl, Reader()
    asked = acl.prof.create_subscribe_config(1, NOTHING, reader.beginning)
    bare.call("prof.model_subscribe", running.model, asked)
    for _ in range(2):
        running.run({"x": X})
    assert acl.prof.model_subscribe(running.model, asked) == 148046
    bare.call("prof.model_unsubscribe", running.model)
    content = reader.finish()
    bare.call("prof.destroy_subscribe_config", asked)
    assert len(content) == 4 * bare.call("prof.get_op_desc_size")
    once = [("multiply", "MatMul", 1, running.model), ("cut", "Relu", 2, running.model)]
    assert told(acl, content) == once * 2
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader.beginning)


def test_a_name_is_told_once(fake_acl: Fake, running: bare.Bare) -> None:
    """The vendor's table of names forgets what it has told; asking for its length does not count."""
    fake_acl.excuse()
    acl, reader = running.acl, Reader()
    asked = acl.prof.create_subscribe_config(1, NOTHING, reader.beginning)
    bare.call("prof.model_subscribe", running.model, asked)
    running.run({"x": X})
    bare.call("prof.model_unsubscribe", running.model)
    content = reader.finish()
    bare.call("prof.destroy_subscribe_config", asked)
    place = acl.util.bytes_to_ptr(content), len(content), 0
    assert [acl.prof.get_op_name_len(*place) for _ in range(2)] == [(9, 0)] * 2
    assert acl.prof.get_op_name_v2(*place) == ("multiply", 0)
    assert acl.prof.get_op_name_v2(*place)[1] != 0
    assert "told before" in fake_acl.misuse()


def test_part_of_a_record_is_none(fake_acl: Fake, running: bare.Bare) -> None:
    fake_acl.excuse()
    content = b"\0" * 100
    assert running.acl.prof.get_op_num(running.acl.util.bytes_to_ptr(content), 100) == (0, 100000)
