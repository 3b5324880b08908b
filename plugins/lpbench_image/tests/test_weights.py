"""Weights are read without torch and without trust: tensors come out as they were, everything else is refused."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.errors import PullError
from lpbench_image.apps._torch_weights import DTYPES, MAGIC, PROTOCOL, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    State = dict[str, Any]

MARKER = Path(tempfile.gettempdir()) / "lpbench-was-tricked"


class Global:
    """Pickles as a global of a module that need not exist."""

    def __init__(self, module: str, name: str) -> None:
        self.path = (module, name)


class Call:
    """Pickles as a call of a global."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.function = Global(module, name)
        self.arguments = arguments


class Pid:
    """Pickles as a persistent id."""

    def __init__(self, *parts: object) -> None:
        self.parts = parts


PYTHONS_PICKLER: Any = pickle._Pickler  # unlike the one in C it can be told what to write


class Writer(PYTHONS_PICKLER):  # type: ignore[misc] # typeshed knows only its public methods
    """Writes pickles that name any global, as torch and attackers do."""

    def persistent_id(self, found: object) -> object:
        return found.parts if isinstance(found, Pid) else None

    def save(self, found: object, save_persistent_id: bool = True) -> None:  # noqa: FBT001, FBT002 - the base class's signature
        if isinstance(found, Global):
            self.write(b"c" + "\n".join(found.path).encode() + b"\n")
        elif isinstance(found, Call):
            self.save(found.function)
            self.save(found.arguments)
            self.write(b"R")
        else:
            super().save(found, save_persistent_id)


def pickled(found: object) -> bytes:
    stream = io.BytesIO()
    Writer(stream, 2).dump(found)
    return stream.getvalue()


def tensor(  # noqa: PLR0913 - what a tensor is made of
    key: str = "0",
    *,
    kind: str = "FloatStorage",
    count: object = 6,
    offset: object = 0,
    shape: object = (2, 3),
    strides: object = (3, 1),
) -> Call:
    storage = Pid("storage", Global("torch", kind), key, "cpu", count)
    hooks = Call("collections", "OrderedDict")
    requires_grad = False
    return Call("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, requires_grad, hooks)


def of(key: str, array: NDArray[Any]) -> Call:
    kind = next(name for name, dtype in DTYPES.items() if np.dtype(dtype) == array.dtype)
    strides = tuple(step // array.itemsize for step in array.strides)
    return tensor(key, kind=kind, count=array.size, shape=array.shape, strides=strides)


def zipped(path: Path, program: bytes, storages: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        opened.writestr("archive/data.pkl", program)
        opened.writestr("archive/byteorder", "little")
        for key, content in storages.items():
            opened.writestr(f"archive/data/{key}", content)
    return path


def legacy(path: Path, program: bytes, storages: dict[str, bytes], sizes: Sequence[int] = (4,) * 9) -> Path:
    head = [MAGIC, PROTOCOL, {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}]
    blocks = [struct.pack("<q", len(each) // size) + each for each, size in zip(storages.values(), sizes, strict=False)]
    path.write_bytes(b"".join([*map(pickled, head), program, pickled(list(storages)), *blocks]))
    return path


WRITERS = [zipped, legacy]
SIX = {"0": np.arange(6, dtype="<f4").tobytes()}


@pytest.mark.parametrize("write", WRITERS)
def test_tensors_come_out_as_they_were(tmp_path: Path, write: Callable[..., Path]) -> None:
    """Every type that is supported, a scalar, an empty tensor and a transposed view, in both layouts."""
    arrays: dict[str, NDArray[Any]] = {name: np.arange(6).astype(dtype).reshape(2, 3) for name, dtype in DTYPES.items()}
    arrays |= {"scalar": np.array(7, "<i8"), "empty": np.zeros((0, 3), "<f4")}
    state = OrderedDict((name, of(str(at), array)) for at, (name, array) in enumerate(arrays.items()))
    storages = {str(at): array.tobytes() for at, array in enumerate(arrays.values())}
    state["view"] = tensor("1", shape=(3, 2), strides=(1, 3))
    sizes = [array.itemsize for array in arrays.values()]
    found = read(write(tmp_path / "w.pth", pickled(dict(state)), storages, *([sizes] if write is legacy else [])))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    np.testing.assert_array_equal(found["view"], arrays["FloatStorage"].T)
    assert not found["view"].flags.writeable


@settings(max_examples=60, deadline=None)
@given(write=st.sampled_from(WRITERS), count=st.integers(1, 40), data=st.data())
def test_every_view_is_numpys_view_or_refused(write: Callable[..., Path], count: int, data: st.DataObject) -> None:
    """Arbitrary offset, shape and strides over a storage: numpy's own view of the same elements, or an error."""
    dimensions = data.draw(st.integers(0, 3))
    small = st.lists(st.integers(-1, 6), min_size=dimensions, max_size=dimensions)
    shape, strides, offset = data.draw(small), data.draw(small), data.draw(st.integers(-1, 8))
    content = np.arange(count, dtype="<f4")
    program = pickled({"x": tensor(count=count, offset=offset, shape=tuple(shape), strides=tuple(strides))})
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(PullError):
        found = read(write(Path(folder) / "w.pth", program, {"0": content.tobytes()}))["x"]
        assert found.shape == tuple(shape)
        for index in np.ndindex(*shape):
            place = offset + sum(at * stride for at, stride in zip(index, strides, strict=True))
            assert 0 <= place < count
            assert found[index] == content[place]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "change",
    [
        {"count": 1 << 62, "shape": (1 << 62,), "strides": (1,)},
        {"count": 1 << 80},
        {"count": -1},
        {"count": True},
        {"count": "6"},
        {"count": 7},
        {"count": 5},
        {"offset": -1},
        {"offset": 1},
        {"offset": 1 << 62},
        {"shape": (7,), "strides": (1,)},
        {"shape": (2, 3), "strides": (-3, 1)},
        {"shape": (2, -3), "strides": (3, 1)},
        {"shape": (1 << 40,), "strides": (0,)},
        {"shape": (2, 3), "strides": (1,)},
        {"shape": [2, 3], "strides": [3, 1]},
        {"shape": (1,) * 33, "strides": (1,) * 33},
        {"shape": (0, 1 << 62, 1 << 62), "strides": (1, 1, 1)},
        {"shape": (2.0, 3), "strides": (3, 1)},
    ],
)
def test_views_beyond_their_storage_are_refused(tmp_path: Path, write: Callable[..., Path], change: State) -> None:
    """Sizes, strides and offsets that would read outside the six elements, or make much out of little."""
    with pytest.raises(PullError, match=r"w\.pth"):
        read(write(tmp_path / "w.pth", pickled({"x": tensor(**change)}), SIX))


EVIL = {
    "os.system": Call("os", "system", f"touch {MARKER}"),
    "posix.system": Call("posix", "system", f"touch {MARKER}"),
    "builtins.eval": Call("builtins", "eval", f"open({str(MARKER)!r}, 'w')"),
    "builtins.getattr": Call("builtins", "getattr", Global("collections", "OrderedDict"), "fromkeys"),
    "builtins.__import__": Call("builtins", "__import__", "antigravity"),
    "collections.OrderedDict.fromkeys": Global("collections", "OrderedDict.fromkeys"),
    "torch._utils._rebuild_tensor_v2.__globals__": Global("torch._utils", "_rebuild_tensor_v2.__globals__"),
    "torch.serialization.load": Call("torch.serialization", "load", "/etc/passwd"),
    "numpy.core.multiarray._reconstruct": Call("numpy.core.multiarray", "_reconstruct"),
    "lpbench_image.apps._torch_weights.os": Global("lpbench_image.apps._torch_weights", "os"),
    "__main__.main": Global("__main__", "main"),
}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("nest", [lambda evil: evil, lambda evil: {"x": [evil]}, lambda evil: {"x": ({"y": evil},)}])
def test_no_global_beyond_the_few_is_reached(
    tmp_path: Path, write: Callable[..., Path], name: str, nest: Callable[[object], object]
) -> None:
    """Pickles that call os.system, eval and the like, nested or not: an error names the global, and nothing ran."""
    MARKER.unlink(missing_ok=True)
    with pytest.raises(PullError, match=f'refers to the global "{name}"'):
        read(write(tmp_path / "w.pth", pickled(nest(EVIL[name])), SIX))
    assert not MARKER.exists()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (b"\x80\x02cposix\nsystem\n(S'true'\ntR.", "opcode STRING"),
        (b"(S'true'\nios\nsystem\n.", "opcode STRING"),
        (b"\x80\x02(ios\nsystem\n.", "opcode INST"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "opcode NEWOBJ"),
        (b"\x80\x02\x82\x01.", "opcode EXT1"),
        (b"\x80\x02}r\xff\xff\xff\xff.", "memo of 4294967295"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "cannot be read as a file of weights"),
        (b"\x80\x02\x8a\xff.", "cannot be read as a file of weights"),
        (b"\x80\x02}", "cannot be read as a file of weights"),
        (b"\x80\x02.", "cannot be read as a file of weights"),
        (b"", "cannot be read as a file of weights"),
        (b"\x80\x02]q\x00.", "holds a list"),
        (b"\x80\x02}K\x01K\x02s.", "names a tensor by a int"),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x02s.", "holds a int named 'a'"),
        (b"\x80\x02ccollections\nOrderedDict\n}\x85R.", "cannot be read as a file of weights"),
        (b"\x80\x02ctorch\nFloatStorage\n}b.", "cannot be read as a file of weights"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "cannot be read as a file of weights"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "cannot be read as a file of weights"),
        (b"\x80\x02K\x01Q.", "cannot be read as a file of weights"),
        (b"\x80\x02(tQ.", "cannot be read as a file of weights"),
        (b"\x80\x02" + b"(" * 100_000 + b".", "cannot be read as a file of weights"),
    ],
)
def test_programs_that_are_no_weights_are_refused(tmp_path: Path, program: bytes, why: str) -> None:
    """Other opcodes, lies about lengths, and values that are not what they should be."""
    with pytest.raises(PullError, match=why):
        read(zipped(tmp_path / "w.pth", program, SIX))


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_deep_nesting_ends_in_an_error(tmp_path: Path, depth: int) -> None:
    """A tuple in a tuple, very deep, as the name of a tensor: an error, where hashing it would overflow the stack."""
    program = b"\x80\x02}" + b")" + b"\x85" * depth + b"K\x01s."
    with pytest.raises(PullError, match="tuple"):
        read(zipped(tmp_path / "w.pth", program, SIX))


def test_what_a_file_leaves_does_not_reach_the_next(tmp_path: Path) -> None:
    """A pickle that sets attributes of the stand-ins (BUILD) changes nothing for the file read after it."""
    evil = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x0c\x00\x00\x00__defaults__)sb0}."
    with contextlib.suppress(PullError):
        read(zipped(tmp_path / "evil.pth", evil, SIX))
    good = read(zipped(tmp_path / "good.pth", pickled({"x": tensor()}), SIX))
    np.testing.assert_array_equal(good["x"], np.arange(6, dtype="f4").reshape(2, 3))


def test_compressed_records_are_refused(tmp_path: Path) -> None:
    """A zip that could grow when it is unpacked; torch never compresses."""
    with pytest.raises(PullError, match="compressed"):
        read(zipped(tmp_path / "w.pth", pickled({"x": tensor()}), {"0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED))


def test_a_big_endian_file_is_refused(tmp_path: Path) -> None:
    """Bytes the other way round would be read as other numbers."""
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as opened:
        opened.writestr("archive/byteorder", "big")
        opened.writestr("archive/data.pkl", pickled({}))
    with pytest.raises(PullError, match="little-endian"):
        read(tmp_path / "w.pth")


@settings(max_examples=150, deadline=None)
@given(write=st.sampled_from(WRITERS), at=st.integers(0, 700), junk=st.binary(max_size=6), cut=st.booleans())
def test_damaged_files_are_errors(write: Callable[..., Path], at: int, junk: bytes, cut: bool) -> None:  # noqa: FBT001 - hypothesis passes values
    """Truncated and altered files: arrays inside their bytes, or an error."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(
            Path(folder) / "w.pth", pickled({"x": tensor(), "y": tensor(offset=1, shape=(2,), strides=(2,))}), SIX
        )
        whole = path.read_bytes()
        path.write_bytes(whole[:at] + junk + (b"" if cut else whole[at + len(junk) :]))
        with contextlib.suppress(PullError):
            assert all(array.size <= 6 for array in read(path).values())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_programs_are_errors(program: bytes) -> None:
    """Arbitrary bytes as the pickle: nothing but errors and empty dicts."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(PullError):
        assert read(zipped(Path(folder) / "w.pth", b"\x80\x02" + program, SIX)) == {}
