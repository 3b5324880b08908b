"""How far numbers are apart: every figure against a loop that computes it as its definition reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

np = pytest.importorskip("numpy", reason="needs numpy")

from hypothesis import given  # noqa: E402 - after the skip
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as arrays  # noqa: E402

from lpbench.errors import LpbenchError  # noqa: E402
from lpbench.jobs.parity import (  # noqa: E402
    F16,
    F32,
    Deviation,
    Tolerance,
    compare,
    deviation,
    merge,
    violation,
    violation_ratio,
)
from lpbench.util.layouts import in_layout  # noqa: E402
from lpbench.worker.named_tensors import Tensor  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
PAIRS = arrays.array_shapes(max_dims=3, max_side=4).flatmap(
    lambda shape: st.tuples(*(arrays.arrays(np.float32, shape, elements=ANY) for _ in range(2)))
)


def slowly(reference: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """Return the figures of a deviation, one value after the other."""
    both = [(a, b) for a, b in zip(reference, other, strict=True) if math.isfinite(a) and math.isfinite(b)]
    peak = max((abs(a) for a, _ in both), default=0.0)
    absolute = [abs(b - a) for a, b in both]
    relative = [
        (error / max(abs(a), peak / 1000) if peak else (math.inf if error else 0.0))
        for error, (a, _) in zip(absolute, both, strict=True)
    ]
    nonfinite_mismatch = sum(
        not (math.isfinite(a) and math.isfinite(b)) and a != b and not (math.isnan(a) and math.isnan(b))
        for a, b in zip(reference, other, strict=True)
    )
    return {
        "count": len(both),
        "peak": peak,
        "max_absolute": max(absolute, default=0.0),
        "mean_absolute": math.fsum(absolute) / max(1, len(both)),
        "max_relative": max(relative, default=0.0),
        "mean_relative": sum(relative) / max(1, len(both)),
        "not_finite": tuple(sum(not math.isfinite(each) for each in side) for side in (reference, other)),
        "nonfinite_mismatch": nonfinite_mismatch,
    }


@given(PAIRS)
def test_every_figure_is_what_its_definition_says(pair: tuple[Any, Any]) -> None:
    found = deviation(*pair)
    for name, value in slowly(*(each.astype(float).ravel().tolist() for each in pair)).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12, abs=0), name


@given(PAIRS)
def test_the_cosine_is_that_of_exact_arithmetic(pair: tuple[Any, Any]) -> None:
    from fractions import Fraction

    sides: list[list[Fraction]] = [[], []]
    for one, other in zip(*(each.astype(float).ravel().tolist() for each in pair), strict=True):
        if math.isfinite(one) and math.isfinite(other):
            sides[0].append(Fraction(one))
            sides[1].append(Fraction(other))
    dot, first, second = (
        sum(a * b for a, b in zip(*two, strict=True)) for two in (sides, sides[:1] * 2, sides[1:] * 2)
    )
    if first and second:
        square = float(dot * dot / (first * second))
        assert deviation(*pair).cosine == pytest.approx(math.copysign(math.sqrt(square), dot), abs=1e-7)
    else:
        assert deviation(*pair).cosine == (1.0 if first == second else 0.0)


@given(arrays.arrays(np.float32, (2, 3), elements=ANY))
def test_equal_values_do_not_deviate(values: Any) -> None:
    found = deviation(values, values.copy())
    assert (found.max_absolute, found.max_relative, found.nonfinite_mismatch) == (0, 0, 0)
    assert found.cosine == pytest.approx(1)
    assert violation(found, Tolerance(0, 0)) == ("" if np.isfinite(values).any() else "no value is finite")


def test_other_shapes_are_an_error_that_names_both() -> None:
    with pytest.raises(LpbenchError, match="its shape is 10x1; the reference has 1x10"):
        deviation(np.zeros((1, 10)), np.zeros((10, 1)))
    with pytest.raises(LpbenchError, match="scalar"):
        deviation(np.zeros(()), np.zeros(1))


def test_texts_cannot_be_compared() -> None:
    with pytest.raises(LpbenchError, match="object cannot be compared"):
        deviation(np.array(["a"], dtype=object), np.zeros(1))


def test_integers_are_compared_without_wrapping_round() -> None:
    assert deviation(np.array([0], np.uint8), np.array([255], np.uint8)).max_absolute == 255
    assert deviation(np.array([True]), np.array([False])).max_absolute == 1


def test_nothing_deviates_from_nothing() -> None:
    assert not violation(deviation(np.zeros((0, 4)), np.zeros((0, 4))), F32)


def test_several_deviations_are_one_with_means_over_all_values() -> None:
    random = np.random.default_rng(3)
    pairs = [(random.standard_normal(size), random.standard_normal(size)) for size in (3, 50, 0)]
    all_of_them = deviation(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    found = merge([deviation(*pair) for pair in pairs])
    for name in ("count", "peak", "max_absolute", "mean_absolute"):
        assert getattr(found, name) == pytest.approx(getattr(all_of_them, name))
    assert found.cosine == min(deviation(*pair).cosine for pair in pairs)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"max_absolute": 1e-4}, ""),
        ({"max_absolute": 2e-4}, "max absolute error 0.0002 is above 0.0001"),
        ({"max_absolute": 2e-4, "peak": 640.0}, ""),
        ({"max_absolute": 0.07, "peak": 640.0}, "max absolute error 0.07 is above 0.064"),
        ({"mean_relative": 0.02}, "mean relative error 0.02 is above 0.01"),
        ({"mean_relative": math.inf}, "mean relative error inf is above 0.01"),
        ({"nonfinite_mismatch": 3}, "3 values differ where one or both are not finite"),
        ({"count": 0, "not_finite": (7, 7)}, "no value is finite"),
        ({"not_finite": (7, 7)}, ""),
    ],
)
def test_what_is_tolerated(changes: dict[str, Any], reason: str) -> None:
    figures: dict[str, Any] = {"count": 10, "peak": 0.2, "mean_absolute": 0.0, "max_relative": 0.0, "cosine": 1.0}
    found = Deviation(**{**figures, "max_absolute": 0.0, "mean_relative": 0.0, **changes})
    assert violation(found, F32) == reason


def test_small_class_scores_that_are_all_wrong_are_not_hidden_by_their_size() -> None:
    scores = np.full(100_000, 1e-5)
    assert "mean relative" in violation(deviation(scores, 1.5 * scores), F32)


def test_half_precision_may_deviate_more() -> None:
    assert F16.absolute > F32.absolute == 1e-4


@given(PAIRS)
def test_what_exceeds_the_tolerance_is_what_is_judged(pair: tuple[Any, Any]) -> None:
    found = deviation(*pair)
    if found.count:
        assert (violation_ratio(found, F32) > 1) == bool(violation(found, F32))


@pytest.mark.parametrize(("layout", "wanted"), [("NHWC", "NCHW"), ("NCHW", "NHWC"), ("NDHWC", "NCDHW"), ("HWC", "CHW")])
def test_dimensions_are_brought_in_order_element_by_element(layout: str, wanted: str) -> None:
    sizes = dict(zip("NCDHW", (2, 3, 4, 5, 6), strict=True))
    values = np.random.default_rng(1).standard_normal([sizes[axis] for axis in layout])
    found = in_layout(values, layout, wanted)
    for place in np.ndindex(*values.shape):
        at = dict(zip(layout, place, strict=True))
        assert found[tuple(at[axis] for axis in wanted)] == values[place]


def test_a_layout_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LpbenchError, match="2x3 cannot be transposed from NHWC to NCHW"):
        in_layout(np.zeros((2, 3)), "NHWC", "NCHW")


@pytest.mark.parametrize("peak", [0.75, 1.0, 12.3, 1000.0])
def test_in_half_precision_one_rounding_step_of_the_largest_is_within_tolerance(peak: float) -> None:
    """Of an engine that computes in F32 beside one that rounds to half: both are right.  Two steps are too many."""
    right = np.array([peak, peak / 3, -peak / 2], np.float16)
    step = np.spacing(right[0]).astype(np.float32)
    for count, dtype, fine in ((1, np.float16, True), (1, np.float32, True), (3, np.float32, False)):
        found = (right.astype(np.float32) + np.array([count * step, 0, 0])).astype(dtype)
        reason = compare(Tensor("y", "", right), Tensor("y", "", found), F32).reason
        assert bool(reason) != fine, reason
    single = right.astype(np.float32)
    assert compare(Tensor("y", "", single), Tensor("y", "", single + step), F32).reason


def test_small_numbers_in_half_precision_are_not_excused_by_large_ones() -> None:
    right = np.array([1000, *[0.5] * 9], np.float16)
    found = right + np.array([0, *[0.25] * 9], np.float16)
    reason = compare(Tensor("y", "", right), Tensor("y", "", found), F32).reason
    assert reason.startswith("mean relative error")
