"""Runs one inference: copies to the device, the model and copies back.

What a run does is kept as a sequence of steps that is composed anew when shapes change, so that a run of known shapes
checks nothing, allocates nothing and makes each of the vendor's calls once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.device_tensors import DeviceBuffer, InputTensor, OutputTensor, bind, byte_count, fill
from lpbench_acl._calls import AclError
from lpbench_acl._datasets import Dataset
from lpbench_acl._gear_tables import GEAR_INPUT
from lpbench_acl._gears import Shifter, announced
from lpbench_acl._lane import DeviceMemory, HostMemory
from lpbench_acl._profile import OperatorTimes, subscribed
from lpbench_acl._spans import Marks
from lpbench_acl._tensors import sizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._calls import Step
    from lpbench_acl._gears import Gears
    from lpbench_acl._lane import Lane
    from lpbench_acl._model import LoadedModel
    from lpbench_acl._tensors import Tensor


class Call:
    """Runs one model.

    All memory is reserved here, as much as the model's largest shapes take.

    :param tensors: The model's inputs and its outputs.
    :param gears: Of a dynamic model, those that a run may take.
    :param resources: Takes over what AscendCL keeps of the buffers.
    :raises EngineError: There is not enough memory.
    """

    def __init__(
        self,
        lane: Lane,
        model: LoadedModel,
        tensors: tuple[Sequence[Tensor], Sequence[Tensor]],
        gears: Gears | None,
        resources: Resources,
    ) -> None:
        self._lane, self._calls, self._model = lane, lane.calls, model
        self._device, host = DeviceMemory(lane), HostMemory(lane)
        infos = gears.inputs if gears else [tensor.info for tensor in tensors[0]]
        self._inputs = [InputTensor(info, self._device, host) for info in infos]
        self._outputs = [OutputTensor(tensor.info, self._device, host) for tensor in tensors[1]]
        self._given = self._dataset(tensors[0], self._inputs, resources)
        self._found = self._dataset(tensors[1], self._outputs, resources)
        self._shifter = self._shifting(gears, tensors[0]) if gears else None
        self._marks: Marks | None = None
        self._steps: Sequence[Step] = ()
        self._views: dict[str, Any] = {}
        self._ran = False
        self.times: OperatorTimes | EngineError | None = None

    def __call__(self, feeds: Feeds) -> Outputs:
        """Run; the outputs are views of the host's memory, which the next run overwrites."""
        moved = bind(self._inputs, feeds)
        self._lane.select()
        if moved:
            self._place()
        fill(self._inputs)
        for step in self._steps:
            step()
        self._ran = True
        return dict(self._views)

    def infos(self) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """Return the inputs and the outputs."""
        return [tensor.info for tensor in self._inputs], [output.info for output in self._outputs]

    def observe(self, resources: Resources) -> None:
        """Time the device's activities, unless calls wait each by itself, and the model's operators.

        :param resources: Takes over what times the operators; the lane's memory takes over the events.
        """
        if self._lane.config.asynchronous:
            self._marks = Marks(self._lane)
        self.times = subscribed(self._calls, self._model.number, resources)

    def prepare(self) -> None:
        """Compose the steps for inputs of fixed shapes, so that the first run is like the others.

        :raises EngineError: AscendCL does not tell the outputs' shapes.
        """
        if any(tensor.info.dynamic for tensor in self._inputs):
            self._announce()
            return
        for tensor in self._inputs:
            tensor.shape = tuple(size for size in tensor.info.shape if isinstance(size, int))
        self._place()
        for output in self._outputs:
            output.info = replace(output.info, shape=output.view.shape)

    def gears(self) -> Gears | None:
        """Return the gears that a run may take; None if the model is not dynamic."""
        return self._shifter.gears if self._shifter else None

    def spans(self) -> Mapping[str, int] | None:
        """Return the device's nanoseconds of the last run by activity; None if they are not known."""
        if self._marks is None or not self._ran:
            return None
        self._lane.select()
        return self._marks.spans()

    def operators(self) -> list[dict[str, Any]]:
        """Return a record for each of the model's operators.

        :raises EngineError: They are not known.
        """
        if self.times is None:
            raise EngineError("the session was not opened with profile=True")
        if isinstance(self.times, EngineError):
            raise self.times
        self._lane.select()
        return self.times.records()

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
        self._steps, self._views, self._ran = (), {}, False
        if self._shifter:
            self._shifter.forget()
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

    def _shifting(self, gears: Gears, inputs: Sequence[Tensor]) -> Shifter:
        place = next(tensor.index for tensor in inputs if tensor.info.name == GEAR_INPUT)
        return Shifter(self._calls, gears, (self._model.number, self._given.handle, place))

    def _announce(self) -> None:
        """State the outputs' dimensions as far as all gears agree."""
        if self._shifter is None:
            return
        gears = self._shifter.gears
        shapes = []
        for gear in gears.gears:
            self._shifter.put(gear)
            shapes.append([self._shape(index) for index in range(len(self._outputs))])
        for index, output in enumerate(self._outputs):
            output.info = announced(output.info, [row[index] for row in shapes], gears)

    def _shape(self, output: int) -> tuple[int, ...]:
        """Return an output's shape: of a dynamic model, with the gear that is in force."""
        return sizes(self._calls, "mdl.get_cur_output_dims", self._model.description, output)

    def _place(self) -> None:
        self._steps, self._views = (), {}
        if self._shifter:
            self._shifter.shift(tensor.shape for tensor in self._inputs)
        for tensor in self._inputs:
            _require_room(tensor, tensor.size)
            tensor.reserve()
        for index, output in enumerate(self._outputs):
            shape = self._shape(index)
            _require_room(output, byte_count(shape, output.dtype))
            output.show(shape)
        self._views = {output.name: output.view for output in self._outputs}
        self._steps = [*self._composed(), *([self.times.add] if isinstance(self.times, OperatorTimes) else [])]

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
        if self._marks is None:
            return [*sends, launch, *fetches, self._lane.wait]
        begin, sent, computed, end = self._marks.steps
        return [begin, *sends, sent, launch, computed, *fetches, end, self._lane.wait]

    def _copy(self, target: int, source: int, size: int, direction: int) -> Step:
        if self._lane.config.asynchronous:
            return self._calls.prepared("rt.memcpy_async", target, size, source, size, direction, self._lane.stream)
        return self._calls.prepared("rt.memcpy", target, size, source, size, direction)


def _require_room(tensor: InputTensor | OutputTensor, size: int) -> None:
    """Refuse a tensor that does not fit into the memory that the model asked for, which AscendCL has the address of.

    :raises EngineError: It does not fit, or its size is not known.
    """
    if not 0 <= size <= tensor.device.size:
        raise EngineError(
            f'"{tensor.name}" takes {size} bytes; the model asks for {tensor.device.size}',
            hint="convert the model again: its description contradicts itself",
        )
