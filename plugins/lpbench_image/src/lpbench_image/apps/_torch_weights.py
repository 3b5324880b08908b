"""Reads the tensors of a ``.pth`` file without torch, and without trusting the file.

A ``.pth`` file is a pickle, and a pickle is a program.  It may only build dicts of
tensors: every opcode and every global that tensors do not need is refused, the
globals that they need are replaced by stand-ins, and sizes, strides and offsets are
checked against the bytes of the file.  Both layouts are supported: the zip file of
torch 1.6 and later, and the older sequence of pickles.  See torch/serialization.py.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from lpbench.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Storages = Mapping[str, bytes | memoryview]

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
"""Torch's names of storages, and numpy's types for them."""

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
"""Contents of the first two pickles of the older layout."""

DIMENSIONS = 32
"""Largest number of dimensions of an array in numpy before 2.0."""

MEMO = 1_000_000
"""Largest memo index: unpickling allocates memory in proportion to it."""

TUPLES = 50_000
"""Largest number of tuples in a pickle: hashing deeply nested tuples overflows the stack.  A tensor needs six."""

FILE_BYTES = 4 << 30
"""Largest file that is read."""

OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
    *("BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"),
    *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINUNICODE", "SHORT_BINUNICODE"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
}
"""The opcodes that torch writes; none of them calls anything except what ``_Unpickler.find_class`` returns."""


class _Storage(NamedTuple):
    """A run of numbers of one type, named by its key."""

    dtype: str
    key: str
    elements: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides are counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dict by name, as read-only arrays over the file's bytes.

    :raises PullError: The file is damaged, or holds anything but a dict of tensors; the message says what.
    """
    try:
        if path.stat().st_size > FILE_BYTES:
            _refuse(f"is larger than {FILE_BYTES} bytes")
        state, storages = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
        return {_name(key): _array(key, tensor, storages) for key, tensor in state.items()}
    except _RefusedError as error:
        raise PullError(str(error), where=str(path)) from error
    except _BROKEN as error:
        raise PullError(
            f"cannot be read as a file of weights: {type(error).__name__}: {error}", where=str(path)
        ) from error


class _State(dict[Any, Any]):
    """A stand-in for OrderedDict that drops the attributes set by a pickle."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        """Do nothing: torch stores versions of its modules here."""


class _RefusedError(Exception):
    """The file contains something that weights do not need."""


_BROKEN = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors that pickle and zipfile raise for damaged files."""


def _read_zip(path: Path) -> tuple[dict[Any, Any], Storages]:
    with zipfile.ZipFile(path) as opened:
        infos = opened.infolist()
        # torch stores records uncompressed; refusing compression excludes decompression bombs
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            _refuse("holds compressed records")
        if sum(info.file_size for info in infos) > path.stat().st_size:
            _refuse("holds records that overlap")
        records = {info.filename.partition("/")[2]: info for info in infos}
        if "byteorder" in records and opened.read(records["byteorder"]).strip() != b"little":
            _refuse("is not little-endian")
        unpickler = _Unpickler(io.BytesIO(opened.read(records["data.pkl"])))
        state = unpickler.state()
        storages = {key: opened.read(records[f"data/{key}"]) for key in unpickler.storages}
    return state, storages


def _read_legacy(path: Path) -> tuple[dict[Any, Any], Storages]:
    content = path.read_bytes()
    stream = io.BytesIO(content)
    if _Unpickler(stream).checked() != MAGIC or _Unpickler(stream).checked() != PROTOCOL:
        _refuse("does not start like a torch file")
    system = _Unpickler(stream).checked()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        _refuse("is not little-endian")
    unpickler = _Unpickler(stream)
    state = unpickler.state()
    keys = _Unpickler(stream).checked()
    if not isinstance(keys, list) or set(keys) != set(unpickler.storages) or len(set(keys)) != len(keys):
        _refuse("lists other storages than its tensors use")
    return state, _legacy_storages(memoryview(content)[stream.tell() :], [unpickler.storages[key] for key in keys])


def _legacy_storages(rest: memoryview, storages: list[_Storage]) -> Storages:
    """Split the bytes after the pickles: each storage is its count, in eight bytes, followed by its elements."""
    contents: dict[str, memoryview] = {}
    for storage in storages:
        (count,) = struct.unpack_from("<q", rest)
        if count != storage.elements:
            _refuse(f"storage {storage.key} holds {count} elements, but its tensors expect {storage.elements}")
        end = 8 + count * np.dtype(storage.dtype).itemsize
        contents[storage.key] = rest[8:end]
        rest = rest[end:]
    return contents


class _Unpickler(pickle.Unpickler):
    """Unpickles dicts of tensors; the opcode BUILD of a pickle cannot modify the objects that it returns."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self._stream = stream
        self.storages: dict[str, _Storage] = {}
        # created for each file, so that no file can affect the next one
        self._globals: dict[tuple[str, str], str | Callable[..., Any]] = {
            # accepts no arguments: repeated copies of a dict would grow without limit
            ("collections", "OrderedDict"): lambda: _State(),  # noqa: PLW0108 - the class itself stays out of reach
            ("torch._utils", "_rebuild_tensor_v2"): lambda *values: _tensor(*values[:4]),
            ("torch._utils", "_rebuild_tensor"): lambda *values: _tensor(*values),  # noqa: PLW0108 - as above
            ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
            **{("torch", name): dtype for name, dtype in DTYPES.items()},
        }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return the stand-in for a global.

        :raises _RefusedError: Weights do not need this global.
        """
        if (module_name, global_name) not in self._globals:
            _refuse(f'refers to the global "{module_name}.{global_name}", which weights do not need')
        return self._globals[module_name, global_name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage with a persistent id: ("storage", type, key, device, count, ...)."""
        kind, dtype, key, _, count = pid[:5]
        storage = _Storage(dtype, key, count)
        if kind != "storage" or not isinstance(key, str) or dtype not in DTYPES.values():
            _refuse(f"holds a storage of unknown kind: {pid!r:.200}")
        _count(count)
        if self.storages.setdefault(key, storage) != storage:
            _refuse(f"describes storage {key} in two ways")
        return storage

    def checked(self) -> Any:
        """Check the opcodes of the next pickle, then load it."""
        start, tuples = self._stream.tell(), 0
        for opcode, argument, _ in pickletools.genops(self._stream):
            if opcode.name not in OPCODES:
                _refuse(f"holds the pickle opcode {opcode.name}, which weights do not need")
            if opcode.name == "LONG_BINPUT" and argument > MEMO:  # type: ignore[operator] # an int for this opcode
                _refuse(f"needs a memo of {argument} objects")
            tuples += opcode.name.startswith("TUPLE")
        if tuples > TUPLES:
            _refuse(f"builds {tuples} tuples; at most {TUPLES} are allowed")
        end = self._stream.tell()
        self._stream.seek(start)
        loaded = self.load()
        self._stream.seek(end)  # pickle reads ahead
        return loaded

    def state(self) -> dict[Any, Any]:
        """Load the next pickle, which must be a dict."""
        state = self.checked()
        if not isinstance(state, dict):
            _refuse(f"holds a {type(state).__name__} instead of tensors by name")
        return state


def _tensor(storage: object, offset: object, shape: object, strides: object) -> _Tensor:
    """Check the parts of a view and return its description."""
    if not isinstance(storage, _Storage):
        _refuse(f"holds a tensor without a storage: {storage!r:.200}")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
        _refuse(f"holds a tensor of shape {shape!r:.200} and strides {strides!r:.200}")
    if len(shape) > DIMENSIONS:
        _refuse(f"holds a tensor of {len(shape)} dimensions")
    return _Tensor(storage, _count(offset), tuple(map(_count, shape)), tuple(map(_count, strides)))


def _array(name: object, tensor: object, storages: Storages) -> NDArray[Any]:
    """Return a tensor's elements, a read-only view of its storage's bytes."""
    if not isinstance(tensor, _Tensor):
        _refuse(f"holds a {type(tensor).__name__} named {name!r:.200}; only tensors are expected")
    dtype = np.dtype(tensor.storage.dtype)
    content = storages[tensor.storage.key]
    count = tensor.storage.elements
    if len(content) != count * dtype.itemsize:
        _refuse(f"storage {tensor.storage.key} has {len(content)} bytes for {count} elements of {dtype}")
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    elements = math.prod(tensor.shape)
    # a view may not have more elements than its storage: strides of 0 would allow huge arrays
    if elements > count or (elements and tensor.offset + reach >= count):
        _refuse(f"tensor {name!r:.200} reaches beyond its storage of {count} elements")
    if not elements:
        return np.zeros(tensor.shape, dtype)
    flat = np.frombuffer(content, dtype)[tensor.offset :]
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)


def _count(value: object) -> int:
    """Return a number of elements after checking that it is an int, not negative, and fits into 63 bits."""
    if type(value) is not int or not 0 <= value < 1 << 63:  # excludes bool
        _refuse(f"holds {value!r:.200} as a number of elements")
    return value


def _name(key: object) -> str:
    if not isinstance(key, str):
        _refuse(f"names a tensor by a {type(key).__name__}")
    return key


def _refuse(what: str) -> NoReturn:
    raise _RefusedError(what)
