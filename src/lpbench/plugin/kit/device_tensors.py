"""Inputs and outputs of engines whose device has memory of its own: buffers, and the arrays that show them.

A run copies the arrays of its feeds to the host's side of each input, from there to the device, and the outputs back.
Buffers grow when a tensor needs more and never shrink, and an array is checked when it is first bound, so that a run
of known shapes with known arrays checks and allocates nothing.  What is the vendor's is behind ``Allocator``: an
address on the device is a number that is never dereferenced.

docs/how-to/write-an-engine-for-an-accelerator.md shows all of it in use.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from lpbench.errors import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.narrow_floats import extended, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from lpbench.plugin.engine import Feeds, TensorInfo

    Array = np.ndarray[Any, Any]

LEAST = 1
"""Bytes of an empty tensor's memory: libraries want an address for it too."""

UNBOUND = object()
"""Marks an input without a bound array; None would be ambiguous, since a user may pass it."""


class MisfitError(Exception):
    """A feed is missing, or has the wrong type or shape; ``explain`` finds out which."""


class Allocator(Protocol):
    """The vendor's calls for one kind of memory."""

    def allocate(self, size: int, /) -> int:
        """Return the address of new memory of ``size`` bytes, at least one.

        :raises EngineError: There is no memory left, or the device is lost.
        """

    def free(self, address: int, /) -> None:
        """Free memory that ``allocate`` returned; called once for each address.

        :raises EngineError: It cannot be freed.
        """


class DeviceBuffer:
    """Memory on a device.

    :ivar address: Where it is; 0 if there is none.
    :ivar size: Bytes.
    """

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.address = 0
        self.size = 0

    def reserve(self, size: int) -> None:
        """Make room for ``size`` bytes; what was there before is lost if the address changes.

        :raises EngineError: The device has no memory left; none is held then.
        """
        size = max(size, LEAST)
        if size > self.size:
            self.release()
            self.address = self._allocator.allocate(size)
            self.size = size

    def release(self) -> None:
        """Free the memory.

        :raises EngineError: It cannot be freed.
        """
        address, self.address, self.size = self.address, 0, 0
        if address:
            self._allocator.free(address)


class HostBuffer:
    """Memory of the host that a device reads and writes, shown as arrays.

    Arrays that show it keep it: it is freed when the last of them is gone, so that an output which is read too late is
    stale instead of a crash.

    :param allocator: Gives memory that the host can read, for example pinned.
    :ivar address: Where it is; 0 if there is none.
    """

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._bytes: Array | None = None
        self._failed: list[EngineError] = []
        self.address = 0

    def reserve(self, size: int) -> None:
        """Make room for ``size`` bytes; what was there before is lost if the address changes.

        :raises EngineError: There is no memory left; none is held then.
        """
        if self._bytes is None or size > self._bytes.size:
            self.release()
            self._take(max(size, LEAST))

    def view(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the beginning of the memory, of which enough was reserved, as an array."""
        if self._bytes is None:
            raise EngineError("memory is shown that was not reserved")
        return self._bytes[: byte_count(shape, dtype)].view(dtype).reshape(shape)

    def release(self) -> None:
        """Let go of the memory, which is freed with the last array that shows it.

        :raises EngineError: It was freed, now or before, and that failed.
        """
        self._bytes, self.address = None, 0
        if self._failed:
            raise self._failed.pop()

    def _take(self, size: int) -> None:
        import numpy as np

        address = self._allocator.allocate(size)
        raw = (ctypes.c_ubyte * size).from_address(address)
        weakref.finalize(raw, _free, self._allocator, address, self._failed)
        self.address, self._bytes = address, np.frombuffer(memoryview(raw), np.uint8)
        self._bytes[:] = 0


class _Tensor:
    """What inputs and outputs have in common.

    :param device: Gives memory of the device.
    :param host: Gives memory of the host.
    :param on_host: The library takes the tensor from the host's memory, and needs none of the device for it.
    """

    def __init__(self, info: TensorInfo, device: Allocator, host: Allocator, *, on_host: bool = False) -> None:
        self.info = info
        self.name = info.name
        self.on_host = on_host
        self.device = DeviceBuffer(device)
        self.host = HostBuffer(host)
        self.dtype = stored(info.dtype)

    @property
    def address(self) -> int:
        """Where the library finds the tensor; 0 before memory was reserved."""
        return self.host.address if self.on_host else self.device.address

    def _make_room(self, size: int) -> None:
        self.host.reserve(size)
        if not self.on_host:
            self.device.reserve(size)


class InputTensor(_Tensor):
    """An input: the array that was bound last, and the memory that it is copied to in every run.

    :ivar bound: What was passed last, to be recognised; ``UNBOUND`` for nothing.
    :ivar source: The array to copy from, with types that numpy lacks as integers.
    :ivar target: The array to copy to, which shows the host's memory; None before ``reserve``.
    :ivar shape: Of the array that was bound last.
    :ivar placed: The shape for which ``reserve`` made room; None if there is none.
    """

    def __init__(self, info: TensorInfo, device: Allocator, host: Allocator, *, on_host: bool = False) -> None:
        super().__init__(info, device, host, on_host=on_host)
        self.bound: object = UNBOUND
        self.source: Any = None
        self.target: Any = None
        self.shape: tuple[int, ...] = ()
        self.placed: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """Bytes of an array of ``shape``."""
        return byte_count(self.shape, self.dtype)

    def bind(self, array: Any) -> bool:
        """Check an array that was not seen in the last run; returns whether its shape is a new one.

        :raises MisfitError: It has another type or shape than the model takes.
        """
        self.bound = UNBOUND
        if feed_checks.misfit(array, self.info):
            raise MisfitError
        self.source = array if array.dtype == self.dtype else array.view(self.dtype)
        self.shape = array.shape
        self.bound = array
        return self.shape != self.placed

    def reserve(self) -> None:
        """Make room for ``shape``, on the host and on the device.

        :raises EngineError: There is no memory left.
        """
        self.placed = self.target = None  # lets go of memory that may have to grow
        self._make_room(self.size)
        self.target = self.host.view(self.shape, self.dtype)
        self.placed = self.shape

    def unbind(self) -> None:
        """Forget the array that was passed last, so that the next one is checked."""
        self.bound = UNBOUND

    def drop(self) -> None:
        """Let go of the user's array and of the one that shows the host's memory; the memory stays reserved."""
        self.bound, self.source, self.target, self.placed = UNBOUND, None, None, None


class OutputTensor(_Tensor):
    """An output: the memory that it is copied to, and the array that shows it.

    :ivar view: What a run returns, overwritten by the next one; None before ``reserve`` or ``show``.
    """

    def __init__(self, info: TensorInfo, device: Allocator, host: Allocator, *, on_host: bool = False) -> None:
        super().__init__(info, device, host, on_host=on_host)
        self.view: Any = None

    @property
    def size(self) -> int:
        """Bytes of what is shown; 0 without it."""
        return 0 if self.view is None else int(self.view.nbytes)

    def reserve(self, shape: tuple[int, ...]) -> None:
        """Make room for a shape, on the host and on the device, and show it.

        :raises EngineError: There is no memory left.
        """
        self.view = None  # lets go of memory that may have to grow
        self._make_room(byte_count(shape, self.dtype))
        self.show(shape)

    def show(self, shape: tuple[int, ...]) -> None:
        """Show the host's memory in another shape, which may be smaller than what was reserved or larger.

        :raises EngineError: There is no memory left.
        """
        self.view = None
        self.host.reserve(byte_count(shape, self.dtype))
        self.view = extended(self.host.view(shape, self.dtype), self.info.dtype)

    def drop(self) -> None:
        """Let go of the array that shows the host's memory; the memory stays reserved."""
        self.view = None


def bind(inputs: Sequence[InputTensor], feeds: Feeds) -> bool:
    """Bind the arrays of a run to the inputs of their names; returns whether one has a new shape.

    An array that is the same object as in the last run is not looked at, so checks cost nothing in a loop that refills
    its buffers.

    :raises MisfitError: The feeds do not fit the inputs.  ``drop`` all inputs before the next run, as after any
        failure of a run: an array that was bound before it would not be seen to have a new shape.
    """
    moved = False
    try:
        complete = len(feeds) == len(inputs)
        for tensor in inputs:
            array = feeds[tensor.name]
            if tensor.bound is not array:
                moved = tensor.bind(array) or moved
    except (KeyError, TypeError) as error:  # a name is missing, or the feeds are no mapping
        raise MisfitError from error
    if not complete:
        raise MisfitError
    return moved


def fill(inputs: Sequence[InputTensor]) -> None:
    """Copy the bound arrays to the host's memory, from which the device takes them."""
    for tensor in inputs:
        tensor.target[...] = tensor.source


def explain(feeds: object, infos: Sequence[TensorInfo], error: BaseException) -> tuple[str, str] | None:
    """Return what is wrong with the feeds of a run that failed, and the remedy; None if they are not the reason.

    :param error: What the run raised.
    """
    problem = feed_checks.problem(feeds, infos)
    return problem or (("the feeds do not fit", "") if isinstance(error, MisfitError) else None)


def byte_count(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the size of an array in bytes."""
    return math.prod(shape) * int(dtype.itemsize)


def _free(allocator: Allocator, address: int, failed: list[EngineError]) -> None:
    """Free memory of the host; runs when the last array is gone, where an error could not be raised."""
    try:
        allocator.free(address)
    except EngineError as error:
        failed.append(error)
