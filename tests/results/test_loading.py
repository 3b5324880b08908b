"""Loads that built a model and loads from a cache: two figures, on every screen, and never compared."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import EngineError
from lpbench.jobs.engine_choice import Target
from lpbench.jobs.measuring.recording import Recorder
from lpbench.jobs.measuring.session import benchmark
from lpbench.jobs.measuring.tracks import TargetProgress
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.render import comparison, text, to_html
from lpbench.render.exports import of_result
from lpbench.results.comparison import compare
from lpbench.results.json_document import read
from lpbench.results.loading import Loads, load_facts, loads_of
from lpbench.results.run import Run
from lpbench.worker.requests import Opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.model import Result

SECOND, MS = 1_000_000_000, 1_000_000


def with_loads(result: Result, *loads: tuple[int, bool]) -> Result:
    """Return a result whose runs took so many nanoseconds to load, each from a cache or not; building took 48.1 s."""
    (one,) = result.configurations
    runs = tuple(
        dataclasses.replace(run, load_ns=ns, from_cache=cached, build_s=48.1)
        for run, (ns, cached) in zip(one.runs, loads, strict=True)
    )
    return dataclasses.replace(result, configurations=(dataclasses.replace(one, runs=runs),))


@pytest.fixture
def measured(fake_app: Callable[..., Path]) -> Result:
    app = fake_app(states={"facts": {"from_cache": True, "build_s": 48.1}})
    return benchmark(app, number=6, runs=3, yardstick=False)


def test_what_the_engine_says_of_a_load_stands_in_each_run_and_in_the_file(measured: Result, tmp_path: Path) -> None:
    runs = measured.configurations[0].runs
    assert {(run.from_cache, run.build_s) for run in runs} == {(True, 48.1)}
    again = read(measured.save(tmp_path / "result.json"))
    assert [run.from_cache for run in again.configurations[0].runs] == [True] * 3


def test_a_load_from_a_cache_says_so_and_what_building_took(measured: Result) -> None:
    found = with_loads(measured, *[(212 * MS, True)] * 3)
    words = "load 212 ms (from cache); building it took 48.1 s"
    assert words in text(found)
    assert words in to_html(found)
    assert words in of_result(found, "markdown")


def test_runs_that_differ_have_two_figures_and_no_mean(measured: Result) -> None:
    shown = text(with_loads(measured, (48 * SECOND, False), (200 * MS, True), (220 * MS, True)))
    assert "load 48.0 s (built, 1 run), 210 ms (from cache, 2 runs); building it took 48.1 s" in shown


def test_an_engine_that_does_not_say_has_no_line(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), number=3, runs=1, yardstick=False)
    assert result.configurations[0].runs[0].from_cache is None
    assert "from cache" not in text(result)
    assert "\nload " not in text(result)


def test_a_load_that_built_is_not_compared_with_one_from_a_cache(measured: Result) -> None:
    built = with_loads(measured, *[(48 * SECOND, False)] * 3)
    cached = with_loads(measured, *[(212 * MS, True)] * 3)
    (apart,) = compare(built, cached)
    lines = comparison.one_screen(apart, width=200, paint=lambda line, _: line)
    assert "load 48.0 s (built) → 212 ms (from cache); building it took 48.1 s" in lines
    assert any("no verdict on loading" in line for line in lines)
    assert comparison.as_json(apart)["loads"][0] == {"built_ns": 48 * SECOND, "from_cache_ns": None, "build_s": 48.1}
    (alike,) = compare(cached, cached)
    assert not any("no verdict on loading" in line for line in comparison.sheet(alike)[2])


def test_the_first_run_builds_and_the_others_take_it_from_the_cache(
    fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    app = fake_app(reports={"count": 1, "each_s": 1.0}, kept=str(tmp_path / "plan"))
    result = benchmark(app, number=6, runs=3, yardstick=False)
    runs = result.configurations[0].runs
    assert [run.from_cache for run in runs] == [False, True, True]
    assert re.search(r"load 1\.\d+ s \(built, 1 run\), \S+ ms \(from cache, 2 runs\)", text(result))


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"from_cache": False}, 50.0),
        ({"from_cache": False, "build_s": 48.0}, 48.0),
        ({"from_cache": False, "build_s": 900.0}, 50.0),
        ({"from_cache": True, "build_s": 48.0}, 0.0),
        ({}, 0.0),
    ],
    ids=str,
)
def test_what_the_first_run_built_comes_on_top_of_the_time(facts: dict[str, Any], seconds: float) -> None:
    """Never more than it took to load; later runs that build as well belong to the benchmark."""
    track = TargetProgress(Target("fake", EngineConfiguration("fake")), "fake")
    assert track.first_build_s == 0.0
    for index in range(2):
        track.recorders.append(Recorder(index, track.target.configuration))
        track.recorders[-1].opened = Opened(50 * SECOND, 0, facts, (), (), ())
    assert track.first_build_s == seconds


def test_a_chain_is_from_the_cache_if_all_of_it_is() -> None:
    parts = {"a": {"from_cache": True, "build_s": 2}, "b": {"from_cache": False, "build_s": 3.5}, "c": {}}
    found = load_facts({"from_cache": True, "components": parts})
    assert (found.from_cache, found.build_s) == (False, 5.5)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_facts_of_other_types_say_nothing(value: Any) -> None:
    found = load_facts({"from_cache": value, "build_s": value, "components": value})
    assert found.from_cache in {True, False, None}
    assert found.build_s is None or 0 <= found.build_s < float("inf")


@given(st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from([True, False, None]))))
def test_every_load_of_which_the_kind_is_known_is_counted_once(loads: list[tuple[int, bool | None]]) -> None:
    found = loads_of([Run(at, load_ns=ns, from_cache=kind) for at, (ns, kind) in enumerate(loads)])
    assert sorted(found.built + found.cached) == sorted(ns for ns, kind in loads if kind is not None)
    assert (found == Loads()) is all(kind is None for _, kind in loads)


@pytest.mark.parametrize("facts", [{"from_cache": "yes"}, {"build_s": "long"}, {"from_cache": 1}])
def test_an_engine_that_states_another_type_is_named(fake_app: Callable[..., Path], facts: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=r"describe\(\)\.") as caught:
        benchmark(fake_app(states={"facts": facts}), number=3, runs=1, yardstick=False)
    assert json.dumps(next(iter(facts))).strip('"') in str(caught.value)
