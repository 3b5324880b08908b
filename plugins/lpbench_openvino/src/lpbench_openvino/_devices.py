"""The devices that OpenVINO finds on this machine."""

from __future__ import annotations

import re
from typing import Any

from lpbench.plugin.engine import EngineError
from lpbench_openvino._text import plain_words
from lpbench_openvino.config import unit

KINDS = ("CPU", "GPU", "NPU")
DRIVERS = {
    "GPU": "an Intel GPU needs its driver and OpenCL: apt install intel-opencl-icd ocl-icd-libopencl1",
    "NPU": "an Intel NPU needs its driver: github.com/intel/linux-npu-driver/releases",
}
"""What makes a device usable that is in the machine, by OpenVINO's name of its kind."""
LINKER = re.compile(r'Cannot load library ".*?": (.*)')


def require(core: Any, target: str, requested: str) -> None:
    """Refuse a device that is not available.

    :param target: OpenVINO's name of the device.
    :param requested: The name that the user gave.
    :raises EngineError: The device is not usable; the error gives the reason and the available devices.
    """
    problem = "" if target == "CPU" else unusable(core, target)
    if problem:
        here, kind = core.available_devices, target.partition(".")[0]
        driver = "" if any(name.partition(".")[0] == kind for name in here) else DRIVERS.get(kind, "")
        hints = (f"here: {', '.join(map(unit, here))}", driver)
        raise EngineError(f'device "{requested}" is not usable: {problem}', hint="\n  ".join(filter(None, hints)))


def unusable(core: Any, target: str) -> str:
    """Return why a device cannot be used, or an empty string."""
    kind = target.partition(".")[0]
    known = [name for name in core.available_devices if name.partition(".")[0] == kind]
    if target in known or (known and target in {kind, f"{kind}.0"}):
        return ""
    return _library_problem(core, kind) or f"OpenVINO does not find {unit(target)}"


def _library_problem(core: Any, kind: str) -> str:
    """Return the dynamic linker's error for an OpenVINO plugin, or an empty string."""
    try:
        core.get_property(kind, "FULL_DEVICE_NAME")
    except RuntimeError as error:
        match = LINKER.search(plain_words(error))
        return match[1] if match else ""
    return ""
