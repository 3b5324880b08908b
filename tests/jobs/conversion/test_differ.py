"""How the outputs of a conversion are judged, against slow computations of the same."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numpy", reason="needs numpy")

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lpbench.jobs.conversion._differ import F32, differences, limits_for
from lpbench.worker.named_tensors import Tensor
from lpbench.worker.tensor_wire import RawSample

SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.sampled_from([1e-6, 1e-3, 1.0, 1e4])


def samples(*arrays: Any, name: str = "y") -> list[RawSample]:
    return [RawSample(str(at), (Tensor(name, "", each),), (), {}) for at, each in enumerate(arrays)]


def faults(source: list[Any], made: list[Any], precision: str = "F32") -> list[str]:
    return differences(samples(*source), samples(*made), limits_for(precision, {}))[0]


@given(seed=SEEDS, scale=SCALES, share=st.floats(0, 10))
def test_one_value_may_be_off_by_a_share_of_the_range(seed: int, scale: float, share: float) -> None:
    """Whatever the scale of the output: neither tiny probabilities nor pixels get another rule."""
    assume(abs(share - 1) > 0.01)
    random = np.random.default_rng(seed)
    source = [scale * random.standard_normal(1000) for _ in range(3)]
    made = [each.copy() for each in source]
    values = np.concatenate(source)
    made[1][7] += share * F32.largest * (values.max() - values.min())
    assert bool(faults(source, made)) == (share > 1)


@given(seed=SEEDS, scale=SCALES, share=st.floats(0.1, 9))
def test_all_values_may_be_off_by_less(seed: int, scale: float, share: float) -> None:
    assume(abs(share - 1) > 0.01)
    random = np.random.default_rng(seed)
    source = [scale * random.standard_normal(500) for _ in range(3)]
    values = np.concatenate(source)
    step = share * F32.mean * (values.max() - values.min())
    made = [each + step for each in source]
    assert bool(faults(source, made)) == (share > 1)
    assert not faults(source, made, "F16")


@given(seed=SEEDS, scale=SCALES)
def test_a_permuted_output_is_never_right(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    source = [scale * random.standard_normal(50) for _ in range(3)]
    (fault,) = faults(source, [np.roll(each, 1) for each in source])
    assert "in a different order" in fault


@given(seed=SEEDS, scale=SCALES)
def test_noise_that_wide_limits_refuse_is_not_taken_for_another_order(seed: int, scale: float) -> None:
    """Sorted, it is as near as such limits ask, whatever it is."""
    random = np.random.default_rng(seed)
    source = [scale * random.standard_normal(500) for _ in range(3)]
    made = [each + scale * random.standard_normal(500) for each in source]
    (fault,) = faults(source, made, "S8")
    assert "in a different order" not in fault


def test_the_order_of_magnitude_of_a_constant_output_counts() -> None:
    """A range of nothing would allow nothing, and rounding is there."""
    source = [np.full(5, 1000.0)] * 3
    assert not faults(source, [np.full(5, 1000.0001)] * 3)
    assert faults(source, [np.full(5, 1001.0)] * 3)


@pytest.mark.parametrize("count", [1, 3])
def test_a_single_value_is_judged_by_its_magnitude(count: int) -> None:
    """The probability of a class: a few samples give it no range to speak of, and one gives it none."""
    source = [np.full((1, 1), 0.285)] * count
    assert not faults(source, [np.full((1, 1), 0.287)] * count, "S8")
    assert not faults(source, [np.full((1, 1), 0.285 + 1e-6)] * count)
    (fault,) = faults(source, [np.full((1, 1), 0.4)] * count, "S8")
    assert "everywhere" not in fault, "so is the source's"
    assert faults(source, [np.full((1, 1), 0.287)] * count)


def test_zeros_must_be_zeros_and_rounding_may_be_there() -> None:
    source = [np.zeros(5)] * 3
    assert not faults(source, [np.full(5, 1e-9)] * 3)
    assert faults(source, [np.full(5, 0.5)] * 3)


def test_what_is_not_finite_must_be_so_in_both() -> None:
    source = [np.array([np.inf, 1.0, 2.0])] * 3
    assert not faults(source, source)
    assert "values that are not finite" in faults(source, [np.array([np.inf, np.nan, 2.0])] * 3)[0]
    assert "so nothing can be compared" in faults([np.full(3, np.nan)] * 3, [np.full(3, np.nan)] * 3)[0]


def test_indices_are_right_or_wrong() -> None:
    """A class is not nearly another one because its number is near."""
    source = [np.arange(10_000)] * 3
    made = [each.copy() for each in source]
    made[0][:20] += 9000
    assert not faults(source, made)
    made[0][:2000] += 1
    assert faults(source, made)


def test_an_index_that_comes_as_a_float_is_still_right_or_wrong() -> None:
    """Near 40,000 the largest error that numbers may have is 40."""
    source = [np.array([39_998, 2, 40_000])] * 3
    assert not faults(source, [each.astype(np.float32) for each in source])
    (fault,) = faults(source, [each.astype(np.float32) + 1 for each in source])
    assert fault == 'output "y" differs from the source\'s in 9 of 9 whole numbers'


def test_texts_are_equal_or_not() -> None:
    source = [np.array(["cat", "dog"])]
    assert not faults(source, source)
    assert "in 1 of 2 texts" in faults(source, [np.array(["cat", "cow"])])[0]
    assert "holds numbers; the source has texts" in faults(source, [np.zeros(2)])[0]


def test_of_quantised_values_one_rounding_step_is_allowed() -> None:
    """Were it not quantised, a thousandth of the range would be."""
    values, step = np.linspace(0, 1, 11), 0.1

    def made(steps: float) -> list[RawSample]:
        return [RawSample("0", (Tensor("y", "", values + steps * step, step),), (), {})]

    assert not differences(made(0), made(1), F32)[0]
    assert differences(made(0), made(2), F32)[0]


def test_where_every_output_is_empty_nothing_is_right() -> None:
    assert "nothing can be compared" in faults([np.zeros((0, 4))] * 3, [np.zeros((0, 4))] * 3)[0]


def test_a_sum_that_should_be_one_is_told() -> None:
    source = [np.array([[0.1, 0.2, 0.7]]), np.array([[0.3, 0.3, 0.4]])]
    (fault,) = faults(source, [10 * each for each in source])
    assert "its values add up to 10, the source's to 1" in fault


def test_dimensions_of_one_do_not_count() -> None:
    source = [np.arange(6.0).reshape(1, 2, 3)] * 3
    assert not faults(source, [each[0] for each in source])
    assert "has the shape 3x2; the source's has 1x2x3" in faults(source, [each[0].T for each in source])[0]
