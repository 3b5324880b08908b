"""The list of buffers that a model reads its inputs from, or writes its outputs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._calls import Calls


class Dataset:
    """Buffers on the device, in the order of the model's inputs or outputs.

    :param resources: Takes over what AscendCL keeps of it; the memory is someone else's.
    """

    def __init__(self, calls: Calls, resources: Resources) -> None:
        self._calls, self._resources = calls, resources
        self.handle = calls.handle("mdl.create_dataset")
        resources.add(calls.prepared("mdl.destroy_dataset", self.handle))

    def add(self, address: int, size: int) -> None:
        """Add a buffer of ``size`` bytes.

        :raises AclError: AscendCL refuses it.
        """
        buffer = self._calls.handle("create_data_buffer", address, size)
        self._resources.add(self._calls.prepared("destroy_data_buffer", buffer))
        self._calls.call("mdl.add_dataset_buffer", self.handle, buffer)
