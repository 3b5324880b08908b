"""Sweeps of fake engines whose blocks are not measured: what is tested is everything around the measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import lpbench
from lpbench.jobs.sweep._measure import Measured
from lpbench.jobs.sweep._queue import Outcome
from lpbench.results.run import Metric
from lpbench.results.sweep import MEASURED, Found
from lpbench.results.sweep_metrics import Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.jobs.sweep._queue import Entry
    from lpbench.results.sweep import Sweep

ENGINES = tuple(f"fake:extra_us={us}" for us in (10, 20, 30, 40, 50))
BLOCKS = 6
"""Five engines on two numbers of threads, two in a block."""


class Ledger:
    """Stands in place of measuring: a configuration takes the reference's time and its ``extra_us`` in milliseconds.

    :param file: Each configuration that is measured adds a line.
    """

    def __init__(self, file: Path, *, reference_ns: float = 1e6) -> None:
        self.file = file
        self.reference_ns = reference_ns

    def __call__(self, app: Any, reference: str, entries: Sequence[Entry], *_: Any) -> Measured:
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(f"{entry.words}\n" for entry in entries)
        return Measured(tuple(map(self._outcome, entries)), Level((self.reference_ns,) * 4, (self.reference_ns,) * 4))

    def measured(self) -> list[str]:
        """Return what was measured, in order."""
        return self.file.read_text(encoding="utf-8").split() if self.file.exists() else []

    def _outcome(self, entry: Entry) -> Outcome:
        extra = float(entry.words.split("extra_us=")[1].split(":")[0]) if "extra_us" in entry.words else 0.0
        ratio = 1 + extra
        metrics = {"LATENCY": Metric(ratio * self.reference_ns / 1e6, "ms")}
        return Outcome(MEASURED, "", Found(metrics=metrics, ratios=(ratio,) * 4, sample_ratios=(ratio,) * 4))


def swept(app: Path | None, folder: Path, **more: Any) -> Sweep:
    """Sweep the engines over two numbers of threads."""
    given: dict[str, Any] = {} if app is None else {"engines": ENGINES, "threads": (1, 2), "block": 2}
    return lpbench.sweep(app, folder, **{**given, **more})


def pretend(ledger: Ledger) -> None:
    """Have sweeps of this process measure nothing."""
    mock.patch("lpbench.jobs.sweep._sweep.measure", ledger).start()
