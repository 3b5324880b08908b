"""AscendCL without lpbench: the vendor's calls in the vendor's order, and nothing else.

The tests of the fake run it, and the benchmark of lpbench's own cost is measured against it.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WEIGHTS = np.random.default_rng(7).normal(size=(3, 4)).astype(np.float32)
"""Of the tests' network."""
HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE = 1, 2, 3
HUGE_FIRST = 0
REPEATED = 100002
TYPES = {0: "f4", 1: "f2", 2: "i1", 3: "i4", 4: "u1", 9: "i8", 12: "?"}
SHAPE_INPUT = "ascend_mbatch_shape_data"


class CallError(Exception):
    """A call that failed, with what AscendCL says of it."""


def checked(name: str, answer: Any) -> Any:
    """Return what a call returns, without its code; raises CallError if the code is not 0."""
    *values, code = answer if isinstance(answer, tuple) else (answer,)
    if code:
        said = importlib.import_module("acl").get_recent_err_msg()
        raise CallError(f"{name}: {code}: {said}")
    return values[0] if len(values) == 1 else tuple(values)


def call(name: str, *arguments: Any) -> Any:
    """Call a function that returns a code, with values before it or alone."""
    module: Any = importlib.import_module("acl")
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part)
    return checked(name, function(*arguments))


class Tensor:
    """An input or output with its memory on both sides."""

    def __init__(  # noqa: PLR0913 - what a description tells
        self, acl: Any, name: str, shape: Sequence[int], kind: int, size: int, *, on_host: bool
    ) -> None:
        self.name, self.size = name, size
        self.device = call("rt.malloc", size, HUGE_FIRST)
        self.host = call("rt.malloc_host", size) if on_host else call("rt.malloc", size, HUGE_FIRST)
        memory = memoryview((ctypes.c_char * size).from_address(self.host)).cast("B")
        self.flat: Any = np.frombuffer(memory, np.dtype(TYPES[kind]))
        self.array = self.shown(shape)
        self.buffer = acl.create_data_buffer(self.device, size)
        self.on_host = on_host

    def shown(self, shape: Sequence[int]) -> Any:
        """Return the host's side in a shape."""
        return self.flat[: int(np.prod(shape))].reshape(shape) if min(shape, default=1) > 0 else self.flat

    def release(self, acl: Any) -> None:
        checked("destroy_data_buffer", acl.destroy_data_buffer(self.buffer))
        checked("free", acl.rt.free(self.device))
        checked("free_host", (acl.rt.free_host if self.on_host else acl.rt.free)(self.host))


class Device:
    """A device with a context and a stream, from ``acl.init`` to ``acl.finalize`` unless somebody else began."""

    def __init__(self, number: int = 0) -> None:
        self.acl: Any = importlib.import_module("acl")
        self.number = number
        code = self.acl.init()
        self.own = code == 0
        if code not in {0, REPEATED}:
            checked("init", code)
        call("rt.set_device", number)
        self.context = call("rt.create_context", number)
        self.stream = call("rt.create_stream")
        self.on_host = call("rt.get_run_mode") == 1

    def close(self) -> None:
        call("rt.destroy_stream", self.stream)
        call("rt.destroy_context", self.context)
        call("rt.reset_device", self.number)
        if self.own:
            call("finalize")


class Bare:
    """A model that runs: buffers are made once; ``close`` gives everything back, last first.

    :param device: Where; one of its own unless it is given.
    """

    def __init__(self, path: str, device: Device | None = None) -> None:
        self.own = device is None
        self.device = device or Device()
        acl = self.acl = self.device.acl
        self.model = call("mdl.load_from_file", path)
        self.description = acl.mdl.create_desc()
        call("mdl.get_desc", self.description, self.model)
        self.inputs = self._side("input", acl.mdl.get_num_inputs(self.description))
        self.outputs = self._side("output", acl.mdl.get_num_outputs(self.description))
        self.datasets = [self._dataset(side) for side in (self.inputs, self.outputs)]

    def _side(self, side: str, count: int) -> list[Tensor]:
        return [self._tensor(side, index) for index in range(count)]

    def _tensor(self, side: str, index: int) -> Tensor:
        mdl, description = self.acl.mdl, self.description
        dims = call(f"mdl.get_{side}_dims", description, index)["dims"]
        kind = getattr(mdl, f"get_{side}_data_type")(description, index)
        size = getattr(mdl, f"get_{side}_size_by_index")(description, index)
        name = getattr(mdl, f"get_{side}_name_by_index")(description, index)
        if name is None:
            raise CallError(f"{side} {index} has no name: {self.acl.get_recent_err_msg()}")
        return Tensor(self.acl, name, dims, kind, size, on_host=self.device.on_host)

    def _dataset(self, side: list[Tensor]) -> int:
        made = self.acl.mdl.create_dataset()
        for each in side:
            call("mdl.add_dataset_buffer", made, each.buffer)
        return int(made)

    @property
    def shape_index(self) -> int:
        """The index of the input that tells the gear."""
        return int(call("mdl.get_input_index_by_name", self.description, SHAPE_INPUT))

    def feed(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Write inputs into the host's memory."""
        for each in self.inputs:
            if each.name in feeds:
                given = feeds[each.name]
                if each.array.shape != given.shape:
                    each.array = each.shown(given.shape)
                np.copyto(each.array, given)

    def enqueue(self) -> None:
        """Copy in, execute, copy out, without waiting."""
        rt, stream = self.acl.rt, self.device.stream
        here, back = (HOST_TO_DEVICE, DEVICE_TO_HOST) if self.device.on_host else (DEVICE_TO_DEVICE,) * 2
        for each in self.inputs:
            if each.name != SHAPE_INPUT:
                size = each.array.nbytes
                checked("memcpy_async", rt.memcpy_async(each.device, each.size, each.host, size, here, stream))
        checked("execute_async", self.acl.mdl.execute_async(self.model, *self.datasets, stream))
        for each in self.outputs:
            size = each.array.nbytes
            checked("memcpy_async", rt.memcpy_async(each.host, each.size, each.device, size, back, stream))

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return views of the outputs, which hold until the next run."""
        self.feed(feeds)
        self.enqueue()
        checked("synchronize_stream", self.acl.rt.synchronize_stream(self.device.stream))
        return {each.name.rpartition(":")[2]: each.array for each in self.outputs}

    def run_waiting(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Do the same with calls that wait."""
        rt = self.acl.rt
        here, back = (HOST_TO_DEVICE, DEVICE_TO_HOST) if self.device.on_host else (DEVICE_TO_DEVICE,) * 2
        self.feed(feeds)
        for each in self.inputs:
            if each.name != SHAPE_INPUT:
                checked("memcpy", rt.memcpy(each.device, each.size, each.host, each.array.nbytes, here))
        checked("execute", self.acl.mdl.execute(self.model, *self.datasets))
        for each in self.outputs:
            checked("memcpy", rt.memcpy(each.host, each.size, each.device, each.array.nbytes, back))
        return {each.name.rpartition(":")[2]: each.array for each in self.outputs}

    def reshape(self) -> None:
        """Show the outputs in the shapes of the gear that was set."""
        for index, each in enumerate(self.outputs):
            each.array = each.shown(call("mdl.get_cur_output_dims", self.description, index)["dims"])

    def set_batch(self, batch: int) -> None:
        call("mdl.set_dynamic_batch_size", self.model, self.datasets[0], self.shape_index, batch)
        self.reshape()

    def set_image(self, height: int, width: int) -> None:
        call("mdl.set_dynamic_hw_size", self.model, self.datasets[0], self.shape_index, height, width)
        self.reshape()

    def set_dims(self, dims: Sequence[int]) -> None:
        told = {"name": "", "dimCount": len(dims), "dims": list(dims)}
        call("mdl.set_input_dynamic_dims", self.model, self.datasets[0], self.shape_index, told)
        self.reshape()

    def close(self) -> None:
        for each in (*self.inputs, *self.outputs):
            each.release(self.acl)
        for dataset in self.datasets:
            call("mdl.destroy_dataset", dataset)
        call("mdl.unload", self.model)
        call("mdl.destroy_desc", self.description)
        if self.own:
            self.device.close()


def expected(x: NDArray[Any]) -> NDArray[Any]:
    """Return what the tests' network computes."""
    return np.maximum(x @ WEIGHTS, 0)
