"""Workers that end, hang or refuse while they take turns: real processes of a fake engine, struck at a chosen slice."""

from __future__ import annotations

import collections
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.jobs.measuring.session import benchmark
from lpbench.results import store
from lpbench.results.stages import TOTAL
from lpbench.worker.client import Worker
from lpbench.worker.requests import OpenReferenceKernel, OpenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Result

    Make = Callable[..., Path]
    Strike = Callable[[Worker], None]

pytestmark = pytest.mark.long
ENGINES = ["fake", "fake:extra_us=100", "fake:extra_us=200"]
KERNEL = "the reference kernel"
RUNS = 3
ENDED = {
    "crash": "crashed: SIGSEGV",
    "hang": "hung: no answer in 4 s",
    "exit": "ended: exit status 3",
    "kill": "killed: SIGKILL",
}


@pytest.fixture
def strikes(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int, int], Strike]:
    """Return where to say who is struck: at (configuration, run, slice), before it is asked for that slice."""
    planned: dict[tuple[str, int, int], Strike] = {}
    names: dict[int, str] = {}
    runs: collections.Counter[str] = collections.Counter()
    slices: collections.Counter[str] = collections.Counter()
    ask = Worker.request

    def request(worker: Worker, asked: Any, phase: str = "", timeout: float | None = None, hear: Any = None) -> Any:
        if isinstance(asked, (OpenRequest, OpenReferenceKernel)):
            names[id(worker)] = asked.configuration.label if isinstance(asked, OpenRequest) else KERNEL
        name = names.get(id(worker), "")
        if isinstance(asked, OpenRequest):
            runs[name] += 1
            slices.clear()
        if phase == "measuring in lockstep":
            slices[name] += 1
            strike = planned.get((name, max(runs.values()) - 1, slices[name] - 1), _spare)
            strike(worker)
        return ask(worker, asked, phase, timeout, hear)

    monkeypatch.setattr(Worker, "request", request)
    return planned


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _spare(worker: Worker) -> None:
    """Do nothing to a worker."""


def _kill(worker: Worker) -> None:
    os.kill(worker.pid, signal.SIGKILL)


def _measured(app: Path, *engines: str, **options: Any) -> Result:
    """Measure engines side by side; nothing of the workers is left, and the result can be read again."""
    descriptors = _descriptors()
    result = benchmark(
        app, **{"engine": list(engines), "runs": RUNS, "max_time": 1.0, "yardstick": False, "timeout": 20.0, **options}
    )
    assert _descriptors() == descriptors
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert store.load(store.keep(result)) == result
    return result


def _states(result: Result) -> dict[str, list[str]]:
    return {each.label: [run.state for run in each.runs] for each in result.configurations}


def _ratios(result: Result) -> dict[tuple[str, str], int]:
    """Return the number of runs with ratios, by reference and other."""
    labels = [each.label for each in result.configurations]
    return {(labels[pair.first], labels[pair.second]): len(pair.ratios[TOTAL]) for pair in result.lockstep}


@pytest.mark.parametrize(
    ("who", "do"), [(ENGINES[0], "crash"), (ENGINES[1], "hang"), (ENGINES[1], "exit"), (ENGINES[2], "kill")]
)
def test_who_ends_while_turns_are_taken_loses_one_run_and_the_others_nothing(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike], tmp_path: Path, who: str, do: str
) -> None:
    app = fake_app(work_us=2000, at="run", do=do, when=str(tmp_path))
    trigger, ended = tmp_path / str(ENGINES.index(who) * 100), f"{ENDED[do]} while measuring in lockstep"

    def strike(_: Worker) -> None:
        trigger.touch()

    def spare(progress: Progress) -> None:
        if progress.run == 2:
            trigger.unlink(missing_ok=True)

    strikes[who, 1, 2] = strike
    result = _measured(app, *ENGINES, timeout=4.0 if do == "hang" else 20.0, progress=spare)
    assert _states(result) == {name: ["OK", ended if name == who else "OK", "OK"] for name in ENGINES}
    assert all(run.samples for each in result.configurations for run in each.runs)
    missing = {name: 2 if who in {name, ENGINES[0]} else 3 for name in ENGINES[1:]}
    assert _ratios(result) == {(ENGINES[0], name): runs for name, runs in missing.items()}
    notes = [f"{note['name']}: {note['reason']}" for note in result.resolved.notes]
    assert f"turns: {who}: {ended}, so run 2 has no ratios of it" in notes


def test_an_engine_that_refuses_while_turns_are_taken_is_not_another(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike], tmp_path: Path
) -> None:
    """The second says no: it has no further runs, the others have all of theirs and their ratios."""
    app = fake_app(work_us=2000, at="run", do="raise", when=str(tmp_path))
    strikes[ENGINES[1], 0, 1] = lambda _: (tmp_path / "100").touch()
    result = _measured(app, *ENGINES)
    assert _states(result) == {
        ENGINES[0]: ["OK"] * RUNS,
        ENGINES[1]: ["failed: this model is not liked"],
        ENGINES[2]: ["OK"] * RUNS,
    }
    assert _ratios(result) == {(ENGINES[0], ENGINES[2]): RUNS}
    assert [each.measured for each in result.configurations] == [True] * 3


@pytest.mark.parametrize("at", [0, 3])
def test_all_can_end_in_one_run(fake_app: Make, strikes: dict[tuple[str, int, int], Strike], at: int) -> None:
    strikes.update({(name, 0, at): _kill for name in ENGINES})
    result = _measured(fake_app(work_us=2000), *ENGINES)
    first = [states[0] for states in _states(result).values()]
    # Of the three the last has nobody left to take turns with.
    assert first.count("killed: SIGKILL while measuring in lockstep") >= 2
    assert [states[1:] for states in _states(result).values()] == [["OK", "OK"]] * 3
    assert _ratios(result) == {(ENGINES[0], name): 2 for name in ENGINES[1:]}


def test_where_the_first_always_ends_ratios_are_to_another_and_the_result_says_so(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike]
) -> None:
    strikes.update({(ENGINES[0], run, 1): _kill for run in range(RUNS)})
    result = _measured(fake_app(work_us=2000), *ENGINES)
    assert _ratios(result) == {(ENGINES[1], ENGINES[2]): RUNS}
    told = {"name": "turns", "reason": f"ratios are to {ENGINES[1]}, as fake failed in more than half of the runs"}
    assert told in result.resolved.notes


def test_a_single_engine_that_ends_beside_the_kernel_keeps_what_it_has(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike]
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    strikes["fake", 0, 2] = _kill
    result = _measured(fake_app(work_us=2000), "fake", yardstick=True)
    assert _states(result) == {"fake": ["killed: SIGKILL while measuring in lockstep", "OK", "OK"]}
    assert [bool(run.units) for run in result.configurations[0].runs] == [False, True, True]


@pytest.mark.parametrize(("engines", "at"), [(ENGINES[:1], 3), (ENGINES, 0)], ids=["one engine", "three engines"])
def test_a_kernel_that_ends_fails_no_engine_and_is_started_again(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike], engines: list[str], at: int
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    strikes[KERNEL, 0, at] = _kill
    result = _measured(fake_app(work_us=2000), *engines, yardstick=True)
    assert _states(result) == {name: ["OK"] * RUNS for name in engines}
    for each in result.configurations:
        assert [bool(run.units) for run in each.runs] == [False, True, True]
    assert _ratios(result) == {(ENGINES[0], name): RUNS for name in engines[1:]}
    assert len(result.yardstick["run_ns"]) == 2
    (note,) = (note["reason"] for note in result.resolved.notes if note["name"] == "yardstick")
    assert note.startswith("its worker killed: SIGKILL while measuring in lockstep, so one run has no units")


def test_a_kernel_that_ends_again_and_again_is_left_out_with_the_reason(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike]
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    strikes.update({(KERNEL, run, 1): _kill for run in range(RUNS)})
    result = _measured(fake_app(work_us=2000), *ENGINES, yardstick=True)
    assert _states(result) == {name: ["OK"] * RUNS for name in ENGINES}
    assert result.yardstick["reason"] == "its worker killed: SIGKILL while measuring in lockstep"


def test_a_kernel_that_ends_between_two_runs_is_started_before_it_is_asked(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike]
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    kernels: dict[int, Worker] = {}
    strikes[KERNEL, 0, 0] = lambda worker: kernels.update({0: worker})

    def strike(progress: Progress) -> None:
        if progress.run == 1 and kernels:
            _kill(kernels.pop(0))

    result = _measured(fake_app(work_us=2000), *ENGINES[:2], yardstick=True, progress=strike)
    assert [[bool(run.units) for run in each.runs] for each in result.configurations] == [[True] * RUNS] * 2


@pytest.mark.parametrize("times", [1, 2])
def test_one_that_is_killed_as_it_starts_beside_others_is_tried_beside_them_once_more(
    fake_app: Make, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It may have been for memory, then it is measured by itself, or by anybody: the run is done again in any case."""
    ask, left = Worker.request, [times]

    def request(worker: Worker, asked: Any, phase: str = "", timeout: float | None = None, hear: Any = None) -> Any:
        if isinstance(asked, OpenRequest) and asked.configuration.label == ENGINES[1] and left[0] and begun[0]:
            left[0] -= 1
            begun[0] = False
            _kill(worker)
        return ask(worker, asked, phase, timeout, hear)

    begun = [False]

    def begin(progress: Progress) -> None:
        begun[0] = begun[0] or (progress.configuration == ENGINES[0] and progress.phase == "measuring")

    monkeypatch.setattr(Worker, "request", request)
    result = _measured(fake_app(work_us=2000), *ENGINES[:2], progress=begin)
    assert _states(result) == {name: ["OK"] * RUNS for name in ENGINES[:2]}
    assert _ratios(result) == ({(ENGINES[0], ENGINES[1]): 2} if times == 1 else {})
    assert ("killed: SIGKILL" in result.lockstep_reason) == (times > 1)


def test_ctrl_c_at_the_moment_of_a_death_keeps_the_runs_before(
    fake_app: Make, strikes: dict[tuple[str, int, int], Strike]
) -> None:
    def interrupt(worker: Worker) -> None:
        _kill(worker)
        raise KeyboardInterrupt

    strikes[ENGINES[1], 1, 2] = _kill
    strikes[ENGINES[2], 1, 2] = interrupt
    with pytest.raises(lpbench.Interrupted) as stopped:
        benchmark(fake_app(work_us=2000), engine=ENGINES, runs=RUNS, max_time=1.0, yardstick=False)
    result = stopped.value.result
    states = _states(result)
    assert [each[0] for each in states.values()] == ["OK"] * 3
    assert states[ENGINES[0]][1] == states[ENGINES[2]][1] == "interrupted"
    assert states[ENGINES[1]][1] in {"interrupted", "killed: SIGKILL while measuring in lockstep"}
    assert _ratios(result) == {(ENGINES[0], name): 1 for name in ENGINES[1:]}
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert store.load(store.keep(result)) == result
