"""Profiles of layers beside a benchmark: taken apart from what is timed, kept in the result, lost alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.jobs.measuring import profiling, session
from lpbench.jobs.measuring.session import measure
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo
from lpbench.results import json_document, store
from lpbench.results.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.results.model import Configuration, Result
    from lpbench.results.profile import LayerProfile

    Make = Callable[..., Path]

LAYERS = [
    {"name": "conv1", "type": "Conv", "ns": 30_000, "runs_ns": [30_000] * 4},
    {"name": "act", "type": "Relu", "ns": 10_000, "runs_ns": [10_000] * 4},
]


def benchmark(app: Path, **asked: Any) -> Result:
    return session.benchmark(app, **{"yardstick": False, "number": 12, "runs": 2, "profile": True, **asked})


def only(found: Configuration) -> LayerProfile:
    (profile,) = found.profile
    return profile


def test_the_layers_of_one_run_are_in_the_result(fake_app: Make) -> None:
    result = benchmark(fake_app(work_us=100, layers=LAYERS, spans={"kernel": 70}))
    found = only(result.configurations[0])
    assert [kind.name for kind in found.kinds] == ["convolution", "ReLU"]
    assert [layer.name for layer in found.layers] == ["conv1", "act"]
    assert found.device_spans == {"kernel": 70}
    assert found.inference_ns >= 100_000
    assert found.runs >= profiling.PROFILED_RUNS[0]
    again = json_document.parse(json.dumps(result.to_dict(), allow_nan=False).encode())
    assert again.configurations[0].profile == (found,)
    assert again.to_dict() == result.to_dict()


def test_nothing_is_profiled_unless_it_is_asked_for(fake_app: Make) -> None:
    """An engine that would crash if it were opened for it is never opened for it."""
    found = benchmark(fake_app(layers=LAYERS, at="profile", do="crash"), profile=False).configurations[0]
    assert found.state == "OK"
    assert found.profile == ()


def test_an_engine_without_profiles_gives_its_reason_and_the_benchmark_its_figures(fake_app: Make) -> None:
    found = benchmark(fake_app()).configurations[0]
    assert only(found).reason == "FakeSession has no per-layer profile"
    assert only(found).runs
    assert found.state == "OK"
    assert len(found.counted) == 2


@pytest.mark.parametrize(
    ("do", "reason"), [("crash", "SIGSEGV"), ("exit", "exit status 3"), ("bug", "raised ValueError in profile()")]
)
def test_a_fault_while_profiling_costs_the_profile_alone(fake_app: Make, do: str, reason: str) -> None:
    found = benchmark(fake_app(layers=LAYERS, at="profile", do=do)).configurations[0]
    assert reason in only(found).reason
    assert found.state == "OK"
    assert len(found.counted) == 2


def test_each_component_of_a_chain_has_its_own(fake_app: Make) -> None:
    app = fake_app(layers=LAYERS)
    file = app / "ai_app_config.json"
    config = json.loads(file.read_text())
    (app / "second.fake").write_text(json.dumps({"layers": LAYERS[1:]}))
    (first,) = config["components"]
    inference = {**first["inference"], "models": {"fake": {"file": "second.fake"}}}
    config["components"].append({**first, "name": "second", "inference": inference})
    file.write_text(json.dumps(config))
    found = benchmark(app).configurations[0].profile
    assert [(each.component, [kind.name for kind in each.kinds]) for each in found] == [
        ("doubler", ["convolution", "ReLU"]),
        ("second", ["ReLU"]),
    ]
    assert all(each.runs and each.engine == "fake" for each in found)


def test_streams_are_profiled_one_at_a_time(fake_app: Make) -> None:
    found = benchmark(fake_app(layers=LAYERS), streams=2).configurations[0]
    assert only(found).kinds
    assert found.configuration.streams == 2


@pytest.mark.long
def test_several_engines_have_one_each(fake_app: Make) -> None:
    result = benchmark(fake_app(layers=LAYERS), engine=["fake", "fake:threads=2"], number=None, max_time=2.0)
    assert [len(each.profile) for each in result.configurations] == [1, 1]
    assert all(only(each).kinds for each in result.configurations)


def test_a_benchmark_that_was_killed_keeps_its_profile(fake_app: Make) -> None:
    with store.begin() as journal:
        asked = RunSettings.of({"number": 12, "runs": 2, "profile": True})
        whole = measure(fake_app(layers=LAYERS), asked, journal=journal)
    assert only(whole.configurations[0]).kinds
    assert lpbench.last().configurations[0].profile == whole.configurations[0].profile


def test_an_engine_object_is_profiled_too(fake_app: Make) -> None:
    asked: list[bool] = []

    class Own(Session):
        inputs = (TensorInfo("number", "int64", (1,)),)
        outputs = (TensorInfo("double", "int64", (1,)),)

        def run(self, feeds: Feeds, /) -> Outputs:
            return {"double": 2 * feeds["number"]}

        def close(self) -> None:
            pass

        def profile(self) -> Any:
            return LAYERS

    class OwnEngine(Engine[Any]):
        def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
            asked.append(profile)
            return Own()

    found = benchmark(fake_app(), engine=OwnEngine(), runs=1).configurations[0]
    assert only(found).kinds
    assert asked == [False, True]
    assert found.state == "OK"


@pytest.mark.long
def test_a_profile_takes_nothing_of_the_time_that_was_asked_for(
    fake_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes longer than the whole benchmark might is not called late."""
    taken = profiling._profile

    def slow(*args: Any) -> tuple[LayerProfile, ...]:
        time.sleep(6)
        return taken(*args)

    monkeypatch.setattr(profiling, "_profile", slow)
    result = benchmark(fake_app(layers=LAYERS), number=None, max_time=4.0)
    assert only(result.configurations[0]).kinds
    assert not [note for note in result.resolved.notes if note["name"] == "time"]


def test_an_interrupted_profile_leaves_the_run_its_samples(fake_app: Make) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "profiling":
            raise KeyboardInterrupt

    with pytest.raises(lpbench.Interrupted) as caught:
        benchmark(fake_app(layers=LAYERS), progress=stop)
    (found,) = caught.value.result.configurations
    assert found.measured
    assert found.profile == ()


def test_slow_models_are_run_a_few_times_and_quick_ones_not_for_ever() -> None:
    fewest, most = profiling.PROFILED_RUNS
    assert profiling.runs_for(60e9) == fewest
    assert profiling.runs_for(1.0) == profiling.runs_for(0.0) == most
