"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

DEVICE = re.compile(r"cpu|vulkan(:\d+)?", re.IGNORECASE)
NARROW = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed")
"""ncnn's switches for floats of 16 bits; those in use are ``use_`` and the name."""
PRECISIONS: dict[str, tuple[str, ...]] = {"F32": (), "F16": NARROW[:3], "BF16": NARROW[3:]}
"""The switches that each precision turns on; it turns the others off."""


@dataclass(frozen=True)
class NcnnConfig:
    """How ncnn is to run a model.

    :param device: ``cpu``, or a Vulkan device by its number: ``vulkan:0``.
    :param threads: OpenMP threads; 0 = one for each physical core that the process may use.
    :param precision: Which floats of 16 bits ncnn may use: none, F16, BF16, or what ncnn itself would.
    :param fp16_packed: Turns one of ncnn's switches on or off, whatever ``precision`` says; null leaves it to that.
    :param fp16_storage: Likewise.
    :param fp16_arithmetic: Likewise.
    :param bf16_storage: Likewise.
    :param bf16_packed: Likewise.
    :param int8_inference: Compute layers that were quantised in integers.
    :param light_mode: Free each layer's output once it is used.
    :param packing_layout: Keep 4, 8 or 16 channels side by side in memory.
    :param winograd: Allow Winograd's convolution, which is faster and rounds differently.
    :param sgemm: Allow convolution as a matrix product.
    :param powersave: Bind threads to ``all``, the ``little`` or the ``big`` cores; null leaves them alone.
    :raises ValueError: A value is out of range.
    """

    device: str = "cpu"
    threads: int = 0
    precision: Literal["F32", "F16", "BF16", "default"] = "F32"
    fp16_packed: bool | None = None
    fp16_storage: bool | None = None
    fp16_arithmetic: bool | None = None
    bf16_storage: bool | None = None
    bf16_packed: bool | None = None
    int8_inference: bool = True
    light_mode: bool = True
    packing_layout: bool = True
    winograd: bool = True
    sgemm: bool = True
    powersave: Literal["all", "little", "big"] | None = None

    def __post_init__(self) -> None:
        if not DEVICE.fullmatch(self.device):
            raise ValueError(f'device: found "{self.device}"; expected cpu, or vulkan:0 and so on')
        if self.threads < 0:
            raise ValueError(f"threads: found {self.threads}; expected 0 or more")

    @property
    def vulkan(self) -> int | None:
        """The Vulkan device's number, None for the CPU."""
        kind, _, number = self.device.partition(":")
        return None if kind.lower() == "cpu" else int(number or 0)

    @property
    def asked(self) -> dict[str, bool]:
        """The switches for floats of 16 bits that were set one by one."""
        found = {name: getattr(self, name) for name in NARROW}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def narrow(self) -> dict[str, bool]:
        """The switches for floats of 16 bits that are to be set; the others keep ncnn's defaults."""
        preset = PRECISIONS.get(self.precision)
        return {**({name: name in preset for name in NARROW} if preset is not None else {}), **self.asked}
