"""Copies: within the blocks on both sides, and in the direction that the addresses have."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from ._api import INVALID, Refusal, account, api, state, wrong
from ._memory import DEVICE, LARGEST_COPY_ERROR, Block, memory
from ._streams import Work, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, DEFAULT = range(5)
_SIDES = {HOST_TO_HOST: (False, False), HOST_TO_DEVICE: (True, False), DEVICE_TO_HOST: (False, True)}
"""Whether destination and source are device memory; both are otherwise."""
NOT_SUPPORTED = 207000
_OVERHEAD, _BYTES_PER_NANOSECOND = 1000, 8


def _checked(
    destination: int, most: int, source: int, count: int, kind: int
) -> tuple[tuple[Block | None, int], tuple[Block | None, int]]:
    """Return both ends: the block, if it is one, and where the bytes are."""
    if kind not in range(DEFAULT if state.settings.api == "old" else DEFAULT + 1):
        raise Refusal(INVALID, f"EH0001: kind {kind} is not supported")
    if count > most:
        raise wrong(f"copies {count} bytes into {most}", LARGEST_COPY_ERROR)
    target = memory.block(destination, most, "dst")
    origin = memory.block(source, count, "src")
    if state.settings.run_mode == 0:
        _same_memory(kind)
    elif kind != DEFAULT:
        for (block, _), on_device, role in zip(
            (target, origin), _SIDES.get(kind, (True, True)), ("dst", "src"), strict=True
        ):
            if (block is not None and block.kind == DEVICE) is not on_device:
                where = "" if on_device else "the host's, but "
                raise wrong(f"kind {kind}: {role} is not {where}device memory", LARGEST_COPY_ERROR)
    return target, origin


def _same_memory(kind: int) -> None:
    if kind in {HOST_TO_DEVICE, DEVICE_TO_HOST}:
        account.misuse("acl.rt.memcpy", f"kind {kind} where the program runs on the device: there is only kind 3")


def _blocks(*ends: tuple[Block | None, int]) -> Sequence[Block]:
    return [block for block, _ in ends if block is not None]


@api("acl.rt.memcpy", "kkkki", code=500003)
def memcpy(destination: int, most: int, source: int, count: int, kind: int) -> None:
    if not count:
        return
    target, origin = _checked(destination, most, source, count, kind)
    ctypes.memmove(target[1], origin[1], count)


@api("acl.rt.memcpy_async", "kkkkik", code=500003)
def memcpy_async(  # noqa: PLR0913, PLR0917 - the vendor's
    destination: int, most: int, source: int, count: int, kind: int, on: int
) -> None:
    queue = stream(on)
    if not count:
        return
    if kind == HOST_TO_HOST and state.settings.run_mode == 1:
        raise wrong("asynchronous copies from host to host are not supported", NOT_SUPPORTED)
    target, origin = _checked(destination, most, source, count, kind)

    def run() -> None:
        ctypes.memmove(target[1], origin[1], count)

    queue.put(Work(run, _blocks(target, origin), _OVERHEAD + count // _BYTES_PER_NANOSECOND))
    if target[0] is None or origin[0] is None:
        account.warning("acl.rt.memcpy_async", "memory that malloc_host did not give: the copy is waited for")
        queue.drain()
