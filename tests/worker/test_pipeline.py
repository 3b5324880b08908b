"""Chains, batches and streams, with the strict fake engine in workers and engines of this file in this process."""

from __future__ import annotations

import json
import time
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.errors import EngineError, LpbenchError
from lpbench.jobs.measuring.session import benchmark
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.results.stages import STAGES, TOTAL, durations
from lpbench.worker.timed_loop import Step, clock_reads, time_chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.results.model import Result


def _ticking() -> Callable[[], int]:
    now = iter(range(1_000_000))
    return lambda: next(now)


def _chain(app: Path, *names: str) -> Path:
    """Make an app a chain: its component, then copies of it under these names."""
    file = app / "ai_app_config.json"
    config = json.loads(file.read_text())
    config["components"] += [{**config["components"][0], "name": name} for name in names]
    file.write_text(json.dumps(config))
    return app


def test_every_clock_read_of_a_chain_is_in_one_of_its_stages() -> None:
    clock = _ticking()

    def slow(feeds: Any) -> Any:
        for _ in range(10):
            clock()
        return feeds

    def digits(sample: Sample, found: Any) -> list[Sample]:
        clock()
        return [Sample(sample.name, each) for each in str(found)]

    steps: list[Step] = [
        (lambda sample, _: [sample], lambda s: {"x": s.data}, lambda f: f, lambda o, _: o["x"]),
        (digits, lambda s: {"x": s.data}, slow, lambda o, _: o["x"]),
    ]
    out = clock_reads(2, 2)
    time_chain(steps, [Sample("a", 123), Sample("b", 4)], out, clock=clock)
    found = durations(out, ["first", "second"])
    assert [list(found[f"second/{stage}"]) for stage in STAGES] == [[1 + 3 + 1, 1 + 1 + 1], [33, 11], [3, 1]]
    assert [list(found[f"first/{stage}"]) for stage in STAGES] == [[2, 2], [1, 1], [1, 1]]
    assert list(found[TOTAL]) == [4 + 41, 4 + 15]
    assert [list(found[stage]) for stage in STAGES] == [[7, 5], [34, 12], [4, 2]]


def test_a_chain_looks_at_each_thing_that_was_found(fake_app: Callable[..., Path]) -> None:
    app = _chain(fake_app(numbers=("62", "0", "7")), "digits")
    result = benchmark(app, number=12, yardstick=False)
    (found,) = result.configurations
    assert [each["sample"] for each in found.predictions] == ["0.txt", "1.txt", "2.txt"]
    assert [[item["item"] for item in each["digits"]] for each in found.predictions] == [[0, 1, 2], [], [0, 1]]
    assert [item["top"][0]["index"] for item in found.predictions[0]["digits"]] == [2, 4, 8]  # 124, each doubled


def test_a_component_may_have_class_names_of_its_own(fake_app: Callable[..., Path]) -> None:
    app = _chain(fake_app(numbers=("6",)), "digits")
    file = app / "ai_app_config.json"
    config = json.loads(file.read_text())
    config["components"][0]["labels"] = ["thing"]
    (app / "names.txt").write_text("nothing\nsomething\n", encoding="utf-8")
    config["components"][1]["labels"] = "names.txt"
    file.write_text(json.dumps(config))
    loaded = load_app(app)
    (found,) = benchmark(loaded, number=6, yardstick=False).configurations[0].predictions
    assert [found["top"][0]["label"], found["digits"][1]["top"][0]["label"]] == ["thing", "nothing"]
    before = loaded.digest()
    (app / "names.txt").write_text("nothing\nanything\n", encoding="utf-8")
    assert load_app(app).digest() != before


def test_components_add_up_to_the_stages_and_these_to_the_total(fake_app: Callable[..., Path]) -> None:
    app = _chain(fake_app(numbers=("62", "7")), "digits", "again")
    result = benchmark(app, number=16, yardstick=False)
    (found,) = result.configurations
    for run in found.runs:
        for stage in STAGES:
            parts = [run.raw[f"{name}/{stage}"] for name in ("doubler", "digits", "again")]
            assert [sum(each) for each in zip(*parts, strict=True)] == list(run.raw[stage])
        assert [sum(each) for each in zip(*(run.raw[stage] for stage in STAGES), strict=True)] == list(run.raw[TOTAL])
    assert [stage.label for stage in found.stages][:3] == [
        "doubler: fakes_preprocessor",
        "doubler: engines/fake",
        "doubler: fakes_postprocessor",
    ]
    assert found.stages[-1].name == TOTAL
    assert found.facts["components"]["again"]["engine"] == "fake"
    assert len(found.stages) == 10


def test_a_chains_facts_are_those_of_the_engine_that_was_asked_for() -> None:
    from lpbench.plugin.builtin.tensors import RawConfig, TensorConfig, TensorPostprocessor, TensorPreprocessor
    from lpbench.worker.pipeline import Chain, OpenComponent

    class _Said(_RowsSession):
        def describe(self) -> dict[str, Any]:
            return {"version": self.rows}

    parts = [
        OpenComponent(
            name,
            _Said(engine, 0),
            TensorPreprocessor(TensorConfig(), ()),
            TensorPostprocessor(RawConfig(), (), ()),
            engine,
        )
        for name, engine in (("face", "stand-in"), ("mesh", "asked"))
    ]
    facts = Chain(parts, "asked").describe()
    assert facts["version"] == "asked"
    assert facts["components"]["face"] == {"engine": "stand-in", "version": "stand-in"}


def test_each_component_has_an_interval_over_runs(fake_app: Callable[..., Path]) -> None:
    from lpbench import render

    result = benchmark(_chain(fake_app(work_us=300), "digits"), number=24, runs=3, yardstick=False)
    rows = [line for line in render.text(result).splitlines() if line.startswith("digits: engines/fake")]
    assert "±" in rows[0], rows


def test_a_chain_is_saved_and_loaded(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    from lpbench.results.store import load

    result = benchmark(_chain(fake_app(), "digits"), number=6, yardstick=False)
    again = load(result.save(tmp_path / "chain.json"))
    assert again.configurations[0].statistics == result.configurations[0].statistics


@pytest.mark.parametrize("asked", [{"batch": 2}, {"streams": 2}])
def test_a_chain_goes_through_one_sample_at_a_time(fake_app: Callable[..., Path], asked: dict[str, Any]) -> None:
    with pytest.raises(LpbenchError, match="is a chain"):
        benchmark(_chain(fake_app(), "digits"), number=6, **asked)


class _Rows(Engine[Any]):
    """Adds the columns of each row; takes as many rows as it was opened for, and can be told to sleep."""

    def __init__(self, sleep: float = 0.0, fixed: int | None = None) -> None:
        self.sleep, self.fixed = sleep, fixed
        self.sessions: list[_RowsSession] = []

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        rows = self.fixed or shapes.get("rows", ("n", 3))[0]
        self.sessions.append(_RowsSession(rows, self.sleep))
        return self.sessions[-1]


class _RowsSession(Session):
    def __init__(self, rows: int | str, sleep: float) -> None:
        self.rows, self._sleep, self.closed = rows, sleep, False
        self.inputs = (TensorInfo("rows", "float32", (rows, 3)),)
        self.outputs = (TensorInfo("sums", "float32", (rows,)),)

    def run(self, feeds: Feeds, /) -> Outputs:
        if self.closed or feeds["rows"].shape != (self.rows, 3):
            raise EngineError(f"fed {feeds['rows'].shape}")
        time.sleep(self._sleep)
        return {"sums": feeds["rows"].sum(axis=1)}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., Result]:
    """Return a measurer of rows in this process: five samples, each of one row."""
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    (tmp_path / "model.rows").write_text("rows")
    (tmp_path / "samples").mkdir()
    for at in range(5):
        numpy.save(tmp_path / "samples" / f"{at}.npy", numpy.array([[at, 1, 2]], numpy.float32))
    config = {
        "schema_version": 1,
        "ai_app_class": "model",
        "components": [
            {
                "name": "sums",
                "preprocessing": {"type": "tensors"},
                "inference": {"models": {"rows": {"file": "model.rows"}}},
                "postprocessing": {"type": "tensors"},
            }
        ],
        "samples": ["samples"],
    }
    (tmp_path / "ai_app_config.json").write_text(json.dumps(config))
    app = load_app(tmp_path)

    def measure(engine: _Rows, **asked: Any) -> Result:
        return benchmark(app, engine=engine, number=8, yardstick=False, **asked)

    return measure


def _sums(result: Result) -> list[float]:
    return [each["outputs"]["sums"]["max"] for each in result.configurations[0].predictions]


def test_a_batch_is_one_inference_and_each_sample_gets_its_own_answer(rows: Callable[..., Result]) -> None:
    engine = _Rows()
    result = rows(engine, batch=4)
    assert _sums(result) == [3, 4, 5, 6, 7]
    assert [session.rows for session in engine.sessions] == ["n", 4]
    assert all(session.closed for session in engine.sessions)
    (found,) = result.configurations
    assert found.statistics[TOTAL].n == 8


def test_throughput_of_batches_is_of_samples_and_by_the_wall(rows: Callable[..., Result]) -> None:
    (found,) = rows(_Rows(sleep=0.01), batch=4).configurations
    (run,) = found.runs
    throughput = found.metrics["THROUGHPUT"]
    assert throughput.value == pytest.approx(4e9 * 8 / run.counters["wall_ns"])
    assert throughput.n == 32
    assert "batches of 4" in throughput.source


def test_rows_that_depend_on_the_samples_are_never_given_to_another_one(rows: Callable[..., Result]) -> None:
    """Two rows of two samples, until one of these has none."""

    class Dropping(_RowsSession):
        def __init__(self, rows: int | str, sleep: float) -> None:
            super().__init__(rows, sleep)
            self.outputs = (TensorInfo("sums", "float32", (None,)),)

        def run(self, feeds: Feeds, /) -> Outputs:
            sums = super().run(feeds)["sums"]
            return {"sums": sums[sums != 5]}  # that of the third sample

    class Engine(_Rows):
        def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
            self.sessions.append(Dropping(shapes.get("rows", ("n", 3))[0], 0))
            return self.sessions[-1]

    engine = Engine()
    said = r'output "sums" does not have one row for each sample: 1 for a batch of 2\n  omit batch'
    with pytest.raises(EngineError, match=said):
        rows(engine, batch=2)
    assert all(session.closed for session in engine.sessions)


def test_a_model_that_takes_one_sample_refuses_a_batch(rows: Callable[..., Result]) -> None:
    engine = _Rows(fixed=1)
    with pytest.raises(EngineError, match=r'input "rows" \[1, 3\] does not accept batches of 4 samples'):
        rows(engine, batch=4)
    assert all(session.closed for session in engine.sessions)


def test_streams_run_side_by_side_and_throughput_is_that_of_all(rows: Callable[..., Result]) -> None:
    engine = _Rows(sleep=0.03, fixed=1)
    result = rows(engine, streams=2)
    assert _sums(result) == [3, 4, 5, 6, 7]
    assert len(engine.sessions) == 2
    assert all(session.closed for session in engine.sessions)
    metrics = result.configurations[0].metrics
    alone = 1000 / (metrics["LATENCY"].value or 0)
    assert (metrics["THROUGHPUT"].value or 0) > 1.3 * alone


def test_batches_and_streams_together(rows: Callable[..., Result]) -> None:
    engine = _Rows()
    assert _sums(rows(engine, batch=2, streams=3)) == [3, 4, 5, 6, 7]
    assert [session.rows for session in engine.sessions].count(2) == 3


def test_each_stream_runs_in_the_thread_that_opened_it(fake_app: Callable[..., Path]) -> None:
    one, two = (benchmark(fake_app(name), number=30, streams=n, yardstick=False) for name, n in (("a", 1), ("b", 2)))
    assert two.state == "OK", two.configurations[0].state
    assert two.configurations[0].statistics[TOTAL].n == 30
    assert two.configurations[0].predictions == one.configurations[0].predictions
    assert two.settings.streams == 2


def test_an_engine_that_takes_no_batches_says_so(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(EngineError, match='engine "fake" does not support batches'):
        benchmark(fake_app(), batch=2)


def test_latency_is_not_taken_apart_for_batches(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(LpbenchError, match="breaks down the latency of single samples"):
        benchmark(fake_app(), streams=2, explain=True)


def test_reads_of_a_chain_are_recognised_by_their_length() -> None:
    from lpbench.jobs.measuring.recording import columns_of

    reads = array("q", range(7)).tobytes()
    assert set(columns_of(reads, ["a", "b"])) >= {"a/inference", "b/postprocessing", TOTAL}


def test_a_batch_takes_the_original_and_not_what_was_converted_for_one_sample(tmp_path: Path) -> None:
    from lpbench.app.model import Component, Step
    from lpbench.app.model_choice import choose_model
    from lpbench.plugin.specs import EngineSpec

    made = Model("fixed", tmp_path / "a", provenance={"converter": "c"})
    both = Component("c", Step("p"), "", (made, Model("open", tmp_path / "b")), Step("q"))
    spec = EngineSpec("e", "m:E", formats={"fixed": (".a",), "open": (".b",)})
    assert choose_model(both, spec).format == "fixed"
    assert choose_model(both, spec, batch=2).format == "open"
