"""Conversion between model formats: by a plugin's converter, checked against the source, kept in the cache.

A converter's exit status proves nothing: a converted model is accepted only after it was loaded, run
and compared with its source (``lpbench.jobs.conversion._check``).
"""

from __future__ import annotations

from lpbench.jobs.conversion._apps import can_supply, convert, supply
from lpbench.jobs.conversion._cache import converted
from lpbench.jobs.conversion._choose import refuse_few, refuse_name
from lpbench.jobs.conversion._first_use import check_first_use
from lpbench.jobs.conversion._job import SAMPLES, TIMEOUT, Conversions, Job, Progress
from lpbench.jobs.conversion._record import configured
from lpbench.jobs.conversion._source import size_of

__all__ = [
    "SAMPLES",
    "TIMEOUT",
    "Conversions",
    "Job",
    "Progress",
    "can_supply",
    "check_first_use",
    "configured",
    "convert",
    "converted",
    "refuse_few",
    "refuse_name",
    "size_of",
    "supply",
]
