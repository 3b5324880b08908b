"""Runs one inference: copies to the device, the model and copies back.

What a run does is kept as a sequence of steps that is composed anew when shapes change, so that a run of known shapes
checks nothing, allocates nothing and makes each of the vendor's calls once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.kit.device_tensors import DeviceBuffer, InputTensor, OutputTensor, bind, fill
from lpbench_acl._calls import AclError
from lpbench_acl._datasets import Dataset
from lpbench_acl._lane import DeviceMemory, HostMemory
from lpbench_acl._tensors import INTERNAL, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._calls import Step
    from lpbench_acl._lane import Lane
    from lpbench_acl._model import LoadedModel
    from lpbench_acl._tensors import Tensor


class Call:
    """Runs one model.

    All memory is reserved here, as much as the model's largest shapes take.

    :param tensors: The model's inputs and its outputs.
    :param resources: Takes over what AscendCL keeps of the buffers.
    :raises EngineError: There is not enough memory.
    """

    def __init__(
        self, lane: Lane, model: LoadedModel, tensors: tuple[Sequence[Tensor], Sequence[Tensor]], resources: Resources
    ) -> None:
        self._lane, self._calls, self._model = lane, lane.calls, model
        self._device, host = DeviceMemory(lane), HostMemory(lane)
        fed = [tensor for tensor in tensors[0] if tensor.info.name not in INTERNAL]
        self._inputs = [InputTensor(tensor.info, self._device, host) for tensor in fed]
        self._outputs = [OutputTensor(tensor.info, self._device, host) for tensor in tensors[1]]
        self._given = self._dataset(tensors[0], self._inputs, resources)
        self._found = self._dataset(tensors[1], self._outputs, resources)
        self._steps: Sequence[Step] = ()
        self._views: dict[str, Any] = {}

    def __call__(self, feeds: Feeds) -> Outputs:
        """Run; the outputs are views of the host's memory, which the next run overwrites."""
        moved = bind(self._inputs, feeds)
        self._lane.select()
        if moved:
            self._place()
        fill(self._inputs)
        for step in self._steps:
            step()
        return dict(self._views)

    def infos(self) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """Return the inputs and the outputs."""
        return [tensor.info for tensor in self._inputs], [tensor.info for tensor in self._outputs]

    def prepare(self) -> None:
        """Compose the steps for inputs of fixed shapes, so that the first run is like the others."""
        for tensor in self._inputs:
            if tensor.info.dynamic:
                return
            tensor.shape = tuple(size for size in tensor.info.shape if isinstance(size, int))
        self._place()

    def buffers(self) -> list[DeviceBuffer]:
        """Return the memory of inputs and outputs on the device."""
        return [tensor.device for tensor in (*self._inputs, *self._outputs)]

    def bytes_copied(self) -> dict[str, int]:
        """Return the bytes that the last run copied, or the next one will as far as known."""
        return {
            "inputs": sum(tensor.size for tensor in self._inputs if tensor.placed is not None),
            "outputs": sum(output.size for output in self._outputs),
        }

    def settle(self) -> bool:
        """Wait after a failure for what still runs, and forget all shapes; returns whether the device is lost."""
        self.drop()
        try:
            self._lane.select()
            self._lane.wait()
        except AclError:
            return True
        return False

    def unbind(self) -> None:
        """Forget the arrays that were passed last, after one of them was refused."""
        for tensor in self._inputs:
            tensor.unbind()

    def drop(self) -> None:
        """Let go of all arrays, the user's and those that show the host's memory."""
        self._steps, self._views = (), {}
        for tensor in self._inputs:
            tensor.drop()
        for output in self._outputs:
            output.drop()

    def _dataset(
        self, tensors: Sequence[Tensor], fed: Sequence[InputTensor | OutputTensor], resources: Resources
    ) -> Dataset:
        """Return the buffers of a model's inputs or outputs; those that nobody feeds have none on the host."""
        dataset, of_name = Dataset(self._calls, resources), {each.name: each for each in fed}
        for tensor in tensors:
            shown = of_name.get(tensor.info.name)
            device = shown.device if shown else DeviceBuffer(self._device)
            self._lane.memory.add(device.release)
            device.reserve(tensor.size)
            if shown:
                self._lane.memory.add(shown.host.release)
                shown.host.reserve(tensor.size)
            dataset.add(device.address, tensor.size)
        return dataset

    def _place(self) -> None:
        self._steps, self._views = (), {}
        for tensor in self._inputs:
            tensor.reserve()
        for index, output in enumerate(self._outputs):
            output.show(sizes(self._calls, "mdl.get_cur_output_dims", self._model.description, index))
        self._views = {output.name: output.view for output in self._outputs}
        self._steps = self._composed()

    def _composed(self) -> list[Step]:
        """Return the steps of a run."""
        into, back = self._lane.directions
        sends = [
            self._copy(tensor.device.address, tensor.host.address, tensor.size, into)
            for tensor in self._inputs
            if tensor.size
        ]
        fetches = [
            self._copy(output.host.address, output.device.address, output.size, back)
            for output in self._outputs
            if output.size
        ]
        datasets = self._model.number, self._given.handle, self._found.handle
        if not self._lane.config.asynchronous:
            return [*sends, self._calls.prepared("mdl.execute", *datasets), *fetches]
        launch = self._calls.prepared("mdl.execute_async", *datasets, self._lane.stream)
        return [*sends, launch, *fetches, self._lane.wait]

    def _copy(self, target: int, source: int, size: int, direction: int) -> Step:
        if self._lane.config.asynchronous:
            return self._calls.prepared("rt.memcpy_async", target, size, source, size, direction, self._lane.stream)
        return self._calls.prepared("rt.memcpy", target, size, source, size, direction)
