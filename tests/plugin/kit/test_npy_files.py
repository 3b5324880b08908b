"""Arrays that others wrote: what numpy writes is read, and nothing costs more than the file's bytes."""

from __future__ import annotations

import io
import random
import tracemalloc
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="needs numpy")

from hypothesis import given, settings  # noqa: E402 - after the check
from hypothesis import strategies as st  # noqa: E402

from lpbench.plugin.kit.npy_files import read_array  # noqa: E402
from lpbench.testing import mutations  # noqa: E402

TYPES = ("<f4", ">f8", "<i2", "|u1", "?", "<U3", "|S2", "<c8", "<M8[s]")


def written(array: Any, version: tuple[int, int] | None = None) -> bytes:
    """Return the bytes of an array's file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def read(content: bytes) -> Any:
    """Return the array in bytes."""
    return read_array(io.BytesIO(content), len(content))


@given(
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from(TYPES),
    st.booleans(),
    st.sampled_from([None, (2, 0), (3, 0)]),
)
def test_what_numpy_writes_is_read_as_it_was(
    shape: list[int],
    dtype: str,
    by_column: bool,  # noqa: FBT001 - hypothesis passes values
    version: tuple[int, int] | None,
) -> None:
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape, order="F" if by_column else "C")
    found = read(written(array, version))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert (found == array).all()
    assert found.flags.writeable


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_damaged_file_is_an_array_or_a_refusal_and_takes_little_memory(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - decides on damage
    content = mutations.mutated(written(np.zeros((3, 4), chosen.choice(TYPES))), chosen)
    tracemalloc.start()
    try:
        read(content)
    except ValueError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10 * len(content) + (4 << 20)
