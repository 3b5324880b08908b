"""Taking turns; workers that only note when they are asked."""

from __future__ import annotations

import types
from array import array
from typing import Any

import pytest

from lpbench.errors import EngineError, LpbenchError, WorkerError
from lpbench.jobs.measuring import interleave
from lpbench.jobs.measuring.interleave import LEAST_SAMPLES, ROUNDS, Contender, run_interleaved_slices, units
from lpbench.results.locksteps import slice_ratios
from lpbench.worker.requests import MeasureSlice, PinnedThreads, PinThreads, Request, Slice

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

    pid = 0

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

    def request(self, request: Request[Any], phase: str = "", timeout: float | None = None, hear: Any = None) -> Any:
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
    found = slice_ratios(first.medians, second.medians)
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
    assert set(slice_ratios(*(each.medians for each in contenders))) == {"total"}


class Failing(Noting):
    """Fails when it is asked for the n-th time, and must not be asked again; it is killed once."""

    pid = 0

    def __init__(self, name: str, diary: list[tuple[str, str]], at: int, error: LpbenchError) -> None:
        super().__init__(name, diary)
        self._left = at
        self._error = error
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1

    def request(self, request: Request[Any], phase: str = "", timeout: float | None = None, hear: Any = None) -> Any:
        assert not self.killed, "a worker that failed was asked again"
        self._left -= 1
        if self._left < 0:
            raise self._error
        if isinstance(request, PinThreads):
            return PinnedThreads(1, ())
        return super().request(request, phase, timeout, hear)


ERRORS = [WorkerError("the worker crashed: SIGSEGV"), EngineError("not this time")]


def _race_with(failing: dict[str, int], *names: str, error: LpbenchError = ERRORS[0]) -> dict[str, Contender]:
    """Let contenders take turns, of which some fail when they are asked for the n-th time; "k" opens the rounds."""
    diary: list[tuple[str, str]] = []
    clients = {name: Failing(name, diary, failing.get(name, 10_000), error) for name in names}
    made = {name: Contender(client, MS) for name, client in clients.items()}
    others = [each for name, each in made.items() if name != "k"]
    run_interleaved_slices(others, 1.0, lambda share: None, opening=made.get("k"))
    assert {name: each.killed for name, each in clients.items()} == {name: int(name in failing) for name in names}
    assert {name: each.failure for name, each in made.items()} == {
        name: error if name in failing else None for name in names
    }
    return made


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("who", ["a", "b", "c", "k"])
@pytest.mark.parametrize("at", [0, 1, 5])
def test_one_that_fails_is_left_out_and_the_others_go_on(who: str, at: int, error: LpbenchError) -> None:
    made = _race_with({who: at}, "k", "a", "b", "c", error=error)
    slices = {name: len(each.medians.get("inference", ())) for name, each in made.items()}
    assert slices.pop(who) == at
    (rounds,) = set(slices.values())
    assert rounds >= ROUNDS[0]


def test_survivors_are_first_as_often_as_before() -> None:
    diary: list[tuple[str, str]] = []
    others = [Contender(Failing(name, diary, 0 if name == "b" else 10_000, ERRORS[0]), MS) for name in "abc"]
    run_interleaved_slices(others, 1.0, lambda share: None)
    turns = "".join(name for name, do in diary if do == "measure")
    rounds = [turns[at : at + 2] for at in range(0, 24, 2)]
    assert rounds.count("ac") == rounds.count("ca") == 6


@pytest.mark.parametrize("who", ["a", "b"])
def test_of_two_one_that_fails_ends_the_turns_of_both(who: str) -> None:
    made = _race_with({who: 3}, "a", "b")
    assert all(len(each.medians["inference"]) <= 4 for each in made.values())


def test_all_can_fail() -> None:
    made = _race_with({"a": 2, "b": 2}, "a", "b", "c")
    assert 2 <= len(made["c"].medians["inference"]) <= 3
    _race_with({"a": 0}, "a", "b")


def test_one_that_fails_before_the_first_turn_has_none() -> None:
    """Several threads are pinned first."""
    client = Failing("a", [], 0, ERRORS[0])
    contenders = [Contender(client, MS, threads=2), *(Contender(Noting(name, []), MS) for name in "bc")]
    run_interleaved_slices(contenders, 1.0, lambda share: None)
    assert contenders[0].failure is ERRORS[0]
    assert contenders[0].medians == {}
    assert len(contenders[1].medians["inference"]) == len(contenders[2].medians["inference"]) >= ROUNDS[0]
