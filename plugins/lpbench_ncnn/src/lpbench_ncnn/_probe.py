"""Finds devices by running a layer on each; runs in a child process, because drivers may crash."""

from __future__ import annotations

from typing import Any

import ncnn

from lpbench_ncnn import _devices, _precision
from lpbench_ncnn._param import Graph
from lpbench_ncnn.config import NcnnConfig

DRIVERS = (
    "install the loader and the GPU's driver: apt install libvulkan1, with mesa-vulkan-drivers for AMD, Intel and Arm; "
    "NVIDIA's driver brings its own"
)
"""What makes Vulkan usable."""


def probe() -> dict[str, Any]:
    """Return ``version``, usable ``devices``, their ``names``, ``unusable`` ones with the reason, and ``hints``."""
    usable: list[str] = []
    unusable: dict[str, str] = {}
    hints = {}
    devices = _devices.vulkan()
    if not devices:
        unusable["vulkan"] = "no Vulkan driver is installed"
        hints["vulkan"] = DRIVERS
    for device in (None, *devices):
        name = f"vulkan:{device.index}" if device else "cpu"
        problem = _try(device)
        if problem:
            unusable[name] = problem
        else:
            usable.append(name)
    names = {f"vulkan:{device.index}": {"name": device.name, "processor": device.processor} for device in devices}
    return {"version": ncnn.__version__, "devices": usable, "unusable": unusable, "hints": hints, "names": names}


def _try(device: _devices.Device | None) -> str:
    """Return what is wrong with a device, or an empty string; an identity convolution must be exact."""
    result = _precision.precision(Graph(()), NcnnConfig(), 1, device)
    return "" if result.get("precision") == "F32" else f"a convolution in F32 gave a wrong result: {result}"
