"""Runs one inference: copies to the device, the engine and copies back, on one stream.

What a run does is kept as a sequence of steps that is composed anew when shapes change, so that a run of known shapes
checks nothing, allocates nothing and calls each of the vendor's functions once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lpbench.plugin.kit import device_tensors
from lpbench_trt._cuda import CudaError
from lpbench_trt._graph import Graph, refused
from lpbench_trt._logger import log
from lpbench_trt._profile import LayerTimes
from lpbench_trt._slots import InputSlot, OutputSlot
from lpbench_trt._steps import Marks, waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench.plugin.kit.device_tensors import DeviceBuffer
    from lpbench.plugin.kit.resources import Resources
    from lpbench_trt._cuda import Cuda
    from lpbench_trt._library import trt
    from lpbench_trt._ranges import Ranges
    from lpbench_trt._steps import Step
    from lpbench_trt._tensors import Tensor
    from lpbench_trt.config import TensorrtConfig


@dataclass(frozen=True)
class Lane:
    """Where a call works.

    :param select: Selects the device for this thread.
    :param stream: CUDA's stream on which all of its work is done.
    :param memory: Takes over memory and events, which outlive the engine.
    """

    cuda: Cuda
    config: TensorrtConfig
    select: Step
    stream: int
    memory: Resources


class Call:
    """Runs one execution context.

    :param context: The engine's only one.
    :param tensors: Its inputs and its outputs.
    :param profile: Whether to time the device's activities and each layer.
    """

    def __init__(
        self,
        lane: Lane,
        context: trt.IExecutionContext,
        tensors: tuple[Sequence[Tensor], Sequence[Tensor]],
        ranges: Ranges,
        *,
        profile: bool,
    ) -> None:
        cuda, stream = lane.cuda, lane.stream
        self._cuda, self._stream = cuda, stream
        self._context = context
        self._select = lane.select
        self._inputs = [InputSlot(tensor, cuda, stream) for tensor in tensors[0]]
        self._outputs = [OutputSlot(tensor, cuda, stream) for tensor in tensors[1]]
        self._values = [slot for slot in self._inputs if slot.on_host]
        for slot in self._slots():
            lane.memory.add(slot.device.release)
            lane.memory.add(slot.host.release)
        self._ranges, self._profile = ranges, 0
        self._steps: Sequence[Step] = ()
        self._views: dict[str, Any] = {}
        self._marks = Marks(cuda, stream, lane.memory) if profile else None
        self._wait = waiting(cuda, stream, lane.config.wait, lane.memory)
        self._graph = Graph(cuda, stream) if lane.config.graph else None
        self._ran = False
        self.times = LayerTimes(context) if profile else None

    def __call__(self, feeds: Feeds) -> Outputs:
        """Run; the outputs are views of pinned memory, which the next run overwrites."""
        moved = device_tensors.bind(self._inputs, feeds)
        self._select()
        if moved:
            self._place_inputs()
        device_tensors.fill(self._inputs)
        if moved or (self._values and self._new_values()):
            self._place_outputs()
        for step in self._steps:
            step()
        self._ran = True
        return dict(self._views)

    def infos(self) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """Return the inputs, and the outputs with the dimensions that those of fixed inputs determine."""
        return [slot.info for slot in self._inputs], [slot.known() for slot in self._outputs]

    def prepare(self) -> None:
        """Make room for inputs of fixed shapes, so that the first run allocates nothing and a lack of memory shows.

        :raises EngineError: There is not enough memory, TensorRT refuses the shapes, or they rule a graph out.
        """
        if self._graph:
            self._refuse_data_dependence()
        for slot in self._inputs:
            if slot.info.dynamic:
                return
            slot.shape = tuple(size for size in slot.info.shape if isinstance(size, int))
        self._place_inputs()
        if not self._values:
            self._place_outputs()

    def spans(self) -> Mapping[str, int] | None:
        """Return the device's nanoseconds of the last run by activity; None without a profile or a run."""
        return self._marks.spans() if self._marks and self._ran else None

    def buffers(self) -> list[DeviceBuffer]:
        """Return the memory of inputs and outputs on the device."""
        return [slot.device for slot in self._slots()]

    def bytes_copied(self) -> dict[str, int]:
        """Return the bytes that the last run copied, or the next one will as far as known."""
        return {
            "inputs": sum(slot.size for slot in self._inputs if slot.target is not None),
            "outputs": sum(slot.size for slot in self._outputs),
        }

    def settle(self) -> bool:
        """Wait after a failure for what still runs, and forget all shapes; returns whether the device is lost."""
        self._ran, self._steps, self._views = False, (), {}
        log().clear()  # what was said of this failure is not the reason of the next one
        for slot in self._slots():
            slot.drop()
            slot.moved()
        try:
            self._cuda.clear_error()
            self._select()
            self._cuda.call("cudaStreamSynchronize", self._stream)
        except CudaError:
            return True
        return False

    def unbind(self) -> None:
        """Forget the arrays that were passed last, after one of them was refused."""
        for slot in self._inputs:
            slot.unbind()

    def release(self) -> None:
        """Let go of TensorRT's context and of all arrays; what lies in memory is released after it.

        :raises EngineError: The graph cannot be released.
        """
        allocators = [slot.allocator for slot in self._outputs]  # the context may call them until it is gone
        for slot in self._slots():
            slot.drop()
        self._steps, self._views, self._inputs, self._outputs, self._values = (), {}, [], [], []
        try:
            if self._graph:
                self._graph.release()
        finally:
            del self._context, allocators

    def _slots(self) -> list[InputSlot | OutputSlot]:
        return [*self._inputs, *self._outputs]

    def _place_inputs(self) -> None:
        self._steps, self._views = (), {}
        open_shapes = {slot.name: slot.shape for slot in self._inputs if slot.open}
        number = self._ranges.choose(open_shapes, self._profile)
        if number != self._profile:
            self._switch(number)
        for slot in self._inputs:
            if slot.placed != slot.shape:
                slot.place(self._context)

    def _switch(self, profile: int) -> None:
        """Put another optimisation profile in force, which forgets the shapes of the inputs."""
        if not self._context.set_optimization_profile_async(profile, self._stream):
            raise log().explained(f"TensorRT cannot switch to optimisation profile {profile}")
        self._cuda.call("cudaStreamSynchronize", self._stream)
        self._profile = profile
        for slot in self._slots():
            slot.moved()

    def _place_outputs(self) -> None:
        self._steps, self._views = (), {}
        if missing := self._context.infer_shapes():
            raise log().explained(f"TensorRT cannot infer shapes from {', '.join(missing)}")
        for slot in self._outputs:
            slot.place(self._context)
        self._views = {slot.name: slot.view for slot in self._outputs}
        if self._graph is None:
            self._steps = self._composed(self._execute)
            return
        self._refuse_data_dependence()
        self._steps = [*self._composed(self._execute), self._capture]

    def _composed(self, launch: Step) -> Sequence[Step]:
        """Return the steps of a run."""
        marks = [[mark] for mark in self._marks.steps] if self._marks else [[], [], [], []]
        sends = [slot.send for slot in self._inputs if slot.send]
        fetches = [slot.fetch for slot in self._outputs if slot.fetch and not slot.allocator]
        fetches += [partial(self._fetch_found, slot) for slot in self._outputs if slot.allocator]
        report = [partial(self.times.add, self._context)] if self.times else []
        return [*marks[0], *sends, *marks[1], launch, *marks[2], *fetches, *marks[3], self._wait, *report]

    def _execute(self) -> None:
        if self._context.execute_async_v3(self._stream):
            return
        failures = (slot.allocator.failure() for slot in self._outputs if slot.allocator)
        raise next(filter(None, failures), None) or log().explained("TensorRT cannot run the engine")

    def _fetch_found(self, slot: OutputSlot) -> None:
        self._views[slot.name] = None  # lets go of memory that may have to grow
        slot.fetch_found()
        self._views[slot.name] = slot.view

    def _capture(self) -> None:
        """Capture the engine's work after it has run once; later runs start the graph."""
        if self._graph:
            self._steps = self._composed(self._graph.capture(self._execute))

    def _refuse_data_dependence(self) -> None:
        """Refuse a graph, which repeats the same work, where that depends on the data."""
        if found := next((slot for slot in self._outputs if slot.allocator), None):
            raise refused(f'the shape of output "{found.name}" depends on the data')
        if self._values:
            raise refused(f'shapes depend on the values of input "{self._values[0].name}"')

    def _new_values(self) -> bool:
        """Return whether values from which TensorRT infers shapes have changed."""
        changed = [slot.changed() for slot in self._values]  # each remembers its values
        return any(changed)
