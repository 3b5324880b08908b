"""Taking turns; workers that only note when they are asked."""

from __future__ import annotations

import types
from array import array
from typing import Any

import pytest

from lpbench.jobs.measuring import interleave
from lpbench.jobs.measuring.interleave import LEAST_SAMPLES, ROUNDS, Contender, ratios, run_interleaved_slices, units
from lpbench.worker.requests import MeasureSlice, Request, Slice

MS = 1_000_000


class Clock:
    """Seconds that pass only where something takes some."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock in the place of the system's."""
    made = Clock()
    monkeypatch.setattr(interleave, "time", types.SimpleNamespace(monotonic=made))
    return made


class Noting:
    """Answers with samples of one length, a slow first one before them; a slice takes a fortieth of a second."""

    def __init__(self, name: str, diary: list[tuple[str, str]], ns: int = MS, clock: Clock | None = None) -> None:
        self.name = name
        self._diary = diary
        self._ns = ns
        self._clock = clock or Clock()
        self.slice_s = 0.025
        self.resting = False

    def suspend(self) -> None:
        self._diary.append((self.name, "rest"))
        self.resting = True

    stderr_tail = ""

    def close(self) -> None:
        raise AssertionError("slices end nobody")

    kill = close

    def request(self, request: Request[Any], phase: str = "", timeout: float | None = None) -> Any:
        assert isinstance(request, MeasureSlice)
        self._diary.append((self.name, "measure"))
        self._clock.now += self.slice_s
        lengths = [100 * self._ns, *[self._ns] * (request.count - 1)]
        assert self.resting
        self.resting = False
        reads = [read for at, ns in enumerate(lengths) for read in (at, at + 10, at + 10 + ns, at + 20 + ns)]
        return Slice(1, 1, 0, 0, 1, array("q", reads).tobytes())


def _race(*names: str, ns: dict[str, int] | None = None) -> tuple[list[Contender], list[tuple[str, str]]]:
    diary: list[tuple[str, str]] = []
    lengths = {name: (ns or {}).get(name, MS) for name in names}
    contenders = [Contender(Noting(name, diary, lengths[name]), lengths[name]) for name in names]
    run_interleaved_slices(contenders, 1.0, lambda share: None)
    return contenders, diary


def test_two_take_turns_there_and_back() -> None:
    _, diary = _race("a", "b")
    assert [name for name, do in diary if do == "measure"][:8] == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_of_three_each_is_first_and_last_as_often() -> None:
    _, diary = _race("a", "b", "c")
    turns = [name for name, do in diary if do == "measure"][:18]
    rounds = [turns[at : at + 3] for at in range(0, 18, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert sorted(each[0] for each in rounds) == ["a", "a", "b", "b", "c", "c"]


def test_whoever_ran_rests_before_the_next_begins() -> None:
    _, diary = _race("a", "b")
    for at, (name, do) in enumerate(diary):
        if do == "measure":
            assert diary[at + 1] == (name, "rest")
            assert diary[at - 1][1] == "rest"


def test_the_first_samples_of_a_slice_do_not_count() -> None:
    contenders, _ = _race("a", "b")
    assert set(contenders[0].medians["inference"]) == {MS}


def test_ratios_are_second_over_first_by_stage() -> None:
    (first, second), _ = _race("a", "b", ns={"a": MS, "b": 2 * MS})
    found = ratios(first, second)
    assert found["inference"] == pytest.approx(2.0)
    assert found["preprocessing"] == pytest.approx(1.0)


def test_units_are_runs_of_the_kernel() -> None:
    (kernel, app), _ = _race("kernel", "app", ns={"kernel": MS // 2, "app": 3 * MS})
    assert units(kernel, app)["total"] == pytest.approx(6.0, rel=0.01)


@pytest.mark.parametrize(("ns", "least"), [(1000, 10_000), (MS, 20), (500 * MS, LEAST_SAMPLES)])
def test_slices_are_short_but_never_of_fewer_samples_than_make_a_median(ns: int, least: int) -> None:
    contender = Contender(Noting("a", [], ns), ns)
    assert contender.count >= least
    assert contender.discard >= 1


def test_turns_take_about_the_time_that_they_are_given(clock: Clock) -> None:
    for slice_s in (0.025, 0.1):
        begun = clock.now
        noting = [Noting(name, [], clock=clock) for name in "ab"]
        for each in noting:
            each.slice_s = slice_s
        rounds = run_interleaved_slices([Contender(each, MS) for each in noting], 1.5, lambda share: None)
        assert rounds % 2 == 0
        assert clock.now - begun == pytest.approx(1.5, abs=2 * slice_s)


def test_however_slow_there_are_rounds_there_and_back(clock: Clock) -> None:
    contenders = [Contender(Noting(name, [], clock=clock), 2_000 * MS) for name in "ab"]
    assert run_interleaved_slices(contenders, 0.01, lambda share: None) == ROUNDS[0]


def test_one_that_opens_every_round_comes_before_each_of_the_others_as_often() -> None:
    diary: list[tuple[str, str]] = []
    opening, *others = (Contender(Noting(name, diary), MS) for name in "kab")
    run_interleaved_slices(others, 1.0, lambda share: None, opening=opening)
    turns = "".join(name for name, do in diary if do == "measure")
    assert turns.startswith("kabkbakabkba")
    assert turns.count("ka") == turns.count("kb")
    assert turns.count("ab") == turns.count("ba")


def test_a_stage_too_short_for_the_clock_has_no_ratio() -> None:
    contenders = [Contender(Noting("a", []), MS, {"total": [5.0, 6.0], "preprocessing": [0.0, 1.0]}) for _ in range(2)]
    assert set(ratios(*contenders)) == {"total"}
