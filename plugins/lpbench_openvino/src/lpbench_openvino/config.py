"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Final, Literal

from lpbench.errors import setting
from lpbench.plugin.kit.cores import check_threads

Setting = str | int | float | bool

DEVICE = re.compile(r"(CPU|GPU|NPU)(?:[.:]([0-9]{1,4}))?", re.IGNORECASE)
CHOOSERS = ("AUTO", "BATCH", "HETERO", "MULTI")
"""OpenVINO's virtual devices, which choose a device or use several."""

AUTO: Final = "auto"
OWN = {
    "CACHE_DIR": "cache_dir",
    "ENABLE_CPU_PINNING": "pinning",
    "INFERENCE_NUM_THREADS": "threads",
    "INFERENCE_PRECISION_HINT": "precision",
    "NUM_STREAMS": "streams",
    "PERFORMANCE_HINT": "hint",
}
"""OpenVINO's properties that lpbench has its own option for."""


@dataclass(frozen=True)
class OpenvinoConfig:
    """Options of the engine ``openvino``.

    :param device: ``cpu``, ``gpu`` or ``npu`` in any case, with an index if needed: ``gpu:0``, ``GPU.0``.
    :param threads: CPU threads; 0 = one for each physical core that the process may use, or as ``hint`` chooses.
        OpenVINO uses at most one per core; the number in force is recorded.
    :param streams: Requests that can run in parallel; 0 = 1, or as ``hint`` chooses.  lpbench runs one at a time.
    :param hint: Let OpenVINO choose threads, streams and more for low latency or for high throughput; ``none`` leaves
        no choice to OpenVINO.
    :param precision: Required precision of the arithmetic; ``auto`` leaves the choice to OpenVINO, which computes in
        BF16 or F16 if the device supports it.
    :param pinning: Bind threads to cores, as OpenVINO does by default.  Off here to keep the requested affinity.
    :param cache_dir: Folder in which compiled models are kept; empty compiles each time.
    :param signature: The signature of a TFLite file to run; needed if the file has several.
    :param properties: Further properties of OpenVINO under its own names: ``{"CPU_DENORMALS_OPTIMIZATION": true}``.
    :raises ValueError: A value is out of range.
    """

    device: str = "cpu"
    threads: int = 0
    streams: int = 0
    hint: Literal["none", "latency", "throughput"] = "none"
    precision: Literal["F32", "F16", "BF16", "auto"] = "F32"
    pinning: bool = False
    cache_dir: str = ""
    signature: str = ""
    properties: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_device(self.device)
        for name in ("threads", "streams"):
            check_threads(name, getattr(self, name))
        for name in self.properties:
            if name in OWN:
                raise ValueError(f'properties: found {name}; expected the option "{OWN[name]}"')

    @property
    def target(self) -> str:
        """The device as OpenVINO writes it: ``CPU``, ``GPU.0``."""
        match = DEVICE.fullmatch(self.device)
        kind, number = match.groups() if match else (self.device, None)
        return kind.upper() if number is None else f"{kind.upper()}.{number}"

    @property
    def unit(self) -> str:
        """The device as lpbench writes it: ``cpu``, ``gpu:0``."""
        return unit(self.target)

    @property
    def processor(self) -> str:
        """What computes: ``CPU``, ``GPU`` or ``NPU``."""
        return self.target.partition(".")[0]


def unit(target: str) -> str:
    """Return a device's name as lpbench writes it: ``gpu:0`` for ``GPU.0``."""
    return target.lower().replace(".", ":")


def _check_device(device: str) -> None:
    match = DEVICE.fullmatch(device)
    if match and match[1].upper() == "CPU" and match[2]:
        cores = f"{setting('affinity')} selects its cores"
        raise ValueError(f'device: found "{device}"; expected cpu: there is only one, and {cores}')
    if re.split(r"\W", device)[0].upper() in CHOOSERS:
        raise ValueError(
            f'device: found "{device}"; expected cpu, gpu:0 or npu: a measurement needs one device, named explicitly'
        )
    if not match:
        raise ValueError(f'device: found "{device}"; expected cpu, gpu, gpu:0 or npu')
