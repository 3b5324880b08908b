"""The timed region; tested with a counting clock and with the real one on Python callables."""

from __future__ import annotations

import gc
from array import array
from typing import Any

import pytest

from lpbench.plugin.processor import Sample
from lpbench.results.stages import STAGES, TOTAL, durations
from lpbench.worker.timed_loop import clock_reads, collector_off, time_samples


def _samples(count: int) -> list[Sample]:
    return [Sample(str(index), index) for index in range(count)]


def _ticking(step: int = 1) -> Any:
    now = 0

    def clock() -> int:
        nonlocal now
        now += step
        return now

    return clock


def test_a_sample_costs_exactly_four_clock_reads() -> None:
    out = clock_reads(3)
    time_samples(lambda s: {"x": s.data}, lambda f: f, lambda o, s: None, _samples(3), out, clock=_ticking())
    assert list(out) == list(range(1, 13))


def test_each_stage_gets_what_the_one_before_handed_on() -> None:
    seen: list[Any] = []
    time_samples(
        lambda s: {"x": s.data + 1},
        lambda feeds: {"y": 2 * feeds["x"]},
        lambda outputs, sample: seen.append((sample.name, outputs["y"])),
        _samples(2),
        clock_reads(2),
    )
    assert seen == [("0", 2), ("1", 4)]


def test_stages_add_up_to_the_total_exactly() -> None:
    out = clock_reads(200)
    time_samples(lambda s: {"x": sum(range(50))}, lambda f: f, lambda o, s: None, _samples(200), out)
    stages = durations(out)
    parts = zip(*(stages[name] for name in STAGES), strict=True)
    assert [sum(each) for each in parts] == list(stages[TOTAL])
    assert min(stages[TOTAL]) > 0


def test_time_goes_to_the_stage_that_spends_it() -> None:
    clock = _ticking()

    def slow(feeds: Any) -> Any:
        for _ in range(100):
            clock()
        return feeds

    out = clock_reads(1)
    time_samples(lambda s: {}, slow, lambda o, s: None, _samples(1), out, clock=clock)
    assert {name: list(values) for name, values in durations(out).items()} == {
        "preprocessing": [1],
        "inference": [101],
        "postprocessing": [1],
        "total": [103],
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_off_inside_and_as_before_outside(enabled: bool) -> None:  # noqa: FBT001 - parametrised
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        with collector_off():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(KeyError), collector_off():
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if before else gc.disable()


def test_reads_take_eight_bytes_each_whatever_their_size() -> None:
    out = clock_reads(1)
    time_samples(lambda s: {}, lambda f: f, lambda o, s: None, _samples(1), out, clock=_ticking(1 << 60))
    assert out == array("q", [1 << 60, 2 << 60, 3 << 60, 4 << 60])
