"""The absence of a value, with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """A metric that cannot be had here, and why."""

    reason: str
