"""Creates ncnn's networks; options are set first, since ncnn reads them when loading."""

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
"""The config's switches, with ncnn's names."""


def make(config: NcnnConfig, threads: int, device: Device | None) -> Any:
    """Return an empty network with the config's options.

    :raises EngineError: This version of ncnn lacks a requested switch.
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
            f"ncnn {ncnn.__version__} has no option {OPTIONS[name]}",
            hint="pip install --upgrade ncnn, or leave the option out",
        )


def in_force(net: Any) -> Mapping[str, bool]:
    """Return the switches in force after loading; ncnn turns off those that the device does not support."""
    return {name: getattr(net.opt, theirs) for name, theirs in OPTIONS.items() if hasattr(net.opt, theirs)}
