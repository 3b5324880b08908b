"""The fake CUDA runtime from Python: the account of calls, and memory and streams as the library uses them."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOWEST_DEVICE_ADDRESS = 0x00D0_0000_0000_0000
READY, PENDING, CAPTURING = 0, 1, 2
LAUNCH_FAILURE = 719
_KERNEL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64)
_DROP = ctypes.CFUNCTYPE(None, ctypes.c_uint64)
_TEXT, _POINTER, _INT, _LONG = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64
_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "fake_call": (_INT, (_TEXT,)),
    "fake_lost": (_INT, ()),
    "fake_misuse": (None, (_TEXT, _TEXT)),
    "fake_made": (_INT, (_TEXT,)),
    "fake_gone": (None, (_INT,)),
    "fake_report": (_TEXT, ()),
    "fake_begin": (None, ()),
    "fake_reserve": (_POINTER, (ctypes.c_size_t,)),
    "fake_release": (None, (_POINTER,)),
    "fake_bytes": (_POINTER, (_TEXT, _POINTER, ctypes.c_size_t)),
    "fake_launch": (_INT, (_TEXT, _POINTER, _KERNEL, _LONG, _LONG, ctypes.POINTER(_LONG), _INT)),
    "fake_state": (_INT, (_TEXT, _POINTER)),
    "fake_drain": (_INT, (_TEXT, _POINTER)),
    "fake_invalidate": (None, (_POINTER,)),
    "fake_on_drop": (None, (_DROP,)),
}
_launches: dict[int, Callable[[], None]] = {}
_tokens = itertools.count(1)


def _load() -> ctypes.CDLL:
    """Load the runtime that lies beside this package, as wheels of NVIDIA have it."""
    site = Path(__file__).parent.parent
    path = next(iter(sorted(site.glob("nvidia/*/lib/libcudart.so.*"))))
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()
_open = True


def _close() -> None:
    global _open  # noqa: PLW0603 - the end of the process
    _open = False


atexit.register(_close)


@cache
def _name(name: str) -> bytes:
    return name.encode()


def fails(name: str) -> bool:
    """Count a call; say whether it is the one that has to fail."""
    return bool(_library.fake_call(_name(name)))


def lost() -> int:
    """Return the code that every call returns, or 0."""
    return int(_library.fake_lost())


def misuse(name: str, detail: str) -> None:
    """Write a line into the ledger."""
    _library.fake_misuse(_name(name), detail.encode("ascii", "replace").replace(b'"', b"'").replace(b"\\", b"/"))


def made(kind: str) -> int:
    """Count an object."""
    return int(_library.fake_made(_name(kind)))


def gone(number: int) -> bool:
    """Count an object no more; False at the end of the process, when the order no longer counts."""
    if _open:
        _library.fake_gone(number)
    return _open


def report() -> str:
    """Return the account so far, as JSON lines."""
    return bytes(_library.fake_report()).decode()


def begin() -> None:
    """Begin a new account: counts, misuse and lost devices are forgotten."""
    _library.fake_begin()


def reserve(size: int) -> int | None:
    """Take device memory for the library itself; None where there is not enough."""
    address: int | None = _library.fake_reserve(max(size, 512))
    return address


def release(address: int) -> None:
    if _open:
        _library.fake_release(address)


def memory(name: str, address: int, size: int) -> memoryview | None:
    """Return the bytes behind an address; None, and a line in the ledger, where they are nobody's."""
    found = _library.fake_bytes(_name(name), address, size)
    return memoryview((ctypes.c_char * size).from_address(found)).cast("B") if found else None


def state(name: str, stream: int) -> int:
    """Return READY, PENDING or CAPTURING, or -1 for what is not a stream of this device."""
    return int(_library.fake_state(_name(name), stream))


def drain(name: str, stream: int) -> int:
    """Do what waits on a stream; return the code."""
    return int(_library.fake_drain(_name(name), stream))


def invalidate(stream: int) -> None:
    """Spoil the capture on a stream."""
    _library.fake_invalidate(stream)


def _run(token: int) -> int:
    try:
        _launches[token]()
    except Exception:  # noqa: BLE001 - nothing may leave a function that C calls
        misuse("kernel", traceback.format_exc(limit=-1).strip().rpartition("\n")[2])
        return LAUNCH_FAILURE
    return 0


def _forget(token: int) -> None:
    _launches.pop(token, None)


_kernel = _KERNEL(_run)
_drop = _DROP(_forget)
_library.fake_on_drop(_drop)


def launch(  # noqa: PLR0913 - what a launch is made of
    name: str, stream: int, work: Callable[[], None], nanoseconds: int, addresses: Sequence[int], *, again: bool
) -> int:
    """Put work on a stream; return the code.

    :param work: What to do when something waits for the stream.
    :param addresses: The device memory that it reads and writes.
    :param again: Whether it may be done more than once, as captured work is.
    """
    token = next(_tokens)

    def once() -> None:
        del _launches[token]
        work()

    _launches[token] = work if again else once
    array = (_LONG * len(addresses))(*addresses)
    return int(_library.fake_launch(_name(name), stream, _kernel, token, nanoseconds, array, len(addresses)))


def number(variable: str, otherwise: int) -> int:
    """Return a number from the environment."""
    return int(os.environ.get(variable) or otherwise)


def host_memory(address: int, size: int) -> memoryview:
    """Return the bytes at an address of the host."""
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")
