"""Clock reads as they come from a worker, hostile ones among them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import WorkerError
from lpbench.jobs.measuring.recording import columns_of
from lpbench.jobs.measuring.session import benchmark
from lpbench.results.stages import TOTAL
from lpbench.util.outcome import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_reads_become_durations_by_stage() -> None:
    columns = columns_of(array("q", [10, 11, 21, 23, 30, 32, 52, 56]).tobytes())
    assert {stage: list(values) for stage, values in columns.items()} == {
        "preprocessing": [1, 2],
        "inference": [10, 20],
        "postprocessing": [2, 4],
        "total": [13, 26],
    }


@pytest.mark.parametrize("reads", [[10, 11, 21, 5], [10, 5, 21, 30], [1 << 62, 0, 0, 1 << 62]])
def test_a_clock_that_steps_back_is_an_outcome_and_no_negative_time(reads: list[int]) -> None:
    with pytest.raises(WorkerError) as caught:
        columns_of(array("q", [1, 2, 3, 4, *reads]).tobytes())
    assert caught.value.outcome == RunOutcome("failed", "measuring", detail="the worker's clock went backwards")


@pytest.mark.parametrize("length", [0, 7, 8, 31, 33])
def test_a_block_that_is_no_whole_number_of_samples_breaks_the_protocol(length: int) -> None:
    with pytest.raises(WorkerError, match="not a whole number of samples"):
        columns_of(bytes(length))


@pytest.mark.parametrize("count", [1, 3])
def test_a_slice_of_another_number_of_samples_breaks_the_protocol(count: int) -> None:
    block = array("q", [10, 11, 21, 23, 30, 32, 52, 56]).tobytes()
    assert len(columns_of(block, count=2)[TOTAL]) == 2
    with pytest.raises(WorkerError, match="as asked for") as caught:
        columns_of(block, count=count)
    assert caught.value.outcome.kind == "protocol"


def test_one_sample_is_measured_and_has_no_spread(fake_app: Callable[..., Path]) -> None:
    found = benchmark(fake_app(work_us=100), number=1, yardstick=False).configurations[0]
    summary = found.statistics[TOTAL]
    assert summary.n == 1
    assert summary.minimum == summary.median == summary.maximum
    assert found.latency.interval is None
