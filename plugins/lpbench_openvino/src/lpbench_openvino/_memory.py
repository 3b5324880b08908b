"""Reads what OpenVINO's GPU plugin has allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATISTICS = "GPU_MEMORY_STATISTICS"
CURRENT, PEAK = "_current", "_peak"
TOTAL = "total"


def gpu_memory(core: Any, device: str) -> dict[str, int] | None:
    """Return the bytes that are allocated now by kind (``usm_device``, ``usm_host``, ``cl_mem``), and the ``total``.

    They are those of all models that this core has open on the device: the plugin does not count models apart.  Some
    versions give the present size as ``KIND_current`` beside ``KIND_peak``; peaks are left out.

    :param core: ``openvino.Core`` that compiled the model.
    :param device: OpenVINO's name of the device.
    :returns: None if this version does not tell.
    """
    try:
        stated = core.get_property(device, STATISTICS)
    except RuntimeError:
        return None
    if not isinstance(stated, Mapping):
        return None
    kinds = {str(kind).removesuffix(CURRENT): size for kind, size in stated.items() if not str(kind).endswith(PEAK)}
    return {**kinds, TOTAL: sum(kinds.values())}
