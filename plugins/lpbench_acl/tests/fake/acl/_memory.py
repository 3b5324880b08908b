"""Memory of devices and of the host: addresses of device memory cannot be dereferenced on a host.

What is freed is filled with a pattern, and its address is not used again for a while.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
from collections import Counter, deque

from ._api import ANY, CURRENT, INITIALISED, INVALID, Refusal, account, api, context, state, value, values, wrong

DEVICE, PINNED = "device memory", "pinned memory"
PAGE = mmap.PAGESIZE
_DDR = {0, 2, 3}
ALIGNMENT = 64
OUT_OF_MEMORY = 207001
LARGEST_COPY_ERROR = 107000
_FRESH, _FREED, _GUARD = 0xCD, 0xDD, 0xA5
_KEPT, _KEPT_BYTES = 64, 64 << 20
"""How many freed blocks, and how many bytes of them, keep their addresses."""
_NONE, _READ_WRITE, _PRIVATE_ANONYMOUS = 0, 3, 0x22
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def _pages(size: int, protection: int) -> int:
    found = _libc.mmap(None, size, protection, _PRIVATE_ANONYMOUS, -1, 0)
    if found in {None, _FAILED}:
        raise Refusal(OUT_OF_MEMORY, "EL0004: Failed to allocate memory.Reason: the machine has no more of it")
    return int(found)


class Block:
    """A piece of memory.

    :param hidden: Whether its address can be dereferenced by nobody.
    """

    __slots__ = ("address", "device", "extent", "kind", "pending", "real", "size")

    def __init__(self, kind: str, size: int, device: int, *, hidden: bool) -> None:
        self.kind, self.size, self.device = kind, size, device
        self.extent = -(-(size + ALIGNMENT) // PAGE) * PAGE
        self.real = _pages(self.extent, _READ_WRITE)
        self.address = _pages(self.extent, _NONE) if hidden else self.real
        self.pending = 0
        """how many pieces of queued work use it"""
        ctypes.memset(self.real, _FRESH, size)
        ctypes.memset(self.real + size, _GUARD, ALIGNMENT)

    @property
    def whole(self) -> bool:
        """Whether nobody wrote behind its end."""
        return ctypes.string_at(self.real + self.size, ALIGNMENT) == bytes([_GUARD]) * ALIGNMENT

    def spoil(self) -> None:
        """Fill it, so that whoever still reads it notices."""
        ctypes.memset(self.real, _FREED, self.size)

    def unmap(self) -> None:
        """Give the addresses back."""
        _libc.munmap(self.real, self.extent)
        if self.address != self.real:
            _libc.munmap(self.address, self.extent)


class Memory:
    """All blocks of the process."""

    def __init__(self) -> None:
        self.blocks: dict[int, Block] = {}
        self.taken: Counter[int] = Counter()
        """bytes of device memory by device, models included"""
        self._starts: list[int] = []
        self._freed: deque[Block] = deque()
        self._stuck: set[int] = set()

    def take(self, device: int, size: int) -> None:
        """Count memory of a device."""
        if self.taken[device] + size > state.settings.device_memory:
            free = state.settings.device_memory - self.taken[device]
            told = f"alloc size {size} with {free} bytes free on device {device}"
            raise Refusal(OUT_OF_MEMORY, f"EL0004: Failed to allocate memory.Reason: {told}")
        self.taken[device] += size

    def allocate(self, kind: str, size: int, device: int) -> int:
        """Return the address of a new block."""
        if not size:
            raise wrong("size must be greater than zero")
        if kind == DEVICE:
            self.take(device, size)
        block = Block(kind, size, device, hidden=kind == DEVICE and state.settings.run_mode == 1)
        self.blocks[block.address] = block
        bisect.insort(self._starts, block.address)
        account.made(kind, block.address)
        return block.address

    def free(self, kind: str, address: int) -> None:
        """Free a block."""
        block = self.blocks.get(address)
        if block is None:
            found = self.find(address)
            told = "an address inside a block" if found else "freed twice" if self._was(address) else "nobody's address"
            raise wrong(f"{told}: {address:#x}")
        if block.kind != kind:
            raise wrong(f"{block.kind} is not freed by this call: {address:#x}")
        self._remove(block)
        if block.pending:
            raise wrong(f"{kind} freed while work that uses it is pending: {address:#x}")
        if not block.whole:
            raise wrong(f"{kind} of {block.size} bytes was written behind its end: {address:#x}")

    def drop(self, address: int) -> None:
        """Free a block, as a lost device does."""
        if block := self.blocks.get(address):
            self._remove(block)

    def stick(self, address: int) -> None:
        """Note that a block stays because freeing it was asked to fail."""
        self._stuck.add(address)

    def forget(self) -> None:
        """Forget what could not be freed: a new account begins."""
        for block in [self.blocks[each] for each in self._stuck if each in self.blocks]:
            self._remove(block, tell=False)
        self._stuck.clear()

    def end_all(self) -> None:
        """Free everything."""
        for block in list(self.blocks.values()):
            self._remove(block)
        self.taken.clear()

    def _remove(self, block: Block, *, tell: bool = True) -> None:
        del self.blocks[block.address]
        self._starts.remove(block.address)
        if block.kind == DEVICE:
            self.taken[block.device] -= block.size
        if tell:
            account.gone(block.kind, block.address)
        block.spoil()
        self._freed.append(block)
        while len(self._freed) > _KEPT or sum(each.extent for each in self._freed) > _KEPT_BYTES:
            self._freed.popleft().unmap()

    def left(self, device: int) -> int:
        """Return how many blocks of a device are there and could be freed."""
        return sum(
            each.device == device and each.kind == DEVICE and address not in self._stuck
            for address, each in self.blocks.items()
        )

    def find(self, address: int) -> Block | None:
        """Return the block in which an address lies."""
        if block := self.blocks.get(address):
            return block
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        block = self.blocks[self._starts[index]]
        return block if address < block.address + block.size else None

    def _was(self, address: int) -> bool:
        return any(each.address <= address < each.address + each.extent for each in self._freed)

    def block(self, address: int, size: int, role: str) -> tuple[Block | None, int]:
        """Return the block in which bytes lie, and where they really are; None for the program's own memory."""
        if not address:
            raise Refusal(INVALID, f"EH0002: Argument {role} must not be NULL.")
        found = self.find(address)
        if found is None:
            if self._was(address):
                raise wrong(f"{role} used after free: {address:#x}")
            return None, address
        offset = address - found.address
        if offset + size > found.size:
            raise wrong(f"{role} goes beyond its block: {size} bytes at {offset} of {found.size}", LARGEST_COPY_ERROR)
        return found, found.real + offset


memory = Memory()


@api("acl.rt.malloc", "ki", value(0), code=OUT_OF_MEMORY)
def malloc(size: int, policy: int) -> int:
    if policy not in range(8):
        raise wrong(f"policy {policy}")
    return memory.allocate(DEVICE, size, context().device)


@api(
    "acl.rt.free",
    "k",
    failed=memory.stick,
    dropped=memory.drop,
)
def free(address: int) -> None:
    memory.free(DEVICE, address)


@api("acl.rt.malloc_host", "k", value(0), code=OUT_OF_MEMORY)
def malloc_host(size: int) -> int:
    return memory.allocate(PINNED, size, context().device)


@api("acl.rt.free_host", "k", needs=INITIALISED, failed=memory.stick, dropped=memory.drop)
def free_host(address: int) -> None:
    memory.free(PINNED, address)


@api("acl.rt.memset", "kkik")
def memset(address: int, most: int, filling: int, count: int) -> None:
    if count > most:
        raise wrong(f"{count} bytes into {most}", LARGEST_COPY_ERROR)
    block, real = memory.block(address, count, "devPtr")
    if block is None:
        raise wrong("memory that neither malloc nor malloc_host gave")
    ctypes.memset(real, filling & 0xFF, count)


@api("acl.rt.get_mem_info", "i", values(0, 0))
def get_mem_info(attribute: int) -> tuple[int, int]:
    if attribute not in range(6):
        raise Refusal(107016, f"EE1003: memory attribute {attribute} is not supported")
    if "910" in state.settings.soc and attribute in _DDR:
        return 0, 0  # a chip without HBM answers for its DDR, one with HBM has no DDR to tell of
    total = state.settings.device_memory
    return total - memory.taken[context().device], total


__all__ = ["ANY", "CURRENT", "DEVICE", "PINNED", "Block", "memory"]
