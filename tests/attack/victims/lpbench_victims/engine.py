"""Engines that add one; one of them starts processes when a model is opened, as some vendors' libraries do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

SPIN_NS = 300_000
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
TWICE = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\ntime.sleep(600)"


class Steady(Engine[Any]):
    """Opens anything."""

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return a session."""
        return Adding()


class Starting(Steady):
    """Starts a child, a child in a session of its own, and one whose parent ends at once."""

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Start them and return a session."""
        subprocess.Popen(SLEEP)
        subprocess.Popen(SLEEP, start_new_session=True)
        subprocess.run([sys.executable, "-S", "-c", TWICE], check=True)
        return Adding()


class Adding(Session):
    """Adds one, and spins for a while."""

    def __init__(self) -> None:
        self.inputs = (TensorInfo("x", "float32", (2, 8)),)
        self.outputs = (TensorInfo("y", "float32", (2, 8)),)

    def run(self, feeds: Feeds, /) -> Outputs:
        """Add one."""
        end = time.perf_counter_ns() + SPIN_NS
        while time.perf_counter_ns() < end:
            pass
        return {"y": feeds["x"] + 1}

    def close(self) -> None:
        """Do nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Return facts."""
        return {"version": "1.0", "device": "cpu", "processor": "CPU", "pid": os.getpid()}
