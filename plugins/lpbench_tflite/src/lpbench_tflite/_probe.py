"""Loads the library and runs a model; runs in a child process, because vendors' libraries may crash."""

from __future__ import annotations

from typing import Any

from lpbench.util.atomic_folders import temporary
from lpbench_tflite._engine import TfliteEngine
from lpbench_tflite._library import library
from lpbench_tflite.case import case
from lpbench_tflite.config import TfliteConfig


def probe() -> dict[str, Any]:
    """Return ``version``, the ``distribution`` in use, and ``devices``: the CPU, after running a model on it."""
    lib = library()
    with temporary("tflite") as folder:
        conformance_case = case(folder, {})
        with TfliteEngine().open(conformance_case.model, TfliteConfig(), shapes={}) as session:
            session.run(conformance_case.feeds)
            nodes = session.describe().get("nodes", {})
    return {
        "version": lib.version,
        "distribution": lib.distribution,
        "devices": ["cpu"],
        "xnnpack": bool(nodes.get("XNNPACK")),
    }
