"""What opening a model took: loads that built it and loads from a cache are different things, and never averaged."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench.results.run import Run

LONGEST_S = 1e9
"""Seconds beyond which a time to build is none."""


@dataclass(frozen=True)
class LoadFacts:
    """What sessions say of how they were opened.

    :param from_cache: Whether all that they prepared before was found again; None where an engine does not say.
    :param build_s: Seconds that preparing it took, now or before; None where it is not known.
    """

    from_cache: bool | None = None
    build_s: float | None = None


def load_facts(facts: Mapping[str, Any]) -> LoadFacts:
    """Return what the facts of a run say; of a chain, of all its components that say anything."""
    components = facts.get("components")
    every = list(components.values()) if isinstance(components, Mapping) and components else [facts]
    sessions = [each for each in every if isinstance(each, Mapping)]
    said = [each["from_cache"] for each in sessions if isinstance(each.get("from_cache"), bool)]
    built = [found for each in sessions if (found := _seconds(each.get("build_s"))) is not None]
    return LoadFacts(all(said) if said else None, sum(built) if built and said else None)


@dataclass(frozen=True)
class Loads:
    """The loads of a configuration's runs.

    :param built: Nanoseconds of each that built what it runs.
    :param cached: Of each that found it in a cache.
    :param build_s: What building it took, in seconds; None where it is not known.
    """

    built: tuple[int, ...] = ()
    cached: tuple[int, ...] = ()
    build_s: float | None = None

    @property
    def kind(self) -> str:
        """``built``, ``from cache``, ``both``, or nothing where the engine does not say."""
        if self.built and self.cached:
            return "both"
        return "built" if self.built else "from cache" if self.cached else ""

    @property
    def built_ns(self) -> float | None:
        """Median of the loads that built it; None where none did."""
        return _median(self.built)

    @property
    def cached_ns(self) -> float | None:
        """Median of the loads from a cache; None where there is none."""
        return _median(self.cached)


def loads_of(runs: Iterable[Run]) -> Loads:
    """Return the loads of runs, by kind."""
    known = [run for run in runs if run.load_ns is not None and run.from_cache is not None]
    built, cached = (
        tuple(run.load_ns for run in known if run.load_ns is not None and run.from_cache is kind)
        for kind in (False, True)
    )
    return Loads(built, cached, next((run.build_s for run in known if run.build_s is not None), None))


def _median(times: Sequence[int]) -> float | None:
    return statistics.median(times) if times else None


def _seconds(value: object) -> float | None:
    """Return a time that an engine states; None of what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return round(float(value), 9) if 0 <= value <= LONGEST_S else None  # NaN is none of them
