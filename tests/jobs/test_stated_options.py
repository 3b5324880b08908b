"""An app names an engine and, of its options, those alone that the engine's spec allows; the user's own win."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app.model import load_app
from lpbench.app.stated_options import stated_options
from lpbench.errors import AppError, LpbenchError
from lpbench.jobs.agreement import agree
from lpbench.jobs.conversion import convert
from lpbench.jobs.measuring.session import benchmark
from lpbench.jobs.validation import validate
from lpbench.plugin import registry
from lpbench.plugin.specs import load
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONCE: dict[str, Any] = {"number": 6, "runs": 1, "yardstick": False}


def state(folder: Path, component: int = 0, **inference: Any) -> Path:
    """Change what an app says of inference."""
    file = folder / "ai_app_config.json"
    config = json.loads(file.read_text("utf-8"))
    config["components"][component]["inference"] |= inference
    file.write_text(json.dumps(config), "utf-8")
    return folder


@pytest.mark.parametrize(
    "engine",
    ['tflite:delegates=[{"library": "/tmp/evil.so"}]', "fake:threads=1", "fake:", "ort:session_options={}"],
)
def test_options_in_an_engines_name_are_refused_by_whatever_reads_the_app(
    fake_app: Callable[..., Path], engine: str
) -> None:
    folder = state(fake_app(), engine=engine)
    uses: list[Callable[[], object]] = [
        lambda: load_app(folder),
        lambda: benchmark(folder, **ONCE),
        lambda: benchmark(folder, engine="fake", **ONCE),
        lambda: agree(folder, ["fake"]),
        lambda: convert(folder, "table"),
    ]
    for use in uses:
        with pytest.raises(AppError) as caught:
            use()
        told = "an app names an engine and nothing else"
        assert f'components[0].inference.engine: found "{engine}": {told}' in str(caught.value)
        assert f"engine={engine!r}" in str(caught.value)
    assert any(told in problem.found for problem in validate(folder))


def test_what_an_app_may_state_is_used_and_shown_and_the_users_own_win(fake_app: Callable[..., Path]) -> None:
    """By default and where the user names the engine, by its alias too; not on another engine."""
    folder = state(fake_app(), engine="fake", options={"extra_us": 40.0})
    for asked in (None, "fake", "phony"):
        result = benchmark(folder, engine=asked, **ONCE)
        (found,) = result.configurations
        assert dict(found.options) == {"extra_us": 40.0}
        (note,) = [each for each in result.resolved.notes if each["name"] == "app options"]
        assert note["reason"].endswith("extra_us=40.0, as the app states")
    for given in ({"engine": "fake:extra_us=7"}, {"options": {"extra_us": 7.0}}):
        result = benchmark(folder, **given, **ONCE)
        assert float(result.configurations[0].options["extra_us"]) == 7.0
        assert [each for each in result.resolved.notes if each["name"] == "app options"] == []


@pytest.mark.parametrize(
    ("options", "key", "told"),
    [
        ({"device": "npu"}, "device", 'an app may not state the option "device" of fake'),
        ({"threads": 4}, "threads", "engine='fake:threads=4'; an app may state extra_us"),
        ({"extra": 1}, "extra", 'engine "fake" has no option "extra"'),
        ({"extra_us": "long"}, "extra_us", "found 'long'; expected a number"),
    ],
)
def test_what_it_may_not_state_is_named_with_the_remedy(
    fake_app: Callable[..., Path], options: dict[str, Any], key: str, told: str
) -> None:
    folder = state(fake_app(), engine="fake", options=options)
    with pytest.raises(AppError) as caught:
        benchmark(folder, **ONCE)
    assert caught.value.where.endswith(f"ai_app_config.json: components[0].inference.options.{key}")
    assert told in str(caught.value)
    assert next(problem.path for problem in validate(folder) if not problem.note).endswith(f"options.{key}")


def test_options_for_no_engine_are_refused(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(AppError, match="found options for no engine"):
        load_app(state(fake_app(), options={"extra_us": 1.0}))


def test_lists_and_objects_are_no_options(fake_app: Callable[..., Path]) -> None:
    folder = fake_app()
    for value in ([{"library": "evil.so"}], {"key": "value"}):
        with pytest.raises(AppError, match=r"inference\.options\.extra_us"):
            load_app(state(folder, engine="fake", options={"extra_us": value}))


def test_components_of_one_engine_have_options_of_their_own(
    formulas: registry.Registry, fake_app: Callable[..., Path]
) -> None:
    """The second of a chain states another option than the first; each runs as it states."""
    del formulas
    folder = fake_app()
    config = json.loads((folder / "ai_app_config.json").read_text("utf-8"))
    first = config["components"][0]
    config["components"].append({**first, "name": "second"})
    (folder / "ai_app_config.json").write_text(json.dumps(config), "utf-8")
    state(folder, 0, engine="fake", options={"extra_us": 1.0})
    state(folder, 1, engine="phony", options={"extra_us": 2.0})
    from lpbench.jobs import engine_choice
    from lpbench.plugin.configuration import EngineConfiguration

    app = load_app(folder)
    (target,) = engine_choice.targets(app, None, EngineConfiguration(""))
    assert [target.runs(each).configuration.options for each in app.components] == [
        {"extra_us": 1.0},
        {"extra_us": 2.0},
    ]
    (target,) = engine_choice.targets(app, ["fake:extra_us=3"], EngineConfiguration(""))
    assert [target.runs(each).configuration.options for each in app.components] == [{"extra_us": 3}] * 2


def test_no_engine_here_lets_an_app_load_code_or_name_files_or_devices(fake_app: Callable[..., Path]) -> None:
    """Of every engine that is installed: each option that is not allowed is refused, and none of those is allowed."""
    app = load_app(state(fake_app(), engine="fake"))
    never = {"device", "delegates", "session_options", "provider_options", "properties", "cache_dir"}
    for name, offer in registry.current().all(registry.ENGINES).items():
        spec = offer.spec
        if not spec.config:
            continue
        assert not never & set(spec.app_options), name
        for option in load(spec.config, who=name).__dataclass_fields__.keys() - set(spec.app_options):
            component = dataclasses.replace(app.components[0], engine=name, options={option: "x"})
            with pytest.raises(LpbenchError, match=rf'an app may not state the option "{option}" of {name}'):
                stated_options(dataclasses.replace(app, components=(component,)), component, spec)


CASES = {
    "onnxruntime": ("lpbench_ort", "onnx", {"graph_optimization": "basic"}),
    "ncnn": ("lpbench_ncnn", "ncnn", {"precision": "default", "winograd": False}),
    "openvino": ("lpbench_openvino", "openvino", {"precision": "auto"}),
    "tflite": ("lpbench_tflite", "tflite", {"xnnpack": False}),
}


@pytest.mark.parametrize("engine", CASES)
def test_real_engines_run_as_an_app_states(engine: str, tmp_path: Path) -> None:
    package, form, options = CASES[engine]
    case = pytest.importorskip(f"{package}.case", reason=f"needs {package}").case
    if not registry.current().get(registry.ENGINES, engine).availability():
        pytest.skip(f"needs {engine}")
    folder = tmp_path / "app"
    folder.mkdir()
    model = case(folder, {}).model
    entry = {"file": model.path.name, **({"extra": [path.name for path in model.extra]} if model.extra else {})}
    write_app(folder, {form: entry}, engine=engine)
    (found,) = benchmark(state(folder, options=options), **ONCE).configurations
    assert (dict(found.options), found.measured) == (options, True), found.outcome
