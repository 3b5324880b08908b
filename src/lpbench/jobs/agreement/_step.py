"""Where a comparison of engines is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Where a comparison is.

    :param phase: ``opening``, ``comparing`` samples or ``bisecting`` tensors.
    :param done: How many of them, of ``total``.
    :param activity: What the engine reports that takes long.
    """

    engine: str
    phase: str
    done: int
    total: int
    activity: str = ""
