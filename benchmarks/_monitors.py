"""What the monitors of the host cost beside a worker that holds 1 GB."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import MonitorTarget
from lpbench_monitors._host import HostMonitor
from lpbench_monitors._psutil import PsutilMonitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.monitor import Monitor

LIMIT_US = 1000.0
SAMPLES = 200
THREADS = 8
WORKER = f"""
import sys, threading
held = bytearray(b"x") * 10**9
for _ in range({THREADS - 1}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print(len(held), flush=True)
sys.stdin.read()
"""


def host_sample_cost() -> bool:
    """Print the CPU time of a sample and of a survey of each host monitor; return whether samples are under 1 ms."""
    print(f"CPU time in µs beside a worker of 1 GB with {THREADS} threads, mean of {SAMPLES} samples")
    print(f"{'monitor':<10} {'sample':>9} {'survey':>9}")
    with _worker() as pid:
        costs = [_cost(name, kind(MonitorTarget(pid))) for name, kind in _MONITORS.items()]
    within = max(costs) < LIMIT_US
    print(f"at most {LIMIT_US:g} µs a sample: {'kept' if within else 'exceeded'}")
    return within


_MONITORS = {"host": HostMonitor, "psutil": PsutilMonitor}


def _cost(name: str, monitor: Monitor) -> float:
    with monitor:
        monitor.sample()
        sample = _cpu_us(monitor, SAMPLES)
        begun = time.process_time_ns()
        monitor.survey()
        survey = (time.process_time_ns() - begun) / 1000
    print(f"{name:<10} {sample:>9.0f} {survey:>9.0f}")
    return sample


def _cpu_us(monitor: Monitor, samples: int) -> float:
    begun = time.process_time_ns()
    for _ in range(samples):
        monitor.sample()
    return (time.process_time_ns() - begun) / 1000 / samples


@contextlib.contextmanager
def _worker() -> Iterator[int]:
    arguments = [sys.executable, "-I", "-S", "-c", WORKER]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout  # noqa: S101 - a pipe was asked for
        process.stdout.readline()
        yield process.pid
