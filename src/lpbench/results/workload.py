"""What was asked of two measurements where it differs: no verdict is about engines alone then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.results.model import Configuration, Result
    from lpbench.results.settings import Resolved

DIGITS = 8
"""Of a digest, for people."""


def workload_changes(
    one: tuple[Result, Configuration], other: tuple[Result, Configuration]
) -> dict[str, tuple[Any, Any]]:
    """Return what differs between what was asked of two configurations, by name, first's and second's.

    ``batch``, ``streams``, ``shape of INPUT``, ``option NAME``; ``seed`` and ``range of INPUT`` where inputs were
    synthetic; ``data``, which samples there were.
    """
    shapes = sorted({name for _, each in (one, other) for name in each.configuration.shapes} | _tiled(one[1], other[1]))
    first, second = (
        {**_asked(*side), **{f"shape of {name}": _shape(side[1], name) for name in shapes}} for side in (one, other)
    )
    names = dict.fromkeys((*first, *second))
    found = {name: (first.get(name), second.get(name)) for name in names if first.get(name) != second.get(name)}
    return {**found, **_data(one[0].resolved, other[0].resolved)}


def _tiled(first: Configuration, second: Configuration) -> set[str]:
    """Return the inputs whose shapes may follow from tiles that differ."""
    if first.configuration.tile == second.configuration.tile:
        return set()
    return {str(info.get("name")) for each in (first, second) for info in each.inputs}


def _asked(result: Result, configuration: Configuration) -> dict[str, Any]:
    asked, settings = configuration.configuration, result.settings
    options = {f"option {name}": value for name, value in asked.options.items()}
    ranges = {f"range of {name}": list(ends) for name, ends in settings.ranges.items()}
    synthetic = {} if result.resolved.samples else {"seed": settings.seed, **ranges}
    return {"batch": asked.batch, "streams": asked.streams, **options, **synthetic}


def _shape(configuration: Configuration, name: str) -> list[Any] | None:
    """Return the shape that an input had, stated or the model's own."""
    own = next((each.get("shape") for each in configuration.inputs if each.get("name") == name), None)
    found = configuration.configuration.shapes.get(name, own)
    return None if found is None else list(found)


def _data(first: Resolved, second: Resolved) -> dict[str, tuple[str, str]]:
    """Return the two sets of samples where they differ: in names or, where both results have a digest, in contents."""
    digests = {first.data_digest, second.data_digest}
    if first.samples == second.samples and (len(digests) == 1 or "" in digests):
        return {}
    return {"data": (_samples(first), _samples(second))}


def _samples(found: Resolved) -> str:
    if not found.samples:
        return "synthetic"
    first, *others = found.samples
    names = f"{first} and {len(others)} more" if others else first
    return f"{names} (sha256 {found.data_digest[:DIGITS]})" if found.data_digest else names
