"""Memory of each stage against known allocations, of an engine's native ones too."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import pytest

from lpbench.worker import stage_memory
from lpbench.worker.pipeline import OpenComponent

MEGABYTE = 1_000_000
LARGE = 80 * MEGABYTE
LITTLE = 5 * MEGABYTE
"""What the interpreter and the kernel's counters may add or hide."""

if not stage_memory.resets():
    pytest.skip("needs /proc/self/clear_refs", allow_module_level=True)


def allocate(size: int) -> None:
    """Take memory, touch each page, and give it back."""
    block = bytearray(size)
    block[:: mmap.PAGESIZE] = b"x" * len(range(0, size, mmap.PAGESIZE))
    del block


def allocate_natively(size: int) -> None:
    """Do so as a native engine does: with malloc, unseen by Python."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)


class Stage:
    """A stage that takes memory while it runs."""

    def __init__(self, size: int, take: Any = allocate, items: int = 0) -> None:
        self._size, self._take, self._items = size, take, items

    def __call__(self, *_: object) -> dict[str, int]:
        self._take(self._size)
        return {}

    run = __call__

    def items(self, sample: object, prediction: object) -> list[object]:
        return [sample] * self._items


def component(name: str, pre: int, inference: int, post: int, items: int = 1) -> Any:
    native = Stage(inference, allocate_natively)
    return OpenComponent(name, native, Stage(pre, items=items), Stage(post))  # type: ignore[arg-type] # stand-ins


@pytest.mark.parametrize("at", range(3))
def test_what_one_stage_takes_is_seen_in_that_stage_alone(at: int) -> None:
    sizes = [LARGE if stage == at else 0 for stage in range(3)]
    measured = stage_memory.measure([component("net", *sizes)], ["sample"] * 3, chain=False)
    assert list(measured) == ["preprocessing", "inference", "postprocessing"]
    for stage, size in zip(measured.values(), sizes, strict=True):
        assert abs(stage.increase_bytes - size) < LITTLE
        assert stage.peak_bytes > stage.increase_bytes


def test_memory_that_an_earlier_stage_freed_is_not_hidden_in_a_later_one() -> None:
    """Small blocks come from a heap that keeps what is freed: it is given back before each stage."""
    measured = stage_memory.measure([component("net", LARGE, LARGE // 2, 0)], ["sample"] * 3, chain=False)
    assert abs(measured["inference"].increase_bytes - LARGE // 2) < LITTLE


def test_components_of_a_chain_are_apart() -> None:
    chain = [component("find", 0, LARGE, 0), component("read", 0, 0, LARGE, items=2)]
    measured = stage_memory.measure(chain, ["sample"], chain=True)
    large = [name for name, each in measured.items() if each.increase_bytes > LARGE - LITTLE]
    assert large == ["find/inference", "read/postprocessing"]


def test_a_component_that_finds_no_item_takes_only_its_preprocessing() -> None:
    chain = [component("find", 0, 0, 0), component("read", 0, LARGE, 0, items=0)]
    assert "read/inference" not in stage_memory.measure(chain, ["sample"], chain=True)
