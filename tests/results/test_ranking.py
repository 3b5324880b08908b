"""Configurations beside each other: who is best, and what is known of the others."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import pytest

from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.model import Configuration, Result
from lpbench.results.ranking import rank
from lpbench.results.run import Lockstep, Metric
from lpbench.results.settings import RunSettings
from lpbench.results.stats import summarize

RUNS = 8


def configuration(engine: str, ms: float | None, **more: Any) -> Configuration:
    """Return a configuration, measured where it has a latency."""
    statistics = {} if ms is None else {"total": summarize([int(ms * 1e6)] * 6)}
    metrics = {} if ms is None else {"LATENCY": Metric(ms, "ms")}
    return Configuration(
        EngineConfiguration(engine), engine, "", isolated=True, statistics=statistics, metrics=metrics, **more
    )


def result(*configurations: Configuration, **ratios: float) -> Result:
    """Return a result; ``b=1.2`` says that b took 1.2 times as long as the first in every run."""
    names = [each.engine for each in configurations]
    pairs = [
        Lockstep(0, names.index(name), {"total": tuple(value * (1 + run / 1e4) for run in range(RUNS))})
        for name, value in ratios.items()
    ]
    return Result({"name": "app"}, RunSettings(), {}, configurations, lockstep=tuple(pairs))


A, B, C = configuration("a", 2.0), configuration("b", 1.5), configuration("c", 3.0)


def test_the_best_has_the_lowest_ratio_and_the_others_a_verdict_beside_it() -> None:
    found = rank(result(A, B, C, b=0.7, c=1.4))
    assert (found.order, found.best, found.without) == ((1, 0, 2), 1, ())
    assert {index: each.verdict.value for index, each in found.verdicts.items()} == {0: "SLOWER", 2: "SLOWER"}
    assert found.verdicts[2].ratio.estimate == pytest.approx(2.0, rel=1e-3)


def test_rows_are_in_the_order_of_the_ratios_whatever_the_latencies_alone_say() -> None:
    """The machine was slow while b was timed alone: 9 ms, and 0.7 times as long as a in turns."""
    late = configuration("b", 9.0)
    found = rank(result(A, late, C, b=0.7, c=1.4))
    assert (found.order, found.best) == ((1, 0, 2), 1)


def test_there_is_no_best_one_without_a_verdict_against_every_other() -> None:
    """B and c are as fast as each other, a is slower than both."""
    found = rank(result(A, B, C, b=0.7, c=0.701))
    assert (found.base, found.best, found.tied) == (1, None, (1, 2))
    assert found.verdicts[2].verdict.value == "SAME"
    assert found.verdicts[0].verdict.value == "SLOWER"
    apart = rank(result(A, B, C, b=0.7))
    assert (apart.best, apart.tied, apart.without) == (None, (1, 2), (2,))


def test_who_fails_the_gate_takes_no_part_in_a_tie() -> None:
    wrong = dataclasses.replace(C, quality={"gate": {"passes": False}})
    found = rank(result(A, B, wrong, b=0.7, c=0.701))
    assert (found.best, found.tied) == (1, ())


def test_an_unchecked_model_is_neither_best_nor_in_a_tie_however_fast_it_is() -> None:
    quick = dataclasses.replace(C, unchecked="no device")
    found = rank(result(A, B, quick, b=0.7, c=0.1))
    assert (found.order, found.base, found.best, found.tied) == ((2, 1, 0), 1, 1, ())
    assert (found.verdicts[2].verdict.value, found.verdicts[2].code) == ("UNCHECKED", "unchecked")
    tie = rank(result(A, B, quick, b=0.7, c=0.701))
    assert (tie.best, tie.tied) == (1, ())


def test_where_every_model_is_unchecked_none_is_the_best() -> None:
    doubtful = [dataclasses.replace(each, unchecked="no device") for each in (A, B)]
    found = rank(result(*doubtful, b=0.7))
    assert (found.base, found.best, found.tied, found.verdicts) == (None, None, (), {})


def test_who_took_part_in_fewer_runs_has_no_verdict() -> None:
    """One of its runs failed: run by run there is nothing to divide."""
    made = result(A, B, C, b=0.7, c=1.4)
    fewer = dataclasses.replace(made.lockstep[1], ratios={"total": made.lockstep[1].ratios["total"][:-1]})
    found = rank(dataclasses.replace(made, lockstep=(made.lockstep[0], fewer)))
    assert (found.best, found.without) == (None, (2,))
    assert set(found.verdicts) == {0}


def test_what_fails_the_quality_gate_cannot_be_best() -> None:
    wrong = dataclasses.replace(B, quality={"gate": {"passes": False}})
    found = rank(result(A, wrong, C, b=0.7, c=1.4))
    assert found.best == 0
    assert found.verdicts[1].verdict.value == "FASTER"


def missing(pair: Lockstep, *runs: int) -> Lockstep:
    """Return a pair without these runs, with the reference's times that tell which are left."""
    kept = [run for run in range(RUNS) if run not in runs]
    ratios = {"total": tuple(pair.ratios["total"][run] for run in kept)}
    return dataclasses.replace(pair, ratios=ratios, first_ns={"total": tuple(1e6 + run for run in kept)})


def test_the_verdict_of_two_that_missed_different_runs_is_of_the_runs_in_common() -> None:
    """B missed the third run and c the sixth: one death each costs a run, not the verdict."""
    made = result(A, B, C, b=0.7, c=1.4)
    b, c = made.lockstep
    ranked = rank(dataclasses.replace(made, lockstep=(missing(b, 2), missing(c, 5))))
    assert (ranked.best, ranked.without) == (1, ())
    assert {at: (each.verdict.value, each.ratio.runs) for at, each in ranked.verdicts.items()} == {
        0: ("SLOWER", RUNS - 1),
        2: ("SLOWER", RUNS - 2),
    }
    assert ranked.verdicts[2].ratio.estimate == pytest.approx(2.0, rel=1e-6)  # each run by its own partner
    apart = rank(dataclasses.replace(made, lockstep=(missing(b, *range(4)), missing(c, *range(4, RUNS)))))
    assert (apart.best, apart.without) == (None, (2,))


def test_the_reference_that_is_fastest_has_a_verdict_beside_whatever_took_part_in_fewer_runs() -> None:
    made = result(A, B, C, b=1.2, c=1.4)
    b, c = made.lockstep
    ranked = rank(dataclasses.replace(made, lockstep=(missing(b), missing(c, 5))))
    assert (ranked.best, ranked.verdicts[2].ratio.runs) == (0, RUNS - 1)


def test_runs_that_cannot_be_told_apart_are_not_divided() -> None:
    """The reference took the same time in two runs, and c missed one."""
    made = result(A, B, C, b=0.7, c=1.4)
    b, c = (dataclasses.replace(each, first_ns={"total": (1e6,) * RUNS}) for each in made.lockstep)
    fewer = dataclasses.replace(c, ratios={"total": c.ratios["total"][1:]}, first_ns={"total": (1e6,) * (RUNS - 1)})
    assert rank(dataclasses.replace(made, lockstep=(b, fewer))).without == (2,)
    assert rank(dataclasses.replace(made, lockstep=(b, c))).best == 1


@pytest.mark.parametrize("count", [2, 4, 6])
def test_equal_engines_are_rarely_told_apart_from_the_one_that_was_lucky(count: int) -> None:
    """The fastest is picked by looking: at most one verdict in a hundred may be false for that (three deviations)."""
    drawn = random.Random(3)  # noqa: S311 - no secret
    equal, wrong = [configuration(name, 2.0) for name in "abcdef"[:count]], 0
    tables = 1500 // (count - 1)
    for _ in range(tables):
        logs = [[drawn.gauss(0, 0.03) for _ in range(RUNS)] for _ in equal]
        pairs = [
            Lockstep(0, at, {"total": tuple(math.exp(own - first) for own, first in zip(each, logs[0], strict=True))})
            for at, each in enumerate(logs)
            if at
        ]
        verdicts = rank(dataclasses.replace(result(*equal), lockstep=tuple(pairs))).verdicts
        wrong += sum(each.verdict.value == "SLOWER" for each in verdicts.values())
    most = 0.01 * tables * (count - 1)
    assert wrong <= most + 3 * math.sqrt(most)


def test_who_took_no_turns_is_named_and_one_alone_needs_no_verdict() -> None:
    assert rank(result(A, B, C, b=0.7)).without == (2,)
    assert rank(result(A, B)).without == (0, 1)
    assert rank(result(A)).without == ()
    assert rank(result(A, configuration("gone", None))).order == (0,)
