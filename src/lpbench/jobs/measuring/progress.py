"""Where a benchmark is, as its progress line shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a benchmark is.

    :param configuration: What is measured, as the result and the tables call it: ``onnxruntime:threads=2``.
    :param run: From zero; ``runs`` is 0 while models are converted, before the first.
    :param done: Share of the whole benchmark, 0 to 1.
    :param left_s: Seconds left, as far as can be told.
    :param interval: Half width of this run's interval relative to its median, once there is one.
    """

    configuration: str
    phase: str
    run: int
    runs: int
    done: float
    left_s: float | None
    interval: float | None
    samples: int
