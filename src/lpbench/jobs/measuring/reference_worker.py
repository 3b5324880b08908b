"""The yardstick's worker: started on first use, alive for the whole benchmark, and told why where there is none."""

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
    from collections.abc import Mapping, Sequence

    from lpbench.jobs.measuring.plan import Plan
    from lpbench.jobs.measuring.recording import Recorder

WARM_UP = 8
"""Units; the later half says how long one takes."""


class Yardsticks:
    """Hands out the kernel's contender, run by run."""

    def __init__(self, plan: Plan) -> None:
        self._options, self._streams = plan.worker, plan.settings.streams
        self._reason = plan.yardstick_reason
        self._worker: Worker | None = None
        self._facts: Mapping[str, Any] = {}
        self._expected_ns = 1.0
        self._medians: list[float] = []

    def contender(self, recorders: Sequence[Recorder]) -> Contender | None:
        """Return the kernel, ready to take turns, or None where there can be none beside these runs."""
        elsewhere = {str(each.facts.get("processor") or "CPU") for each in recorders} - {"CPU"}
        if elsewhere:
            self._reason = f"a CPU kernel says nothing of the speed of a {' or '.join(sorted(elsewhere))}"
        if self._reason:
            return None
        try:
            worker = self._ready([each.threads(self._streams) or 1 for each in recorders])
            return Contender(worker, self._expected_ns, threads=self._facts["threads"])
        except WorkerError as error:
            self._reason = f"its worker {error.outcome}"
        except LpbenchError as error:
            self._reason = str(error)
        self.close()
        return None

    def note(self, contender: Contender) -> None:
        """Keep how fast the kernel was in one run."""
        median = statistics.median(contender.medians["inference"])
        self._medians.append(median)
        self._expected_ns = max(median, 1.0)

    def describe(self) -> dict[str, Any]:
        """Return what its units depend on and how steady it was, or the reason why there are none."""
        if not self._medians:
            return {"version": VERSION, "reason": self._reason or "no run was interleaved with the yardstick"}
        spread = _cov(self._medians)
        return {**self._facts, "ns": statistics.fmean(self._medians), "run_ns": self._medians, "cov": spread}

    def close(self) -> None:
        """End its worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _ready(self, asked: Sequence[int]) -> Worker:
        """Return the worker; one that is started has as many threads as the widest that it is to be a unit for."""
        if self._worker is None:
            affinity, priority = self._options.affinity, self._options.priority
            threads = min(max(asked), len(affinity or allowed_cores()))
            self._worker = Worker(WorkerOptions(environment(threads), affinity, priority, drop=DROPPED))
            self._facts = self._worker.request(OpenReferenceKernel(threads))
            measured = self._worker.request(MeasureSlice(WARM_UP), "warming up the yardstick")
            self._expected_ns = statistics.median(columns_of(measured.block)["inference"][WARM_UP // 2 :])
        return self._worker


def _cov(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation; None for one value."""
    if len(values) < 2:  # noqa: PLR2004 - a spread takes two
        return None
    found = statistics.stdev(values) / statistics.fmean(values)
    return found if math.isfinite(found) else None
