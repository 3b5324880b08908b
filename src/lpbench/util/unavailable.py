"""A missing value and the reason why it is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """A value that is not available here, and why."""

    reason: str
