"""Keys of parts, and which values a metric of the glossary can have."""

from __future__ import annotations

from lpbench.plugin.monitor import METRICS
from lpbench_monitors._parts import part_name


def key(metric: str, part: str) -> str:
    """Return the key of a part that the hardware calls so."""
    return f"{metric}/{part_name(part)}"


def possible(metric: str, value: float) -> bool:
    """Return whether a metric can have this value; NaN cannot."""
    span = METRICS[metric]
    return span.least <= value <= span.most
