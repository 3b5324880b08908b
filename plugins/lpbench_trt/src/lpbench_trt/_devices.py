"""The GPU for which a plan is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt._cuda import cuda

if TYPE_CHECKING:
    from lpbench_trt._cuda import Device

GIB = 1 << 30


def select(number: int) -> Device:
    """Select a GPU for this thread, for which TensorRT then builds; return its facts.

    :raises EngineError: It is not there or not usable.
    """
    cuda().use(number)
    return cuda().device(number)


def here(number: int) -> Device | None:
    """Return a GPU's facts after selecting it; None where no GPU is usable: TensorRT-RTX builds without."""
    try:
        return select(number)
    except EngineError:
        return None


def memory_left() -> str:
    """Return in words how much memory of the selected GPU is free; empty if that is not known."""
    try:
        free, total = cuda().memory()
    except EngineError:
        return ""
    return f"{free / GIB:.1f} of {total / GIB:.1f} GiB of device memory are free"
