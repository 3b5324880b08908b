"""A monitor that tells what a file says, which FAKE_HEAT names: ``{"CPU_FREQ": 2000, "CPU_TEMP": 60}``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.monitor import METRICS, Monitor, Reading
from lpbench.plugin.specs import MonitorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.monitor import Readings


class Heat(Monitor):
    """Reads the file anew in each sample."""

    def sample(self) -> Readings:
        """Return what the file holds; a file that is being written holds nothing."""
        text = Path(os.environ["FAKE_HEAT"]).read_text(encoding="ascii")
        values = json.loads(text or "{}")
        return {name: Reading(value, METRICS[name].unit, "machine", "a file") for name, value in values.items()}


@hookimpl
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Register it."""
    metrics = ("CPU_FREQ", "CPU_TEMP", "THROTTLING")
    register(MonitorSpec("heat", "lpbench_heating:Heat", "what a file says", metrics=metrics))
