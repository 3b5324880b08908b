"""The device memory that a session holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lpbench_acl._calls import AclError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lpbench.plugin.kit.device_tensors import DeviceBuffer
    from lpbench_acl._calls import Calls

WEIGHTS, ACTIVATIONS, TENSORS, TOTAL = "weights", "activations", "tensors", "total"
KINDS: Final = (1, 0)
"""aclrtMemAttr of the memory of NPUs: HBM, or else DDR."""


def device_memory(calls: Calls) -> tuple[int, int] | None:
    """Return the free bytes and all bytes of the NPU whose context is in force; None if AscendCL tells neither."""
    for kind in KINDS:
        try:
            told = calls.call("rt.get_mem_info", kind)
        except AclError:  # an NPU without this kind of memory, in some versions
            continue
        if all(isinstance(size, int) and size >= 0 for size in told) and told[1] > 0:
            return told[0], told[1]
    return None


class ModelMemory:
    """What a loaded model takes.

    :param path: Its file.
    :param opening: Bytes by which the NPU's free memory fell while it was loaded.
    """

    def __init__(self, calls: Calls, path: Path, opening: int) -> None:
        self._calls, self._path, self._opening = calls, path, opening
        self._uses: dict[str, int] | None = None

    def held(self, buffers: Iterable[DeviceBuffer]) -> dict[str, int]:
        """Return the bytes that a session holds, by use.

        Of a model whose uses AscendCL does not tell, the total has what opening took.

        :param buffers: Memory of inputs and outputs.
        """
        if self._uses is None:
            self._uses = self._asked()
        tensors = sum(buffer.size for buffer in buffers)
        model = sum(self._uses.values()) if self._uses else max(0, self._opening)
        return {**self._uses, TENSORS: tensors, TOTAL: tensors + model}

    def _asked(self) -> dict[str, int]:
        """Return the bytes that the file asks for, by use; empty if AscendCL does not tell."""
        try:
            work, weights = self._calls.call("mdl.query_size", str(self._path))
        except AclError:
            return {}
        known = all(isinstance(size, int) and size >= 0 for size in (work, weights))
        return {WEIGHTS: weights, ACTIVATIONS: work} if known else {}
