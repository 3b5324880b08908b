"""Which way each metric of the glossary is better: the one table of it."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

QUALITY = "QUALITY_VALUE"


class Direction(enum.Enum):
    """Which values of a metric are the better ones."""

    LOWEST = "lowest"
    HIGHEST = "highest"

    @property
    def sign(self) -> float:
        """Factor that makes less the better."""
        return 1.0 if self is Direction.LOWEST else -1.0


_LOWEST = (
    *("PREPROCESSING_TIME", "INFERENCE_TIME", "POSTPROCESSING_TIME", "LATENCY", "SAMPLE_TIME"),
    *("LATENCY_REFERENCED", "LATENCY_RATIO", "LATENCY_UNITS"),
    *("CPU_MEM", "CPU_MEM_PEAK", "CPU_MEM_INCREASE", "GPU_MEM", "GPU_MEM_PEAK"),
    *("PREPROCESSING_MEM_PEAK", "INFERENCE_MEM_PEAK", "POSTPROCESSING_MEM_PEAK"),
    *("MEMORY_BANDWIDTH", "MEMORY_BANDWIDTH_PEAK", "CPU_LOAD", "GPU_LOAD", "NPU_LOAD", "CPU_TEMP", "GPU_TEMP"),
    *("POWER_CONSUMPTION", "ENERGY_PER_INFERENCE", "ENERGY_PER_INFERENCE_ABOVE_IDLE", "RESOURCE_PASS_SLOWDOWN"),
    *("GFLOP", "#PARAMS", "STORAGE", "PRICE"),
)
"""Times, what is taken of the machine, what a model costs, and the price of the platform."""
_HIGHEST = ("THROUGHPUT", "DMIPS", "ENERGY_EFFICIENCY", "AGREEMENT", QUALITY)
DIRECTIONS: Mapping[str, Direction] = MappingProxyType(
    {**dict.fromkeys(_LOWEST, Direction.LOWEST), **dict.fromkeys(_HIGHEST, Direction.HIGHEST)}
)
"""By metric; that of ``QUALITY_VALUE`` holds unless the quality metric is known to be an error."""
PUBLISHED_QUALITY: Mapping[str, Direction] = MappingProxyType(
    {"Accuracy top-1": Direction.HIGHEST, "AP-medium": Direction.HIGHEST, "Avg MAE": Direction.LOWEST}
)
"""By what the published descriptors call the metric of ``QUALITY_VALUE``; of others its plugin says it."""
PERCENTILE = "LATENCY_P"
"""Beginning of the names of percentiles."""


def direction_of(metric: str) -> Direction | None:
    """Return which way a metric is better; None if the glossary does not define it."""
    return DIRECTIONS.get(metric, Direction.LOWEST if metric.startswith(PERCENTILE) else None)
