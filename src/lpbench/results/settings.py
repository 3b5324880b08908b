"""What a benchmark was asked for: each setting with its default and its documentation, once for all who need it.

``lpbench.benchmark`` has a keyword, the command line an option and the schema of results a key for each.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lpbench.errors import ConfigError, OutOfRangeError
from lpbench.errors import setting as setting_name
from lpbench.util import dataclass_config
from lpbench.util.bounds import MOST, refuse_many, refuse_outside, refuse_shapes
from lpbench.util.text import brief
from lpbench.util.tiles import parse_tile

DOC = "doc"
TAIL = 99.0

F = TypeVar("F", bound=Callable[..., Any])


def setting(*, default: Any, doc: str) -> Any:
    """Return a field with its default and what it means."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={DOC: doc})
    return field(default=default, metadata={DOC: doc})


@dataclass(frozen=True, repr=False)
class RunSettings:
    """The settings as the caller gave them; settings that were not given have their defaults."""

    engine: tuple[str, ...] | None = setting(
        default=None,
        doc="one engine or several, or \"all\" (the app's own, else the reference of its model's format); "
        "E:threads=2:KEY=VALUE sets options of one",
    )
    device: str | None = setting(
        default=None, doc="the engine's device in its own words, cpu or cuda:0 (the engine decides)"
    )
    threads: int | None = setting(default=None, doc="threads of the engine (the engine decides)")
    options: Mapping[str, Any] = setting(default={}, doc="other options of the engine")
    data: str | None = setting(
        default=None, doc="samples: a folder or one file (the app's own; synthetic ones for a bare model)"
    )
    number: int | None = setting(default=None, doc="inferences to measure in all (until the interval is narrow)")
    runs: int | None = setting(default=None, doc="fresh processes (8, or as many as 3 pilot runs show to be needed)")
    percentile: float | None = setting(
        default=None,
        doc="go on until this percentile of the latency is known, 99.9 for example, and show it in place of p99",
    )
    affinity: tuple[int, ...] = setting(default=(), doc="cores that workers may use (as many as threads, or all)")
    priority: int | None = setting(default=None, doc="niceness of workers, from -20 (first, needs rights) to 19 (last)")
    timeout: float = setting(default=300.0, doc="seconds without an answer after which a worker counts as hung (300)")
    isolate: bool | None = setting(
        default=None, doc="give each run a process of its own (yes, except for an engine instance)"
    )
    shapes: Mapping[str, tuple[int, ...]] = setting(default={}, doc="shapes of inputs with open dimensions")
    ranges: Mapping[str, tuple[float, ...]] = setting(
        default={}, doc="synthetic inputs of a bare model, from LO to below HI (integers are zero)"
    )
    seed: int = setting(default=0, doc="seed of synthetic samples (0)")
    max_time: float | None = setting(
        default=None, doc="target for the measuring time in seconds (13 for each engine, 60 for a percentile)"
    )
    yardstick: bool = setting(
        default=True, doc="interleave a fixed kernel with the app, for comparisons across hours (yes)"
    )
    retry_disturbed: bool = setting(default=False, doc="repeat a run that other processes disturbed")
    explain: bool = setting(
        default=False, doc="break the latency down: engine alone, new input, caches, stages, Python"
    )
    profile: bool = setting(
        default=False, doc="time the engine's layers by kind, in a pass of its own after the first run"
    )
    alone: float | None = setting(
        default=None, doc="seconds of each run that are timed alone, before slices are interleaved"
    )
    variant: str = setting(default="", doc="variant of the app's model, s8 for example (the app's own)")
    tile: tuple[int, int] | None = setting(
        default=None, doc="width and height of the first model's image input where they are open, 224x224 (the model's)"
    )
    batch: int = setting(default=1, doc="samples that the model takes at a time (1); latencies are those of a batch")
    streams: int = setting(default=1, doc="parallel sessions, each in a thread of one worker (1)")
    convert: bool = setting(
        default=False,
        doc="convert the model, once and checked, for engines that do not read it (on the command line: for all)",
    )
    quality: bool | tuple[str, ...] = setting(
        default=False, doc="evaluate predictions on labelled data, by the metrics of the app and its class, or by these"
    )
    resources: bool = setting(
        default=False,
        doc="watch memory, load, temperature and power in a pass of its own, which the latency is never taken from",
    )
    monitors: Mapping[str, Mapping[str, Any]] = setting(
        default={}, doc="options of monitors by their name; asks for resources too"
    )
    sustain: float | None = setting(
        default=None,
        doc="run each configuration alone for so many seconds first: latency, frequency and temperature over time",
    )
    draw: str | None = setting(default=None, doc="folder for copies of the samples with the predictions drawn on them")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> RunSettings:
        """Return settings from what a caller passed: paths become text, sequences tuples, None the default.

        :raises ConfigError: A value is of another type, beyond what anything takes, or is no setting.
        """
        known = {each.name: given[each.name] for each in dataclasses.fields(cls) if given.get(each.name) is not None}
        if isinstance(known.get("tile"), str):
            known["tile"] = _tile(known["tile"])
        if not isinstance(known.get("engine", ""), Iterable):  # an object: its class tells which
            known["engine"] = type(known["engine"]).__name__
        try:
            for name, value in known.items():
                refuse_many(name, value)
                refuse_outside(name, value)  # before its type is looked at, for which a large number is none
        except OutOfRangeError as error:
            raise ConfigError(error.what, where=error.where, hint=error.hint) from error
        frozen = {name: _frozen(value, one=name in {"engine", "quality"}) for name, value in known.items()}
        return dataclass_config.build(cls, frozen, where="settings")

    def __post_init__(self) -> None:
        for name in ("timeout", "max_time", "alone", "sustain"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 < seconds < math.inf:
                raise ValueError(f"{name} must be a number of seconds above 0, found {seconds}")
        for each in dataclasses.fields(self):
            refuse_outside(each.name, getattr(self, each.name))
        refuse_shapes(self.shapes)
        if self.percentile is not None:
            _refuse_percentile(self.percentile)

    def __repr__(self) -> str:
        default = type(self)()
        names = [each.name for each in dataclasses.fields(self)]
        given = [f"{name}={getattr(self, name)!r}" for name in names if getattr(self, name) != getattr(default, name)]
        return f"RunSettings({', '.join(given)})"

    @property
    def watched(self) -> bool:
        """Whether resources are watched in a pass of their own."""
        return self.resources or bool(self.monitors)

    @property
    def adaptive(self) -> bool:
        """Whether a pilot decides how many runs there are."""
        return self.number is None and self.runs is None

    @property
    def tail(self) -> float:
        """The percentile that is shown beside the latency: the one that was asked for, else the 99th."""
        return self.percentile or TAIL

    @property
    def engine_options(self) -> dict[str, Any]:
        """Options for every engine, ``device`` and ``threads`` among them where they are given."""
        named = {"device": self.device, "threads": self.threads}
        return {**self.options, **{name: value for name, value in named.items() if value is not None}}


@dataclass(frozen=True)
class Resolved:
    """What settings came to.

    :param runs: Runs that were carried out, of the configuration that has most.
    :param width: Half width of the median's interval, relative to the median, that ends a run.
    :param max_time_s: Seconds that measuring might take.
    :param samples: Names of the samples, the first thousand.
    :param data_digest: Tells one set of samples from another: sha256 of names, sizes and contents; empty for synthetic
        samples, and where it is not known.
    :param also_ready: Other engines that were ready and read the model, where nobody named one.
    :param notes: What is to be said about what was asked for, each with ``name`` (``time``: it took longer than it
        might; ``threads``: an engine has more of them than cores; ``turns``: one failed while they were taken;
        ``yardstick``: its worker did; ``recovered``: the benchmark was killed, these are the runs that had ended;
        ``app options``: engine options that the app states; ``pictures``: why there are none) and ``reason``.
    """

    runs: int = 0
    width: float = 0.01
    max_time_s: float = 0.0
    samples: tuple[str, ...] = ()
    data_digest: str = ""
    also_ready: tuple[str, ...] = ()
    notes: tuple[Mapping[str, str], ...] = ()


def _refuse_percentile(percentile: float) -> None:
    """Refuse what is no percentile, and one that takes more samples than a benchmark keeps."""
    if not 0 < percentile < 100:  # noqa: PLR2004 - the ends of a percentage
        raise ValueError(f"percentile must be above 0 and below 100, found {percentile}")
    from lpbench.results.stats.percentiles import percentile_need  # costs start-up time of every command

    try:
        need = percentile_need(percentile)
    except ValueError:
        what = f"found {percentile}, which has more than six digits after the point"
        raise OutOfRangeError(what, where=setting_name("percentile"), hint="ask for 99.9 or 99.99") from None
    if need > MOST["number"]:
        what = f"percentile {percentile} takes {need} samples; a benchmark keeps at most {MOST['number']}"
        raise OutOfRangeError(what, where=setting_name("percentile"), hint="ask for 99.9 or 99.99")


def documentation() -> dict[str, str]:
    """Return what each setting means, by its name."""
    return {each.name: str(each.metadata[DOC]) for each in dataclasses.fields(RunSettings)}


def documented(function: F) -> F:
    """Add what each setting means to the parameters in the docstring of a function that takes some as keywords."""
    lines = [
        f":param {name}: {doc[0].upper()}{doc[1:]}.\n"
        for name, doc in documentation().items()
        if name in function.__annotations__
    ]
    if function.__doc__:  # python -OO leaves none
        parameters, raises, errors = inspect.cleandoc(function.__doc__).partition(":raises ")
        function.__doc__ = "".join([parameters, *lines, raises, errors])
    return function


def _tile(text: str) -> tuple[int, int]:
    try:
        return parse_tile(text)
    except ValueError as error:
        raise ConfigError(
            f"found {brief(text)}; expected two sizes such as 224x224", where=setting_name("tile")
        ) from error


def _frozen(value: Any, *, one: bool) -> Any:
    """Return a value as settings hold it.

    :param one: Whether a text is one of several that there may be.
    """
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return _frozen(value.tolist(), one=one)
    if isinstance(value, (str, os.PathLike)):
        return (value,) if one else os.fspath(value)
    if isinstance(value, Mapping):
        return {str(name): _frozen(each, one=False) for name, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(value))
    return tuple(_frozen(item, one=False) for item in value) if isinstance(value, Iterable) else value
