"""What a benchmark found.

Times are integer nanoseconds; metrics carry the glossary's units; what is not known is None
with a reason.  ``lpbench.results.json_document`` turns results into their published JSON and back.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.results import files
from lpbench.results.json_encode import to_document
from lpbench.results.names import FACTS, labels
from lpbench.results.run import PLANNED, Metric
from lpbench.results.settings import Resolved
from lpbench.results.stages import TOTAL
from lpbench.results.turns import turn_metrics
from lpbench.util.arguments import checked
from lpbench.util.frames import frame
from lpbench.util.shown import Shown, several
from lpbench.util.text import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.results.profile import LayerProfile
    from lpbench.results.run import Lockstep, Run, Stage
    from lpbench.results.settings import RunSettings
    from lpbench.results.stats import Summary
    from lpbench.results.sustained import Sustained
    from lpbench.util.outcome import RunOutcome

OK = "OK"
INTERRUPTED = "interrupted"


@dataclass(frozen=True, repr=False)
class Configuration(Shown):
    """An engine with everything that decides how it runs, and what was measured of it.

    :param configuration: The engine, by its own name; ``asked`` is what the user called it.
    :param label: What it is called beside the others of its result: ``onnxruntime:threads=2``.
    :param outcome: How it ended: of several runs, the first that did not go as planned.
    :param facts: What the session says of itself: version, device, precision, threads, providers.
    :param statistics: Of all runs' samples together, by stage, nanoseconds.
    :param cpu: Likewise of the CPU-time passes.
    :param metrics: By the glossary's names.
    :param predictions: One for each sample, from an untimed pass of the first run.
    :param problems: Samples that were left out, and why.
    :param flags: What is wrong with the runs together (``empty``: an input holds no value), and how many of them are
        flagged for what.
    :param agreement: How far the predictions say what those of another configuration say: ``with`` (its index),
        ``samples``, ``same``, ``worst_score``; empty for that one, and where nothing can be compared.
    :param quality: What the leading quality metric found: ``metric``, ``value``, ``unit``, ``n``, ``reason``, ``code``,
        ``parts``, and ``gate`` with ``passes`` where the app has one; what the others found under ``more``.  Empty
        where it was not asked for.
    :param profile: The layers of each component, from a pass of its own; empty where it was not asked for.
    :param sustained: Its heating curve before the runs; None where it was not asked for.
    :param unchecked: Why a converted model that it runs was not compared with its source, so that it wins nothing;
        empty of all others.
    :param software: What is installed where it ran: ``environment`` (a folder), ``python`` and ``packages`` by version;
        empty where all configurations ran in one environment.
    :param app: What it ran: name, class, digest, and the settings of its ``parts``; empty where all ran one app.
    """

    configuration: EngineConfiguration
    asked: str
    plugin: str
    isolated: bool
    label: str = ""
    outcome: RunOutcome = PLANNED
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Mapping[str, Any]] = ()
    outputs: Sequence[Mapping[str, Any]] = ()
    stages: tuple[Stage, ...] = ()
    runs: tuple[Run, ...] = ()
    statistics: Mapping[str, Summary] = field(default_factory=dict)
    cpu: Mapping[str, Summary] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    predictions: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[Mapping[str, str]] = ()
    flags: Sequence[Mapping[str, str]] = ()
    agreement: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    profile: tuple[LayerProfile, ...] = ()
    sustained: Sustained | None = None
    unchecked: str = ""
    software: Mapping[str, Any] = field(default_factory=dict)
    app: Mapping[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """The engine's own name."""
        return self.configuration.engine

    @property
    def options(self) -> Mapping[str, Any]:
        """The engine's options, ``device`` and ``threads`` among them."""
        return self.configuration.engine_options

    @property
    def state(self) -> str:
        """In words: ``OK``, or why there is less than was asked for."""
        odd = [run.outcome for run in self.runs if not run.outcome.ok]
        if not odd or len(self.runs) == 1 or self.outcome.kind not in {outcome.kind for outcome in odd}:
            return str(self.outcome)
        return f"{len(odd)} of {len(self.runs)} runs {odd[0]}"

    @property
    def measured(self) -> bool:
        """Whether there is at least one timed sample."""
        return bool(self.statistics)

    @property
    def kept(self) -> bool:
        """Whether there is anything to keep: a timed sample, of a run or of a heating curve."""
        return self.measured or bool(self.sustained and self.sustained.slices)

    @property
    def latency(self) -> Metric:
        """The whole app's latency in milliseconds, with the interval across runs.

        :raises ResultError: It was not measured, with the reason.
        """
        if "LATENCY" not in self.metrics:
            raise ResultError(f"{self.label or self.engine} was not measured: {self.state}")
        return self.metrics["LATENCY"]

    def in_short(self) -> str:
        """Return what it is called and its latency, or why there is none."""
        name, latency = self.label or self.engine, self.metrics.get("LATENCY")
        if latency is None or latency.value is None:
            return first_line(f"{name}: {self.state}")
        return f"{name} {latency.value:.3g} ms"

    def run_medians(self, stage: str = TOTAL) -> list[float]:
        """Return the median of each run that counts, in nanoseconds: what comparisons rest on."""
        return [run.statistics[stage].median for run in self.counted if stage in run.statistics]

    def run_units(self, stage: str = TOTAL) -> list[float]:
        """Return the latency of each run that counts in units of the yardstick."""
        return [run.units[stage] for run in self.counted if stage in run.units]

    @property
    def counted(self) -> tuple[Run, ...]:
        """The runs that measured something and were not repeated."""
        return tuple(run for run in self.runs if run.samples and not run.superseded)


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """A benchmark of one app: one configuration, or several that were measured together.

    :param state: ``OK``, ``interrupted``, or ``failed`` where nothing could be measured.
    :param app: Name, class, version, digest.
    :param settings: What was asked for; ``resolved`` is what that came to.
    :param environment: As ``lpbench.machine.environment`` gives it, of the worker's machine.
    :param lockstep: Ratios of configurations to the first measured one, where they took turns.
    :param lockstep_reason: Why they did not.
    :param yardstick: What its units depend on and how steady it was, or the ``reason`` why there are none.
    """

    app: Mapping[str, Any]
    settings: RunSettings
    environment: Mapping[str, Any]
    configurations: tuple[Configuration, ...]
    resolved: Resolved = field(default_factory=Resolved)
    state: str = OK
    created: str = ""
    lpbench: str = ""
    lockstep: tuple[Lockstep, ...] = ()
    lockstep_reason: str = ""
    yardstick: Mapping[str, Any] = field(default_factory=dict)

    @property
    def latency(self) -> Metric:
        """The whole app's latency in milliseconds, with the interval across runs, of the only configuration.

        :raises ResultError: There are several configurations, or none was measured.
        """
        if not self.configurations:
            raise ResultError("there is no latency: the result has no configuration")
        if len(self.configurations) > 1:
            raise ResultError(
                f"there is no one latency: the result has {len(self.configurations)} configurations, "
                f"{', '.join(self.by_name())}",
                hint="take that of one: result.by_name()[NAME].latency; result.to_pandas(summary=True) has all",
            )
        return self.configurations[0].latency

    def to_dict(self) -> dict[str, Any]:
        """Return the document, ready for JSON."""
        return to_document(self)

    @checked
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the document, whole or not at all, and return where it is.

        :raises ResultError: The file exists, or cannot be written: a full disk, a missing folder.
        """
        return files.write(json.dumps(self.to_dict(), allow_nan=False, indent=1), path, overwrite=overwrite)

    @checked
    def to_pandas(self, *, summary: bool = False) -> Any:
        """Return the raw samples as a pandas DataFrame: configuration, engine, run, sample, nanoseconds by stage.

        :param summary: Return a row for each configuration instead, as ``summary`` does.
        :raises ResultError: pandas is not installed.
        """
        return frame(self.summary() if summary else self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return one record for each stored sample: configuration, engine, run, sample and nanoseconds by stage."""
        return [
            {
                "configuration": name,
                "engine": each.engine,
                "run": run.index,
                "sample": at,
                **dict(zip(run.raw, values, strict=True)),
            }
            for name, each in self.by_name().items()
            for run in each.runs
            for at, values in enumerate(zip(*run.raw.values(), strict=True))
        ]

    def summary(self) -> list[dict[str, Any]]:
        """Return one record for each configuration: what it is called, how it ended, its facts and all its metrics.

        Metrics have their glossary's names and units; ``_LOWER`` and ``_UPPER`` are the ends of an interval.  What is
        not known is None.  Configurations that took turns are compared by ``LATENCY_IN_TURNS`` (ms), from the same
        slices as the verdicts; ``LATENCY`` is what each takes alone.
        """
        turns = turn_metrics(self.lockstep)
        return [
            {
                "configuration": name,
                "engine": each.engine,
                "state": each.state,
                "unchecked": each.unchecked or None,
                **{fact: each.facts.get(fact) for fact in FACTS},
                "runs": len(each.counted),
                "samples": sum(run.samples for run in each.counted),
                **_columns({**each.metrics, **_in_turns(turns.get(at, {}))} if turns else each.metrics),
            }
            for at, (name, each) in enumerate(self.by_name().items())
        ]

    def in_short(self) -> str:
        """Return the app and the latency of each configuration."""
        state = "" if self.state == OK else f" ({self.state})"
        words = [dataclasses.replace(each, label=name).in_short() for name, each in self.by_name().items()]
        return f"{self.app.get('name')}{state}: {several(words)}"

    def by_name(self) -> dict[str, Configuration]:
        """Return the configurations by what tables call them: ``onnxruntime:threads=2``."""
        names = labels([each.configuration for each in self.configurations])
        return dict(zip(names, self.configurations, strict=True))


def _in_turns(found: Mapping[str, Metric]) -> dict[str, Metric]:
    return {"LATENCY_IN_TURNS": found.get(TOTAL, Metric(None, "ms"))}


def _columns(metrics: Mapping[str, Metric]) -> dict[str, float | None]:
    """Return metrics as columns of a table, with the ends of their intervals."""
    found: dict[str, float | None] = {}
    for name, metric in metrics.items():
        found[name] = metric.value
        if metric.interval is not None:
            found.update({f"{name}_LOWER": metric.interval.lower, f"{name}_UPPER": metric.interval.upper})
    return found
