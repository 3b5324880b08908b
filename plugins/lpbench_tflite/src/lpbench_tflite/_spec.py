"""Determines the available library without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from lpbench.plugin.specs import Availability, EngineSpec, State

LITERT, RUNTIME = "ai_edge_litert", "tflite_runtime"


class TfliteSpec(EngineSpec):
    """An engine whose older library fails with numpy 2, although pip allows it and importing works."""

    def availability(self) -> Availability:
        """Return whether a library is installed and works with the installed numpy."""
        available = super().availability()
        problem = numpy_problem() if available else None
        return Availability(State.UNSUPPORTED, *problem) if problem else available


def numpy_problem() -> tuple[str, str] | None:
    """Return why the installed library does not work with the installed numpy, and the remedy; or None."""
    if _installed(LITERT) or not _installed(RUNTIME):
        return None
    numpy, runtime = version("numpy"), version("tflite-runtime")
    if not numpy or int(numpy.partition(".")[0]) < 2:  # noqa: PLR2004 - numpy 2 broke binary compatibility
        return None
    reason = f"tflite-runtime {runtime} was compiled for numpy 1 and fails with numpy {numpy}"
    return reason, 'pip install "numpy<2", or pip install ai-edge-litert instead'


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # the module is partly loaded or hidden
        return False


def version(distribution: str) -> str:
    """Return a distribution's version, or an empty string."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
