"""The engine by which verdicts are tried: it is slower by the share that was asked for."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.plugin.engine import Feeds, Outputs, Session

if TYPE_CHECKING:
    import pytest


class Working(Session):
    """Works for a millisecond and notes how long that took."""

    def __init__(self) -> None:
        self.inputs = self.outputs = ()
        self.took_ns = 0

    def run(self, feeds: Feeds, /) -> Outputs:
        begun = time.perf_counter_ns()
        while (now := time.perf_counter_ns()) < begun + 1_000_000:
            pass
        self.took_ns = now - begun
        return feeds

    def close(self) -> None: ...


def test_an_inference_takes_longer_by_at_least_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """One inference of 1 ms, slowed by half, on the machine's own clock: never shorter than 1.5 times."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "fakes")
    inner = Working()
    session = importlib.import_module("lpbench_slowed.engine").SlowedSession(inner, 0.5)
    begun = time.perf_counter_ns()
    assert session.run({"x": 1}) == {"x": 1}
    assert time.perf_counter_ns() - begun >= 1.5 * inner.took_ns
