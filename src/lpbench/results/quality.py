"""What the quality metrics found of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.results.model import Configuration

    Found = tuple[Mapping[str, Any], ...]


def found_by_metrics(configuration: Configuration) -> Found:
    """Return what each metric found, the leading one first; empty where quality was not asked for."""
    leading = configuration.quality
    return (leading, *leading.get("more", ())) if leading else ()


def failed_metrics(configuration: Configuration) -> Found:
    """Return the metrics that failed, and the leading one if it does not judge such data."""
    found = found_by_metrics(configuration)
    return tuple(
        each for at, each in enumerate(found) if each.get("code") in ({"failed"} if at else {"failed", "mismatch"})
    )
