"""One run's recorder; blocks of clock reads that are made up."""

from __future__ import annotations

import random
from array import array

from lpbench.measure import Recorder


def block(totals: list[int]) -> bytes:
    """Return the clock reads of samples whose inference takes all the time."""
    return array("q", [read for ns in totals for read in (0, 0, ns, ns)]).tobytes()


def test_heaps_of_latencies_are_told_in_milliseconds() -> None:
    """A third of 600 samples takes 5.2 ms where the others take 4 ms."""
    rng = random.Random(1)  # noqa: S311 - no secret
    totals = [int(4e6 * (1.3 if rng.random() < 1 / 3 else 1) * rng.lognormvariate(0, 0.02)) for _ in range(600)]
    recorder = Recorder(0)
    info = {"wall_ns": sum(totals), "cpu_ns": 0, "switches": 0, "faults": 0, "rss_bytes": 1}
    recorder.add(info, block(totals))
    (reason,) = (flag["reason"] for flag in recorder.flags() if flag["name"] == "bimodal")
    assert reason.count(" ms") == 2
    assert "near 4.0" in reason or "near 3.9" in reason
