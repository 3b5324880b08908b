"""Vulkan devices that ncnn finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ncnn

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from lpbench_ncnn.config import NcnnConfig

SOFTWARE = 3
"""ncnn's number for the device type CPU: a driver that computes on the processor, such as llvmpipe."""


@dataclass(frozen=True)
class Device:
    """A Vulkan device.

    :param processor: GPU, or CPU if the driver computes in software.
    """

    index: int
    name: str
    processor: str

    @property
    def label(self) -> str:
        """Name for listings."""
        return f"vulkan:{self.index} ({self.name}{', on the CPU' if self.processor == 'CPU' else ''})"


def vulkan() -> list[Device]:
    """Return the Vulkan devices; the first call loads the drivers, which stay loaded until the process ends."""
    if not hasattr(ncnn, "get_gpu_count"):  # built without Vulkan
        return []
    return [_device(index) for index in range(ncnn.get_gpu_count())]


def _device(index: int) -> Device:
    info = ncnn.get_gpu_info(index)
    return Device(index, info.device_name(), "CPU" if info.type() == SOFTWARE else "GPU")


def resolve(config: NcnnConfig) -> Device | None:
    """Return the Vulkan device that the config names, or None for the CPU.

    :raises EngineError: The device does not exist; the error names the available ones.
    """
    index = config.vulkan
    if index is None:
        return None
    devices = vulkan()
    if index < len(devices):
        return devices[index]
    if devices:
        raise EngineError(
            f'device "{config.device}" does not exist',
            hint=f"here: cpu, {', '.join(device.label for device in devices)}",
        )
    if not hasattr(ncnn, "get_gpu_count"):
        raise EngineError(f"this build of ncnn {ncnn.__version__} does not include Vulkan", hint="use device cpu")
    raise EngineError(
        f'device "{config.device}" needs a Vulkan driver, and none is installed',
        hint="install the GPU's Vulkan driver and libvulkan1, or use device cpu",
    )
