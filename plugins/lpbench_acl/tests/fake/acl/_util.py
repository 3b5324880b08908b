"""Addresses of what Python holds."""

from __future__ import annotations

import ctypes
import math
import warnings
from typing import Any

from ._api import ANY, account, api, bare, state
from ._memory import DEVICE, memory

NUMPY = {0: "?", 1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "i8", 8: "u8", 11: "f4", 12: "f8", 23: "f2"}
"""Element types as NPY_TYPES numbers them."""


def _readable(name: str, address: int, size: int) -> int:
    """Return where bytes are that the program itself may read; device memory ends a real program here."""
    block = memory.find(address)
    if block is not None and block.kind == DEVICE and state.settings.run_mode == 1:
        account.misuse(name, f"device memory read by the host: {address:#x}")
        return memory.block(address, size, "ptr")[1]
    return memory.block(address, size, "ptr")[1]


@api("+acl.util.bytes_to_ptr", "O", bare(0), needs=ANY)
def bytes_to_ptr(content: Any) -> int:
    if not isinstance(content, bytes):
        raise ValueError("needs an byte as argument")  # noqa: TRY004 - what the real one raises
    return ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p).value or 0


@api("+acl.util.ptr_to_bytes", "kk", bare(b""), needs=ANY)
def ptr_to_bytes(address: int, size: int) -> bytes:
    return ctypes.string_at(_readable("acl.util.ptr_to_bytes", address, size), size)


def _deprecated(name: str, better: str) -> None:
    if state.settings.api != "old":
        told = f"acl.util.{name} will be deprecated. Please use acl.util.{better} instead."
        warnings.warn(told, Warning, stacklevel=4)


@api("acl.util.numpy_to_ptr", "O", bare(0), needs=ANY)
def numpy_to_ptr(array: Any) -> int:
    _deprecated("numpy_to_ptr", "bytes_to_ptr")
    if not hasattr(array, "__array_interface__"):
        raise ValueError("needs an numpy array as argument")
    return int(array.ctypes.data)


@api("acl.util.ptr_to_numpy", "kOi", bare(None), needs=ANY)
def ptr_to_numpy(address: int, shape: Any, kind: int) -> Any:
    import numpy as np

    _deprecated("ptr_to_numpy", "ptr_to_bytes")
    if not isinstance(shape, tuple):
        raise TypeError("acl.util.ptr_to_numpy args parse failed")
    element = np.dtype(NUMPY[kind])
    size = math.prod(shape) * element.itemsize
    real = _readable("acl.util.ptr_to_numpy", address, size)
    return np.frombuffer(memoryview((ctypes.c_char * size).from_address(real)).cast("B"), element).reshape(shape)
