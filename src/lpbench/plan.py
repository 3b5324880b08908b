"""What is going to be measured: every question answered before the first worker starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench import registry
from lpbench.app import App, load_app
from lpbench.engine import Engine
from lpbench.errors import AppError, EngineError, LpbenchError
from lpbench.measure import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.client import WorkerOptions
    from lpbench.specs import EngineSpec

ALL = "all"
RUNS = 8
"""Fresh processes: a verdict needs at least eight (METHOD 12)."""
SAMPLES_A_RUN = 6
"""No interval of the median exists below six samples, so a small ``number`` gets fewer runs."""


@dataclass(frozen=True)
class Target:
    """One configuration to measure.

    :param asked: The engine as the user called it.
    :param spec: The engine's spec; None where an instance was handed over.
    :param plugin: Distribution that brings the engine.
    :param instance: An engine handed over directly.
    :param refusal: Why it cannot be measured, where that is known already.
    """

    asked: str
    spec: EngineSpec | None = None
    plugin: str = ""
    instance: Engine[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    instance_config: object = None
    refusal: LpbenchError | None = None

    @property
    def name(self) -> str:
        """The engine's own name."""
        return self.spec.name if self.spec else self.asked


@dataclass(frozen=True)
class Plan:
    """A benchmark, ready to be carried out.

    :param limits: Of each run, in order.
    :param request: Arguments of ``Runner.open`` that every target shares.
    """

    app: App
    targets: tuple[Target, ...]
    samples: tuple[Path, ...]
    limits: tuple[Limits, ...]
    worker: WorkerOptions
    isolate: bool
    max_time: float
    shapes: Mapping[str, Sequence[int]]
    seed: int

    def request(self, target: Target) -> dict[str, Any]:
        """Return the arguments of ``Runner.open``."""
        return {
            "app": self.app.request(),
            "engine": target.name,
            "options": dict(target.options),
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "samples": [str(path) for path in self.samples],
            "seed": self.seed,
        }


def targets(app: App, asked: str | Sequence[str] | Engine[Any] | None, options: Mapping[str, Any]) -> list[Target]:
    """Return what to measure; an engine that cannot be used is kept with the reason where others were asked for too.

    :raises LpbenchError: The only engine that was asked for cannot be used.
    """
    if isinstance(asked, Engine):
        config = options.get("config")
        return [Target(type(asked).__name__, instance=asked, instance_config=config)]
    names = [asked] if isinstance(asked, str) else list(asked or [])
    if not names:
        return [_target(app, preferred(app), options)]
    if names == [ALL]:
        return [_tolerant(app, name, options) for name in registry.current().all(registry.ENGINES)]
    single = len(names) == 1
    return [_target(app, name, options) if single else _tolerant(app, name, options) for name in names]


def preferred(app: App) -> str:
    """Return the engine that the app names, else the first ready one that reads its model.

    :raises EngineError: None does.
    """
    component = app.components[0]
    if component.engine:
        return component.engine
    formats = {model.format for model in component.models}
    offers = list(registry.offers_where(registry.ENGINES, lambda spec: bool(formats & spec.formats.keys())))
    for offer in offers:
        if offer.availability():
            return offer.spec.name
    what = f"no engine that reads {' or '.join(sorted(formats))} is ready"
    hints = "; ".join(f"{offer.spec.name}: {offer.availability().hint}" for offer in offers)
    raise EngineError(what, where=app.name, hint=hints or "lpbench engines lists what is installed")


def sample_files(app: App, data: str | Path | None) -> tuple[Path, ...]:
    """Return the files to measure with: those of ``data``, else the app's own; none means made-up samples.

    :raises AppError: ``data`` is not there, or holds nothing that the app's preprocessor reads.
    """
    if data is None:
        return app.samples
    place = Path(data)
    if place.is_file():
        return (place.resolve(),)
    if not place.is_dir():
        what = "no such file or folder"
        raise AppError(what, where=str(data), hint="--data takes a folder of samples, or one file")
    step = app.components[0].preprocessing
    suffixes = registry.current().get(registry.PREPROCESSORS, step.type).spec.suffixes
    found = tuple(sorted(path.resolve() for path in place.rglob("*") if path.suffix.lower() in suffixes))
    if not found:
        what = "holds no sample"
        raise AppError(what, where=str(data), hint=f'preprocessor "{step.type}" reads {", ".join(suffixes)}')
    return found


def limits(number: int | None, runs: int | None, max_time: float, configurations: int) -> tuple[Limits, ...]:
    """Return the limits of each run; ``number`` is the measured inferences in all.

    :raises LpbenchError: Fewer than one run or one sample a run.
    """
    if number is not None and number < max(1, runs or 1):
        what = f"{number} inferences are fewer than {max(1, runs or 1)} runs"
        raise LpbenchError(what, hint="--number counts the inferences of all runs together")
    if runs is not None and runs < 1:
        what = f"{runs} runs are none"
        raise LpbenchError(what, hint="--runs takes 1 or more")
    if number is None:
        count = runs or RUNS
        share = max_time / count / configurations
        return (Limits(most_s=min(2.0, 0.7 * share), warm_up_s=min(1.0, 0.2 * share)),) * count
    count = runs or max(1, min(RUNS, number // SAMPLES_A_RUN))
    each, rest = divmod(number, count)
    return tuple(Limits(number=each + (index < rest)) for index in range(count))


def resolve(
    app: str | Path | App,
    *,
    shapes: Mapping[str, Sequence[int]],
    ranges: Mapping[str, Sequence[float]],
    seed: int,
) -> App:
    """Return an app: as it is, from its folder, from a bare model file, or from the catalogue.

    :raises LpbenchError: It is nowhere, with the nearest name.
    """
    if isinstance(app, App):
        return app
    from lpbench import catalogue
    from lpbench.bare_model import model_app

    path = Path(app)
    if path.is_file() and path.suffix != ".json":
        return model_app(path, shapes=shapes, ranges=ranges, seed=seed)
    if path.exists():
        return load_app(path)
    pulled = catalogue.find(str(app))
    return load_app(pulled or catalogue.pull(str(app)))


def _target(app: App, name: str, options: Mapping[str, Any]) -> Target:
    from lpbench import config
    from lpbench.runner import choose_model
    from lpbench.specs import load

    offer = registry.current().get(registry.ENGINES, name)
    available = offer.availability()
    if not available:
        what = f'engine "{offer.spec.name}" is not ready: {available.reason}'
        raise EngineError(what, hint=available.hint)
    choose_model(app.components[0], offer.spec)
    if offer.spec.config:
        config.build(load(offer.spec.config, who=name), options, where=f"options of {offer.spec.name}")
    return Target(name, offer.spec, offer.distribution, options=options)


def _tolerant(app: App, name: str, options: Mapping[str, Any]) -> Target:
    try:
        return _target(app, name, options)
    except LpbenchError as error:
        return Target(name, options=options, refusal=error)
