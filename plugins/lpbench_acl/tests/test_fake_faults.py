"""The fake fails where it is told to, as AscendCL does, and keeps account of it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import X, network

from lpbench.testing import ledger

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

pytestmark = pytest.mark.long

SCENARIO = """
import bare, numpy
running = bare.Bare({model!r})
running.run({{"x": numpy.ones((2, 3), numpy.float32)}})
running.close()
"""


@pytest.fixture
def model(fake_acl: Fake, tmp_path: Path) -> str:
    return str(fake_acl.om(network(tmp_path)))


def program(model: str) -> None:
    running = bare.Bare(model)
    running.run({"x": X})
    running.close()


def test_the_ledger_lists_the_calls_in_order(fake_acl: Fake, model: str) -> None:
    names = ledger.calls(fake_acl.run(SCENARIO.format(model=model)))
    enqueued = names.index("acl.rt.memcpy_async")
    order = ["acl.rt.memcpy_async", "acl.mdl.execute_async", "acl.rt.memcpy_async", "acl.rt.synchronize_stream"]
    assert names[0] == "acl.init"
    assert names[enqueued : enqueued + 4] == order


def test_what_is_not_released_stands_in_the_ledger(fake_acl: Fake, model: str) -> None:
    fake_acl.excuse()
    lines = fake_acl.run(SCENARIO.format(model=model).replace("running.close()", ""))
    kept = {entry.name for entry in lines if entry.what == "unreleased"}
    things = {"device memory", "pinned memory", "stream", "context", "model", "model description", "data buffer"}
    assert kept == {*things, "dataset", "device in use"}


def test_every_call_can_fail(fake_acl: Fake, model: str) -> None:
    fake_acl.excuse()
    program(model)
    expected = ledger.calls(fake_acl.report())
    for number, name in enumerate(expected, 1):
        fake_acl.set(fail_at=number)
        fake_acl.module.fake_begin()
        with pytest.raises((bare.CallError, KeyError, ValueError)):
            program(model)
        assert ledger.calls(fake_acl.report())[number - 1] == name
        fake_acl.set(fail_at=0)
        fake_acl.module.fake_reset()


def test_what_a_failing_call_was_to_free_is_all_that_stays(fake_acl: Fake, model: str) -> None:
    fake_acl.set(fail_at="acl.rt.destroy_stream:1")
    running = bare.Bare(model)
    with pytest.raises(bare.CallError, match="a failure that was asked for"):
        running.close()
    for name, handle in (("rt.destroy_context", running.device.context), ("rt.reset_device", 0)):
        bare.call(name, handle)
    if running.device.own:
        bare.call("finalize")
    assert [(entry.what, entry.name) for entry in fake_acl.report() if entry.what != "call"] == [
        ("unreleased", "stream")
    ]
    fake_acl.module.fake_begin()
    fake_acl.ledger.unlink()


def test_a_wait_that_fails_leaves_nothing_to_be_done(fake_acl: Fake, model: str) -> None:
    running = bare.Bare(model)
    fake_acl.set(fail_at="acl.rt.synchronize_stream:1")
    with pytest.raises(bare.CallError, match="507015"):
        running.run({"x": X})
    fake_acl.set(fail_at=0)
    assert np.array_equal(running.run({"x": X})["y"], bare.expected(X))
    running.close()


@pytest.mark.parametrize(("api", "code"), [("new", 145002), ("old", 100003)])
def test_a_missing_model_is_told_in_the_codes_of_the_generation(fake_acl: Fake, api: str, code: int) -> None:
    fake_acl.set(api=api)
    device = bare.Device()
    with pytest.raises(bare.CallError, match=rf"{code}: E13001.*nowhere\.om"):
        bare.call("mdl.load_from_file", "nowhere.om")
    device.close()


@pytest.mark.parametrize("size", [0, 100, 255, 400])
def test_a_model_that_is_cut_off_is_refused(fake_acl: Fake, model: str, tmp_path: Path, size: int) -> None:
    (tmp_path / "cut.om").write_bytes((tmp_path / model).read_bytes()[:size])
    device = bare.Device()
    with pytest.raises(bare.CallError, match=r"145006: E10001.*Invalid om file"):
        bare.call("mdl.load_from_file", str(tmp_path / "cut.om"))
    device.close()


def test_a_model_for_another_chip_is_refused(fake_acl: Fake, model: str) -> None:
    fake_acl.set(soc="Ascend910B2")
    device = bare.Device()
    with pytest.raises(bare.CallError, match=r"500002.*supported socVersion=Ascend910B2.*model socVersion=Ascend310P3"):
        bare.call("mdl.load_from_file", model)
    device.close()


def test_memory_can_be_too_small_for_a_model_or_a_buffer(fake_acl: Fake, model: str) -> None:
    fake_acl.set(device_memory=100)
    device = bare.Device()
    for name, arguments in (("mdl.load_from_file", (model,)), ("rt.malloc", (101, 0))):
        with pytest.raises(bare.CallError, match="207001: EL0004"):
            bare.call(name, *arguments)
    device.close()


def test_memory_tells_what_is_free(fake_acl: Fake) -> None:
    fake_acl.set(device_memory=1000)
    device = bare.Device()
    address = bare.call("rt.malloc", 400, 0)
    assert bare.call("rt.get_mem_info", 0) == bare.call("rt.get_mem_info", 1) == (600, 1000)
    fake_acl.set(soc="Ascend910A")
    assert bare.call("rt.get_mem_info", 0) == (0, 0)
    bare.call("rt.free", address)
    device.close()


def test_a_lost_device_stays_lost_and_takes_what_is_given_back(fake_acl: Fake, model: str) -> None:
    running = bare.Bare(model)
    running.enqueue()
    fake_acl.set(lost_at=1)
    for _ in range(2):
        with pytest.raises(bare.CallError, match="507010"):
            running.run({"x": X})
    acl = running.acl
    for each in (*running.inputs, *running.outputs):
        assert not acl.destroy_data_buffer(each.buffer)
        assert acl.rt.free(each.device) == acl.rt.free_host(each.host) == 507010
    assert [acl.mdl.destroy_dataset(each) for each in running.datasets] == [0, 0]
    assert acl.mdl.unload(running.model)
    assert not acl.mdl.destroy_desc(running.description)
    assert acl.rt.destroy_stream(running.device.stream)
    assert acl.rt.destroy_context(running.device.context)
    assert acl.rt.reset_device(0)
    if running.device.own:
        acl.finalize()


@pytest.mark.parametrize("code", [507899, 207004])
def test_without_a_driver_nothing_begins(fake_acl: Fake, code: int) -> None:
    fake_acl.set(no_driver=code)
    with pytest.raises(bare.CallError, match=f"{code}.*driver"):
        bare.Device()
    assert fake_acl.module.rt.get_device_count() == (0, code)
    fake_acl.module.finalize()


def test_a_host_may_have_no_device_or_several(fake_acl: Fake) -> None:
    fake_acl.set(devices=0)
    with pytest.raises(bare.CallError, match="107001"):
        bare.Device()
    assert fake_acl.module.rt.get_device_count() == (0, 207004)
    fake_acl.set(devices=3)
    assert fake_acl.module.rt.get_device_count() == (3, 0)
    device = bare.Device(2)
    assert bare.call("rt.get_device") == 2
    device.close()
    fake_acl.module.finalize()


def test_each_thread_has_its_own_message_which_is_read_once(fake_acl: Fake) -> None:
    acl = fake_acl.module
    acl.rt.set_device(9)
    elsewhere: list[Any] = []
    thread = threading.Thread(target=lambda: elsewhere.append(acl.get_recent_err_msg()))
    thread.start()
    thread.join()
    message = acl.get_recent_err_msg()
    assert elsewhere == [None]
    assert f"EE1001: [PID: {os.getpid()}]" in message
    assert acl.get_recent_err_msg() is None
    fake_acl.excuse()


def test_initialising_again_is_told_and_does_no_harm(fake_acl: Fake) -> None:
    acl = fake_acl.module
    first = acl.init()
    assert acl.init() == 100002
    if first == 0:
        assert (acl.finalize(), acl.finalize()) == (0, 100037)


def test_generations_differ_in_what_they_have(fake_acl: Fake) -> None:
    acl = fake_acl.module
    assert acl.util.ptr_to_bytes(acl.util.bytes_to_ptr(b"kept"), 4) == b"kept"
    with pytest.warns(Warning, match="numpy_to_ptr will be deprecated"):
        assert acl.util.numpy_to_ptr(X) == X.ctypes.data
    fake_acl.set(api="old")
    assert not {"bytes_to_ptr", "ptr_to_bytes"} & set(dir(acl.util))
    assert np.array_equal(acl.util.ptr_to_numpy(acl.util.numpy_to_ptr(X), X.shape, 11), X)
    assert not hasattr(acl.rt, "create_event_with_flag")


def test_the_fake_says_that_it_is_one(fake_acl: Fake) -> None:
    assert "fake" in fake_acl.module.get_cann_version(0)[0]["version"]
    found = [
        path for path in fake_acl.site.root.rglob("*") if path.name in {"version.cfg", "ascend_toolkit_install.info"}
    ]
    assert all("fake" in path.read_text() for path in found)
    assert len(found) == 2


def test_a_process_that_ends_without_notice_leaves_its_account(fake_acl: Fake) -> None:
    fake_acl.excuse()
    lines = fake_acl.run("import bare, os; bare.Device(); os._exit(0)")
    assert {entry.name for entry in lines if entry.what == "unreleased"} == {"context", "stream", "device in use"}
