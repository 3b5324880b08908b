"""The Pareto front against its definition."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from lpbench.results.choosing import _front

Points = list[tuple[float, ...]]
VALUES = st.one_of(st.integers(0, 4), st.floats(-1e9, 1e9, allow_nan=False))


@st.composite
def clouds(draw: st.DrawFn) -> Points:
    metrics = draw(st.integers(1, 5))
    return draw(st.lists(st.tuples(*[VALUES] * metrics), min_size=1, max_size=40))


def by_definition(points: Points) -> list[int]:
    """Return the points than which no other is at least as good everywhere and better somewhere."""

    def dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
        return first != second and all(one <= other for one, other in zip(first, second, strict=True))

    return [at for at, point in enumerate(points) if not any(dominates(other, point) for other in points)]


@given(points=clouds())
def test_the_front_is_what_its_definition_says(points: Points) -> None:
    assert _front.front(list(zip(*points, strict=True))) == by_definition(points)


@given(points=clouds())
def test_it_is_the_same_in_small_batches_and_after_dropping_what_is_plainly_dominated(points: Points) -> None:
    before = _front.BATCH, _front.FEW, _front.SAMPLE
    _front.BATCH, _front.FEW, _front.SAMPLE = 3, 4, 2
    try:
        assert _front.front(list(zip(*points, strict=True))) == by_definition(points)
    finally:
        _front.BATCH, _front.FEW, _front.SAMPLE = before


def test_most_of_many_points_are_dropped_before_any_is_compared_with_the_front() -> None:
    count = 100_000
    columns = [[float(at * factor % count) for at in range(count)] for factor in (7, 4_001, 90_001)]
    kept = _front._without_the_plainly_dominated(columns)
    assert len(kept) < count / 4
    assert set(_front.front(columns)) <= set(kept)


def test_no_points_have_no_front() -> None:
    assert _front.front([]) == _front.front([[]]) == []
