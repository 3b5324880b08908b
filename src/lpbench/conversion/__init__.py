"""Conversion between model formats: by a plugin's converter, checked against the source, kept in the cache.

A converter's exit status proves nothing: what it wrote counts once it was loaded, run and compared
with the source (``lpbench.conversion._check``).
"""

from __future__ import annotations

from lpbench.conversion._apps import convert, supply
from lpbench.conversion._cache import converted
from lpbench.conversion._choose import choose
from lpbench.conversion._job import TIMEOUT, Job, Progress

__all__ = ["TIMEOUT", "Job", "Progress", "choose", "convert", "converted", "supply"]
