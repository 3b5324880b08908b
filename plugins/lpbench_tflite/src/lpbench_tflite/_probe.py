"""Starts the library and runs a model; in a child process, because vendors' libraries crash."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from lpbench_tflite._engine import TfliteEngine
from lpbench_tflite._library import library
from lpbench_tflite.case import case
from lpbench_tflite.config import TfliteConfig


def probe() -> dict[str, Any]:
    """Return ``version``, the ``distribution`` that is used, and ``devices``: the CPU, once a model ran on it."""
    found = library()
    with tempfile.TemporaryDirectory(prefix="lpbench-tflite-") as folder:
        made = case(Path(folder), {})
        with TfliteEngine().open(made.model, TfliteConfig(), shapes={}) as session:
            session.run(made.feeds)
            nodes = session.describe().get("nodes", {})
    return {
        "version": found.version,
        "distribution": found.distribution,
        "devices": ["cpu"],
        "xnnpack": bool(nodes.get("XNNPACK")),
    }
