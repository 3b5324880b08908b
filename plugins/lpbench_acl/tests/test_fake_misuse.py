"""What AscendCL's documentation rules out is an error or a line in the fake's ledger."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import X, network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

pytestmark = pytest.mark.long


@pytest.fixture
def running(fake_acl: Fake, tmp_path: Path) -> Iterator[bare.Bare]:
    """Return a model with gears of 1, 2 and 8; the device is given back after the test, whatever it did."""
    fake_acl.excuse()
    model = bare.Bare(str(fake_acl.om(network(tmp_path, "n"), input_shape="x:-1,3", dynamic_batch_size="1,2,8")))
    model.set_batch(2)
    yield model
    fake_acl.module.fake_reset()


def _use_after_free(it: bare.Bare) -> Any:
    address = bare.call("rt.malloc", 64, 0)
    it.acl.rt.free(address)
    return it.acl.rt.memcpy(it.inputs[0].host, 24, address, 24, bare.DEVICE_TO_HOST)


def _double_free(it: bare.Bare) -> Any:
    address = bare.call("rt.malloc", 64, 0)
    it.acl.rt.free(address)
    return it.acl.rt.free(address)


def _freed_inside(it: bare.Bare) -> Any:
    return it.acl.rt.free(it.inputs[0].device + 8)


def _other_free(it: bare.Bare) -> Any:
    return it.acl.rt.free_host(it.inputs[0].device)


def _beyond(it: bare.Bare) -> Any:
    return it.acl.rt.memcpy(it.inputs[0].device, 97, it.inputs[0].host, 24, bare.HOST_TO_DEVICE)


def _more_than_fits(it: bare.Bare) -> Any:
    return it.acl.rt.memcpy(it.inputs[0].device, 8, it.inputs[0].host, 24, bare.HOST_TO_DEVICE)


def _backwards(it: bare.Bare) -> Any:
    return it.acl.rt.memcpy(it.inputs[0].device, 24, it.inputs[0].host, 24, bare.DEVICE_TO_HOST)


def _free_in_use(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.rt.free(it.inputs[0].device)


def _stream_in_use(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.rt.destroy_stream(it.device.stream)


def _unload_in_use(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.mdl.unload(it.model)


def _dataset_in_use(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.mdl.destroy_dataset(it.datasets[0])


def _gear_in_use(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.mdl.set_dynamic_batch_size(it.model, it.datasets[0], it.shape_index, 8)


def _dead_stream(it: bare.Bare) -> Any:
    it.acl.rt.destroy_stream(it.device.stream)
    return it.acl.rt.synchronize_stream(it.device.stream)


def _dead_event(it: bare.Bare) -> Any:
    event = bare.call("rt.create_event")
    it.acl.rt.destroy_event(event)
    return it.acl.rt.record_event(event, it.device.stream)


def _never_recorded(it: bare.Bare) -> Any:
    event = bare.call("rt.create_event")
    return it.acl.rt.event_elapsed_time(event, event)[1]


def _nobody_waited(it: bare.Bare) -> Any:
    event = bare.call("rt.create_event")
    it.acl.rt.record_event(event, it.device.stream)
    return it.acl.rt.event_elapsed_time(event, event)[1]


def _foreign_stream(it: bare.Bare) -> Any:
    bare.call("rt.create_context", 0)
    return it.acl.rt.synchronize_stream(it.device.stream)


def _foreign_model(it: bare.Bare) -> Any:
    bare.call("rt.create_context", 0)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _foreign_unload(it: bare.Bare) -> Any:
    bare.call("rt.create_context", 0)
    return it.acl.mdl.unload(it.model)


def _dead_context(it: bare.Bare) -> Any:
    for release in (it.acl.rt.destroy_stream, it.acl.rt.destroy_context):
        release({it.acl.rt.destroy_stream: it.device.stream}.get(release, it.device.context))
    return it.acl.rt.set_context(it.device.context)


def _context_before_its_stream(it: bare.Bare) -> Any:
    return it.acl.rt.destroy_context(it.device.context)


def _other_thread(it: bare.Bare) -> Any:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(it.acl.rt.synchronize_stream(it.device.stream)))
    thread.start()
    thread.join()
    return codes[0]


def _guessed(it: bare.Bare) -> Any:
    return it.acl.mdl.destroy_dataset(1)


def _wrong_kind(it: bare.Bare) -> Any:
    return it.acl.mdl.destroy_dataset(it.device.stream)


def _gone_buffer(it: bare.Bare) -> Any:
    it.acl.destroy_data_buffer(it.inputs[0].buffer)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _small_buffer(it: bare.Bare) -> Any:
    it.acl.update_data_buffer(it.outputs[0].buffer, it.outputs[0].device, 8)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _nearly_enough(it: bare.Bare) -> Any:
    it.acl.update_data_buffer(it.outputs[0].buffer, it.outputs[0].device, 100)
    return not it.acl.mdl.execute(it.model, *it.datasets)  # passes unnoticed, as on the real one


def _invented_size(it: bare.Bare) -> Any:
    it.acl.update_data_buffer(it.inputs[0].buffer, it.inputs[0].device, 1 << 20)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _on_the_host(it: bare.Bare) -> Any:
    it.acl.update_data_buffer(it.inputs[0].buffer, it.inputs[0].host, it.inputs[0].size)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _swapped(it: bare.Bare) -> Any:
    return it.acl.mdl.execute(it.model, it.datasets[1], it.datasets[0])


def _empty_description(it: bare.Bare) -> Any:
    return it.acl.mdl.get_input_dims(it.acl.mdl.create_desc(), 0)[1]


def _no_such_input(it: bare.Bare) -> Any:
    return it.acl.mdl.get_input_dims(it.description, 7)[1]


def _overwritten_gear(it: bare.Bare) -> Any:
    zeros = np.zeros(1, np.int64)
    it.acl.rt.memcpy(it.inputs[1].device, 8, zeros.ctypes.data, 8, bare.HOST_TO_DEVICE)
    return it.acl.mdl.execute(it.model, *it.datasets)


def _wrong_index(it: bare.Bare) -> Any:
    return it.acl.mdl.set_dynamic_batch_size(it.model, it.datasets[0], 0, 1)


def _two_streams(it: bare.Bare) -> Any:
    it.enqueue()
    return it.acl.mdl.execute_async(it.model, *it.datasets, bare.call("rt.create_stream"))


def _host_to_host(it: bare.Bare) -> Any:
    host = it.inputs[0].host
    return it.acl.rt.memcpy_async(host, 8, host + 8, 8, 0, it.device.stream)


def _reset_again(it: bare.Bare) -> Any:
    it.acl.rt.reset_device(0)
    return it.acl.rt.reset_device(0)


MISUSES: dict[Callable[[bare.Bare], Any], str] = {
    _use_after_free: "used after free",
    _double_free: "freed twice",
    _freed_inside: "an address inside a block",
    _other_free: "device memory is not freed by this call",
    _beyond: "dst goes beyond its block",
    _more_than_fits: "copies 24 bytes into 8",
    _backwards: "dst is not the host's",
    _free_in_use: "freed while work that uses it is pending",
    _stream_in_use: "stream destroyed while work on it is pending",
    _unload_in_use: "model unloaded while work that uses it is pending",
    _dataset_in_use: "dataset destroyed while work that uses it is pending",
    _gear_in_use: "a gear is set while work that reads the last one is pending",
    _dead_stream: "stream used after it was destroyed",
    _dead_event: "event used after it was destroyed",
    _never_recorded: "never recorded",
    _nobody_waited: "nobody waited for it",
    _foreign_stream: "the stream belongs to another context",
    _foreign_model: "executed in another context",
    _foreign_unload: "unloaded in another context",
    _dead_context: "context used after it was destroyed",
    _context_before_its_stream: "context destroyed before its stream",
    _other_thread: "no context is current in this thread",
    _guessed: "not a dataset",
    _wrong_kind: "not a dataset",
    _gone_buffer: "data buffer used after it was destroyed",
    _small_buffer: "output 0 has 8 bytes and needs",
    _nearly_enough: "output 0 has 100 bytes and needs 128",
    _invented_size: "input 0 goes beyond its block",
    _on_the_host: "input 0 is not device memory",
    _swapped: "1 input buffers for 2 inputs",
    _empty_description: "get_desc was not called",
    _no_such_input: "input 7 of 2",
    _overwritten_gear: "ascend_mbatch_shape_data was overwritten",
    _wrong_index: "index 0 is not that of ascend_mbatch_shape_data",
    _two_streams: "executed on two streams at once",
    _host_to_host: "from host to host",
    _reset_again: "reset already",
}


@pytest.mark.parametrize("wrong", MISUSES, ids=lambda each: each.__name__.lstrip("_"))
def test_misuse_is_an_error_and_a_line_in_the_ledger(
    fake_acl: Fake, running: bare.Bare, wrong: Callable[[bare.Bare], Any]
) -> None:
    assert wrong(running)
    assert MISUSES[wrong] in fake_acl.misuse()


def test_what_writes_behind_a_buffer_is_noticed_when_it_is_freed(fake_acl: Fake, running: bare.Bare) -> None:
    address = bare.call("rt.malloc_host", 10)
    ctypes.memset(address, 1, 11)
    assert running.acl.rt.free_host(address)
    assert "written behind its end" in fake_acl.misuse()


def test_what_is_freed_reads_as_rubbish(running: bare.Bare) -> None:
    address = bare.call("rt.malloc_host", 10)
    ctypes.memset(address, 1, 10)
    running.acl.rt.free_host(address)
    assert 1 not in ctypes.string_at(address, 10)


def test_memory_that_can_be_paged_out_makes_a_copy_wait(fake_acl: Fake, running: bare.Bare) -> None:
    taken = np.resize(X, (4, 3))
    running.enqueue()
    running.acl.rt.memcpy_async(running.inputs[0].device, 48, taken.ctypes.data, 48, 1, running.device.stream)
    assert not running.acl.rt.destroy_stream(running.device.stream)
    assert [entry.what for entry in fake_acl.report() if entry.name == "acl.rt.memcpy_async"].count("warning") == 1


def test_a_program_on_the_device_copies_within_its_memory(fake_acl: Fake, running: bare.Bare) -> None:
    fake_acl.set(run_mode=0)
    assert not running.acl.rt.memcpy(running.inputs[0].device, 24, running.inputs[0].host, 24, 1)
    assert "there is only kind 3" in fake_acl.misuse()
