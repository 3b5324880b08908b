"""Units of the published columns: docs/reference/metrics.md."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_UNIT = {
    "1e9": ("GFLOP",),
    "1e6": ("#PARAMS",),
    "MB": ("STORAGE", "CPU_MEM", "CPU_MEM_PEAK", "GPU_MEM", "GPU_MEM_PEAK"),
    "ms": ("PREPROCESSING_TIME", "INFERENCE_TIME", "POSTPROCESSING_TIME", "LATENCY"),
    "1/s": ("THROUGHPUT",),
    "1e6/s": ("DMIPS",),
    "MB/s": ("MEMORY_BANDWIDTH", "MEMORY_BANDWIDTH_PEAK"),
    "%": ("CPU_LOAD", "GPU_LOAD", "NPU_LOAD"),
    "°C": ("CPU_TEMP", "GPU_TEMP"),
    "W": ("POWER_CONSUMPTION",),
    "GFLOP/s/W": ("ENERGY_EFFICIENCY",),
}
UNITS: Mapping[str, str] = MappingProxyType({name: unit for unit, names in _BY_UNIT.items() for name in names})
"""By column; numbers without a unit and words are not there."""
