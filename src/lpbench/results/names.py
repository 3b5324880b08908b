"""Names that tell the configurations of one result apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.configuration import EngineConfiguration


FACTS = ("version", "precision", "device", "threads")
"""What a session says of itself that may explain a difference between two results."""
BENCHMARK = "the benchmark"
"""Source of the facts of an environment that the benchmark adds."""


class Named(Protocol):
    """A configuration of a result, as far as its name and its facts go."""

    @property
    def configuration(self) -> EngineConfiguration:
        """The engine with its options."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What its session says of itself."""


def percentile_name(q: float) -> str:
    """Return what people call a percentile: ``p99.9``."""
    return f"p{q:.12g}"


def percentile_metric(q: float) -> str:
    """Return the metric's name of a percentile of the latency: ``LATENCY_P99.9``."""
    return f"LATENCY_{percentile_name(q).upper()}"


def facts_by_name(configurations: Sequence[Named]) -> dict[str, Any]:
    """Return what sessions say of themselves, by fact and configuration: ``threads onnxruntime:threads=2``."""
    return {
        f"{fact} {name_of(each, configurations)}": each.facts.get(fact) for each in configurations for fact in FACTS
    }


def name_of(each: Named, beside: Sequence[Named]) -> str:
    """Return what a configuration is called beside others.

    :param beside: All configurations among which the name must be unique, ``each`` included.
    """
    place = next(at for at, sibling in enumerate(beside) if sibling is each)
    return labels([sibling.configuration for sibling in beside])[place]


def labels(configurations: Sequence[EngineConfiguration]) -> list[str]:
    """Return what each is called: its engine, with the options that differ where the same engine occurs several times.

    The syntax is that of ``--engine``: ``onnxruntime:threads=2``.  Configurations with equal options are
    numbered from the second on: ``onnxruntime#2``.
    """
    words = [
        _words(each, [other for other in configurations if other.engine == each.engine]) for each in configurations
    ]
    before = [words[:at].count(name) for at, name in enumerate(words)]
    return [f"{name}#{count + 1}" if count else name for name, count in zip(words, before, strict=True)]


def _words(each: EngineConfiguration, siblings: Sequence[EngineConfiguration]) -> str:
    """Return an engine with those of its options in which configurations of the same engine differ."""
    options, every = each.engine_options, [sibling.engine_options for sibling in siblings]
    keys = dict.fromkeys(key for other in every for key in other)
    differing = [key for key in keys if any(other.get(key) != options.get(key) for other in every)]
    return clean(":".join([each.engine, *(f"{key}={options[key]}" for key in differing if key in options)]))
