"""Engines that cannot be alive beside others, and machines without memory for two; benchmarks of a fake engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpbench.jobs.measuring import coexistence
from lpbench.jobs.measuring.session import benchmark
from lpbench.results import store
from lpbench.results.stages import TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result

    Make = Callable[..., Path]

pytestmark = pytest.mark.long


def measure(app: Path, *engines: str, **options: Any) -> Result:
    """Measure engines side by side, without the yardstick."""
    return benchmark(app, engine=list(engines), **{"runs": 2, "max_time": 1, "yardstick": False, **options})


def test_engines_of_which_one_can_be_open_at_a_time_are_measured_one_after_the_other(fake_app: Make) -> None:
    """The device is taken while another process has it: both have all their runs, no ratios, and the reason.

    Only in the first run is the second tried beside the first.
    """
    loaded: list[int] = []

    def note(progress: Progress) -> None:
        if progress.phase == "loading":
            loaded.append(progress.run)

    app = fake_app(at="load", do="exclusive", work_us=2000)
    result = measure(app, "fake", "phony:extra_us=100", runs=3, progress=note)
    assert [[run.state for run in each.runs] for each in result.configurations] == [["OK"] * 3] * 2
    assert [len(each.run_medians()) for each in result.configurations] == [3, 3]
    assert loaded == [0, 0, 0, 1, 1, 2, 2]
    assert result.lockstep == ()
    assert (
        result.lockstep_reason == "fake:extra_us=100: with other workers running: failed to open: the device is taken"
    )
    assert store.load(store.keep(result)) == result


def test_yardstick_units_are_taken_all_the_same(fake_app: Make) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    result = measure(fake_app(at="load", do="exclusive", work_us=2000), "fake", "phony", yardstick=True)
    assert [len(each.run_units()) for each in result.configurations] == [2, 2]


def test_without_memory_for_two_they_are_measured_one_after_the_other(
    fake_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine on which more must stay free than any has."""
    monkeypatch.setattr(coexistence, "SPARE", 1 << 60)
    result = measure(fake_app(work_us=2000), "fake", "phony")
    assert [each.state for each in result.configurations] == ["OK", "OK"]
    assert result.lockstep == ()
    assert "MB of memory are free while other workers run" in result.lockstep_reason


def test_an_engine_that_fails_anyway_does_not_keep_the_others_from_taking_turns(fake_app: Make) -> None:
    """Of three the second wants a number of threads that it cannot have: the first and third share all runs."""
    result = measure(fake_app(work_us=2000), "fake", "absent", "phony:extra_us=100")
    (pair,) = result.lockstep
    assert (pair.first, pair.second, len(pair.ratios[TOTAL])) == (0, 2, 2)
    assert result.lockstep_reason == ""


def test_the_reference_is_the_first_that_could_be_measured(fake_app: Make) -> None:
    result = measure(fake_app(work_us=2000), "absent", "fake", "phony:extra_us=100")
    (pair,) = result.lockstep
    assert (pair.first, pair.second) == (1, 2)


def test_an_engine_that_refuses_the_model_in_any_company_fails_with_its_own_words(fake_app: Make) -> None:
    """Both refuse: the second is tried again without the first, and its reason is not the company."""
    result = measure(fake_app(at="load", do="raise"), "fake", "phony")
    assert result.state == "failed"
    assert [each.state.splitlines()[0] for each in result.configurations] == [
        "failed: model.fake: this model is not liked"
    ] * 2
    assert [len(each.runs) for each in result.configurations] == [1, 1]
    assert result.lockstep_reason == ""


def test_counted_inferences_are_not_measured_in_turns_and_the_result_says_so(fake_app: Make) -> None:
    result = measure(fake_app(work_us=2000), "fake", "phony", number=12)
    assert result.lockstep == ()
    assert "a fixed number of inferences was requested" in result.lockstep_reason


@pytest.mark.long
def test_each_starts_in_every_place_as_often_and_the_last_to_start_ends_first(fake_app: Make) -> None:
    """Three engines in six runs: no place in the order of starts belongs to one of them, nor does a piece of memory."""
    starts: list[list[str]] = [[] for _ in range(6)]
    ends: list[list[str]] = [[] for _ in range(6)]

    def note(progress: Progress) -> None:
        if progress.phase in {"starting", "CPU time"}:
            (starts if progress.phase == "starting" else ends)[progress.run].append(progress.configuration)

    names = ["fake", "fake:extra_us=100", "fake:extra_us=200"]
    measure(fake_app(work_us=1000), *names, runs=6, progress=note)
    for place in range(3):
        assert sorted(order[place] for order in starts) == sorted(names * 2)
    assert ends == [order[::-1] for order in starts]
