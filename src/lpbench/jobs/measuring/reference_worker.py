"""The yardstick's worker: started on first use and again if it ended, and told why where there is none."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, WorkerError
from lpbench.jobs.measuring.interleave import Contender
from lpbench.jobs.measuring.recording import columns_of
from lpbench.util.portable import allowed_cores
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.reference_kernel import DROPPED, VERSION, environment
from lpbench.worker.requests import MeasureSlice, OpenReferenceKernel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import Recorder

GIVE_UP = 2
"""It is not started again once it has ended in this many runs, one after the other."""
WARM_UP = 8
"""Units; the later half says how long one takes."""


class Yardsticks:
    """Hands out the kernel's contender, run by run.

    :param tell: Called with what is to be said where its worker ended.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._options, self._affinity = plan.worker, plan.cores
        self._reason, self._lost = plan.yardstick_reason, ""
        self._worker: Worker | None = None
        self._facts: Mapping[str, Any] = {}
        self._expected_ns = 1.0
        self._ended = 0
        self._medians: list[float] = []

    def contender(self, recorders: Sequence[Recorder]) -> Contender | None:
        """Return the kernel, ready to take turns, or None where there can be none beside these runs."""
        elsewhere = {str(each.facts.get("processor") or "CPU") for each in recorders} - {"CPU"}
        if elsewhere:
            self._reason = f"a CPU kernel says nothing of the speed of a {' or '.join(sorted(elsewhere))}"
        if self._reason:
            return None
        try:
            worker = self._ready([each.threads or 1 for each in recorders])
            return Contender(worker, self._expected_ns, threads=self._facts["threads"])
        except LpbenchError as error:
            self.lost(error)
        return None

    def lost(self, error: LpbenchError) -> None:
        """End the worker that failed, so that the next run has a new one, unless that would fail likewise."""
        self.close()
        self._ended += 1
        self._lost = f"its worker {error.outcome}" if isinstance(error, WorkerError) else str(error)
        if not isinstance(error, WorkerError):
            self._reason = self._lost
        elif self._ended < GIVE_UP:
            self._tell(f"{self._lost}, so one run has no units of it; the next starts it again")
        else:
            self._reason = self._lost
            self._tell(f"{self._lost} again, so further runs have no units of it")

    def note(self, contender: Contender) -> None:
        """Keep how fast the kernel was in one run."""
        self._ended = 0
        median = statistics.median(contender.medians["inference"])
        self._medians.append(median)
        self._expected_ns = max(median, 1.0)

    def describe(self) -> dict[str, Any]:
        """Return what its units depend on and how steady it was, or the reason why there are none."""
        if not self._medians:
            return {
                "version": VERSION,
                "reason": self._reason or self._lost or "no run was interleaved with the yardstick",
            }
        spread = _cov(self._medians)
        return {**self._facts, "ns": statistics.fmean(self._medians), "run_ns": self._medians, "cov": spread}

    def close(self) -> None:
        """End its worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _ready(self, asked: Sequence[int]) -> Worker:
        """Return the worker; one that is started has as many threads as the widest that it is to be a unit for."""
        if self._worker is not None and not self._worker.alive:
            self.close()
        if self._worker is None:
            threads = min(max(asked), len(self._affinity or allowed_cores()))
            how = WorkerOptions(environment(threads), self._affinity, self._options.priority, drop=DROPPED)
            self._worker = Worker(how)
            self._facts = self._worker.request(OpenReferenceKernel(threads))
            measured = self._worker.request(MeasureSlice(WARM_UP), "warming up the yardstick")
            spent = columns_of(measured.block, count=WARM_UP)["inference"]
            self._expected_ns = statistics.median(spent[WARM_UP // 2 :])
        return self._worker


def _cov(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation; None for one value."""
    if len(values) < 2:  # noqa: PLR2004 - a spread takes two
        return None
    found = statistics.stdev(values) / statistics.fmean(values)
    return found if math.isfinite(found) else None
