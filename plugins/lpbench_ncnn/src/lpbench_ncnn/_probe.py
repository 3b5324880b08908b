"""Finds devices by running a layer on each; runs in a child process, because drivers may crash."""

from __future__ import annotations

from typing import Any

import ncnn

from lpbench_ncnn import _devices, _precision
from lpbench_ncnn._param import Graph
from lpbench_ncnn.config import NcnnConfig


def probe() -> dict[str, Any]:
    """Return ``version``, usable ``devices``, their ``names``, and ``unusable`` ones with the reason."""
    usable: list[str] = []
    unusable: dict[str, str] = {}
    devices = _devices.vulkan()
    if not devices:
        unusable["vulkan"] = "no Vulkan driver is installed"
    for device in (None, *devices):
        name = f"vulkan:{device.index}" if device else "cpu"
        problem = _try(device)
        if problem:
            unusable[name] = problem
        else:
            usable.append(name)
    names = {f"vulkan:{device.index}": {"name": device.name, "processor": device.processor} for device in devices}
    return {"version": ncnn.__version__, "devices": usable, "unusable": unusable, "names": names}


def _try(device: _devices.Device | None) -> str:
    """Return what is wrong with a device, or an empty string; an identity convolution must be exact."""
    result = _precision.precision(Graph(()), NcnnConfig(), 1, device)
    return "" if result.get("precision") == "F32" else f"a convolution in F32 gave a wrong result: {result}"
