"""The device memory that a session holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_trt._library import trt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpbench.plugin.kit.device_tensors import DeviceBuffer

WEIGHTS, ACTIVATIONS, TENSORS, TOTAL = "weights", "activations", "tensors", "total"


def held(engine: trt.ICudaEngine, buffers: Iterable[DeviceBuffer], opening: int) -> dict[str, int]:
    """Return the bytes that a session holds, by use.

    :param buffers: Memory of inputs and outputs.
    :param opening: Bytes by which the device's free memory fell while the engine was loaded; the total of versions of
        TensorRT that do not tell the size of the weights.
    """
    tensors = sum(buffer.size for buffer in buffers)
    known = {WEIGHTS: _weights(engine), ACTIVATIONS: _activations(engine), TENSORS: tensors}
    uses = {use: size for use, size in known.items() if size is not None}
    told = sum(uses.values())
    return {**uses, TOTAL: told if WEIGHTS in uses else max(told, opening + tensors)}


def _weights(engine: trt.ICudaEngine) -> int | None:
    if not hasattr(trt, "EngineStat") or not hasattr(engine, "get_engine_stat"):
        return None
    size = int(engine.get_engine_stat(trt.EngineStat.TOTAL_WEIGHTS_SIZE))
    return size if size >= 0 else None


def _activations(engine: trt.ICudaEngine) -> int | None:
    """Return the memory of intermediate results and of the kernels' workspace, which TensorRT shares among layers."""
    size = getattr(engine, "device_memory_size_v2", None)
    size = getattr(engine, "device_memory_size", None) if size is None else size
    return None if size is None else int(size)
