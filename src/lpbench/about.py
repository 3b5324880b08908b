"""The version of this lpbench."""

from __future__ import annotations


def version() -> str:
    """Return the installed version; ``unknown`` when run from a source tree that is not installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version("lpbench")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
