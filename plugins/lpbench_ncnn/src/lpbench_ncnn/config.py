"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lpbench.plugin.kit.cores import check_threads

DEVICE = re.compile(r"cpu|vulkan(:[0-9]{1,4})?", re.IGNORECASE)
NARROW = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed")
"""ncnn's switches for 16-bit floats; ncnn's own names begin with ``use_``."""
PRECISIONS: dict[str, tuple[str, ...]] = {"F32": (), "F16": NARROW[:3], "BF16": NARROW[3:]}
"""The switches that each precision turns on; the others are turned off."""


@dataclass(frozen=True)
class NcnnConfig:
    """Options of the engine ``ncnn``.

    :param device: ``cpu``, or a Vulkan device by its index: ``vulkan:0``.
    :param threads: OpenMP threads; 0 = one for each physical core that the process may use.
    :param precision: Which 16-bit floats ncnn may use: none (F32), F16, BF16, or ncnn's own default.
    :param fp16_packed: ncnn's switch of this name, which overrides ``precision``; null leaves it to ``precision``.
    :param fp16_storage: As ``fp16_packed``.
    :param fp16_arithmetic: As ``fp16_packed``.
    :param bf16_storage: As ``fp16_packed``.
    :param bf16_packed: As ``fp16_packed``.
    :param int8_inference: Compute quantised layers with integers.
    :param light_mode: Free each layer's output once it has been used.
    :param packing_layout: Interleave 4, 8 or 16 channels in memory.
    :param winograd: Allow Winograd convolution, which is faster and rounds differently.
    :param sgemm: Allow convolution as a matrix product.
    :param powersave: Bind threads to ``all``, the ``little`` or the ``big`` cores; null does not bind them.
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
        check_threads("threads", self.threads)

    @property
    def vulkan(self) -> int | None:
        """The Vulkan device's index; None for the CPU."""
        kind, _, number = self.device.partition(":")
        return None if kind.lower() == "cpu" else int(number or 0)

    @property
    def asked(self) -> dict[str, bool]:
        """The switches for 16-bit floats that were set explicitly."""
        values = {name: getattr(self, name) for name in NARROW}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def narrow(self) -> dict[str, bool]:
        """The switches for 16-bit floats to set; the others keep ncnn's defaults."""
        preset = PRECISIONS.get(self.precision)
        return {**({name: name in preset for name in NARROW} if preset is not None else {}), **self.asked}
