"""Prints samples of the NVML monitor as JSON, one a line: a process of its own for each library that it is to load."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from lpbench.plugin.monitor import MonitorTarget
from lpbench_monitors._nvml import NvmlMonitor


def main(samples: int) -> None:
    """Print samples of this process and its machine."""
    with NvmlMonitor(MonitorTarget(os.getpid())) as monitor:
        for _ in range(samples):
            readings = monitor.sample().items()
            found = {name: dataclasses.asdict(each) for name, each in readings if not isinstance(each, Sequence)}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
