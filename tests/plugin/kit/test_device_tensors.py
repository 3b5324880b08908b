"""Inputs and outputs with memory on a device: buffers that grow, arrays that outlive them, feeds by name."""

from __future__ import annotations

import ctypes
import gc
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import EngineError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit.device_tensors import (
    DeviceBuffer,
    HostBuffer,
    InputTensor,
    MisfitError,
    OutputTensor,
    bind,
    explain,
    fill,
)

np = pytest.importorskip("numpy", reason="needs numpy")
FLOAT32 = np.dtype("float32")
SIZES = st.lists(st.integers(0, 1 << 16), min_size=1, max_size=12)


class Memory:
    """Memory of the host, given out and taken back as a device's is; refuses what exceeds ``limit``."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.limit = limit
        self.failing = False
        self.made = 0
        self.given: dict[int, Any] = {}

    def allocate(self, size: int) -> int:
        assert size > 0
        if self.used() + size > self.limit:
            raise EngineError("no memory left")
        block = (ctypes.c_ubyte * size)(*b"\xee" * min(size, 16))
        self.made += 1
        self.given[ctypes.addressof(block)] = block
        return ctypes.addressof(block)

    def free(self, address: int) -> None:
        block = self.given.pop(address)
        ctypes.memset(block, 0xDD, len(block))
        if self.failing:
            raise EngineError("cannot be freed")

    def used(self) -> int:
        return sum(map(len, self.given.values()))


def test_room_once_made_is_made_again_for_no_smaller_tensor() -> None:
    memory = Memory()
    buffer = DeviceBuffer(memory)
    buffer.reserve(100)
    kept = buffer.address
    for size in (100, 1, 0):
        buffer.reserve(size)
    assert (buffer.address, memory.made) == (kept, 1)


def test_an_empty_tensor_has_an_address_too() -> None:
    memory = Memory()
    buffer, host = DeviceBuffer(memory), HostBuffer(memory)
    buffer.reserve(0)
    host.reserve(0)
    assert buffer.address in memory.given
    assert host.view((0, 3), FLOAT32).shape == (0, 3)


def reserved(buffer: DeviceBuffer | HostBuffer, size: int) -> bool:
    try:
        buffer.reserve(size)
    except EngineError:
        assert buffer.address == 0
        return False
    return True


@given(SIZES, st.integers(1, 1 << 16))
def test_a_buffer_holds_enough_or_after_a_failure_nothing(sizes: list[int], limit: int) -> None:
    """Whatever is asked for in which order, and whatever there is: never less than asked, never two at a time."""
    device, host = Memory(limit), Memory(limit)
    buffer, shown = DeviceBuffer(device), HostBuffer(host)
    for size in sizes:
        for each, memory in ((buffer, device), (shown, host)):
            made = reserved(each, size)
            held = [len(block) for block in memory.given.values()]
            assert (len(held) == 1 and held[0] >= size and each.address in memory.given) if made else not held
    buffer.release()
    shown.release()
    assert not device.given
    assert not host.given


def test_an_array_that_is_read_too_late_is_stale_and_no_crash() -> None:
    memory = Memory()
    buffer = HostBuffer(memory)
    buffer.reserve(8)
    shown = buffer.view((2,), FLOAT32)
    shown[:] = 7
    part = shown[1:]
    del shown
    buffer.release()
    buffer.reserve(4096)
    assert part.tolist() == [7]
    assert len(memory.given) == 2
    del part
    gc.collect()
    assert list(memory.given) == [buffer.address]


def test_the_hosts_memory_begins_with_zeros() -> None:
    """What the vendor's allocator gives holds another program's bytes; a run that failed must not show them."""
    buffer = HostBuffer(Memory())
    buffer.reserve(8)
    assert buffer.view((2,), FLOAT32).tolist() == [0, 0]


def test_memory_that_cannot_be_freed_late_is_reported_by_the_next_release() -> None:
    memory = Memory()
    buffer = HostBuffer(memory)
    buffer.reserve(4)
    shown = buffer.view((1,), FLOAT32)
    buffer.release()
    memory.failing = True
    del shown
    gc.collect()
    with pytest.raises(EngineError, match="cannot be freed"):
        buffer.release()
    buffer.release()


def input_of(dtype: str, *shape: int | str | None, name: str = "x") -> InputTensor:
    return InputTensor(TensorInfo(name, dtype, shape), Memory(), Memory())


def test_the_arrays_of_a_run_are_copied_to_what_the_device_reads() -> None:
    inputs = [input_of("float32", "N", 2, name="a"), input_of("int8", 3, name="b")]
    feeds = {"b": np.array([1, 2, 3], np.int8), "a": np.array([[4, 5]], np.float32)}
    assert bind(inputs, feeds)
    for tensor in inputs:
        tensor.reserve()
    fill(inputs)
    assert [tensor.host.view(tensor.shape, tensor.dtype).tolist() for tensor in inputs] == [[[4, 5]], [1, 2, 3]]
    assert [tensor.size for tensor in inputs] == [8, 3]


def test_an_array_seen_before_is_read_anew_and_has_no_new_shape() -> None:
    tensor = input_of("float32", "N")
    array = np.zeros(2, np.float32)
    assert bind([tensor], {"x": array})
    tensor.reserve()
    array[:] = 3
    assert not bind([tensor], {"x": array})
    assert not bind([tensor], {"x": array.copy()})
    fill([tensor])
    assert tensor.target.tolist() == [3, 3]
    assert bind([tensor], {"x": np.zeros(5, np.float32)})


@pytest.mark.parametrize(
    "feeds", [None, 5, {}, {"y": 1}, {"x": [1]}, {"x": np.zeros(2)}, {"x": np.zeros(1, np.float32), "y": 1}]
)
def test_feeds_that_do_not_fit_are_refused_and_explained(feeds: Any) -> None:
    tensor = input_of("float32", 1)
    with pytest.raises(MisfitError) as caught:
        bind([tensor], feeds)
    what, _ = explain(feeds, [tensor.info], caught.value) or ("", "")
    assert "x" in what or "y" in what or "feeds are" in what
    assert not explain({"x": np.zeros(1, np.float32)}, [tensor.info], EngineError("of the device"))


def test_a_refused_array_is_checked_again() -> None:
    """It may have been changed in place; one that was accepted before is not taken for the one that was refused."""
    tensor = input_of("float32", 1)
    good, bad = np.zeros(1, np.float32), np.zeros(2, np.float32)
    bind([tensor], {"x": good})
    for _ in range(2):
        with pytest.raises(MisfitError):
            bind([tensor], {"x": bad})
    tensor.unbind()
    bind([tensor], {"x": good})
    assert tensor.source is good


def test_bits_of_floats_that_numpy_lacks_go_in_and_come_out() -> None:
    """With ml_dtypes the output has its type, without it the integers that hold its bits."""
    tensor = input_of("bfloat16", 2)
    bits = np.array([0x3F80, 0xC000], np.uint16)
    bind([tensor], {"x": bits})
    tensor.reserve()
    fill([tensor])
    assert tensor.target.tolist() == bits.tolist()
    output = OutputTensor(TensorInfo("y", "bfloat16", (2,)), Memory(), Memory())
    output.reserve((2,))
    assert output.view.dtype.name in {"bfloat16", "uint16"}
    assert output.size == 4


def test_an_output_shows_a_smaller_shape_in_the_same_memory_and_grows_for_a_larger_one() -> None:
    output = OutputTensor(TensorInfo("y", "float32", ("N", 2)), Memory(), Memory())
    output.reserve((4, 2))
    host, device = output.host.address, output.device.address
    output.show((2, 2))
    assert (output.view.shape, output.view.ctypes.data, output.device.address) == ((2, 2), host, device)
    output.show((8, 2))
    assert output.view.shape == (8, 2)


def test_a_tensor_that_grows_lets_go_of_its_memory_before_it_takes_more() -> None:
    """There is room for the larger one, or for the smaller one, and not for both."""
    host = Memory(limit=100)
    tensor = InputTensor(TensorInfo("x", "int8", ("N",)), Memory(), host)
    output = OutputTensor(TensorInfo("y", "int8", ("N",)), Memory(), Memory(limit=100))
    for count in (40, 80):
        bind([tensor], {"x": np.zeros(count, np.int8)})
        tensor.reserve()
        output.reserve((count,))
    output.show((90,))
    assert (tensor.target.size, output.view.size, host.used()) == (80, 90, 80)


def test_what_the_library_reads_on_the_host_takes_nothing_of_the_device() -> None:
    device = Memory()
    tensor = InputTensor(TensorInfo("x", "int32", (2,)), device, Memory(), on_host=True)
    output = OutputTensor(TensorInfo("y", "int32", (2,)), device, Memory(), on_host=True)
    bind([tensor], {"x": np.array([1, 2], np.int32)})
    tensor.reserve()
    output.reserve((2,))
    assert (tensor.address, output.address) == (tensor.host.address, output.host.address)
    assert device.made == 0


def test_dropped_tensors_keep_their_memory_and_show_nothing() -> None:
    """So that a session whose run failed can go on, and one that is closed holds no array."""
    tensor, output = input_of("float32", 2), OutputTensor(TensorInfo("y", "float32", (2,)), Memory(), Memory())
    bind([tensor], {"x": np.zeros(2, np.float32)})
    tensor.reserve()
    output.reserve((2,))
    addresses = tensor.address, output.address
    tensor.drop()
    output.drop()
    assert (tensor.source, tensor.target, output.view, output.size) == (None, None, None, 0)
    assert bind([tensor], {"x": np.zeros(2, np.float32)})
    tensor.reserve()
    assert (tensor.address, output.address) == addresses


@given(st.lists(st.integers(0, 9), max_size=4), st.sampled_from(["bool", "int8", "float16", "float32", "int64"]))
def test_room_is_as_large_as_the_array(shape: list[int], dtype: str) -> None:
    memory = Memory()
    output = OutputTensor(TensorInfo("y", dtype, tuple(shape)), memory, memory)
    output.reserve(tuple(shape))
    assert output.size == math.prod(shape) * np.dtype(dtype).itemsize
    assert output.device.size == max(output.size, 1)
