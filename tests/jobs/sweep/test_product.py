"""The design: every combination, or a balanced part of them."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lpbench.jobs.sweep import SweepPlan
from lpbench.jobs.sweep._product import configurations, points

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5)


@given(SIZES)
def test_without_a_sample_every_combination_is_there_once(sizes: list[int]) -> None:
    assert points(sizes, None, 0) == list(itertools.product(*map(range, sizes)))


@given(SIZES, st.data())
def test_a_sample_is_distinct_balanced_and_can_be_repeated(sizes: list[int], data: st.DataObject) -> None:
    total = len(list(itertools.product(*map(range, sizes))))
    count, seed = data.draw(st.integers(1, total)), data.draw(st.integers(0, 9))
    found = points(sizes, count, seed)
    assert len(set(found)) == len(found) == count
    assert found == points(sizes, count, seed)
    for axis, size in enumerate(sizes):
        times = Counter(point[axis] for point in found)
        assert {times[level] for level in range(size)} <= {count // size, -(-count // size)}


def test_seeds_differ() -> None:
    assert len({tuple(points([4, 4, 4], 8, seed)) for seed in range(10)}) > 5


def test_a_plan_is_its_axes_product() -> None:
    plan = SweepPlan.of({"apps": ["a", "b"], "engines": ["x"], "threads": [1, 2], "tiles": ["8x8"], "batches": [1, 4]})
    found = configurations(plan)
    assert len(found) == plan.combinations == 8
    assert {(each.app, each.threads, each.batch) for each in found} == set(itertools.product("ab", (1, 2), (1, 4)))
    assert {(each.tile, each.precision, each.device) for each in found} == {("8x8", None, None)}
