"""What the models of a sweep cost by their structure: counted once for each model and tile, not for each row."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from lpbench.app.model_choice import stored_precision
from lpbench.errors import LpbenchError
from lpbench.jobs import engine_choice
from lpbench.jobs.analysis import analyze
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.run import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpbench.app.model import App, Component
    from lpbench.jobs.analysis import AnalysisReport
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Model

    Tile = tuple[int, int] | None

GIGA, MEGA = 1e9, 1e6
UNITS = {"GFLOP": "1e9", "#PARAMS": "1e6", "STORAGE": "MB"}
"""What is counted of a model."""


class Analyses:
    """The analyses of an app's models, each made when it is first asked for.

    :param app: With everything that was converted for it.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._known: dict[tuple[tuple[Model, ...], Tile], AnalysisReport | LpbenchError] = {}

    def metrics(self, words: str) -> dict[str, Metric]:
        """Return GFLOP, #PARAMS and STORAGE of what an engine runs, by its words; where not known, the reason.

        Operations and weights are those of the model before its conversion, which may fold and pad; the storage is
        that of the file that runs.
        """
        try:
            target, running = self._running(words)
        except LpbenchError as error:  # what it needs could not be made: the row has failed
            return {name: _unknown(name, error) for name in UNITS}
        sources = tuple(map(_source, self.app.components, running))
        tile = target.configuration.tile
        source, stored = self._report(sources, tile), self._report(running, tile)
        if isinstance(source, LpbenchError):
            found = {name: _unknown(name, source) for name in ("GFLOP", "#PARAMS")}
        else:
            found = {"GFLOP": _known("GFLOP", source.flop / GIGA), "#PARAMS": _known("#PARAMS", source.params / MEGA)}
        if isinstance(stored, LpbenchError):
            return {**found, "STORAGE": _unknown("STORAGE", stored)}
        return {**found, "STORAGE": _known("STORAGE", stored.storage_bytes / MEGA)}

    def version(self, words: str) -> str:
        """Return what tells the models that an engine runs from others of the app: their backbone, their variant."""
        try:
            _, running = self._running(words)
        except LpbenchError:
            return ""
        return _joined(" ".join(filter(None, (each.version, each.variant))) for each in running)

    def precision(self, words: str) -> str:
        """Return the precisions of the weights that an engine runs, as far as they are known."""
        try:
            target, running = self._running(words)
        except LpbenchError:
            return ""
        stored = self._report(running, target.configuration.tile)
        if isinstance(stored, LpbenchError):
            return _joined(map(stored_precision, running))
        return _joined(
            stored_precision(model) or each.analysis.precision
            for model, each in zip(running, stored.models, strict=True)
        )

    def _running(self, words: str) -> tuple[Target, tuple[Model, ...]]:
        target = engine_choice.targets(self.app, [words], EngineConfiguration(""))[0]
        return target, tuple(target.model(component) for component in self.app.components)

    def _report(self, models: tuple[Model, ...], tile: Tile) -> AnalysisReport | LpbenchError:
        key = models, tile
        if key not in self._known:
            parts = zip(self.app.components, models, strict=True)
            components = tuple(dataclasses.replace(each, models=(model,)) for each, model in parts)
            try:
                self._known[key] = _whole(analyze(dataclasses.replace(self.app, components=components), tile=tile))
            except LpbenchError as error:
                self._known[key] = error
        return self._known[key]


def _whole(report: AnalysisReport) -> AnalysisReport:
    """Return the analysis of all components: totals without one of them would pass for those of the app.

    :raises LpbenchError: One could not be analysed.
    """
    for component, why in report.missing.items():
        raise LpbenchError(f"{component}: {why.reason}")
    return report


def efficiency(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return ENERGY_EFFICIENCY where operations, throughput and power are known."""
    values = [metrics[name].value for name in ("GFLOP", "THROUGHPUT", "POWER_CONSUMPTION") if name in metrics]
    with contextlib.suppress(ValueError, TypeError, ZeroDivisionError):
        gflop, throughput, power = map(float, values)  # type: ignore[arg-type] # one that is None ends it
        return {"ENERGY_EFFICIENCY": Metric(gflop * throughput / power, "GFLOP/s/W")}
    return {}


def _joined(words: Iterable[str]) -> str:
    """Return what components say, each once."""
    return ", ".join(dict.fromkeys(filter(None, words)))


def _source(component: Component, model: Model) -> Model:
    """Return what a model was converted from; a model that was not converted itself."""
    if not model.provenance:
        return model
    originals = [each for each in component.models if not each.provenance]
    named = [each for each in originals if each.variant == model.variant]
    unnamed = [each for each in originals if not each.variant]
    return next(iter([*named, *unnamed, *originals]), model)


def _known(name: str, value: float) -> Metric:
    return Metric(value, UNITS[name])


def _unknown(name: str, error: LpbenchError) -> Metric:
    return Metric(None, UNITS[name], reason=error.what, code="unavailable")
