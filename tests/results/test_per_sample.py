"""Configurations with unequal batches or streams are ranked by the time of one sample."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench import render
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.model import Configuration, Result
from lpbench.results.per_sample import sample_times
from lpbench.results.ranking import rank
from lpbench.results.run import Lockstep, Metric
from lpbench.results.settings import RunSettings
from lpbench.results.stages import SAMPLE, TOTAL
from lpbench.results.stats import summarize

RUNS = 8
REFERENCE_NS = 2e6


def configuration(ms: float, rate: float = 100.0, **how: Any) -> Configuration:
    """Return a configuration whose batch takes so many milliseconds."""
    return Configuration(
        EngineConfiguration("a", **how),
        "a",
        "",
        isolated=True,
        statistics={TOTAL: summarize([int(ms * 1e6)] * 6)},
        metrics={"LATENCY": Metric(ms, "ms"), "THROUGHPUT": Metric(rate, "1/s")},
    )


def result(configurations: list[Configuration], ratios: list[dict[str, float]]) -> Result:
    """Return a result.

    :param ratios: Of each configuration but the first: how its batch, and its sample, compares with the first's.
    """
    pairs = [
        Lockstep(
            0,
            at,
            {stage: tuple(value * (1 + run / 1e4) for run in range(RUNS)) for stage, value in each.items()},
            {stage: tuple(REFERENCE_NS + run for run in range(RUNS)) for stage in each},
        )
        for at, each in enumerate(ratios, 1)
    ]
    return Result({"name": "app"}, RunSettings(), {}, tuple(configurations), lockstep=tuple(pairs))


def test_a_batch_that_takes_longer_wins_where_its_samples_take_less() -> None:
    found = result([configuration(2.0), configuration(6.0, batch=4)], [{TOTAL: 3.0}])
    assert rank(found).order == (1, 0)
    assert rank(found).best == 1
    assert rank(found).verdicts[0].ratio.estimate == pytest.approx(4 / 3, rel=1e-3)
    assert sample_times(found) == pytest.approx({0: 2.0, 1: 1.5}, rel=1e-3)
    text = render.text(found, width=200)
    assert "ms/sample" in text
    assert "order and verdicts go by the time of one sample: latency of a batch divided by its samples" in text
    assert re.search(r"^a:batch=4 +6\.00 .* 1\.50 ", text, re.MULTILINE)  # the latency stays that of a batch


def test_streams_are_compared_by_the_wall_time_of_slices() -> None:
    """Two streams: each sample takes 1.5 times as long, and a third fewer seconds pass for as many samples."""
    found = result([configuration(2.0), configuration(3.0, streams=2)], [{TOTAL: 1.5, SAMPLE: 0.75}])
    assert rank(found).best == 1
    assert "wall time of slices divided by their samples" in render.text(found, width=200)


def test_without_turns_the_throughput_orders_streams() -> None:
    found = result([configuration(2.0, 500), configuration(3.0, 660, streams=2)], [])
    assert rank(found).order == (1, 0)


def test_equal_batches_are_ranked_by_their_latencies_and_nothing_is_said() -> None:
    found = result([configuration(6.0, batch=4), configuration(7.0, batch=4)], [{TOTAL: 1.2, SAMPLE: 0.5}])
    assert rank(found).best == 0
    assert sample_times(found) == {}
    assert "sample:" not in render.text(found, width=200)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0.1, 10)), min_size=1, max_size=4), st.integers(1, 9))
def test_batches_rank_as_if_each_sample_had_been_measured(others: list[tuple[int, float]], first: int) -> None:
    """Dividing by hand, and measuring one sample at a time, gives the same ranking."""
    sizes = [first, *(size for size, _ in others)]
    configurations = [configuration(1.0, batch=size) for size in sizes]
    batches = result(configurations, [{TOTAL: ratio} for _, ratio in others])
    single = [
        dataclasses.replace(each, configuration=dataclasses.replace(each.configuration, batch=1))
        for each in configurations
    ]
    alone = result(single, [{TOTAL: ratio * first / size} for size, ratio in others])
    one, other = rank(batches), rank(alone)
    assert (one.order, one.best, one.tied) == (other.order, other.best, other.tied)
    assert {at: each.verdict for at, each in one.verdicts.items()} == {
        at: each.verdict for at, each in other.verdicts.items()
    }
