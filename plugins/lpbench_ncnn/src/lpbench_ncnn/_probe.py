"""Looks for devices by running a layer on each; run in a child process, because drivers crash."""

from __future__ import annotations

from typing import Any

import ncnn

from lpbench_ncnn import _devices, _precision
from lpbench_ncnn._param import Graph
from lpbench_ncnn.config import NcnnConfig


def probe() -> dict[str, Any]:
    """Return ``version``, usable ``devices``, what they are called, and ``unusable`` ones with the reason."""
    usable: list[str] = []
    unusable: dict[str, str] = {}
    there = _devices.vulkan()
    if not there:
        unusable["vulkan"] = "no Vulkan driver"
    for device in (None, *there):
        name = f"vulkan:{device.index}" if device else "cpu"
        problem = _try(device)
        if problem:
            unusable[name] = problem
        else:
            usable.append(name)
    names = {f"vulkan:{device.index}": {"name": device.name, "processor": device.processor} for device in there}
    return {"version": ncnn.__version__, "devices": usable, "unusable": unusable, "names": names}


def _try(device: _devices.Device | None) -> str:
    """Return what is wrong with a device, or an empty string: one convolution must pass its input on exactly."""
    found = _precision.precision(Graph(()), NcnnConfig(), 1, device)
    return "" if found.get("precision") == "F32" else f"a convolution in F32 came out wrong: {found}"
