"""Where a session works: a context and a stream of its own on one NPU, and the kinds of memory that it uses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lpbench.plugin.kit.resources import Resources
from lpbench_acl._codes import D2D, D2H, H2D, PAGES

if TYPE_CHECKING:
    from lpbench_acl._calls import Calls
    from lpbench_acl._runtime import Runtime
    from lpbench_acl.config import AclConfig


class Lane:
    """A context and a stream on the config's NPU.

    A context is in force for one thread, which other sessions change: ``select`` comes before any other call.

    :param resources: Takes over what is acquired.
    :raises EngineError: There is no such NPU, or it is not usable.
    """

    def __init__(self, runtime: Runtime, config: AclConfig, resources: Resources) -> None:
        self.runtime, self.config = runtime, config
        self.calls: Calls = runtime.calls
        runtime.open_device(config.index)
        resources.add(partial(runtime.leave, config.index))
        self.shared, self.soc = runtime.shares_memory(), runtime.soc()
        self.context = self.calls.handle("rt.create_context", config.index)
        resources.add(self.calls.prepared("rt.destroy_context", self.context))
        self.select = self.calls.prepared("rt.set_context", self.context)
        self.stream = self.calls.handle("rt.create_stream")
        resources.add(self.calls.prepared("rt.destroy_stream", self.stream))
        self.wait = self.calls.prepared("rt.synchronize_stream", self.stream)
        self.memory = Resources()
        """What outlives the model: memory of its tensors, and events."""
        resources.add(self.memory.close)

    @property
    def directions(self) -> tuple[int, int]:
        """The kinds of a copy to the device and of one back: one memory has no direction."""
        return (D2D, D2D) if self.shared else (H2D, D2H)


class DeviceMemory:
    """Allocates memory of the NPU."""

    def __init__(self, lane: Lane) -> None:
        self._calls = lane.calls
        self._pages = PAGES[lane.config.memory]

    def allocate(self, size: int) -> int:
        """Return the address of ``size`` bytes.

        :raises AclError: There is not enough memory.
        """
        return self._calls.handle("rt.malloc", size, self._pages)

    def free(self, address: int) -> None:
        """Free memory."""
        self._calls.call("rt.free", address)


class HostMemory:
    """Allocates memory that the NPU copies from and to without the processor, and that arrays show.

    Arrays may keep it for longer than the session is open: its NPU stays open until then, for which no context needs
    to be in force.
    """

    def __init__(self, lane: Lane) -> None:
        self._calls, self._runtime, self._device = lane.calls, lane.runtime, lane.config.index

    def allocate(self, size: int) -> int:
        """Return the address of ``size`` bytes.

        :raises AclError: There is not enough memory.
        """
        address = self._calls.handle("rt.malloc_host", size)
        self._runtime.use(self._device)
        return address

    def free(self, address: int) -> None:
        """Free memory, in whichever thread."""
        try:
            self._calls.call("rt.free_host", address)
        finally:
            self._runtime.leave(self._device)
