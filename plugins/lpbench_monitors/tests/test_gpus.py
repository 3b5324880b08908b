"""Several GPUs as one figure, and which of them count.  Tested without hardware."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench_monitors._gpus import (
    ENERGY,
    FREQUENCY,
    LOAD,
    MEMORY,
    MOST_GPUS,
    POWER,
    TEMPERATURE,
    Figure,
    chosen,
    merged,
    possible,
)

UUIDS = ["GPU-0aa1", "GPU-0ab2", "GPU-1ab3"]
LOST = Unavailable("it is lost", "failed", "restart the machine")


@pytest.mark.parametrize(
    ("variable", "numbers"),
    [
        (None, [0, 1, 2]),
        ("0", [0]),
        ("2,0", [0, 2]),
        (" 1 , 2 ", [1, 2]),
        ("1,-1,2", [1]),  # CUDA ignores what follows an entry that is none
        ("1,,2", [1]),
        ("3", []),
        ("00002", [2]),
        ("9" * 99, []),
        ("GPU-1", [2]),
        ("GPU-0ab2,0", [0, 1]),
        ("GPU-0a", []),  # two begin like this
        ("GPU-0ab2-and-more", []),
        ("MIG-0aa1", [0, 1, 2]),
        ("all", []),
        ("NoDevFiles", []),
    ],
)
def test_cuda_visible_devices_lists_numbers_and_beginnings_of_uuids(variable: str | None, numbers: list[int]) -> None:
    assert chosen(variable, UUIDS) == numbers


@given(st.one_of(st.text(), st.text("0123456789,-GPU ab")))
def test_any_variable_leaves_gpus_that_are_there(variable: str) -> None:
    assert set(chosen(variable, UUIDS)) <= {0, 1, 2}


def test_gpus_that_nobody_knows_the_uuid_of_are_chosen_by_number() -> None:
    assert chosen("1", ["", ""]) == [1]
    assert chosen("GPU-", ["", ""]) == []


def test_a_mean_is_of_those_that_tell_and_says_so() -> None:
    found = merged(LOAD, {"gpu0": 30.0, "gpu1": LOST, "gpu2": 50.0}, "here")
    assert found["GPU_LOAD"] == Reading(40.0, "%", "device", "here, of 2 of 3 GPUs")
    assert found["GPU_LOAD/gpu1"] is LOST


@pytest.mark.parametrize("figure", [MEMORY, POWER, ENERGY])
def test_a_sum_needs_every_gpu(figure: Figure) -> None:
    found = merged(figure, {"gpu0": 30.0, "gpu1": LOST}, "here")
    assert found[figure.metric] == Unavailable("gpu1: it is lost", "failed", "restart the machine")
    assert isinstance(found[f"{figure.metric}/gpu0"], Reading)


def test_the_reason_of_the_only_gpu_is_the_reason() -> None:
    assert merged(TEMPERATURE, {"gpu0": LOST}, "here")["GPU_TEMP"] is LOST


def test_every_gpu_and_the_whole_are_at_most_forty_keys() -> None:
    assert len(merged(FREQUENCY, {f"gpu{number}": 1.0 for number in range(MOST_GPUS)}, "here")) <= 40


@given(st.sampled_from(["GPU_LOAD", "GPU_MEM", "GPU_TEMP", "GPU_FREQ", "POWER_CONSUMPTION", "ENERGY"]), st.floats())
def test_what_cannot_be_is_a_reason(metric: str, value: float) -> None:
    found = possible(metric, value)
    assert isinstance(found, Unavailable) or (found == value and -50 <= value <= 1e15)
