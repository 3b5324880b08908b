"""The public API as a type checker sees it: checked by ``make lint``, never run.

A wrong use carries ``type: ignore`` with the error that it must give; mypy --strict
complains where that error is no longer given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

import lpbench
from lpbench.datasheets import Platforms, Price
from lpbench.util.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.engine import Feeds, Outputs, Shapes


@dataclass(frozen=True)
class Options:
    """Options of a third party's engine."""

    threads: int = 1


class Session(lpbench.Session):
    """What a plugin must write, and nothing more."""

    def run(self, feeds: Feeds, /) -> Outputs:
        return feeds

    def close(self) -> None:
        """Hold nothing."""


class Engine(lpbench.Engine[Options]):
    """An engine with options of its own type."""

    def open(self, model: lpbench.Model, config: Options, /, *, shapes: Shapes, profile: bool = False) -> Session:
        assert_type(config.threads, int)
        assert_type(model.path, Path)
        return Session()


class Incomplete(lpbench.Session):
    """A session that cannot be closed."""

    def run(self, feeds: Feeds, /) -> Outputs:
        return feeds


Incomplete()  # type: ignore[abstract]


class Image(lpbench.Preprocessor[Options]):
    """A preprocessor with settings of its own type."""

    def load(self, path: Path) -> lpbench.Sample:
        return lpbench.Sample(path.name, path.read_bytes())

    def __call__(self, sample: lpbench.Sample, /) -> Feeds:
        assert_type(self.config, Options)
        return {self.inputs[0].name: sample.data}


class Labels(lpbench.Postprocessor[Options]):
    """A postprocessor whose predictions are texts."""

    def __call__(self, outputs: Outputs, sample: lpbench.Sample, /) -> str:
        return self.labels[int(outputs["y"])]

    def describe(self, prediction: str, /) -> Mapping[str, Any]:
        return {"label": prediction}


@lpbench.hookimpl
def lpbench_register_engines(register: Callable[[lpbench.EngineSpec], None]) -> None:
    """Offer the engine."""
    register(lpbench.EngineSpec("acme", "acme:Engine", requires=("acme",), formats={"acme": (".acme",)}))
    register(lpbench.EngineSpec("acme", Engine))  # type: ignore[arg-type]
    register(lpbench.MonitorSpec("acme", "acme:Monitor"))  # type: ignore[arg-type]


def use(folder: Path) -> None:
    """Use every function once."""
    app = lpbench.load_app(folder)
    assert_type(app, lpbench.App)
    assert_type(lpbench.validate(folder), Problems)
    assert_type(lpbench.pull("imagenet"), Path)
    result = lpbench.benchmark(app, engine=["onnx", "acme"], threads=1)
    assert_type(result, lpbench.Result)
    live, compared = lpbench.compare_live(app, ["onnx", "acme"])
    assert_type(live, lpbench.Result)
    assert_type(compared[0].total.margin, float)
    assert_type(lpbench.last(), lpbench.Result)
    try:
        lpbench.benchmark(app, save=True)
    except lpbench.Interrupted as stopped:
        assert_type(stopped.result, lpbench.Result)
    assert_type(lpbench.benchmark(folder, engine=Engine(), isolate=False), lpbench.Result)
    assert_type(lpbench.load_result("last"), lpbench.Result)
    lpbench.benchmark(app, engine=Engine)  # type: ignore[arg-type]
    lpbench.benchmark(app, threads="1")  # type: ignore[arg-type]
    with Engine().open(lpbench.Model("acme", folder), Options(), shapes={}) as session:
        assert_type(session, Session)
    reading: lpbench.Reading | lpbench.Unavailable = lpbench.Unavailable("no sensor")
    if isinstance(reading, lpbench.Reading):
        assert_type(reading.value, float)
    assert_type(lpbench.platforms()["rpi4"].board_price, Price | None)
    assert_type(lpbench.platforms().where(os="linux"), Platforms)
    assert_type(lpbench.frameworks().named("tflite").engines, Mapping[str, str])
    assert_type(lpbench.models()["detr"].parameters, int | None)
