"""Names that tell the configurations of one result apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from lpbench.plugin.configuration import is_common, word
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lpbench.plugin.configuration import EngineConfiguration


FACTS = ("version", "precision", "device", "threads")
"""What a session says of itself that may explain a difference between two results."""
CORES = "affinity"
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
        f"{fact} {name}": each.facts.get(fact)
        for name, each in zip(names_of(configurations), configurations, strict=True)
        for fact in FACTS
    }


def name_of(each: Named, beside: Sequence[Named]) -> str:
    """Return what a configuration is called beside others.

    :param beside: All configurations among which the name must be unique, ``each`` included.
    """
    place = next(at for at, sibling in enumerate(beside) if sibling is each)
    return names_of(beside)[place]


def names_of(configurations: Sequence[Named]) -> list[str]:
    """Return what each of some configurations is called beside the others."""
    return labels([each.configuration for each in configurations])


def labels(configurations: Sequence[EngineConfiguration]) -> list[str]:
    """Return what each is called: its engine, with the words that differ where the same engine occurs several times.

    Variant, batch, streams, tile and shapes, which mean the same to every engine, stand there if those of other engines
    differ, too.  The syntax is that of ``--engine``: ``onnxruntime:threads=2:batch=8``.  Cores stand there only where
    nothing else differs, since they mostly follow from the threads.  Equal configurations are numbered from the second
    on: ``onnxruntime#2``.
    """
    words = [each.words for each in configurations]
    differing = _differing(configurations, words)
    names = [_name(each, own, differing[each.engine]) for each, own in zip(configurations, words, strict=True)]
    cores: dict[str, set[object]] = {}
    for name, own in zip(names, words, strict=True):
        cores.setdefault(name, set()).add(own.get(CORES))
    return numbered(
        _name(each, own, {*differing[each.engine], CORES}) if len(cores[name]) > 1 else name
        for each, own, name in zip(configurations, words, names, strict=True)
    )


def numbered(words: Iterable[str]) -> list[str]:
    """Return words that differ: equal ones get a number from the second on."""
    seen: Counter[str] = Counter()
    names = []
    for name in words:
        seen[name] += 1
        names.append(f"{name}#{seen[name]}" if seen[name] > 1 else name)
    return names


def _differing(
    configurations: Sequence[EngineConfiguration], words: Sequence[Mapping[str, Any]]
) -> dict[str, set[str]]:
    """Return by engine the words that name its configurations: those in which they differ, but for the cores.

    Words that every engine takes count where they differ between engines, too.
    """
    of_engine: dict[str, list[Mapping[str, Any]]] = {}
    for each, own in zip(configurations, words, strict=True):
        of_engine.setdefault(each.engine, []).append(own)
    shared = {key for key in _unlike(words) if is_common(key)}
    return {engine: (_unlike(own) | shared) - {CORES} for engine, own in of_engine.items()}


def _unlike(words: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the words that are not the same in all configurations; None is as good as not given.

    In time linear in the words of all: what a file holds is not trusted.
    """
    values: dict[str, list[Any]] = {}
    for own in words:
        for key, value in own.items():
            values.setdefault(key, []).append(value)
    return {key for key, given in values.items() if _differ(given, len(words))}


def _differ(given: Sequence[Any], configurations: int) -> bool:
    """Say whether a word is not the same in all configurations."""
    if len(given) < configurations:
        return any(value is not None for value in given)
    return any(value != given[0] for value in given)


def _name(each: EngineConfiguration, words: Mapping[str, Any], kept: Collection[str]) -> str:
    """Return an engine with some of its words."""
    return clean(":".join([each.place, *(word(key, value) for key, value in words.items() if key in kept)]))
