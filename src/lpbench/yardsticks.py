"""The yardstick's worker: started on first use, alive for the whole benchmark, and told why where there is none."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from lpbench.client import Worker, WorkerOptions
from lpbench.errors import LpbenchError, WorkerError
from lpbench.lockstep import Racer
from lpbench.yardstick import DROPPED, ENVIRONMENT, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.measure import Recorder
    from lpbench.plan import Plan

GUESS_NS = 600_000
"""Until the kernel was timed."""


class Yardsticks:
    """Hands out the kernel's racer, run by run."""

    def __init__(self, plan: Plan) -> None:
        self._options = plan.worker
        self._reason = "" if plan.yardstick else plan.yardstick_reason
        self._worker: Worker | None = None
        self._facts: Mapping[str, Any] = {}
        self._expected_ns = float(GUESS_NS)
        self._medians: list[float] = []

    def racer(self, recorders: Sequence[Recorder]) -> Racer | None:
        """Return the kernel, ready to take turns, or None where there can be none beside these runs."""
        elsewhere = {str(each.opened.get("facts", {}).get("processor") or "CPU") for each in recorders} - {"CPU"}
        if elsewhere:
            self._reason = f"a CPU kernel says nothing of the speed of a {' or '.join(sorted(elsewhere))}"
        if self._reason:
            return None
        try:
            return Racer(self._ready(), self._expected_ns)
        except WorkerError as error:
            self._reason = f"its worker {error.outcome}"
        except LpbenchError as error:
            self._reason = str(error)
        self.close()
        return None

    def note(self, racer: Racer) -> None:
        """Keep how fast the kernel was in one run."""
        median = statistics.median(racer.medians["inference"])
        self._medians.append(median)
        self._expected_ns = max(median, 1.0)

    def describe(self) -> dict[str, Any]:
        """Return what its units depend on and how steady it was, or the reason why there are none."""
        if not self._medians:
            return {"version": VERSION, "reason": self._reason or "no run took turns with it"}
        spread = _cov(self._medians)
        return {**self._facts, "ns": statistics.fmean(self._medians), "run_ns": self._medians, "cov": spread}

    def close(self) -> None:
        """End its worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _ready(self) -> Worker:
        if self._worker is None:
            options = WorkerOptions(ENVIRONMENT, self._options.affinity, self._options.priority, drop=DROPPED)
            self._worker = Worker(options)
            self._facts, _ = self._worker.ask("open_yardstick", "loading the yardstick")
            self._worker.ask("measure", "warming up the yardstick", count=50)
        return self._worker


def _cov(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation; None for one value."""
    if len(values) < 2:  # noqa: PLR2004 - a spread takes two
        return None
    found = statistics.stdev(values) / statistics.fmean(values)
    return found if math.isfinite(found) else None
