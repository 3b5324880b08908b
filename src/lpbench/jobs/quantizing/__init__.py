"""Stores an app's models in a shorter precision, and says how good the answers still are."""

from __future__ import annotations

from lpbench.jobs.quantizing._job import ALL, EVERY, quantize
from lpbench.jobs.quantizing._values import Quantized, QuantizedModel, Step

__all__ = ["ALL", "EVERY", "Quantized", "QuantizedModel", "Step", "quantize"]
