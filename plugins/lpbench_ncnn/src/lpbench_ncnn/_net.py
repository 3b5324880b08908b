"""Makes ncnn's networks: options first, since ncnn reads them while it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ncnn

from lpbench.plugin.engine import EngineError
from lpbench_ncnn.config import NARROW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench_ncnn._devices import Device
    from lpbench_ncnn.config import NcnnConfig

OPTIONS = {
    **{name: f"use_{name}" for name in NARROW},
    "int8_inference": "use_int8_inference",
    "light_mode": "lightmode",
    "packing_layout": "use_packing_layout",
    "winograd": "use_winograd_convolution",
    "sgemm": "use_sgemm_convolution",
}
"""The config's switches and ncnn's names of them."""


def make(config: NcnnConfig, threads: int, device: Device | None) -> Any:
    """Return a network without layers that is set as the config says.

    :raises EngineError: This version of ncnn lacks a switch that was asked for.
    """
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = device is not None
    for name in ("int8_inference", "light_mode", "packing_layout", "winograd", "sgemm"):
        setattr(net.opt, OPTIONS[name], getattr(config, name))
    for name, value in config.narrow.items():
        _set(net.opt, name, value, asked=name in config.asked)
    if device is not None:
        net.set_vulkan_device(device.index)
    return net


def _set(options: Any, name: str, value: bool, *, asked: bool) -> None:  # noqa: FBT001 - a value
    if hasattr(options, OPTIONS[name]):
        setattr(options, OPTIONS[name], value)
    elif asked and value:
        raise EngineError(
            f"ncnn {ncnn.__version__} has no option {OPTIONS[name]}", hint="pip install --upgrade ncnn, or leave it out"
        )


def in_force(net: Any) -> Mapping[str, bool]:
    """Return the switches as ncnn has them after loading: it turns off what the device cannot do."""
    return {name: getattr(net.opt, theirs) for name, theirs in OPTIONS.items() if hasattr(net.opt, theirs)}
