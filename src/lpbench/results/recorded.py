"""What is recorded while a benchmark is under way: values, of which its result is put together.

They say all that ``lpbench.results.assembly`` needs, so that a result can be made of what a benchmark that was killed
had written down.  Times are integer nanoseconds.
"""

from __future__ import annotations

import dataclasses
import statistics
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.configuration import EngineConfiguration  # noqa: TC001 - likewise
from lpbench.results.loading import load_facts
from lpbench.results.metrics import MILLISECOND
from lpbench.results.profile import LayerProfile  # noqa: TC001 - likewise
from lpbench.results.resources import ResourcePass  # noqa: TC001 - likewise
from lpbench.results.run import PLANNED, RAW_LIMIT, Run, Slice, Stage
from lpbench.results.settings import Resolved, RunSettings  # noqa: TC001 - likewise
from lpbench.results.stages import TOTAL
from lpbench.results.stats import flags, summarize
from lpbench.util.outcome import RunOutcome  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Sequence

    Samples = array[int]
else:
    Samples = array  # it takes no parameters before Python 3.12, and reading a journal asks

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a configuration before it is measured.

    :param asked: The engine as the user called it.
    :param plugin: Distribution that brings the engine.
    :param label: What it is called beside the others.
    :param exact: Whether other engines are compared with its predictions.
    :param converted: As a fact, by what the models that run were converted; empty of originals.
    :param unchecked: Why a converted model that runs was not compared with its source; empty otherwise.
    :param rows: Of the stage table, without the types that only a run shows.
    :param refusal: Why it cannot be measured, where that is known already.
    :param software: As in ``Configuration``, and so is ``app``.
    """

    configuration: EngineConfiguration
    asked: str
    plugin: str
    label: str
    exact: bool = False
    converted: Facts = field(default_factory=dict)
    unchecked: str = ""
    rows: tuple[Stage, ...] = ()
    refusal: RunOutcome | None = None
    software: Facts = field(default_factory=dict)
    app: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What a benchmark measures.

    :param app: Name, class and digest.
    :param resolved: What the settings came to, but for the number of runs and the notes.
    :param isolated: Whether each run has a process of its own.
    """

    app: Facts
    settings: RunSettings
    resolved: Resolved
    isolated: bool
    targets: tuple[TargetFacts, ...]


@dataclass(frozen=True)
class RunRecord:
    """One run of one configuration, with all its samples; what is not documented here is as in ``Run``.

    :param opened: Whether the model was opened; ``facts``, ``inputs`` and ``outputs`` are known from then on.
    :param types: Types that flow between stages, by the stage that puts them out.
    :param empty: Shapes of the inputs that hold no value, by name.
    :param columns: Nanoseconds of every sample, by stage.
    :param cpu: CPU time of every sample of the pass of its own, by stage.
    :param resident: Bytes of resident memory after each slice.
    :param environment: As ``lpbench.machine.environment`` gives it, of the worker's machine.
    :param problems: Samples that were left out, and why.
    :param quality: As in ``Configuration``, where quality was evaluated.
    :param profile: Of each component, where it was asked for: of one run of several.
    :param resources: What it took of the machine, where it was watched.
    :param turns: The median of each slice in nanoseconds, by stage; empty where it took no turns to their end.
    """

    index: int
    outcome: RunOutcome = PLANNED
    detail: str = ""
    began: str = ""
    opened: bool = False
    load_ns: int | None = None
    facts: Facts = field(default_factory=dict)
    inputs: tuple[Facts, ...] = ()
    outputs: tuple[Facts, ...] = ()
    first_ns: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    warm_up: Facts = field(default_factory=dict)
    stopped: str = ""
    columns: Mapping[str, Samples] = field(default_factory=dict)
    cpu: Mapping[str, Samples] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    counters: Mapping[str, float] = field(default_factory=dict)
    resident: tuple[int, ...] = ()
    environment: Facts = field(default_factory=dict)
    predictions: tuple[Facts, ...] = ()
    problems: tuple[Mapping[str, str], ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    disturbance: Facts = field(default_factory=dict)
    breakdown: Mapping[str, float] = field(default_factory=dict)
    quality: Facts = field(default_factory=dict)
    profile: tuple[LayerProfile, ...] = ()
    turns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    resources: ResourcePass | None = None
    superseded: bool = False

    @property
    def samples(self) -> int:
        """How many samples were timed."""
        return len(self.columns.get(TOTAL, ()))

    @property
    def counted(self) -> bool:
        """Whether it measured something and was not repeated."""
        return bool(self.samples) and not self.superseded

    def flags(self) -> Iterator[Mapping[str, str]]:
        """Yield what is wrong with the run's samples, and what others did meanwhile."""
        if self.samples:
            yield from map(dataclasses.asdict, flags(self.columns[TOTAL], show=_milliseconds))
        if self.disturbance.get("disturbed"):
            yield {"name": "disturbed", "reason": self.disturbance["disturbed"]}

    def run(self) -> Run:
        """Return the run as results hold it; sizes of 0 bytes, which the kernel does not tell, are left out."""
        resident = {"rss_bytes": statistics.fmean(self.resident)} if self.resident else {}
        counters = {**self.counters, **resident}
        load = load_facts(self.facts)
        return Run(
            index=self.index,
            outcome=self.outcome,
            detail=self.detail,
            began=self.began,
            load_ns=self.load_ns,
            first_ns=self.first_ns,
            warm_up=self.warm_up,
            stopped=self.stopped,
            samples=self.samples,
            statistics={stage: summarize(values) for stage, values in self.columns.items()},
            cpu={stage: summarize(values) for stage, values in self.cpu.items()},
            counters={name: count for name, count in counters.items() if count or not name.endswith("_bytes")},
            slices=self.slices,
            units=self.units,
            disturbance=self.disturbance,
            flags=tuple(self.flags()),
            superseded=self.superseded,
            breakdown=self.breakdown,
            resources=self.resources,
            raw={stage: values[:RAW_LIMIT] for stage, values in self.columns.items()},
            from_cache=load.from_cache,
            build_s=load.build_s,
        )


@dataclass(frozen=True)
class Course:
    """How a benchmark went so far, beside its runs.

    :param apart: Of each target, why it is measured without others beside it; empty where it takes turns with them.
    :param failures: Of each target, the error for which it is not tried again.
    :param superseded: Runs that were repeated, by their index.
    :param yardstick: As in ``Result``.
    :param notes: As in ``Resolved``.
    """

    apart: tuple[str, ...]
    failures: tuple[RunOutcome | None, ...]
    superseded: tuple[int, ...] = ()
    yardstick: Facts = field(default_factory=dict)
    notes: tuple[Mapping[str, str], ...] = ()


def counted(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs that measured something and were not repeated."""
    return [each for each in runs if each.counted]


def _milliseconds(ns: float) -> str:
    return f"{ns / MILLISECOND:.4g} ms"
